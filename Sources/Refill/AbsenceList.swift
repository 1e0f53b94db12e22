public import BoxDatabase
public import Core
import Foundation
import GRDB

/// The absences in the database: bounded, merged, and never forgotten before they are done.
public struct AbsenceList: Sendable {
    /// Devices keep their footage for days, and what is older would be overwritten in the cloud as well.
    static let longest: TimeInterval = 7 * 86_400
    public static let most = 1000
    /// One that follows so soon is the same.
    static let merging: TimeInterval = 30
    /// More events of one absence are not looked at.
    private static let mostEvents = 10_000
    private static let aliveKey = "refill.aliveAt"

    private let database: BoxDatabase
    private let time: TimeSource

    public init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
    }

    /// The newest first.
    public static func newest(_ limit: Int, in database: BoxDatabase) async throws -> [AbsenceRecord] {
        try await database.read { try AbsenceRecord.order(Column("from").desc, Column("id").desc).limit(limit).fetchAll($0) }
    }

    // MARK: The box's own absence

    /// The box lives: a power cut from here on begins here.
    func markAlive() async throws {
        let now = time.now()
        try await database.write { try $0.set(Self.aliveKey, to: now) }
    }

    /// When the box was alive for sure before this start.
    func lastAlive() async throws -> Date? {
        try await database.read { try $0.setting(Self.aliveKey, as: Date.self) }
    }

    // MARK: Absences

    /// The channels that were away when the box ended.
    func lasting() async throws -> [AbsenceRecord] {
        try await database.read { try AbsenceRecord.filter(Column("state") == AbsenceRecord.State.lasting.rawValue).fetchAll($0) }
    }

    /// Takes down that a channel is away, or that the last absence goes on.
    func begin(_ channel: ChannelID, name: String, from: Date, reason: String) async throws {
        let now = time.now()
        let from = max(from, now.addingTimeInterval(-Self.longest))
        try await database.write { database in
            let open = AbsenceRecord.filter(Column("channelId") == channel)
                .filter(["lasting", "waiting"].contains(Column("state")) && Column("attempts") == 0)
            if var last = try open.order(Column("id").desc).fetchOne(database) {
                if last.to.map({ from <= $0.addingTimeInterval(Self.merging) }) ?? true {
                    last.to = nil
                    last.state = .lasting
                    last.from = min(last.from, from)
                    return try last.update(database)
                }
            }
            var record = AbsenceRecord(channelId: channel, channelName: name, from: from, reason: reason)
            try record.insert(database)
            // What is done goes first; a list that grew beyond use loses its beginning.
            try database.execute(
                sql: """
                    DELETE FROM absence WHERE id IN (SELECT id FROM absence ORDER BY state IN ('refilled', 'nothing', 'impossible') DESC, id
                    LIMIT max(0, (SELECT count(*) FROM absence) - ?))
                    """, arguments: [Self.most])
        }
    }

    /// The channel is back, or is not to be recorded any more.
    func end(_ channel: ChannelID, at time: Date) async throws {
        try await database.write { database in
            let open = AbsenceRecord.filter(Column("channelId") == channel && Column("state") == AbsenceRecord.State.lasting.rawValue)
            for var record in try open.fetchAll(database) {
                guard time.timeIntervalSince(record.from) >= AbsenceTracker.shortest else {
                    try record.delete(database)
                    continue
                }
                record.to = time
                record.state = .waiting
                try record.update(database)
            }
        }
    }

    /// Absences that may be looked after now, the newest first.
    func due() async throws -> [AbsenceRecord] {
        let now = time.now()
        return try await database.read { database in
            try AbsenceRecord.filter(["waiting", "searching", "refilling"].contains(Column("state")))
                .filter(Column("nextAttemptAt") == nil || Column("nextAttemptAt") <= now).order(Column("from").desc).fetchAll(database)
        }
    }

    func absence(_ id: Int64) async throws -> AbsenceRecord? {
        try await database.read { try AbsenceRecord.fetchOne($0, key: id) }
    }

    /// Takes an absence that is due into work; nil where its row is another by now, lengthened for instance.
    func claim(_ absence: AbsenceRecord) async throws -> AbsenceRecord? {
        try await database.write { database in
            guard var current = try AbsenceRecord.fetchOne(database, key: absence.id), current == absence else { return nil }
            current.state = .searching
            current.sentence = nil
            try current.update(database)
            return current
        }
    }

    /// Takes down how an attempt failed. Pieces of an absence that is given up count as footage no longer.
    func noteFailure(of absence: Int64, _ change: @escaping @Sendable (inout AbsenceRecord) -> Void) async throws {
        try await database.write { database in
            // One that lasts was lengthened meanwhile: it will be looked after when it is over.
            guard var record = try AbsenceRecord.fetchOne(database, key: absence), record.state != .lasting else { return }
            change(&record)
            try record.update(database)
            guard record.state.isDone else { return }
            try database.execute(
                sql: "UPDATE refillPiece SET state = 'failed', sentence = coalesce(sentence, ?) WHERE absenceId = ? AND state = 'planned'",
                arguments: [record.sentence, absence])
        }
    }

    func update(_ record: AbsenceRecord) async throws {
        _ = try await database.write { database in
            if try AbsenceRecord.exists(database, key: record.id) { try record.update(database) }
        }
    }

    // MARK: Pieces

    /// Takes down which clips are to be made, with their identities.
    func plan(_ absence: AbsenceRecord, _ pieces: [RefillPieceRecord]) async throws {
        _ = try await database.write { database in
            for piece in pieces { try piece.insert(database) }
            try absence.update(database)
        }
    }

    func pieces(of absence: Int64) async throws -> [RefillPieceRecord] {
        try await database.read { try RefillPieceRecord.filter(Column("absenceId") == absence).order(Column("from")).fetchAll($0) }
    }

    /// A piece is done, or given up; a clip counts in the same step.
    func note(_ piece: RefillPieceRecord) async throws {
        _ = try await database.write { database in
            try piece.update(database)
            if piece.state == .done {
                try database.execute(sql: "UPDATE absence SET clips = clips + 1 WHERE id = ?", arguments: [piece.absenceId])
            }
        }
    }

    /// Whether the clip has been accepted, whatever became of it then.
    func isAccepted(_ clip: ClipID) async throws -> Bool {
        try await database.read { database in
            try ClipRecord.fetchOne(database, key: clip).map { $0.state != .recording } ?? false
        }
    }

    // MARK: What is known of a time

    /// What the channel has footage of: by the box itself, and exactly so much by earlier refills and recordings that were cut short.
    func footage(of channel: ChannelID, in span: Span) async throws -> (own: [Span], exact: [Span]) {
        try await database.read { database in
            let clips = try ClipRecord.filter(Column("channelId") == channel && Column("startsAt") < span.to)
                .filter(Column("startsAt") > span.from.addingTimeInterval(-3600) && Column("state") != ClipState.dropped.rawValue)
                .fetchAll(database)
            func spans(_ wanted: (ClipManifest) -> Bool) -> [Span] {
                clips.filter { wanted($0.manifest) }.map { clip in
                    Span(from: clip.startsAt, to: clip.startsAt.addingTimeInterval(clip.manifest.footage?.duration ?? 30))
                }
            }
            // Of a recording that was cut short only what is there is had; how much that is may not be known yet.
            let exact = spans { $0.footage != nil && ($0.refilled == true || $0.interrupted) }
            let pieces = try RefillPieceRecord.filter(Column("channelId") == channel && Column("state") != "failed")
                .filter(Column("from") < span.to && Column("to") > span.from).fetchAll(database)
            return (spans { $0.refilled != true && !$0.interrupted }, exact + pieces.map { Span(from: $0.from, to: $0.to) })
        }
    }

    /// Events of this time of which there should be footage and is none.
    func events(of channel: ChannelID, in span: Span) async throws -> [ClipManifest.Event] {
        try await database.read { database in
            let rows = EventRecord.filter(
                Column("channelId") == channel && Column("startedAt") >= span.from && Column("startedAt") < span.to
            )
            .filter(Column("clipId") == nil && Column("noted") == false && Column("dropReason") != nil)
            return try rows.order(Column("startedAt")).limit(Self.mostEvents).fetchAll(database).filter { $0.category.isFootage }.map {
                row in
                var event = ClipManifest.Event(id: row.id, category: row.category, source: row.source, startedAt: row.startedAt)
                event.region = row.region
                event.target = row.target
                event.deviceTime = row.deviceTime
                return event
            }
        }
    }
}
