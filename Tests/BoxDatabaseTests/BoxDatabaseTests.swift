import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct BoxDatabaseTests {
    @Test func commitsSurviveAPowerCut() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let (mode, synchronous) = try await database.read { database in
            (try String.fetchOne(database, sql: "PRAGMA journal_mode"), try Int.fetchOne(database, sql: "PRAGMA synchronous"))
        }
        #expect(mode == "wal" && synchronous == 2)
    }

    @Test func aDamagedFileIsPutAsideAndANewOneBegun() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/box.sqlite"
        try Data(repeating: 0x41, count: 8192).write(to: URL(fileURLWithPath: path))
        let database = try BoxDatabase(path: path)
        try await database.write { try $0.set("key", to: 42) }
        #expect(try await database.read { try $0.setting("key", as: Int.self) } == 42)
        #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
    }

    @Test func settingsAreReplacedAndRemoved() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        try await database.write { database in
            try database.set("a", to: ["x": 1])
            try database.set("a", to: ["y": 2])
        }
        #expect(try await database.read { try $0.setting("a", as: [String: Int].self) } == ["y": 2])
        try await database.write { try $0.set("a", to: Int?.none) }
        #expect(try await database.read { try $0.setting("a", as: Int.self) } == nil)
    }
}

@Suite struct SecretSealerTests {
    @Test func opensOnlyInItsOwnPlaceAndUnderItsOwnKey() throws {
        let folder = try TemporaryFolder()
        let sealer = try SecretSealer(keyFile: folder.path + "/key")
        let sealed = try sealer.seal("camera password", context: "device/1")
        #expect(try sealer.unseal(sealed, context: "device/1") == "camera password")
        #expect(throws: (any Error).self) { try sealer.unseal(sealed, context: "device/2") }
        #expect(sealed.range(of: Data("camera password".utf8)) == nil)
        let again = try SecretSealer(keyFile: folder.path + "/key")
        #expect(try again.unseal(sealed, context: "device/1") == "camera password")
        let other = try SecretSealer(keyFile: folder.path + "/other")
        #expect(throws: (any Error).self) { try other.unseal(sealed, context: "device/1") }
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func theBoxReadsAndWritesWhileACopyIsMade() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        try await database.write { database in
            for number in 0..<200 { try database.set("long \(number)", to: String(repeating: "x", count: 8000)) }
            for number in 0..<50 { try database.set("long \(number)", to: String?.none) }
        }
        let copy = folder.path + "/copy.sqlite"
        var steps = 0
        // Called on this thread: with the connection still taken it would never come back.
        try database.copy(to: copy, pagesAtOnce: 10) {
            steps += 1
            try database.queue.write { try $0.set("step", to: steps) }
        }
        #expect(steps > 10)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("copy") } == ["copy.sqlite"])
        #expect(try BoxDatabase.examine(copy) == .good)
        let copied = try DatabaseQueue(path: copy)
        let (last, long, free) = try await copied.read { database in
            (
                try database.setting("step", as: Int.self), try database.setting("long 199", as: String.self)?.count,
                try Int.fetchOne(database, sql: "PRAGMA freelist_count")
            )
        }
        #expect(last == steps && long == 8000 && free == 0)
        #expect(throws: DatabaseError.self) { try database.copy(to: folder.path + "/none/copy.sqlite") }
        #expect(try await database.read { try $0.setting("step", as: Int.self) } == steps)
    }

    @Test func whatIsCachedIsReadAgainAfterAChangeAndNoSooner() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let reads = Counter()
        let cached = CachedRead(database, tables: ["setting"]) { database in
            reads.next()
            return try database.setting("key", as: Int.self)
        }
        #expect(try await cached.value() == nil)
        for number in 1...3 {
            try await database.write { try $0.set("key", to: number) }
            for _ in 0..<3 { #expect(try await cached.value() == number) }
        }
        #expect(reads.value == 4)
        // What was undone, and what is in other tables, changes nothing.
        await #expect(throws: CancellationError.self) {
            try await database.write { database in
                try database.set("key", to: 9)
                throw CancellationError()
            }
        }
        try await database.write { try $0.execute(sql: "DELETE FROM person") }
        #expect(try await cached.value() == 3)
        #expect(reads.value == 4)
    }
}
