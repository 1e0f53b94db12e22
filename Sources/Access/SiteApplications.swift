public import BoxDatabase
public import Core
import Foundation
import GRDB

/// Companies that ask owners to be let into sites that nobody looks after any more. Whoever knows a site's ID may ask; the owner answers as to
/// any application (`SitePermissions.decide`).
public struct SiteApplications: Sendable {
    /// That nobody has decided, of one company.
    public static let mostPending = 20

    private let database: BoxDatabase
    private let time: TimeSource

    init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
    }

    /// One of them.
    public struct View: Sendable {
        public let record: PermissionApplicationRecord
        /// The site's name, for the company that looks after it.
        public let site: String?
    }

    /// Asks the owner of a site.
    /// - Throws: `PeopleRefusal`.
    public func apply(for site: SiteID, _ wishes: [PermissionWish], remarks: String?, by caller: Caller) async throws -> View {
        let now = time.now()
        return try await database.write { database in
            let company = try Self.company(of: caller, database)
            guard let record = try SiteRecord.fetchOne(database, key: site) else { throw Self.noSite }
            guard record.ownerId != nil, record.authorizedAt == nil else {
                throw PeopleRefusal(.notPossible, "Another company looks after this site. Its owner must discard the authorization first.")
            }
            // Devices and channels are not known to who asks.
            if let index = wishes.firstIndex(where: { $0.deviceId != nil || $0.channelId != nil }) {
                throw PeopleRefusal(.notPossible, "Ask for the whole site; its devices are not known yet.", field: "/permissions/\(index)")
            }
            try SitePermissions.check(wishes, at: site, now: now, database)
            let pending = PermissionApplicationRecord.filter(Column("state") == PermissionApplicationRecord.State.pending.rawValue)
            guard try pending.filter(Column("siteId") == site && Column("companyId") == company).isEmpty(database) else {
                throw PeopleRefusal(.notPossible, "Your company has asked the owner already, who has not decided yet.")
            }
            guard try pending.filter(Column("companyId") == company).fetchCount(database) < Self.mostPending else {
                throw PeopleRefusal(.tooMany, "Too many applications wait for a decision already.")
            }
            // Whom the owner does not know by name says for whom they ask.
            let name = try CompanyRecord.fetchOne(database, key: company)?.name
            let made = PermissionApplicationRecord(
                id: .timeOrdered(at: now), siteId: site, companyId: company, appliedBy: caller.id,
                appliedByName: name.map { "\(caller.name) (\($0))" } ?? caller.name,
                kind: .authorization, wishes: wishes, remarks: remarks, createdAt: now)
            try made.insert(database)
            return try Self.view(made, database)
        }
    }

    /// Those of the caller's company for sites that it did not look after, the newest first.
    public func all(
        for caller: Caller, in state: PermissionApplicationRecord.State? = nil, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<View> {
        try await database.read { database in
            guard let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId else {
                return ListPart(items: [], next: nil)
            }
            var wanted = PermissionApplicationRecord.filter(
                Column("companyId") == company && Column("kind") == PermissionApplicationRecord.Kind.authorization.rawValue)
            if let state { wanted = wanted.filter(Column("state") == state.rawValue) }
            return try page.cut(wanted, \.id, database) { try Self.view($0, database) }
        }
    }

    /// Takes one back.
    /// - Throws: `PeopleRefusal`.
    public func takeBack(_ id: ApplicationID, by caller: Caller) async throws -> View {
        let now = time.now()
        return try await database.write { database in
            let company = try Self.company(of: caller, database)
            guard var record = try PermissionApplicationRecord.fetchOne(database, key: id), record.companyId == company else {
                throw PeopleRefusal(.notFound, "There is no such application.")
            }
            guard record.state == .pending else { throw PeopleRefusal(.notPossible, "This application is decided already.") }
            (record.state, record.decidedAt) = (.withdrawn, now)
            try record.update(database)
            return try Self.view(record, database)
        }
    }

    private static let noSite = PeopleRefusal(
        .notFound, "There is no such site. Its owner finds its ID on the site's page.")

    private static func company(of caller: Caller, _ database: Database) throws -> CompanyID {
        guard let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId else {
            throw PeopleRefusal(.notPossible, "Only a company can look after a site.")
        }
        return company
    }

    private static func view(_ record: PermissionApplicationRecord, _ database: Database) throws -> View {
        let site = try SiteRecord.fetchOne(database, key: record.siteId)
        return View(record: record, site: site?.companyId == record.companyId ? site?.name : nil)
    }
}
