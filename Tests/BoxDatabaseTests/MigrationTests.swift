import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import BoxDatabase

@Suite struct MigrationTests {
    /// A database as the first release left it, with a camera, a channel and an event.
    private func firstRelease(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue, upTo: "1: the main job")
        try queue.write { database in
            let now = "2026-11-01 10:00:00.000"
            try database.execute(sql: "INSERT INTO site VALUES ('s', 'Shop', 'Europe/Berlin', ?)", arguments: [now])
            try database.execute(
                sql:
                    "INSERT INTO device VALUES ('d', 's', 'Yard', 'rtsp://cam.lan:8554/main', 'rtsp://cam.lan:8554/sub', 'admin', x'01', 'tcp', ?)",
                arguments: [now])
            let motion = #"{"cells":[],"enabled":true,"sensitivity":60}"#
            try database.execute(
                sql: "INSERT INTO channel VALUES ('c', 'd', 's', 'Yard', NULL, 7, 1, ?, '{\"always\":true,\"periods\":[]}', ?)",
                arguments: [motion, now])
            try database.execute(
                sql: """
                    INSERT INTO event (id, channelId, channelName, category, source, startedAt) VALUES ('e', 'c', 'Yard', 'motion', 'box', ?)
                    """, arguments: [now])
        }
        try queue.close()
    }

    @Test func aBoxOfTheFirstReleaseKeepsItsCameras() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/box.sqlite"
        try firstRelease(path)
        let database = try BoxDatabase(path: path)
        func text(_ sql: String) async throws -> String? { try await database.read { try String.fetchOne($0, sql: sql) } }
        let device = try await text(
            "SELECT driver || ' ' || host || ' ' || rtspPort || ' ' || userName || ' ' || hex(sealedPassword) FROM device")
        #expect(device == "rtsp cam.lan 8554 admin 01")
        let channel = try await text("SELECT url || ' ' || subUrl || ' ' || proxied || ' ' || number FROM channel")
        #expect(channel == "rtsp://cam.lan:8554/main rtsp://cam.lan:8554/sub 1 1")
        let event = try await text("SELECT category || ' ' || noted FROM event")
        #expect(event == "motion 0")
        // The channel still goes with its device.
        try await database.write { try $0.execute(sql: "DELETE FROM device") }
        #expect(try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM channel") } == 0)
    }
}

@Suite struct GroupCommitTests {
    @Test func manyWritesGoTogetherAndAFailureIsItsOwn() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let together = GroupCommit(database)
        let failures = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<200 {
                group.addTask {
                    do {
                        try await together.write { database in
                            try database.set("key \(index)", to: index)
                            if index == 77 { throw CancellationError() }
                        }
                        return false
                    } catch {
                        return true
                    }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(failures == 1)
        #expect(try await database.read { try SettingRecord.fetchCount($0) } == 199)
        #expect(try await database.read { try $0.setting("key 77", as: Int.self) } == nil)
    }

    @Test func aLoneWriteGoesAtOnceAndThoseThatFollowWaitForOneAnother() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let time = ManualTime()
        let together = GroupCommit(database, time: time.source)
        try await together.write { try $0.set("first", to: 1) }
        let count = Counter()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<20 {
                group.addTask {
                    try? await together.write { try $0.set("more \(index)", to: index) }
                    count.next()
                }
            }
            // The clock stands still: nothing is written until the pace has passed.
            #expect(await eventually { time.sleepers == 1 })
            #expect(count.value == 0)
            time.advance(.milliseconds(30))
            #expect(
                await eventually {
                    time.advance(.milliseconds(30))
                    return count.value == 20
                })
        }
        #expect(try await database.read { try SettingRecord.fetchCount($0) } == 21)
    }

    @Test func whatIsHandedOverGoesInOrderAndTellsWhatFailed() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let together = GroupCommit(database)
        let (failed, done) = (Counter(), Counter())
        for index in 0..<3_000 {
            await together.submit { database in
                if index == 1_500 { throw CancellationError() }
                try database.set("last", to: index)
            } done: { error in
                done.next()
                if error != nil { failed.next() }
            }
        }
        try await together.write { _ in }
        #expect(done.value == 3_000)
        #expect(failed.value == 1)
        #expect(try await database.read { try $0.setting("last", as: Int.self) } == 2_999)
    }
}
