import GRDB
import GRDBSQLite

extension BoxDatabase {
    /// Writes a whole copy, as of the moment in which it is done, to the new file `path`. Blocks; the box reads and writes between its steps
    /// (SQLite's online backup: what is written meanwhile by the same connection goes into the copy as well).
    /// - Parameters:
    ///   - pagesAtOnce: are copied while others wait.
    ///   - between: called after each step but the last.
    public func copy(to path: String, pagesAtOnce: Int = 256, between: () throws -> Void = {}) throws {
        let target = try CopyTarget(path)
        let copying = try queue.writeWithoutTransaction { database in try OnlineCopy(of: database, to: target) }
        do {
            while try queue.writeWithoutTransaction({ _ in try copying.step(pagesAtOnce) }) { try between() }
        } catch {
            queue.writeWithoutTransaction { _ in try? copying.finish() }
            throw error
        }
        try queue.writeWithoutTransaction { _ in try copying.finish() }
        // Not in place: what was deleted is left out, and no log of changes belongs to it.
        try target.execute("PRAGMA journal_mode = DELETE")
        try target.execute("VACUUM")
    }
}

/// The file that a copy is written to.
private final class CopyTarget {
    fileprivate let handle: OpaquePointer

    init(_ path: String) throws {
        var handle: OpaquePointer?
        let code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE, nil)
        guard code == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: "the copy cannot be made")
        }
        self.handle = handle
    }

    deinit { sqlite3_close_v2(handle) }

    func execute(_ statement: String) throws {
        let code = sqlite3_exec(handle, statement, nil, nil, nil)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code), message: "the copy cannot be finished") }
    }
}

/// A copy on its way. Its steps, and its end, run where nothing else uses the connection that is copied.
private final class OnlineCopy {
    private let backup: OpaquePointer
    private let target: CopyTarget

    init(of database: Database, to target: CopyTarget) throws {
        guard let backup = sqlite3_backup_init(target.handle, "main", database.sqliteConnection, "main") else {
            throw DatabaseError(resultCode: ResultCode(rawValue: sqlite3_errcode(target.handle)), message: "the copy cannot be begun")
        }
        (self.backup, self.target) = (backup, target)
    }

    /// Copies so many pages; whether there are more.
    func step(_ pages: Int) throws -> Bool {
        let code = sqlite3_backup_step(backup, Int32(pages))
        switch code {
        case SQLITE_DONE: return false
        case SQLITE_OK, SQLITE_BUSY, SQLITE_LOCKED: return true
        default: throw DatabaseError(resultCode: ResultCode(rawValue: code), message: "the copy broke off")
        }
    }

    /// Ends it, in whatever state; once.
    func finish() throws {
        let code = sqlite3_backup_finish(backup)
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code), message: "the copy broke off") }
    }
}
