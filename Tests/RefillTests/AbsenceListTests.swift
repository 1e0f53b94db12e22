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

    @Test func anAbsenceThatWasLengthenedIsNotTakenIntoWork() async throws {
        try await begin(-300)
        try await list.end(channel, at: at(-100))
        let read = try #require(try await list.due().first)
        try await begin(-90)
        #expect(try await list.claim(read) == nil)
        let id = try #require(read.id)
        try await list.noteFailure(of: id) { $0.state = .impossible }
        #expect(try await all().map(\.state) == [.lasting])
        try await list.end(channel, at: at(-50))
        let longer = try #require(try await list.due().first)
        let claimed = try #require(try await list.claim(longer))
        #expect(claimed.state == .searching && claimed.to == at(-50))
        #expect(try await list.claim(longer) == nil)
    }

    @Test func onlyTheDevicesFailuresAreCounted() throws {
        var record = AbsenceRecord(channelId: channel, channelName: "Yard", from: at(-300), to: at(-200), reason: "Away.")
        record.state = .refilling
        for _ in 0..<50 {
            RefillQueue.note(RefillRefusal.noRoom("Full."), of: &record, now: now)
            RefillQueue.note(SpoolRefusal.full("Full."), of: &record, now: now)
        }
        #expect(record.state == .refilling && record.attempts == 0 && record.nextAttemptAt == at(60))
        for _ in 0..<11 { RefillQueue.note(RefillRefusal.later("Busy."), of: &record, now: now) }
        #expect(record.state == .refilling && record.attempts == 11)
        RefillQueue.note(RefillRefusal.later("Busy."), of: &record, now: now)
        #expect(record.state == .impossible && record.nextAttemptAt == nil)
    }

    @Test func piecesThatAreGivenUpAreNotHad() async throws {
        try await begin(-300)
        try await list.end(channel, at: at(-100))
        let read = try #require(try await list.due().first)
        var claimed = try #require(try await list.claim(read))
        claimed.state = .refilling
        let id = try #require(claimed.id)
        let pieces = [-300.0, -200].map { from in
            RefillPieceRecord(
                clipId: .timeOrdered(at: at(from)), absenceId: id, channelId: channel, from: at(from), to: at(from + 30), recording: "{}",
                clockOffset: 0, events: "[]")
        }
        try await list.plan(claimed, pieces)
        var first = pieces[0]
        first.state = .done
        try await list.note(first)
        let span = Span(from: at(-400), to: now)
        #expect(try await list.footage(of: channel, in: span).exact.count == 2)
        try await list.noteFailure(of: id) { RefillQueue.note(RefillRefusal.never("Gone."), of: &$0, now: .distantFuture) }
        #expect(try await all().map(\.state) == [.refilled])
        #expect(try await list.pieces(of: id).map(\.state) == [.done, .failed])
        #expect(try await list.footage(of: channel, in: span).exact == [Span(from: at(-300), to: at(-270))])
    }

    @Test func theMarkOfLifeIsKept() async throws {
        #expect(try await list.lastAlive() == nil)
        try await list.markAlive()
        #expect(try await list.lastAlive() == now)
    }
}
