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
    }

    /// The next clip for the uploader, found by one step into an index.
    /// - Throws: `UnreadableClip` where its row cannot be read.
    func next(_ turn: Turn, excluding: Set<ClipID>) async throws -> ClipRecord? {
        try await database.read { database in
            let queued = ClipRecord.filter(Column("state") == ClipState.queued.rawValue && !excluding.contains(Column("id")))
            let wanted = queued.filter(Column("bulk") == false)
            let request =
                switch turn {
                case .live(let since): wanted.filter(Column("startsAt") >= since).order(Column("startsAt").desc)
                case .backlog(let before, let oldestFirst):
                    wanted.filter(Column("startsAt") < before).order(oldestFirst ? Column("startsAt").asc : Column("startsAt").desc)
                case .bulk: queued.filter(Column("bulk") == true).order(Column("startsAt").desc)
                case .preview(let before):
                    queued.filter(sql: "NOT previewed").filter(Column("startsAt") < before).order(Column("startsAt").desc)
                case .copy:
                    ClipRecord.filter(Column("otherCopy") == ClipRecord.OtherCopy.waiting.rawValue && !excluding.contains(Column("id")))
                        .order(Column("startsAt").desc)
                }
            guard let row = try Row.fetchOne(database, request.limit(1)) else { return nil }
            do {
                return try ClipRecord(row: row)
            } catch {
                throw UnreadableClip(id: row["id"])
            }
        }
    }

    /// Removes a row that cannot be read, so that one can be made from the clip's directory.
    func removeUnreadable(_ clip: UnreadableClip) async throws {
        try await database.write { try $0.execute(sql: "DELETE FROM clip WHERE id = ?", arguments: [clip.id]) }
    }
}
