public import BoxDatabase
public import Core
import Foundation
import GRDB

/// A site with how far it is on its way, as those who may know of it see it.
public struct SiteView: Sendable {
    public let record: SiteRecord
    public let status: SiteStatus
    /// The owner's name.
    public let owner: String?
    public let company: String?
    public let devices: Int
    /// User names of the employees who manage it.
    public let managers: [String]
}

/// What of a site can be set; nil leaves it as it is.
public struct SiteFields: Sendable {
    public var name: String?
    /// An outer nil leaves it, an inner one empties it.
    public var scene: String??
    public var address: String??
    public var city: String??
    public var state: String??
    public var remarks: String??
    public var position: (latitude: Double, longitude: Double)??
    public var syncsTime: Bool?
    public var liveLimitMinutes: Int??

    public init() {}

    func fill(_ site: inout SiteRecord) {
        if let name { site.name = name }
        if let scene { site.scene = scene }
        if let address { site.address = address }
        if let city { site.city = city }
        if let state { site.state = state }
        if let remarks { site.remarks = remarks }
        if let position { (site.latitude, site.longitude) = (position?.latitude, position?.longitude) }
        if let syncsTime { site.syncsTime = syncsTime }
        if let liveLimitMinutes { site.liveLimitMinutes = liveLimitMinutes }
    }
}

/// The places that the box serves.
public struct Sites: Sendable {
    public static let most = 200

    private let database: BoxDatabase
    private let time: TimeSource
    private let known: CachedRead<[SiteView]>

    init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
        known = CachedRead(
            database, tables: ["site", "person", "company", "device", "siteAssignment", "handover"], Self.views)
    }

    /// Those that have an owner.
    public func owned() async throws -> [SiteID] {
        try await database.read { try SiteID.fetchAll($0, SiteRecord.filter(Column("ownerId") != nil).select(Column("id"))) }
    }

    /// Those of the service provider who look after a site, by name.
    public func providers(of id: SiteID) async throws -> [PersonRecord] {
        try await database.read { database in
            guard let site = try SiteRecord.fetchOne(database, key: id), let company = site.companyId else { return [] }
            let everywhere = Set(try RoleRecord.fetchAll(database).filter { $0.permissions.contains(.manageAllSites) }.map(\.id))
            let assigned = Set(try SiteAssignmentRecord.filter(Column("siteId") == id).fetchAll(database).map(\.personId))
            return try PersonRecord.filter(Column("companyId") == company && Column("disabledAt") == nil).order(Column("userName"))
                .fetchAll(database)
                .filter { $0.isPartner || assigned.contains($0.id) || $0.roleId.map(everywhere.contains) ?? false }
        }
    }

    /// Those of `ids`, by name; `words` are looked for in what is known of them.
    /// Of one that nobody looks after more than the name is looked at for its owner alone.
    public func all(
        _ ids: Set<SiteID>, matching words: String? = nil, in status: SiteStatus? = nil, for caller: PersonID? = nil
    ) async throws -> [SiteView] {
        try await known.value().filter { view in
            guard ids.contains(view.record.id), status.map({ $0 == view.status }) ?? true else { return false }
            guard let words else { return true }
            let record = view.record
            var known = [record.name, record.id.text, view.owner]
            if view.status != .notAuthorized || record.ownerId == caller {
                known += [record.address, record.city, record.state, record.remarks, record.scene]
            }
            return known.contains { $0?.localizedCaseInsensitiveContains(words) ?? false }
        }
    }

    /// All there are, in the order they were added.
    private static func views(_ database: Database) throws -> [SiteView] {
        let records = try SiteRecord.fetchAll(database)
        let surroundings = try SiteSurroundings(of: Set(records.map(\.id)), database)
        return records.map(surroundings.view).sorted {
            ListPlace(createdAt: $0.record.createdAt, id: $0.record.id.text)
                < ListPlace(createdAt: $1.record.createdAt, id: $1.record.id.text)
        }
    }

    /// - Throws: `PeopleRefusal` of kind `notFound`.
    public func one(_ id: SiteID) async throws -> SiteView {
        try await database.read { database in
            let site = try Self.site(id, database)
            return try SiteSurroundings(of: [id], database).view(site)
        }
    }

    static func site(_ id: SiteID, _ database: Database) throws -> SiteRecord {
        guard let site = try SiteRecord.fetchOne(database, key: id) else { throw PeopleRefusal(.notFound, "There is no such site.") }
        return site
    }

    static func status(of site: SiteRecord, _ database: Database) throws -> SiteStatus {
        SiteStatus(site, hasPendingHandover: try Handovers.pending(of: site.id, database) != nil)
    }

    /// Adds a site of the caller's company; whoever does not look after all sites looks after this one.
    /// - Throws: `PeopleRefusal`.
    public func add(_ fields: SiteFields, name: String, timeZone: String, by caller: Caller) async throws -> SiteID {
        let now = time.now()
        return try await database.write { database in
            guard let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId else {
                throw PeopleRefusal(.notPossible, "Only a service provider adds sites.")
            }
            guard try SiteRecord.fetchCount(database) < Self.most else {
                throw PeopleRefusal(.tooMany, "A box serves at most \(Self.most) sites.")
            }
            var site = SiteRecord(id: .timeOrdered(at: now), name: name, timeZone: timeZone, companyId: company, createdAt: now)
            fields.fill(&site)
            try Self.check(site, database)
            try site.insert(database)
            if try !Roles.permissions(of: caller.id, database).contains(.manageAllSites) {
                try SiteAssignmentRecord(siteId: site.id, personId: caller.id, createdAt: now).insert(database)
            }
            return site.id
        }
    }

    /// - Throws: `PeopleRefusal`.
    public func change(_ id: SiteID, _ fields: SiteFields) async throws {
        try await database.write { database in
            var site = try Self.site(id, database)
            fields.fill(&site)
            try Self.check(site, database)
            try site.update(database)
        }
    }

    private static func check(_ site: SiteRecord, _ database: Database) throws {
        let others = SiteRecord.filter(Column("id") != site.id && Column("name").collating(.nocase) == site.name)
        guard try others.fetchCount(database) == 0 else {
            throw PeopleRefusal(.nameTaken, "There is a site \(site.name) already.", field: "/name")
        }
    }

    /// Deletes a site that has no devices.
    /// - Throws: `PeopleRefusal`.
    public func delete(_ id: SiteID) async throws {
        try await database.write { database in
            let site = try Self.site(id, database)
            guard try Self.status(of: site, database).allows(.delete) else { throw Self.not(.delete, "deleted", site) }
            let count = try DeviceRecord.filter(Column("siteId") == id).fetchCount(database)
            guard count == 0 else {
                throw PeopleRefusal(.notPossible, "\(site.name) has \(count == 1 ? "a device" : "\(count) devices"); remove them first.")
            }
            guard try SiteRecord.fetchCount(database) > 1 else {
                throw PeopleRefusal(.notPossible, "It is the only site of this box, which needs one. Rename it instead.")
            }
            guard try SiteEncryptionRecord.fetchOne(database, key: id) == nil else {
                throw PeopleRefusal(.notPossible, "Its footage in the cloud is encrypted; without the site nobody could read it any more.")
            }
            try site.delete(database)
        }
    }

    static func not(_ operation: SiteStatus.Operation, _ word: String, _ site: SiteRecord) -> PeopleRefusal {
        PeopleRefusal(
            .notPossible,
            site.ownerId == nil
                ? "\(site.name) cannot be \(word) as it is now." : "\(site.name) has an owner and cannot be \(word) any more.")
    }

    /// Gives up what a tenant has allowed: their use is switched on, and devices can be taken off the box.
    /// - Throws: `PeopleRefusal`.
    public func giveUpControl(at id: SiteID) async throws {
        try await database.write { database in
            var site = try Self.site(id, database)
            site.controlsRemoteUse = false
            try site.update(database)
            _ = try DeviceRecord.filter(Column("siteId") == id).updateAll(database, Column("ownerUseDisabled").set(to: false))
        }
    }

    /// Switches the owner's use of a device off, or on again; nil for all devices of the site.
    /// - Throws: `PeopleRefusal` where the owner has not allowed it.
    public func setOwnerUse(_ isAllowed: Bool, of device: DeviceID?, at id: SiteID) async throws {
        try await database.write { database in
            let site = try Self.site(id, database)
            guard site.ownerId != nil, site.controlsRemoteUse else {
                throw PeopleRefusal(.notPossible, "The owner has not allowed their remote use to be switched off.")
            }
            var devices = DeviceRecord.filter(Column("siteId") == id)
            if let device { devices = devices.filter(Column("id") == device) }
            try devices.updateAll(database, Column("ownerUseDisabled").set(to: !isAllowed))
        }
    }
}
