import BoxDatabase
import Core
import Foundation
import GRDB

/// A row that cannot be read, of another release or a failing disk: it must not stop the others.
struct UnreadableClip: Error {
    let id: String
}

// Which clip goes next.
extension FootageIndex {
    private static let mostPrepared = 32

    /// Which clip the uploader wants next.
    enum Turn: Sendable {
        /// The newest that began at this time or later.
        case live(since: Date)
        /// Of what began before this time, the newest, or the oldest where that is asked for.
        case backlog(before: Date, oldestFirst: Bool)
        /// What nobody waits for, the newest first.
        case bulk
        /// The newest whose picture is not in the store yet.
        case preview(before: Date)
        /// The newest that still wants its second copy.
        case copy
        /// The newest in the store at this place whose second copy has to be made from there.
        case fetch(from: String)
    }

    /// The next clip for the uploader, found by one step into an index.
    /// - Throws: `UnreadableClip` where its row cannot be read.
    func next(_ turn: Turn, excluding: Set<ClipID>) async throws -> ClipRecord? {
        try await database.read { database in
            let (sql, arguments) = Self.query(turn, excluding: excluding)
            // Each number of clips that are left out is a statement of its own.
            let isCommon = excluding.count <= Self.mostPrepared
            let statement = try isCommon ? database.cachedStatement(sql: sql) : database.makeStatement(sql: sql)
            do {
                return try ClipRecord.fetchOne(statement, arguments: arguments)
            } catch {
                guard !(error is DatabaseError), let row = try Row.fetchOne(statement, arguments: arguments) else { throw error }
                throw UnreadableClip(id: row["id"])
            }
        }
    }

    /// Written out, because SQLite uses the indexes for these very terms alone: for `NOT bulk` it would sort a backlog of days for each clip.
    static func query(_ turn: Turn, excluding: Set<ClipID>) -> (sql: String, arguments: StatementArguments) {
        let (source, term, bound, order): (String, String, String?, String) =
            switch turn {
            case .live(let since): ("clip", "state = 'queued' AND bulk = 0 AND startsAt >= ?", since.stored, "DESC")
            case .backlog(let before, let oldestFirst):
                ("clip", "state = 'queued' AND bulk = 0 AND startsAt < ?", before.stored, oldestFirst ? "ASC" : "DESC")
            case .bulk: ("clip", "state = 'queued' AND bulk = 1", nil, "DESC")
            case .preview(let before):
                ("clip INDEXED BY clip_without_preview", "state = 'queued' AND NOT previewed AND startsAt < ?", before.stored, "DESC")
            case .copy: ("clip INDEXED BY clip_elsewhere", "otherCopy = 'waiting'", nil, "DESC")
            case .fetch(let place): ("clip INDEXED BY clip_elsewhere", "otherCopy = 'wanted' AND place = ?", place, "DESC")
            }
        let others = excluding.isEmpty ? "" : " AND id NOT IN (\(databaseQuestionMarks(count: excluding.count)))"
        let sql = "SELECT * FROM \(source) WHERE \(term)\(others) ORDER BY startsAt \(order) LIMIT 1"
        return (sql, StatementArguments((bound.map { [$0] } ?? []) + excluding.map(\.text)))
    }

    /// The picture that is in the store ahead of its clip is not the one that belongs there; what is there counts as an attempt.
    func forgetPreview(of id: ClipID) async throws {
        try await database.write { database in
            try database.execute(prepared: "UPDATE clip SET attempts = attempts + previewed, previewed = 0 WHERE id = ?", arguments: [id])
        }
    }

    /// Removes a row that cannot be read, so that one can be made from the clip's directory.
    func removeUnreadable(_ clip: UnreadableClip) async throws {
        try await database.write { try $0.execute(prepared: "DELETE FROM clip WHERE id = ?", arguments: [clip.id]) }
    }
}
