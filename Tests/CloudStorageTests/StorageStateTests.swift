import BoxDatabase
import Core
import Foundation
import TestSupport
import Testing

@testable import CloudStorage

@Suite struct StateMemoryTests {
    private let noon = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func aStateBeganWhenItBeganThoughTheBoxWasStartedSince() async throws {
        let folder = try TemporaryFolder()
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let first = StateMemory(database: database)
        #expect(first.since("failing", of: "first", place: "a", began: noon) == noon)
        try await first.save()
        let second = StateMemory(database: database)
        try await second.load()
        let later = noon.addingTimeInterval(60)
        // What is not certain is not taken down.
        #expect(second.since("ok", of: "first", place: "a", began: later, isCertain: false) == later)
        #expect(second.since("failing", of: "first", place: "a", began: later) == noon)
        #expect(second.since("failing", of: "first", place: "b", began: later) == later)
        #expect(second.since("failing", of: "second", place: "a", began: later) == later)
        #expect(second.since("ok", of: "first", place: "b", began: later.addingTimeInterval(1)) == later.addingTimeInterval(1))
    }
}

@Suite struct UplinkPauseTests {
    private typealias Period = ArmingSchedule.Period
    private let zone = TimeZone(identifier: "Europe/Berlin") ?? .gmt
    /// Wednesday, 18 November 2026, 14:30 in Berlin.
    private let wednesday = Date(timeIntervalSince1970: 1_795_008_600)

    private func settings(_ periods: [Period], cap: UplinkSettings.Cap? = nil) -> UplinkSettings {
        UplinkSettings(cap: cap, windows: [.init(schedule: ArmingSchedule(always: false, periods: periods), cap: .paused)])
    }

    private func pause(_ settings: UplinkSettings) -> UplinkPause? { settings.pause(at: wednesday, zone: zone) }

    @Test func aPauseEndsWithItsWindow() throws {
        let found = try #require(pause(settings([Period(day: .wednesday, from: 480, to: 1320)])))
        #expect(found.words == "until 22:00")
        #expect(found.until?.timeIntervalSince(wednesday) == 7.5 * 3600)
    }

    @Test func windowsThatFollowOneAnotherAreOnePause() {
        let periods = [
            Period(day: .wednesday, from: 480, to: 1440), Period(day: .thursday, from: 0, to: 1440), Period(day: .friday, from: 0, to: 65),
        ]
        #expect(pause(settings(periods))?.words == "until Friday 01:05")
    }

    @Test func aPauseThatNothingEndsSaysNoTime() {
        #expect(pause(UplinkSettings(cap: .paused)) == UplinkPause(until: nil, words: nil))
        #expect(pause(settings([Period(day: .wednesday, from: 480, to: 1320)], cap: .paused)) == UplinkPause(until: nil, words: nil))
        #expect(pause(settings([Period(day: .thursday, from: 0, to: 60)])) == nil)
        #expect(pause(UplinkSettings(cap: .percent(1))) == nil)
    }

    @Test func aPauseOfAllButOneHourOfTheWeekEndsInIt() {
        let days = ArmingSchedule.Day.allCases.map { Period(day: $0, from: 0, to: 1440) }.filter { $0.day != .tuesday }
        let periods = days + [Period(day: .tuesday, from: 0, to: 600), Period(day: .tuesday, from: 660, to: 1440)]
        #expect(pause(settings(periods))?.words == "until Tuesday 10:00")
    }
}
