public import BoxDatabase
public import Core
public import Foundation
import GRDB

/// What an invitation offers, as whoever holds its link reads it.
public struct InvitationOffer: Sendable {
    /// For whom, as those who invited wrote it.
    public let name: String
    public let company: String
    public let role: String
    /// How many sites they manage once they have joined.
    public let siteCount: Int
    public let expiresAt: Date
}

extension People {
    /// Lets somebody make themselves an account with a role, to manage `sites`; the token goes into a link that is shown once.
    /// - Throws: `PeopleRefusal`.
    public func invite(
        _ name: String, role: RoleID, sites: Set<SiteID> = [], by caller: Caller
    ) async throws -> (record: InvitationRecord, token: String) {
        let (token, now) = (AccessToken.make(), signIns.time.now())
        let record = try await database.write { database in
            try InvitationRecord.filter(Column("expiresAt") <= now).deleteAll(database)
            let role = try Self.givable(role, by: caller, database)
            guard try PersonRecord.fetchCount(database) + InvitationRecord.fetchCount(database) < Self.most else {
                throw PeopleRefusal(.tooMany, "There are \(Self.most) people already; delete somebody first.")
            }
            guard try sites.isEmpty || Self.assigns(caller.id, database) else {
                throw PeopleRefusal(.beyondOwnRights, "Only who may assign sites gives them with an invitation.", field: "/siteIds")
            }
            guard sites.isEmpty || Roles.implied(role.permissions).contains(.manageAssignedSite) else {
                throw PeopleRefusal(.notPossible, "Whoever has this role manages no sites.", field: "/siteIds")
            }
            for site in sites { try Self.checkHasRoom(site, field: "/siteIds", database) }
            let record = InvitationRecord(
                tokenHash: AccessToken.hash(token), id: .timeOrdered(at: now), companyId: role.companyId, roleId: role.id,
                invitedBy: caller.id, name: name, siteIds: sites.sorted { $0.text < $1.text }, createdAt: now,
                expiresAt: now.addingTimeInterval(Self.invited))
            try record.insert(database)
            return record
        }
        return (record, token)
    }

    /// Those who have not joined yet, the newest first, with their roles' names.
    public func invitations() async throws -> [(record: InvitationRecord, role: String)] {
        let now = signIns.time.now()
        return try await database.read { database in
            try InvitationRecord.filter(Column("expiresAt") > now).order(Column("createdAt").desc).fetchAll(database).map { record in
                (record, try RoleRecord.fetchOne(database, key: record.roleId)?.name ?? "")
            }
        }
    }

    /// Takes an invitation back; false when there is none.
    public func withdraw(_ id: InvitationID) async throws -> Bool {
        try await database.write { try InvitationRecord.filter(Column("id") == id).deleteAll($0) > 0 }
    }

    /// What whoever holds the invitation's token is offered; wrong tokens count as guesses from `address`.
    /// - Throws: `AccessDenied`.
    public func offer(_ token: String, from address: String) async throws -> InvitationOffer {
        var offer: InvitationOffer?
        try await signIns.guess(from: address) {
            offer = try await database.read { [now = signIns.time.now()] database in
                guard let (invitation, role) = try Self.invitation(token, at: now, database) else { return nil }
                let sites = try Self.givenSites(of: invitation, database).filter { site in
                    do { try Self.checkHasRoom(site, field: "", database) } catch is PeopleRefusal { return false }
                    return true
                }
                return InvitationOffer(
                    name: invitation.name, company: try CompanyRecord.fetchOne(database, key: invitation.companyId)?.name ?? "",
                    role: role.name, siteCount: sites.count, expiresAt: invitation.expiresAt)
            }
            return offer != nil
        }
        guard let offer else { throw AccessDenied.wrongPassword }
        return offer
    }

    /// Makes an account for whoever holds the invitation's token, and signs them in.
    /// - Throws: `AccessDenied`; `PeopleRefusal`.
    public func join(token: String, userName: String, fullName: String?, password: String, from origin: SignIns.Origin) async throws
        -> SignIn
    {
        let now = signIns.time.now()
        try await signIns.guess(from: origin.address) { try await database.read { try Self.invitation(token, at: now, $0) } != nil }
        let passwordHash = try await signIns.hash(password, names: [userName, fullName ?? ""])
        let person = try await database.write { database in
            guard let (invitation, _) = try Self.invitation(token, at: now, database) else { throw Self.invitationIsOver }
            guard try PersonRecord.filter(Column("userName") == userName).fetchCount(database) == 0 else {
                throw PeopleRefusal(.nameTaken, "Somebody is called \(userName) already. Take another user name.", field: "/userName")
            }
            var person = PersonRecord(
                id: .timeOrdered(at: now), companyId: invitation.companyId, roleId: invitation.roleId, userName: userName,
                passwordHash: passwordHash, createdAt: now)
            person.fullName = fullName ?? invitation.name
            try person.insert(database)
            // What is gone by now, or has got its managers otherwise, keeps nobody from joining.
            for site in try Self.givenSites(of: invitation, database) {
                do { try Self.assign(site, to: person.id, field: "/siteIds", at: now, database) } catch is PeopleRefusal { continue }
            }
            try invitation.delete(database)
            return person
        }
        return try await signIns.begin(for: person, origin)
    }

    private static let invitationIsOver = PeopleRefusal(.notFound, "This invitation is no longer good. Ask for a new one.")

    /// The invitation of a token, while whoever invited is still somebody who may give this role; nil else.
    private static func invitation(_ token: String, at now: Date, _ database: Database) throws -> (InvitationRecord, RoleRecord)? {
        guard let found = try InvitationRecord.fetchOne(database, key: AccessToken.hash(token)), found.expiresAt > now,
            try PersonRecord.fetchOne(database, key: found.invitedBy)?.disabledAt == nil,
            let role = try RoleRecord.fetchOne(database, key: found.roleId),
            try Roles.permissions(of: found.invitedBy, database).isSuperset(
                of: Roles.implied(role.permissions).union([.manageAccountAndRole]))
        else { return nil }
        return (found, role)
    }

    /// Its sites, while whoever invited may still assign them.
    private static func givenSites(of invitation: InvitationRecord, _ database: Database) throws -> [SiteID] {
        try assigns(invitation.invitedBy, database) ? invitation.siteIds : []
    }

    /// Whether somebody may say who manages which site.
    private static func assigns(_ person: PersonID, _ database: Database) throws -> Bool {
        try Roles.permissions(of: person, database).contains(.manageAllSites)
    }
}
