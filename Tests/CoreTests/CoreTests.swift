import Core
import Foundation
import Testing

@Suite struct IdentifierTests {
    @Test func refusesWhatIsNotSafeInPathsAndURLs() {
        for text in ["", "a/b", "..", "a b", "é", String(repeating: "a", count: 65)] { #expect(ClipID(text) == nil) }
        #expect(ClipID("01a1fc0a-B_9")?.text == "01a1fc0a-B_9")
    }

    @Test func sortsByTheTimeOfItsMaking() {
        let times = (0..<50).map { Date(timeIntervalSince1970: 1_700_000_000 + Double($0)) }
        let made = times.map { ClipID.timeOrdered(at: $0).text }
        #expect(made == made.sorted())
        #expect(Set(made).count == 50)
    }
}

@Suite struct BackOffTests {
    @Test func staysWithinItsBoundsAndGrows() {
        var generator = SystemRandomNumberGenerator()
        var backOff = BackOff(first: .seconds(1), longest: .seconds(300), shortest: .milliseconds(200))
        var longest = Duration.zero
        for attempt in 0..<200 {
            let wait = backOff.failed(using: &generator)
            #expect(wait >= .milliseconds(200) && wait <= .seconds(300))
            if attempt < 3 { #expect(wait <= .seconds(4)) }
            longest = max(longest, wait)
        }
        #expect(longest > .seconds(60))
        backOff.succeeded()
        #expect(backOff.failed(using: &generator) <= .seconds(1))
    }
}

@Suite struct ArmingScheduleTests {
    private func date(_ text: String) throws -> Date { try #require(GatehouseJSON.date(text)) }

    @Test func isReadOnTheSitesClockAlsoAcrossDaylightSaving() throws {
        let rome = try #require(TimeZone(identifier: "Europe/Rome"))
        let schedule = ArmingSchedule(always: false, periods: [.init(day: .sunday, from: 8 * 60, to: 9 * 60)])
        // Sunday, 29 March 2026: clocks went forward in Rome that night.
        #expect(schedule.isArmed(at: try date("2026-03-29T06:00:00Z"), zone: rome))
        #expect(!schedule.isArmed(at: try date("2026-03-29T07:00:00Z"), zone: rome))
        #expect(!schedule.isArmed(at: try date("2026-03-22T06:30:00Z"), zone: rome))
        #expect(schedule.isArmed(at: try date("2026-03-22T07:30:00Z"), zone: rome))
        #expect(!schedule.isArmed(at: try date("2026-03-30T06:30:00Z"), zone: rome))
    }

    @Test func aPeriodToMidnightCoversTheLastMinute() throws {
        let schedule = ArmingSchedule(always: false, periods: [.init(day: .monday, from: 0, to: 1440)])
        #expect(schedule.isArmed(at: try date("2026-03-30T23:59:59Z"), zone: .gmt))
        #expect(!schedule.isArmed(at: try date("2026-03-31T00:00:00Z"), zone: .gmt))
    }
}

@Suite struct MotionSettingsTests {
    @Test func refusesGridsOfAnotherShape() {
        #expect(MotionSettings.standard.isWellFormed)
        var settings = MotionSettings.standard
        settings.cells[0] = "11"
        #expect(!settings.isWellFormed)
        settings = .standard
        settings.cells[3] = String(repeating: "2", count: 22)
        #expect(!settings.isWellFormed)
        settings = .standard
        settings.sensitivity = 101
        #expect(!settings.isWellFormed)
    }
}

@Suite struct BroadcastTests {
    @Test func aSlowListenerLosesTheOldestAndNobodyWaits() async {
        let broadcast = Broadcast<Int>(capacity: 4)
        let stream = broadcast.listen()
        for number in 0..<100 { broadcast.send(number) }
        broadcast.finish()
        var received: [Int] = []
        for await number in stream { received.append(number) }
        #expect(received == [96, 97, 98, 99])
    }
}

@Suite struct SignalTests {
    @Test func aRaiseBeforeTheWaitIsNotLost() async {
        let signal = Signal()
        signal.raise()
        await signal.wait()
    }

    @Test func cancellationEndsTheWait() async {
        let signal = Signal()
        let task = Task { await signal.wait() }
        task.cancel()
        await task.value
    }
}

@Suite struct TimeTextTests {
    @Test func aTimeThatWentThroughTheDatabaseKeepsItsText() throws {
        for milliseconds in 0..<2000 {
            let date = Date(timeIntervalSince1970: Double(1_795_231_123_000 + milliseconds) / 1000)
            let text = GatehouseJSON.text(date)
            let read = try #require(GatehouseJSON.date(text))
            #expect(GatehouseJSON.text(read) == text)
            #expect(abs(read.timeIntervalSince(date)) < 0.0006)
        }
    }
}

@Suite struct ManifestTests {
    @Test func survivesItsOwnJSON() throws {
        let time = try #require(GatehouseJSON.date("2026-11-21T10:00:00.123Z"))
        let channel = ChannelID.timeOrdered(at: time)
        let plan = TranscodePlan(way: .software, reason: "r", width: 2, height: 2, frameRate: 10, bitRate: 1, encoder: "libx264")
        let definition = Definition(kind: .high, resolution: "1080P", width: 1920, height: 1080, bitRate: 1_000_000)
        var manifest = ClipManifest(
            id: .timeOrdered(at: time), box: "GH1", site: .timeOrdered(at: time), channel: channel, channelName: "Front", startsAt: time,
            startsUptime: 12.5, events: [], definition: definition, retentionDays: 7, plan: plan, sourceStart: 42)
        manifest.footage = .init(width: 1, height: 2, frameRate: 10, videoCodec: "h264", audioCodec: nil, duration: 30.059866666666668)
        let data = try GatehouseJSON.encoder.encode(manifest)
        let read = try GatehouseJSON.decoder.decode(ClipManifest.self, from: data)
        #expect(read == manifest)
        #expect(try GatehouseJSON.encoder.encode(read) == data)
        #expect(manifest.objectKey.hasSuffix("/2026/11/21/\(manifest.id).mp4"))
        #expect(manifest.objectKey.hasPrefix("GH1/"))
    }
}
