public import BoxDatabase
public import Core
import Foundation
import GRDB

// How requests end: by who asked, or by themselves. Each end is told to those whom it concerns.
extension Unbindings {
    /// What is decided is told for so long.
    private static let kept: TimeInterval = 365 * day
    private static let looksEvery = Duration.seconds(60)

    /// Ends one by who asked: confirmed once the device is unbound, withdrawn before.
    /// - Throws: `PeopleRefusal`.
    public func end(_ id: UnbindingID, confirmed: Bool, by caller: Caller, _ rights: Rights) async throws -> View {
        let now = time.now()
        let (view, told) = try await database.write { database in
            let looker = try Looker(caller, rights, database)
            var record = try Self.own(id, looker, database)
            guard record.state == (confirmed ? .toBeConfirmed : .inProgress) else { throw confirmed ? Self.notUnbound : Self.decided }
            let told = try Self.close(&record, as: confirmed ? .closed : .withdrawn, by: caller.name, at: now, database)
            try Self.forgetProofs(database)
            return (try Self.view(record, as: looker, database), told)
        }
        notices.announce(told)
        return view
    }

    /// Ends one, which those are told who were asked to decide.
    private static func close(
        _ record: inout UnbindingRecord, as state: UnbindingRecord.State, by person: String, at now: Date, _ database: Database
    ) throws -> [Notices.Told] {
        (record.state, record.closedAt) = (state, now)
        try record.update(database)
        guard record.provenAt != nil else { return [] }
        let kind: NoticeKind = state == .closed ? .unbindingClosed : .unbindingWithdrawn
        let values = ["person": person, "what": what(record)]
        var told = try Notices.write(kind, about: record.siteId, to: .owner, values, at: now, database)
        if try isAdministrators(record, at: Sites.site(record.siteId, database), database) {
            told += try Notices.write(
                kind, about: record.siteId, to: .administrators, except: record.requestedBy, values, at: now, database)
        }
        return told
    }

    /// Photographs are for who decides, and for as long.
    static func forgetProofs(_ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM unbindingProof WHERE unbindingId NOT IN (SELECT id FROM unbinding WHERE state = 'in-progress')")
    }

    // MARK: By themselves

    /// Ends those that are over, until cancelled.
    public func run() async {
        repeat { try? await settling { _ in } } while (try? await time.sleep(Self.looksEvery)) != nil
    }

    /// Ends those that are over, before anything else is done in the same transaction.
    func settling<Value: Sendable>(_ act: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let now = time.now()
        let (value, told) = try await database.write { database in
            let told = try Self.settle(at: now, database)
            return (try act(database), told)
        }
        notices.announce(told)
        return value
    }

    /// Whoever has added the device has confirmed that they can; what is not proven within a day is given up, and who asked for a device
    /// that was moved, removed or unbound for somebody else asks in vain.
    private static func settle(at now: Date, _ database: Database) throws -> [Notices.Told] {
        var told: [Notices.Told] = []
        for var record in try all(.toBeConfirmed).fetchAll(database) where try isAdded(record, database) {
            told += try close(&record, as: .closed, by: record.requestedByName, at: now, database)
        }
        for var record in try all(.inProgress).fetchAll(database) {
            let kind: NoticeKind
            if record.provenAt == nil, record.createdAt <= now.addingTimeInterval(-day) {
                (kind, record.state, record.closedAt) = (.unbindingGivenUp, .withdrawn, now)
            } else if try DeviceRecord.fetchOne(database, key: record.deviceId)?.siteId != record.siteId {
                (kind, record.state, record.decidedAt) = (.unbindingGone, .refused, now)
                record.reason = "The device is not bound there any more."
            } else {
                continue
            }
            try record.update(database)
            told += try Notices.write(
                kind, about: record.targetSiteId, to: .person(record.requestedBy), ["what": what(record)], at: now, database)
        }
        try forgetProofs(database)
        try database.execute(
            sql: "DELETE FROM unbinding WHERE COALESCE(closedAt, decidedAt) <= ? AND state != 'to-be-confirmed'",
            arguments: [now.addingTimeInterval(-kept)])
        return told
    }

    private static func all(_ state: UnbindingRecord.State) -> QueryInterfaceRequest<UnbindingRecord> {
        UnbindingRecord.filter(Column("state") == state.rawValue)
    }

    /// Whether the device is where it was to go.
    private static func isAdded(_ record: UnbindingRecord, _ database: Database) throws -> Bool {
        let there = DeviceRecord.filter(Column("siteId") == record.targetSiteId)
        return try there.fetchAll(database).contains { device in
            if let serial = record.serialNumber { return device.serialNumber == serial }
            if let mac = record.macAddress { return device.macAddress == mac }
            return device.host == record.host
        }
    }
}
