// BoxDatabase owns the one SQLite database: schema, migrations, typed records, sealed secrets.
// It is an index: what it says of clips can be rebuilt from the clip directories. No rule of the trade may enter it.

import Core
import Foundation
public import GRDB

/// The box's database, on one connection.
///
/// One connection in WAL mode with `synchronous=FULL`: a committed row survives a power cut, and the WAL-reset bug of SQLite before
/// 3.51 needs two connections.
public final class BoxDatabase: Sendable {
    public let queue: DatabaseQueue

    /// Opens or makes the database at `path`.
    ///
    /// A file that SQLite finds damaged is put aside as `<path>.damaged`, and a copy of it or a new one begun; what can be rebuilt is rebuilt from the
    /// spool.
    /// - Parameter copies: Files with what it was a while ago, the best first.
    public init(path: String, copies: [String] = []) throws {
        do {
            queue = try Self.open(path)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB {
            try Self.putAside(path, inPlace: copies.first { (try? Self.examine($0)) == .good })
            queue = try Self.open(path)
        }
    }

    /// Whenever the power goes, there is the damaged file, or what comes in its place.
    private static func putAside(_ path: String, inPlace copy: String?) throws {
        for suffix in ["", "-wal", "-shm"] { unlink(path + ".damaged" + suffix) }
        for suffix in ["-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.moveItem(atPath: path + suffix, toPath: path + ".damaged" + suffix)
        }
        guard let copy else { return try FileManager.default.moveItem(atPath: path, toPath: path + ".damaged") }
        try FileManager.default.linkItem(atPath: path, toPath: path + ".damaged")
        try DurableFile.copy(copy, to: path)
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "box"
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = WAL")
            try database.execute(sql: "PRAGMA synchronous = FULL")
            try database.execute(sql: "PRAGMA foreign_keys = ON")
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        try Schema.migrator.migrate(queue)
        try queue.read { database in
            if try String.fetchOne(database, sql: "PRAGMA quick_check(1)") != "ok" {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "quick_check failed")
            }
        }
        return queue
    }

    /// What a database that came from elsewhere is.
    public enum Examination: Sendable {
        case good
        /// A later program made it, and knows tables that this one does not.
        case newer
        case damaged
    }

    /// Looks at the file at `path`, which stays as it is.
    public static func examine(_ path: String) throws -> Examination {
        do {
            var configuration = Configuration()
            configuration.readonly = true
            return try DatabaseQueue(path: path, configuration: configuration).read { database in
                guard try String.fetchOne(database, sql: "PRAGMA integrity_check(1)") == "ok" else { return .damaged }
                return try Schema.migrator.hasBeenSuperseded(database) ? .newer : .good
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB {
            return .damaged
        }
    }

    /// Reads off the cooperative threads.
    ///
    /// Nothing else uses the one connection meanwhile, so that what is read belongs together without a transaction of its own.
    public func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        if let rehearsal = Rehearsal.current {
            try await rehearsal.block()
            return try readHere(body)
        }
        return try await queue.unsafeRead { try Self.read($0, body) }
    }

    private static func read<Value>(_ database: Database, _ body: (Database) throws -> Value) rethrows -> Value {
        let changes = database.totalChangesCount
        defer { assert(database.totalChangesCount == changes, "a read wrote") }
        return try body(database)
    }

    /// Writes in one transaction; durable when it returns.
    public func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        if let rehearsal = Rehearsal.current {
            try await rehearsal.block()
            let code = rehearsal.write(queue.path)
            guard code == 0 else { throw DatabaseError(resultCode: code == ENOSPC ? .SQLITE_FULL : .SQLITE_IOERR) }
            return try writeHere(body)
        }
        return try await queue.write(body)
    }

    // The same where the task runs.
    private func readHere<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try queue.unsafeRead { try Self.read($0, body) }
    }

    private func writeHere<Value>(_ body: (Database) throws -> Value) throws -> Value { try queue.write(body) }
}
