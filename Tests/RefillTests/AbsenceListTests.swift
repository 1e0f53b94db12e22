import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Refill

@Suite struct AbsenceListTests {
    private let folder: TemporaryFolder
    private let database: BoxDatabase
    private let now = Date(timeIntervalSince1970: 1_790_000_000)
    private let list: AbsenceList
    private let channel: ChannelID

    init() throws {
        folder = try TemporaryFolder()
        database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let now = now
        list = AbsenceList(database: database, time: TimeSource(now: { now }, uptime: { .zero }, sleep: { _ in }))
        channel = .timeOrdered(at: now)
    }

    private func at(_ seconds: Double) -> Date { now.addingTimeInterval(seconds) }
    private func begin(_ seconds: Double) async throws { try await list.begin(channel, name: "Yard", from: at(seconds), reason: "Away.") }
    private func all() async throws -> [AbsenceRecord] { try await AbsenceList.newest(2000, in: database) }

    @Test func absencesThatFollowSoonAreOne() async throws {
        try await begin(-300)
        try await list.end(channel, at: at(-250))
        try await begin(-230)
        #expect(try await all().map(\.state) == [.lasting])
        try await list.end(channel, at: at(-200))
        try await begin(-100)
        let found = try await all()
        #expect(found.map(\.from) == [at(-100), at(-300)] && found.map(\.to) == [nil, at(-200)])
        #expect(try await list.due().map(\.from) == [at(-300)])
    }

    @Test func shortOnesAreForgotten() async throws {
        try await begin(-10)
        try await list.end(channel, at: at(-7))
        #expect(try await all().isEmpty)
    }

    @Test func theyReachBackSevenDaysAndAreAThousand() async throws {
        try await begin(-30 * 86_400)
        #expect(try await all().map(\.from) == [at(-7 * 86_400)])
        for index in 0..<1010 {
            let other = ChannelID.timeOrdered(at: at(Double(index)))
            try await list.begin(other, name: "Other", from: at(-60), reason: "Away.")
        }
        #expect(try await all().count == 1000)
    }

    @Test func anAbsenceThatWasSearchedIsNotLengthened() async throws {
        try await begin(-300)
        try await list.end(channel, at: at(-100))
        var record = try #require(try await all().first)
        record.state = .refilled
        try await list.update(record)
        try await begin(-90)
        #expect(try await all().map(\.state) == [.lasting, .refilled])
        #expect(try await list.lasting().map(\.channelId) == [channel])
    }

    @Test func theMarkOfLifeIsKept() async throws {
        #expect(try await list.lastAlive() == nil)
        try await list.markAlive()
        #expect(try await list.lastAlive() == now)
    }
}
