public import BoxDatabase
public import Core
public import Foundation
public import GRDB

/// Devices on their way from one site of an owner to another: asked for by the provider, decided by the owner within seven days.
///
/// Whoever answers an approved one moves the devices: their settings are not known here.
public struct DeviceMoves: Sendable {
    /// An application is good for seven days.
    public static let pendingFor: TimeInterval = 7 * 86_400
    /// That nobody has decided, from one site.
    public static let mostPending = 20
    public static let mostDevices = 64

    private let database: BoxDatabase
    private let time: TimeSource

    init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
    }

    /// A move, with the names of its sites.
    public struct View: Sendable {
        public let record: DeviceMoveRecord
        public let from: String
        public let to: String
    }

    private static let notYours = PeopleRefusal(.beyondOwnRights, "You may not move this device: it takes the permission to configure it.")

    /// Those from or to a site, the newest first.
    public func all(
        of site: SiteID, for rights: Rights, in state: DeviceMoveRecord.State? = nil, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<View> {
        let now = time.now()
        return try await database.write { database in
            try Self.expire(at: now, database)
            var wanted = DeviceMoveRecord.filter(Column("fromSiteId") == site || Column("toSiteId") == site)
            if let state { wanted = wanted.filter(Column("state") == state.rawValue) }
            return try page.cut(wanted, \.id, database) { record in
                // Of a site that one may not know of nothing is told.
                guard rights.see(Place(site: record.fromSiteId)), rights.see(Place(site: record.toSiteId)) else { return nil }
                return try Self.view(record, database)
            }
        }
    }

    private static func view(_ record: DeviceMoveRecord, _ database: Database) throws -> View {
        View(
            record: record, from: try SiteRecord.fetchOne(database, key: record.fromSiteId)?.name ?? "",
            to: try SiteRecord.fetchOne(database, key: record.toSiteId)?.name ?? "")
    }

    private static func expire(at now: Date, _ database: Database) throws {
        try DeviceMoveRecord.filter(
            Column("state") == DeviceMoveRecord.State.pending.rawValue && Column("createdAt") <= now.addingTimeInterval(-pendingFor)
        ).updateAll(database, Column("state").set(to: DeviceMoveRecord.State.expired.rawValue), Column("decidedAt").set(to: now))
    }

    /// Asks for devices of one site to be moved to another. Where there is no owner, or the caller is it, nobody has to be asked: `isFree`.
    /// - Throws: `PeopleRefusal`.
    public func apply(
        _ ids: [DeviceID], to site: SiteID, remarks: String?, by caller: Caller, _ rights: Rights
    ) async throws -> (view: View, isFree: Bool) {
        let now = time.now()
        return try await database.write { database in
            try Self.expire(at: now, database)
            let devices = try ids.map { id in
                guard let device = try DeviceRecord.fetchOne(database, key: id), rights.see(device.place) else {
                    throw PeopleRefusal(.notFound, "There is no such device.", field: "/deviceIds")
                }
                guard rights.allow(.configure, at: device.place) else { throw Self.notYours }
                return device
            }
            guard let former = devices.first?.siteId, devices.allSatisfy({ $0.siteId == former }), rights.see(Place(site: site)) else {
                throw PeopleRefusal(
                    .notFound, "The devices must be of one site, and the other site one that you look after.", field: "/siteId")
            }
            let isFree = try Self.check(
                from: try Sites.site(former, database), to: try Sites.site(site, database), by: caller, rights)
            guard try pending(former).fetchCount(database) < Self.mostPending else {
                throw PeopleRefusal(.tooMany, "\(Self.mostPending) applications wait for the owner already.")
            }
            let busy = try Set(pending(former).fetchAll(database).flatMap(\.deviceIds))
            guard busy.isDisjoint(with: ids) else {
                throw PeopleRefusal(.notPossible, "The owner is asked about one of these devices already.", field: "/deviceIds")
            }
            let record = DeviceMoveRecord(
                id: .timeOrdered(at: now), fromSiteId: former, toSiteId: site, devices: devices, appliedBy: caller.id,
                appliedByName: caller.name, remarks: remarks, createdAt: now)
            // What nobody has to be asked about is written down with the move itself.
            if !isFree { try record.insert(database) }
            return (try Self.view(record, database), isFree)
        }
    }

    /// Sites of the same owner, or of none and the same provider; answers whether nobody has to be asked.
    private static func check(from: SiteRecord, to: SiteRecord, by caller: Caller, _ rights: Rights) throws -> Bool {
        try check(from: from, to: to)
        guard let owner = from.ownerId else {
            guard rights.allow(.configure, at: Place(site: to.id)) else { throw notYours }
            return true
        }
        return owner == caller.id
    }

    private static func check(from: SiteRecord, to: SiteRecord) throws {
        guard from.id != to.id else { throw PeopleRefusal(.notPossible, "The devices are at this site already.", field: "/siteId") }
        guard from.ownerId == to.ownerId, from.companyId == to.companyId || from.ownerId != nil else {
            throw PeopleRefusal(.notPossible, "Devices move only between sites of the same owner.", field: "/siteId")
        }
        guard !from.controlsRemoteUse || from.companyId == to.companyId && to.controlsRemoteUse else {
            throw PeopleRefusal(.notPossible, "The provider may switch the use of these devices off; they stay at \(from.name).")
        }
    }

    private func pending(_ site: SiteID) -> QueryInterfaceRequest<DeviceMoveRecord> {
        DeviceMoveRecord.filter(Column("fromSiteId") == site && Column("state") == DeviceMoveRecord.State.pending.rawValue)
    }

    /// One of them.
    /// - Throws: `PeopleRefusal` of kind `notFound`.
    public func one(_ id: DeviceMoveID) async throws -> View {
        let now = time.now()
        return try await database.write { database in
            try Self.expire(at: now, database)
            return try Self.view(try Self.record(id, database), database)
        }
    }

    private static func record(_ id: DeviceMoveID, _ database: Database) throws -> DeviceMoveRecord {
        guard let record = try DeviceMoveRecord.fetchOne(database, key: id) else {
            throw PeopleRefusal(.notFound, "There is no such application.")
        }
        return record
    }

    private static func undecided(_ id: DeviceMoveID, _ database: Database) throws -> DeviceMoveRecord {
        let record = try record(id, database)
        guard record.state == .pending else {
            throw PeopleRefusal(
                .notPossible, record.state == .expired ? "Nobody decided this within seven days." : "This is decided already.")
        }
        return record
    }

    /// Writes down that the devices are moved, with the move itself: what was looked at when it was asked for must still be so.
    /// - Throws: `PeopleRefusal`.
    public func close(_ record: DeviceMoveRecord, isFree: Bool, _ database: Database) throws {
        try Self.expire(at: time.now(), database)
        var record = isFree ? record : try Self.undecided(record.id, database)
        for id in record.deviceIds {
            guard try DeviceRecord.fetchOne(database, key: id)?.siteId == record.fromSiteId else {
                throw PeopleRefusal(.notPossible, "One of the devices is not there any more.")
            }
        }
        try Self.check(from: try Sites.site(record.fromSiteId, database), to: try Sites.site(record.toSiteId, database))
        (record.state, record.decidedAt) = (.moved, time.now())
        try record.upsert(database)
    }

    /// Ends one without a move.
    /// - Throws: `PeopleRefusal`.
    public func end(_ id: DeviceMoveID, as state: DeviceMoveRecord.State) async throws -> View {
        let now = time.now()
        return try await database.write { database in
            var record = try Self.undecided(id, database)
            (record.state, record.decidedAt) = (state, now)
            try record.update(database)
            return try Self.view(record, database)
        }
    }
}
