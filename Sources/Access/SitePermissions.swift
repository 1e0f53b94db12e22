public import BoxDatabase
public import Core
public import Foundation
import GRDB
import Synchronization

/// What owners let their providers do: asked for, given, taken back, released, and over by itself.
public struct SitePermissions: Sendable {
    /// Of one site.
    static let most = 5_000
    /// That nobody has decided, of one site.
    public static let mostPending = 20
    /// Wishes of one application or handover.
    public static let mostWishes = 500
    /// The furthest end that may be asked for.
    public static let longest: TimeInterval = 366 * 86_400

    let database: BoxDatabase
    let time: TimeSource
    private let control: AccessControl
    private let notices: Notices
    private let counted = Counted()

    init(database: BoxDatabase, control: AccessControl, notices: Notices, time: TimeSource) {
        self.database = database
        self.notices = notices
        self.control = control
        self.time = time
    }

    /// A permission, with the names of whom and what it is for.
    public struct View: Sendable {
        public let record: SitePermissionRecord
        public let company: String
        public let person: String?
        public let device: String?
        public let channel: String?
    }

    /// What is in force at a site, the oldest first.
    public func all(at site: SiteID) async throws -> [View] {
        try await database.read { database in
            try SitePermissionRecord.filter(Column("siteId") == site).order(Column("grantedAt"), Column("id")).fetchAll(database).map {
                record in
                View(
                    record: record, company: try CompanyRecord.fetchOne(database, key: record.companyId)?.name ?? "",
                    person: try record.personId.flatMap { try PersonRecord.fetchOne(database, key: $0)?.userName },
                    device: try record.deviceId.flatMap { try DeviceRecord.fetchOne(database, key: $0)?.name },
                    channel: try record.channelId.flatMap { try ChannelRecord.fetchOne(database, key: $0)?.name })
            }
        }.filter { control.isInForce($0.record) }
    }

    // MARK: Checking

    /// Refuses wishes for what is not of the site, and ends that have been or are too far.
    static func check(_ wishes: [PermissionWish], at site: SiteID, now: Date, _ database: Database) throws {
        for (index, wish) in wishes.enumerated() {
            let field = "/permissions/\(index)"
            if let device = wish.deviceId, try DeviceRecord.fetchOne(database, key: device)?.siteId != site {
                throw PeopleRefusal(.notFound, "There is no such device at this site.", field: "\(field)/deviceId")
            }
            if let channel = wish.channelId, try ChannelRecord.fetchOne(database, key: channel)?.siteId != site {
                throw PeopleRefusal(.notFound, "There is no such channel at this site.", field: "\(field)/channelId")
            }
            if wish.permission == .siteInformation, wish.deviceId != nil || wish.channelId != nil {
                throw PeopleRefusal(.notPossible, "Site information is of the whole site.", field: "\(field)/permission")
            }
            if let until = wish.validity.until, until <= now || until > now.addingTimeInterval(longest) {
                throw PeopleRefusal(.notPossible, "The end must lie within the next year.", field: "\(field)/until")
            }
        }
    }

    /// Gives; of what is given already the one that lasts longer stays.
    static func grant(
        _ wishes: [PermissionWish], to company: CompanyID, _ person: PersonID?, at site: SiteID, now: Date, _ database: Database
    ) throws {
        guard try SitePermissionRecord.filter(Column("siteId") == site).fetchCount(database) + wishes.count <= most else {
            throw PeopleRefusal(.tooMany, "There are too many permissions at this site; take some back first.")
        }
        for wish in wishes {
            // What it was for may be gone by now.
            if let device = wish.deviceId, try DeviceRecord.fetchOne(database, key: device)?.siteId != site { continue }
            if let channel = wish.channelId, try ChannelRecord.fetchOne(database, key: channel)?.siteId != site { continue }
            let record = SitePermissionRecord(
                id: .timeOrdered(at: now), siteId: site, companyId: company, personId: person, wish: wish, grantedAt: now)
            if let endsAt = record.endsAt, endsAt <= now { continue }
            let same = try SitePermissionRecord.filter(Column("siteId") == site && Column("companyId") == company)
                .filter(Column("permission") == wish.permission.rawValue).fetchAll(database)
                .first { $0.personId == person && $0.deviceId == wish.deviceId && $0.channelId == wish.channelId }
            if let same {
                // By what is left of each: what was given by a wrong clock, or is over, stands in no way.
                guard let left = same.left(at: now), record.left(at: now).map({ $0 > left }) ?? true else { continue }
                try same.delete(database)
            }
            try record.insert(database)
        }
    }

    // MARK: The owner

    /// Gives permissions without having been asked.
    /// - Throws: `PeopleRefusal`.
    public func give(_ wishes: [PermissionWish], to person: PersonID?, at id: SiteID) async throws {
        let now = time.now()
        try await database.write { database in
            var site = try Sites.site(id, database)
            guard let company = site.companyId else {
                throw PeopleRefusal(.notPossible, "No service provider looks after \(site.name).")
            }
            try Self.check(wishes, at: id, now: now, database)
            if let person, try PersonRecord.fetchOne(database, key: person)?.companyId != company {
                throw PeopleRefusal(.notFound, "There is nobody with this account at the service provider.", field: "/personId")
            }
            if site.authorizedAt == nil {
                site.authorizedAt = now
                try site.update(database)
            }
            try Self.grant(wishes, to: company, person, at: id, now: now, database)
        }
    }

    /// Takes a permission back; false when there is none.
    public func withdraw(_ permission: SitePermissionID, at site: SiteID) async throws -> Bool {
        try await database.write {
            try SitePermissionRecord.filter(Column("id") == permission && Column("siteId") == site).deleteAll($0) > 0
        }
    }

    /// Lets the provider look after the site no longer: all that was given and asked for is void.
    /// - Throws: `PeopleRefusal`.
    public func discard(at id: SiteID) async throws {
        let now = time.now()
        try await database.write { database in
            var site = try Sites.site(id, database)
            guard site.authorizedAt != nil else { throw PeopleRefusal(.notPossible, "Nobody is authorized to look after \(site.name).") }
            // What a tenant has allowed is not taken back with it: the provider gives it up.
            site.authorizedAt = nil
            try site.update(database)
            try SitePermissionRecord.filter(Column("siteId") == id).deleteAll(database)
            try SiteShares.end(.maintenance, of: id, at: now, database)
            try SiteShares.end(.management, of: id, at: now, database)
            try Self.pending(id).updateAll(
                database, Column("state").set(to: PermissionApplicationRecord.State.refused.rawValue), Column("decidedAt").set(to: now))
        }
    }

    // MARK: Applying

    private static func pending(_ site: SiteID) -> QueryInterfaceRequest<PermissionApplicationRecord> {
        PermissionApplicationRecord.filter(
            Column("siteId") == site && Column("state") == PermissionApplicationRecord.State.pending.rawValue)
    }

    /// Applications at a site, the newest first.
    /// What other companies ask of the owner is not the provider's to know.
    public func applications(
        at site: SiteID, for caller: Caller, in state: PermissionApplicationRecord.State? = nil, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<PermissionApplicationRecord> {
        try await database.read { database in
            var wanted = PermissionApplicationRecord.filter(Column("siteId") == site)
            if let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId {
                wanted = wanted.filter(Column("companyId") == company)
            }
            if let state { wanted = wanted.filter(Column("state") == state.rawValue) }
            return try page.cut(wanted, \.id, database) { $0 }
        }
    }

    /// Asks the owner: to look after the site again where nobody does, else for permissions.
    /// - Throws: `PeopleRefusal`.
    public func apply(_ wishes: [PermissionWish], remarks: String?, at id: SiteID, by caller: Caller) async throws
        -> PermissionApplicationRecord
    {
        let now = time.now()
        return try await database.write { database in
            let site = try Sites.site(id, database)
            guard site.ownerId != nil, let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId else {
                throw PeopleRefusal(.notPossible, "\(site.name) has no owner who could be asked.")
            }
            try Self.check(wishes, at: id, now: now, database)
            guard try Self.pending(id).filter(Column("companyId") == company).fetchCount(database) < Self.mostPending else {
                throw PeopleRefusal(.tooMany, "\(Self.mostPending) applications wait for the owner already.")
            }
            let record = PermissionApplicationRecord(
                id: .timeOrdered(at: now), siteId: id, companyId: company, appliedBy: caller.id, appliedByName: caller.name,
                kind: site.authorizedAt == nil ? .authorization : .permission, wishes: wishes, remarks: remarks, createdAt: now)
            try record.insert(database)
            return record
        }
    }

    /// The owner's answer: what was asked for is given, or not.
    /// - Throws: `PeopleRefusal`.
    public func decide(_ application: ApplicationID, at id: SiteID, isApproved: Bool) async throws -> PermissionApplicationRecord {
        let now = time.now()
        return try await database.write { database in
            var record = try Self.undecided(application, id, database)
            (record.state, record.decidedAt) = (isApproved ? .approved : .refused, now)
            try record.update(database)
            guard isApproved else { return record }
            try Self.authorize(record.companyId, record.wishes, at: try Sites.site(id, database), now: now, database)
            return record
        }
    }

    /// A company looks after the site from now on, with what the owner lets it do.
    /// - Throws: `PeopleRefusal` where the former one may switch the owner's use off: that ends by its own word alone.
    static func authorize(_ company: CompanyID, _ wishes: [PermissionWish], at site: SiteRecord, now: Date, _ database: Database) throws {
        var site = site
        if site.companyId != company {
            try checkIsNotControlled(site, database)
            try pass(&site, to: company, at: now, database)
        }
        site.authorizedAt = site.authorizedAt ?? now
        try site.update(database)
        try grant(wishes, to: company, nil, at: site.id, now: now, database)
    }

    /// What a tenant has allowed is not got rid of by another company.
    static func checkIsNotControlled(_ site: SiteRecord, _ database: Database) throws {
        guard site.controlsRemoteUse else { return }
        let name = try site.companyId.flatMap { try CompanyRecord.fetchOne(database, key: $0)?.name } ?? ""
        throw PeopleRefusal(
            .notPossible,
            "\(name) may switch the remote use of \(site.name) off, and must give that up before another company looks after it.")
    }

    /// Another company looks after the site from now on: no permission, assignment, share or control of its former one is passed on.
    private static func pass(_ site: inout SiteRecord, to company: CompanyID, at now: Date, _ database: Database) throws {
        let id = site.id
        try SitePermissionRecord.filter(Column("siteId") == id).deleteAll(database)
        try SiteAssignmentRecord.filter(Column("siteId") == id).deleteAll(database)
        try SiteShares.end(.maintenance, of: id, at: now, database)
        try SiteShares.end(.management, of: id, at: now, database)
        try pending(id).filter(Column("companyId") != company).updateAll(
            database, Column("state").set(to: PermissionApplicationRecord.State.refused.rawValue), Column("decidedAt").set(to: now))
        try database.execute(sql: "UPDATE device SET ownerUseDisabled = 0 WHERE siteId = ?", arguments: [id])
        (site.companyId, site.controlsRemoteUse) = (company, false)
    }

    /// Takes an application back.
    /// - Throws: `PeopleRefusal`.
    public func takeBack(_ application: ApplicationID, at id: SiteID, by caller: Caller) async throws {
        let now = time.now()
        try await database.write { database in
            var record = try Self.undecided(application, id, database)
            guard try PersonRecord.fetchOne(database, key: caller.id)?.companyId == record.companyId else {
                throw PeopleRefusal(.notFound, "There is no such application.")
            }
            (record.state, record.decidedAt) = (.withdrawn, now)
            try record.update(database)
        }
    }

    private static func undecided(_ application: ApplicationID, _ site: SiteID, _ database: Database) throws -> PermissionApplicationRecord
    {
        guard let record = try PermissionApplicationRecord.fetchOne(database, key: application), record.siteId == site else {
            throw PeopleRefusal(.notFound, "There is no such application.")
        }
        guard record.state == .pending else { throw PeopleRefusal(.notPossible, "This application is decided already.") }
        return record
    }

    /// Gives a permission back before it ends.
    /// - Throws: `PeopleRefusal`: a permanent one is not released.
    public func release(_ permission: SitePermissionID, at site: SiteID) async throws {
        try await database.write { database in
            guard let record = try SitePermissionRecord.fetchOne(database, key: permission), record.siteId == site else {
                throw PeopleRefusal(.notFound, "There is no such permission.")
            }
            guard record.endsAt != nil else {
                throw PeopleRefusal(.notPossible, "A permanent permission is not released; its owner takes it back.")
            }
            try record.delete(database)
        }
    }

    // MARK: Ending

    /// Who has a permission of more than twice as long is told so many seconds before it ends.
    private static let soon = 600.0
    private static let looksEvery = Duration.seconds(30)

    /// Up to when the time of each permission is counted, on the clock that nobody sets.
    private final class Counted: Sendable {
        let until = Mutex<[SitePermissionID: Duration]>([:])
    }

    /// Counts the time that permissions have been in force, and takes those away that are over, until cancelled.
    public func run() async {
        repeat { try? await count() } while (try? await time.sleep(Self.looksEvery)) != nil
        // What was spent since is kept, though whoever runs this has been cancelled.
        await Task { try? await count() }.value
    }

    func count() async throws {
        let temporary = SitePermissionRecord.filter(Column("endsAt") != nil)
        let (now, uptime) = (time.now(), time.uptime())
        guard try await database.read({ try temporary.fetchCount($0) }) > 0 else { return }
        let ending = try await database.write { database -> [SitePermissionRecord] in
            var ending: [SitePermissionRecord] = []
            for var record in try temporary.fetchAll(database) {
                if let left = record.left(at: now), left > 0, left < Self.soon, !record.endTold,
                    record.endsAt.map({ $0.timeIntervalSince(record.grantedAt) > Self.soon * 2 }) ?? false
                {
                    record.endTold = true
                    ending.append(record)
                }
                let last = counted.until.withLock { until in
                    defer { until[record.id] = uptime }
                    return until[record.id] ?? uptime
                }
                record.spentSeconds += (uptime - last).seconds
                if record.left(at: now) ?? 1 <= 0 || !control.isInForce(record) {
                    try record.delete(database)
                    counted.until.withLock { _ = $0.removeValue(forKey: record.id) }
                } else if uptime > last || record.endTold {
                    try record.update(database)
                }
            }
            return ending
        }
        for record in ending {
            try await notices.tell(
                .permissionEndsSoon, about: record.siteId, to: record.personId.map { .person($0) } ?? .managers,
                ["what": record.permission.rawValue])
        }
    }
}
