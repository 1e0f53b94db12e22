public import BoxDatabase
public import Core
import Foundation
import GRDB
import Synchronization

/// What changed about footage, for those who watch.
public enum FootageChange: Sendable {
    case clip(ClipID)
    case event(EventID)
    case gap
}

/// The rows of clips, events and gaps: where everything is on its way to the cloud.
public final class FootageIndex: Sendable {
    public let database: BoxDatabase
    public let changes = Broadcast<FootageChange>(capacity: 256)
    /// Shares of work done, of clips that a worker or the uploader has in hand.
    private let progress = Mutex<[ClipID: Double]>([:])

    private let events: GroupCommit

    public init(database: BoxDatabase) {
        self.database = database
        events = GroupCommit(database)
    }

    /// Inserts or replaces the row of a clip and those of its events.
    func put(_ manifest: ClipManifest, state: ClipState, spoolBytes: Int) async throws {
        try await put(Placed(manifest: manifest, state: state, spoolBytes: spoolBytes))
    }

    /// The clip was accepted; where it is further already, its row stays as it is.
    func putAccepted(_ manifest: ClipManifest) async throws {
        let clip = Placed(manifest: manifest, state: .captured, spoolBytes: manifest.source?.bytes ?? 0)
        try await database.write { database in
            if let state = try Self.state(of: manifest.id, database), state != .recording { return }
            try Self.put(clip, database)
        }
        changes.send(.clip(manifest.id))
    }

    /// A clip and where it is.
    struct Placed: Sendable {
        let manifest: ClipManifest
        let state: ClipState
        let spoolBytes: Int
    }

    private func put(_ clip: Placed) async throws {
        try await database.write { try Self.put(clip, $0) }
        changes.send(.clip(clip.manifest.id))
    }

    /// A clip as it was found at a start, and what its row said then.
    struct Found: Sendable {
        let clip: Placed
        let before: ClipState?
    }

    /// The same for many clips in one transaction, those left out that have gone on meanwhile: what was found may be written late.
    func put(_ clips: [Found]) async throws {
        guard !clips.isEmpty else { return }
        try await database.write { database in
            for found in clips where try Self.state(of: found.clip.manifest.id, database) == found.before {
                try Self.put(found.clip, database)
            }
        }
        for found in clips { changes.send(.clip(found.clip.manifest.id)) }
    }

    private static func put(_ clip: Placed, _ database: Database) throws {
        let manifest = clip.manifest
        try ClipRecord(manifest: manifest, state: clip.state, spoolBytes: clip.spoolBytes).put(database)
        for event in manifest.events {
            var row = EventRecord(event, channelId: manifest.channel, channelName: manifest.channelName, clipId: manifest.id)
            if clip.state != .recording { row.endedAt = manifest.startsAt.addingTimeInterval(manifest.footage?.duration ?? 30) }
            // Of what was refilled there is footage after all.
            try row.put(hasFootage: manifest.refilled == true && clip.state != .recording, database)
        }
    }

    /// The clips that wait for the uploader, with what their files have by their rows; those that were under way wait again.
    func waiting() async throws -> [ClipID: Int] {
        // A full disk keeps no box from starting: the uploader lets them wait again later.
        try? await requeue(except: [])
        return try await database.read { database in
            var waiting: [ClipID: Int] = [:]
            let rows = try Row.fetchCursor(
                database, sql: "SELECT id, spoolBytes FROM clip WHERE state IN ('queued', 'sending') OR otherCopy = 'waiting'")
            while let row = try rows.next() { waiting[row["id"]] = row["spoolBytes"] }
            return waiting
        }
    }

    /// Moves a clip on, if it is still where it was; answers whether it was.
    @discardableResult
    func move(_ id: ClipID, from states: [ClipState], to state: ClipState) async throws -> Bool {
        let from = states.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        let moved = try await database.write { database in
            try database.execute(
                prepared: "UPDATE clip SET state = ? WHERE id = ? AND state IN (\(from))", arguments: [state.rawValue, id])
            return database.changesCount > 0
        }
        if moved { changes.send(.clip(id)) }
        return moved
    }

    /// Notes a failed attempt; the clip waits for the next. One that is stored stays so: it is its copy that waits.
    func noteAttempt(_ id: ClipID, error: String) async throws {
        try await database.write { database in
            try database.execute(
                prepared: "UPDATE clip SET attempts = attempts + 1, lastError = ? WHERE id = ?", arguments: [error, id])
            try database.execute(prepared: "UPDATE clip SET state = 'queued' WHERE id = ? AND state = 'sending'", arguments: [id])
        }
        setProgress(nil, of: id)
        changes.send(.clip(id))
    }

    /// The clip is in the store `place`, verified; `wanted` says what another store shall have or may have of it. Answers whether its files are
    /// still needed, for a second copy.
    @discardableResult
    func noteStored(
        _ id: ClipID, objects: [ChainEntry.Object], place: String, other wanted: (place: String, copy: ClipRecord.OtherCopy)? = nil,
        at time: Date
    ) async throws -> Bool {
        let isKept = try await database.write { database in
            guard let record = try ClipRecord.fetchOne(database, id: id) else { return false }
            guard ![.stored, .dropped].contains(record.state) else { return record.otherCopy == .waiting }
            var other = wanted
            // The mirror may have been changed or removed in this moment.
            if wanted?.copy == .waiting, try database.setting(Self.mirrorKey, as: String.self) != wanted?.place { other = nil }
            // What was begun in parts elsewhere is not gone on with.
            try database.execute(
                prepared: "DELETE FROM multipartUpload WHERE objectKey = ? AND store <> ?", arguments: [record.manifest.objectKey, place])
            try ClipRecord.noteStored(id, place: place, other: other, at: time, expiresAt: record.manifest.expiresAt, database)
            try Self.append(record.channelId, place: place, at: time, database) { [manifest = record.manifest] number, previous in
                ChainEntry(stored: manifest, objects: objects, number: number, previous: previous, at: time)
            }
            return other?.copy == .waiting
        }
        setProgress(nil, of: id)
        changes.send(.clip(id))
        return isKept
    }

    /// The clip is given up, if it is still in one of `states`; what should have been there becomes a gap.
    func noteDropped(_ id: ClipID, reason: String, at time: Date, ifStill states: Set<ClipState> = ClipState.unfinished) async throws {
        try await database.write { database in
            guard var record = try ClipRecord.fetchOne(database, id: id), states.contains(record.state) else { return }
            let length = record.manifest.footage?.duration ?? 30
            var gap = GapRecord(
                channelId: record.channelId, from: record.startsAt, to: record.startsAt.addingTimeInterval(length),
                bytes: record.spoolBytes,
                reason: reason)
            try gap.insert(database)
            record.state = .dropped
            record.spoolBytes = 0
            record.lastError = reason
            try record.update(database)
            for (key, previewed) in [(Self.placeKey, record.previewed), (Self.mirrorKey, false)] {
                guard let place = try database.setting(key, as: String.self) else { continue }
                try Self.append(record.channelId, place: place, at: time, database) { [manifest = record.manifest] number, previous in
                    ChainEntry(dropped: manifest, reason: reason, previewed: previewed, number: number, previous: previous, at: time)
                }
            }
        }
        changes.send(.clip(id))
        changes.send(.gap)
    }

    /// Takes down an event.
    func put(_ event: CameraEvent, channelName: String, clip: ClipID?, dropReason: String?) async throws {
        try await events.write(Self.row(event, channelName: channelName, clip: clip, dropReason: dropReason))
        changes.send(.event(event.id))
    }

    /// Takes down an event that has no footage, without waiting for the disk.
    func note(
        _ event: CameraEvent, channelName: String, dropReason: String?, failed: @escaping @Sendable (any Error) -> Void
    ) async {
        await events.submit(Self.row(event, channelName: channelName, clip: nil, dropReason: dropReason)) { [changes] error in
            if let error { failed(error) } else { changes.send(.event(event.id)) }
        }
    }

    private static func row(
        _ event: CameraEvent, channelName: String, clip: ClipID?, dropReason: String?
    ) -> @Sendable (Database) throws -> Void {
        { database in
            var row = EventRecord(event, channelName: channelName, clipId: clip, dropReason: dropReason)
            // Nearly every event is new; many may come at once.
            guard try !row.insertIfNew(database) else { return }
            let before = try EventRecord.fetchOne(database, id: event.id)
            row.endedAt = before?.endedAt
            // An event that has footage keeps it, whatever happens to what should have followed.
            if let clip = before?.clipId, let state = try ClipRecord.fetchOne(database, id: clip)?.state,
                state != .recording || dropReason == nil
            {
                row.clipId = clip
                row.dropReason = before?.dropReason
            }
            // A reason that was written first is not forgotten by the event itself, which comes after it.
            if dropReason == nil, row.clipId == nil { row.dropReason = before?.dropReason }
            try row.update(database)
        }
    }

    /// An event ended; without waiting for the disk.
    func end(_ event: EventID, at time: Date, failed: @escaping @Sendable (any Error) -> Void) async {
        await events.submit { database in
            try database.execute(prepared: "UPDATE event SET endedAt = ? WHERE id = ?", arguments: [time, event])
        } done: { [changes] error in
            if let error { failed(error) } else { changes.send(.event(event)) }
        }
    }

    /// Takes down a gap, or lengthens the channel's last one where it goes on for the same reason.
    func put(_ gap: GapRecord) async throws {
        try await database.write { database in
            if var last = try GapRecord.filter(Column("channelId") == gap.channelId).order(Column("id").desc).fetchOne(database),
                last.reason == gap.reason, gap.from <= last.to.addingTimeInterval(1), gap.from >= last.from
            {
                last.to = max(last.to, gap.to)
                last.bytes = (last.bytes ?? 0) + (gap.bytes ?? 0)
                try last.update(database)
            } else {
                var gap = gap
                try gap.insert(database)
            }
        }
        changes.send(.gap)
    }

    /// Forgets a clip, for which nothing is left anywhere.
    func remove(_ id: ClipID) async throws {
        try await database.write { database in
            _ = try ClipRecord.deleteOne(database, key: id)
            try EventRecord.filter(Column("clipId") == id && Column("dropReason") == nil).deleteAll(database)
            // What was known before without footage stays known.
            try database.execute(prepared: "UPDATE event SET clipId = NULL WHERE clipId = ?", arguments: [id])
        }
        changes.send(.clip(id))
    }

    func setProgress(_ share: Double?, of id: ClipID) {
        progress.withLock { $0[id] = share }
        if share != nil { changes.send(.clip(id)) }
    }

    /// How much of the present step is done, 0 to 1.
    public func progress(of id: ClipID) -> Double? {
        progress.withLock { $0[id] }
    }

    /// The row of a clip.
    public func clip(_ id: ClipID) async throws -> ClipRecord? {
        try await database.read { try ClipRecord.fetchOne($0, id: id) }
    }

    /// A clip that was under way waits again; the store may have something of it.
    func takeBack(_ id: ClipID) async throws {
        try await database.write { database in
            try database.execute(
                prepared: "UPDATE clip SET state = 'queued', attempts = attempts + 1 WHERE id = ? AND state IN ('queued', 'sending')",
                arguments: [id])
        }
        setProgress(nil, of: id)
        changes.send(.clip(id))
    }

    /// Lets clips wait again that are under way by their rows alone.
    func requeue(except inHand: Set<ClipID>) async throws {
        let marks = databaseQuestionMarks(count: inHand.count)
        try await database.write { database in
            try database.execute(
                prepared: "UPDATE clip SET state = 'queued', attempts = attempts + 1 WHERE state = 'sending' AND id NOT IN (\(marks))",
                arguments: StatementArguments(inHand))
        }
    }

    /// The picture of a clip is in the store `place`; said of another than the present first one it means nothing.
    func notePreviewed(_ id: ClipID, place: String) async throws {
        try await database.write { database in
            let first = try database.setting(Self.placeKey, as: String.self)
            guard first == nil || first == place else { return }
            try database.execute(prepared: "UPDATE clip SET previewed = 1 WHERE id = ?", arguments: [id])
        }
    }

    /// Clips that wait for a worker, oldest first; what was refilled after all others.
    func waitingForWorker(_ states: [ClipState]) async throws -> [ClipID] {
        let wanted = states.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return try await database.read { database in
            try ClipID.fetchAll(
                database, prepared: "SELECT id FROM clip WHERE state IN (\(wanted)) ORDER BY bulk, state, id LIMIT 64")
        }
    }
}

extension FootageIndex {
    /// Rows of clips that are neither stored nor dropped.
    func unfinished() async throws -> [ClipID] {
        let unfinished = ClipState.unfinished.map { "'\($0.rawValue)'" }.sorted().joined(separator: ", ")
        return try await database.read { database in
            try ClipID.fetchAll(database, prepared: "SELECT id FROM clip WHERE state IN (\(unfinished))")
        }
    }

    /// Where a clip is by its row; nil where there is none.
    func state(of id: ClipID) async throws -> ClipState? {
        try await database.read { try Self.state(of: id, $0) }
    }

    private static func state(of id: ClipID, _ database: Database) throws -> ClipState? {
        try String.fetchOne(database, prepared: "SELECT state FROM clip WHERE id = ?", arguments: [id]).flatMap { ClipState(rawValue: $0) }
    }
}

extension FootageIndex {
    /// The events that a clip shows.
    public func events(of clip: ClipID) async throws -> [EventRecord] {
        try await database.read { try EventRecord.filter(Column("clipId") == clip).fetchAll($0) }
    }

    /// An event with its clip.
    public func event(_ id: EventID) async throws -> (EventRecord, ClipRecord?)? {
        try await database.read { database in
            guard let event = try EventRecord.fetchOne(database, id: id) else { return nil }
            return (event, try event.clipId.flatMap { try ClipRecord.fetchOne(database, id: $0) })
        }
    }

    /// Forgets events without footage, dropped clips and gaps of before `time`, and clips that expired before it in a store that is not set any more.
    func forget(before time: Date) async throws {
        try await database.write { database in
            try EventRecord.filter(Column("clipId") == nil && Column("startedAt") < time).deleteAll(database)
            try ClipRecord.filter(Column("state") == ClipState.dropped.rawValue && Column("startsAt") < time).deleteAll(database)
            let unreachable = ClipRecord.filter(Column("state") == ClipState.stored.rawValue && Column("expiresAt") < time)
            try EventRecord.filter(unreachable.select(Column("id")).contains(Column("clipId"))).deleteAll(database)
            try unreachable.deleteAll(database)
            try GapRecord.filter(Column("to") < time).deleteAll(database)
        }
    }
}
