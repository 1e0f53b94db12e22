public import Core
public import Foundation
public import GRDB

/// Marks the identifiers of companies.
public enum CompanyKind {}
/// Marks the identifiers of roles.
public enum RoleKind {}
/// Marks the identifiers of people.
public enum PersonKind {}
/// Marks the identifiers of sign-ins.
public enum SignInKind {}
/// Marks the identifiers of programs' keys.
public enum ProgramKeyKind {}
/// Marks the identifiers of invitations.
public enum InvitationKind {}

public typealias CompanyID = Identifier<CompanyKind>
public typealias RoleID = Identifier<RoleKind>
public typealias PersonID = Identifier<PersonKind>
public typealias SignInID = Identifier<SignInKind>
public typealias ProgramKeyID = Identifier<ProgramKeyKind>
public typealias InvitationID = Identifier<InvitationKind>

/// A service provider.
public struct CompanyRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "company"
    public var id: CompanyID
    public var name: String
    public var createdAt: Date

    public init(id: CompanyID, name: String, createdAt: Date) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
    }

    /// The box's own company, the one that has roles; nil on a box that nobody has claimed.
    public static func own(_ database: Database) throws -> CompanyRecord? {
        try fetchOne(database, sql: "SELECT * FROM company WHERE id IN (SELECT companyId FROM role)")
    }

    /// Makes the box's first company, with its three predefined roles; answers its administrators' role.
    public static func found(in database: Database, at now: Date) throws -> RoleRecord {
        let company = CompanyRecord(id: .timeOrdered(at: now), name: "Service provider", createdAt: now)
        try company.insert(database)
        let roles = RoleRecord.Predefined.allCases.enumerated().map { number, kind in
            // In this order, which their times tell.
            let time = now.addingTimeInterval(Double(number) / 1000)
            return RoleRecord(
                id: .timeOrdered(at: time), companyId: company.id, name: kind.name, predefined: kind, permissions: kind.permissions,
                createdAt: time)
        }
        for role in roles { try role.insert(database) }
        return roles[0]
    }
}

/// What an employee may do for the company.
public enum RolePermission: String, Codable, Sendable, CaseIterable {
    case manageAllSites = "manage-all-sites"
    case manageAssignedSite = "manage-assigned-site"
    case manageAccountAndRole = "manage-account-and-role"
    case manageCompanyInformation = "manage-company-information"
    case manageServicePackageAndOrder = "manage-service-package-and-order"
}

/// A role of a company's employees; each has one.
public struct RoleRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "role"

    /// Roles that every company has and nobody changes or deletes.
    public enum Predefined: String, Codable, Sendable, CaseIterable {
        case administrator
        case itManager = "it-manager"
        case siteManager = "site-manager"

        public var name: String {
            switch self {
            case .administrator: "Administrator"
            case .itManager: "IT Manager"
            case .siteManager: "Site Manager"
            }
        }

        public var permissions: Set<RolePermission> {
            switch self {
            case .administrator: Set(RolePermission.allCases)
            case .itManager: [.manageAllSites, .manageServicePackageAndOrder]
            case .siteManager: [.manageAssignedSite, .manageServicePackageAndOrder]
            }
        }
    }

    public var id: RoleID
    public var companyId: CompanyID
    public var name: String
    public var predefined: Predefined?
    public var permissions: Set<RolePermission>
    public var createdAt: Date

    public init(
        id: RoleID, companyId: CompanyID, name: String, predefined: Predefined? = nil, permissions: Set<RolePermission>, createdAt: Date
    ) {
        self.id = id
        self.companyId = companyId
        self.name = name
        self.predefined = predefined
        self.permissions = permissions
        self.createdAt = createdAt
    }
}

/// Somebody with an account.
public struct PersonRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "person"
    public var id: PersonID
    /// The employer, the box's company or a partner; nil for the owner of a site.
    public var companyId: CompanyID?
    /// Nil for whoever works for no company, or for a partner.
    public var roleId: RoleID?
    /// Who claimed the box: nobody disables, deletes or changes them but themselves.
    public var isInstallerAdmin: Bool
    /// What they sign in with; upper and lower case are the same.
    public var userName: String
    public var fullName: String?
    public var passwordHash: String
    public var passwordSetAt: Date
    /// Of the second factor (RFC 6238), sealed under the box's key.
    public var sealedOneTimeSecret: Data?
    /// Since then a one-time password is asked for; nil while the secret was only shown.
    public var oneTimeConfirmedAt: Date?
    /// The time step of the last one-time password that was taken, so that none is taken twice.
    public var oneTimeStep = 0
    /// Since then they cannot sign in.
    public var disabledAt: Date?
    public var createdAt: Date
    public var email: String?
    /// They have entered the address themselves, with their password: a forgotten one is set anew through it.
    public var recoversByEmail = false
    public var phone: String?
    /// In which they are told something; English where they have not said.
    public var language: String?

    public init(
        id: PersonID, companyId: CompanyID?, roleId: RoleID?, isInstallerAdmin: Bool = false, userName: String, fullName: String? = nil,
        passwordHash: String, createdAt: Date
    ) {
        self.id = id
        self.companyId = companyId
        self.roleId = roleId
        self.isInstallerAdmin = isInstallerAdmin
        self.userName = userName
        self.fullName = fullName
        self.passwordHash = passwordHash
        self.passwordSetAt = createdAt
        self.createdAt = createdAt
    }
}

/// A site that a site manager looks after.
public struct SiteAssignmentRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "siteAssignment"
    public var siteId: SiteID
    public var personId: PersonID
    public var createdAt: Date

    public init(siteId: SiteID, personId: PersonID, createdAt: Date) {
        self.siteId = siteId
        self.personId = personId
        self.createdAt = createdAt
    }
}

/// A signed-in browser or program; the token itself is not stored.
public struct SignInRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "signIn"
    /// SHA-256 of the token, hexadecimal.
    public var tokenHash: String
    public var id: SignInID
    public var personId: PersonID
    public var createdAt: Date
    /// To within some minutes.
    public var lastUsedAt: Date
    public var expiresAt: Date
    /// From where it was begun.
    public var address: String
    /// What the browser or program calls itself.
    public var client: String

    public init(
        tokenHash: String, id: SignInID, personId: PersonID, createdAt: Date, lastUsedAt: Date, expiresAt: Date, address: String,
        client: String
    ) {
        self.tokenHash = tokenHash
        self.id = id
        self.personId = personId
        self.createdAt = createdAt
        self.lastUsedAt = lastUsedAt
        self.expiresAt = expiresAt
        self.address = address
        self.client = client
    }
}

/// A key by which a program does what a person lets it; the key itself is not stored.
public struct ProgramKeyRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "programKey"
    /// SHA-256 of the key, hexadecimal.
    public var keyHash: String
    public var id: ProgramKeyID
    public var personId: PersonID
    public var name: String
    /// What it is good for, of what the person may do.
    public var actions: Set<String>
    public var createdAt: Date
    /// To within some minutes.
    public var lastUsedAt: Date?
    public var expiresAt: Date

    public init(keyHash: String, id: ProgramKeyID, personId: PersonID, name: String, actions: Set<String>, createdAt: Date, expiresAt: Date)
    {
        self.keyHash = keyHash
        self.id = id
        self.personId = personId
        self.name = name
        self.actions = actions
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// From where somebody has signed in before.
public struct KnownAddressRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "knownAddress"
    private static let most = 20

    public var personId: PersonID
    public var address: String
    public var seenAt: Date

    public init(personId: PersonID, address: String, seenAt: Date) {
        self.personId = personId
        self.address = address
        self.seenAt = seenAt
    }

    /// Keeps the last ones.
    public static func forgetOld(of person: PersonID, _ database: Database) throws {
        try database.execute(
            sql: """
                DELETE FROM knownAddress WHERE personId = ? AND address NOT IN
                (SELECT address FROM knownAddress WHERE personId = ? ORDER BY seenAt DESC LIMIT ?)
                """, arguments: [person, person, most])
    }
}

/// Somebody who may make themselves an account with a role; the token of the link is not stored.
public struct InvitationRecord: Codable, Sendable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "invitation"
    /// SHA-256 of the token, hexadecimal.
    public var tokenHash: String
    public var id: InvitationID
    public var companyId: CompanyID
    public var roleId: RoleID
    /// Who invited them: it is good as long as they may give the role.
    public var invitedBy: PersonID
    /// For whom.
    public var name: String
    /// Which sites they manage once they have joined.
    public var siteIds: [SiteID]
    public var createdAt: Date
    public var expiresAt: Date

    public init(
        tokenHash: String, id: InvitationID, companyId: CompanyID, roleId: RoleID, invitedBy: PersonID, name: String, siteIds: [SiteID],
        createdAt: Date, expiresAt: Date
    ) {
        self.tokenHash = tokenHash
        self.id = id
        self.companyId = companyId
        self.roleId = roleId
        self.invitedBy = invitedBy
        self.name = name
        self.siteIds = siteIds
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

extension PersonRecord {
    /// Works for a company with which sites are shared.
    public var isPartner: Bool { companyId != nil && roleId == nil }
}
