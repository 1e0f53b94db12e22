import Core
import Foundation
import TestSupport
import Testing

@testable import CloudStorage

/// What goes first on the line, and how fast.
@Suite struct UplinkScheduleTests {
    /// Lets transfers of these classes ask for pieces in turn on a line of `rate` bytes a second; answers the bytes of each class.
    private func run(
        _ schedule: inout UplinkSchedule, _ kinds: [UplinkClass], rate: Double?, seconds: Double, piece: Int = 32 << 10
    ) -> [UplinkClass: Int] {
        var now = 1000.0
        var sent: [UplinkClass: Int] = [:]
        var asks = kinds.map { ($0, now) }
        while now < 1000 + seconds {
            guard let next = asks.indices.min(by: { asks[$0].1 < asks[$1].1 }) else { break }
            now = max(now, asks[next].1)
            let wait = schedule.admit(piece, of: asks[next].0, capacity: rate, at: .seconds(now)).seconds
            if wait > 0 {
                asks[next].1 = now + wait
            } else {
                sent[asks[next].0, default: 0] += piece
                // The line carries one piece after the other.
                if let rate { now += Double(piece) / rate }
                asks[next].1 = now
            }
        }
        return sent
    }

    @Test func aLiveClipLeavesTheBacklogAFifth() {
        var schedule = UplinkSchedule()
        schedule.began(.live)
        schedule.began(.backlog)
        let sent = run(&schedule, [.live, .backlog], rate: 125_000, seconds: 120)
        let (live, backlog) = (Double(sent[.live] ?? 0), Double(sent[.backlog] ?? 0))
        #expect(abs(backlog / (live + backlog) - 0.2) < 0.03)
        #expect(live + backlog > 0.95 * 125_000 * 120)
    }

    @Test func theBacklogHasTheLineAloneOtherwise() {
        var schedule = UplinkSchedule()
        schedule.began(.backlog)
        #expect((run(&schedule, [.backlog], rate: 125_000, seconds: 60)[.backlog] ?? 0) > 7_000_000)
    }

    @Test func aStalledLiveClipDoesNotHoldTheBacklog() {
        var schedule = UplinkSchedule()
        schedule.began(.live)
        schedule.began(.backlog)
        #expect((run(&schedule, [.backlog], rate: 125_000, seconds: 60)[.backlog] ?? 0) > 6_000_000)
    }

    @Test func aPersonWhoWatchesGoesBeforeTheBacklog() {
        var schedule = UplinkSchedule()
        schedule.began(.backlog)
        schedule.viewerCame()
        let watched = run(&schedule, [.backlog], rate: 125_000, seconds: 60)[.backlog] ?? 0
        #expect(abs(Double(watched) / (125_000 * 60) - 0.2) < 0.03)
        schedule.viewerLeft()
        #expect(!schedule.isContended)
    }

    @Test(arguments: [32_000.0, 125_000, 1_000_000]) func theCapHolds(cap: Double) {
        var schedule = UplinkSchedule()
        schedule.limit = cap
        schedule.began(.live)
        schedule.began(.backlog)
        let sent = run(&schedule, [.live, .backlog], rate: 10_000_000, seconds: 100).values.reduce(0, +)
        #expect(Double(sent) <= cap * 100 + cap * 0.25 + 3 * 32768)
        #expect(Double(sent) >= cap * 100 * 0.95)
    }

    @Test func whenPausedOnlyPicturesAndDescriptionsGo() {
        var schedule = UplinkSchedule()
        schedule.limit = 0
        let sent = run(&schedule, [.metadata, .live, .backlog, .bulk], rate: 100_000, seconds: 10)
        #expect((sent[.metadata] ?? 0) > 0)
        #expect(sent[.live] == nil && sent[.backlog] == nil && sent[.bulk] == nil)
    }

    /// Whatever comes in whatever order, the bound of the rate holds and what may go at all goes on.
    @Test func aThousandSeededMixtures() async {
        for seed in UInt64(0)..<1000 {
            await Task.yield()
            var generator = SeededGenerator(seed: seed)
            var schedule = UplinkSchedule()
            let cap = Double.random(in: 10_000...500_000, using: &generator)
            schedule.limit = cap
            let kinds = (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                UplinkClass.allCases.filter { $0 != .metadata }.randomElement(using: &generator) ?? .live
            }
            for kind in kinds { schedule.began(kind) }
            if Bool.random(using: &generator) { schedule.viewerCame() }
            let watched = schedule.isWatched
            let sent = run(&schedule, kinds, rate: 2_000_000, seconds: 30, piece: 8 << 10)
            let total = Double(sent.values.reduce(0, +))
            #expect(total <= cap * 30 + cap * 0.25 + 8 * 8192, "seed \(seed)")
            let live = kinds.contains(.live)
            #expect(total >= (live || !watched ? 0.9 : 0.15) * cap * 30, "seed \(seed): \(kinds) \(total / cap / 30)")
            if live, kinds.contains(where: \.givesWay), !watched {
                let waited = Double((sent[.backlog] ?? 0) + (sent[.bulk] ?? 0))
                #expect(abs(waited / total - 0.2) < 0.06, "seed \(seed): \(waited / total)")
            }
        }
    }
}

/// Numbers that are the same each time.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct ParallelismFinderTests {
    /// A line that carries `alone` for one transfer and at most `whole` for all.
    private func settle(alone: Double, whole: Double) -> Int {
        var finder = ParallelismFinder()
        for _ in 0..<100 { finder.measured(min(whole, alone * Double(finder.count))) }
        return finder.count
    }

    @Test func aLineThatOneTransferFillsGetsNoMoreThanItBeganWith() {
        #expect((2...3).contains(settle(alone: 125_000, whole: 125_000)))
    }

    @Test func aLongLineGetsAsManyAsItCarries() {
        #expect((4...5).contains(settle(alone: 250_000, whole: 1_000_000)))
        #expect(settle(alone: 250_000, whole: 100_000_000) == 6)
    }

    @Test func afterAFailureItBeginsCarefully() {
        var finder = ParallelismFinder()
        for _ in 0..<100 { finder.measured(250_000 * Double(finder.count)) }
        finder.failed()
        #expect(finder.count == 3)
    }
}

@Suite struct PartSizerTests {
    @Test func partsFollowTheLineWithinWhatTheStoreTakes() {
        #expect(PartSizer.size(rate: 32_000, storeMinimum: 0) == 256 << 10)
        #expect(PartSizer.size(rate: nil, storeMinimum: 0) == 256 << 10)
        #expect(PartSizer.size(rate: 125_000, storeMinimum: 0) == 768 << 10)
        #expect(PartSizer.size(rate: 100_000_000, storeMinimum: 5 << 20) == 8 << 20)
        #expect(PartSizer.size(rate: 32_000, storeMinimum: 5 << 20) == 5 << 20)
    }
}

@Suite struct UplinkGovernorTests {
    @Test func manyBoxesComeBackOneAfterTheOther() {
        let time = ManualTime()
        var generator = SeededGenerator(seed: 7)
        var waits: [Double] = []
        for _ in 0..<1000 {
            let governor = UplinkGovernor(time: time.source)
            governor.returned(after: .seconds(600), using: &generator)
            #expect(governor.mayBegin(.live))
            waits.append(governor.returnsAt.map { $0.timeIntervalSince(time.source.now()) } ?? 0)
        }
        // Uniform up to a tenth of the outage.
        #expect((waits.max() ?? 0) <= 60 && (waits.max() ?? 0) > 58)
        #expect(abs(waits.reduce(0, +) / 1000 - 30) < 2)
        let governor = UplinkGovernor(time: time.source)
        governor.returned(after: .seconds(72 * 3600), using: &generator)
        #expect((governor.returnsAt?.timeIntervalSince(time.source.now()) ?? 0) <= 300)
    }

    @Test func whatWaitedGoesOnWhenItsTimeHasCome() {
        let time = ManualTime()
        var generator = SeededGenerator(seed: 1)
        let governor = UplinkGovernor(time: time.source)
        governor.returned(after: .seconds(3600), using: &generator)
        #expect(!governor.mayBegin(.backlog) && governor.mayBegin(.live))
        time.advance(.seconds(301))
        #expect(governor.mayBegin(.backlog))
    }

    @Test func aWindowOfTheWeekHasABoundOfItsOwn() {
        let time = ManualTime()
        let zone = TimeZone(identifier: "Europe/Rome") ?? .gmt
        let governor = UplinkGovernor(time: time.source)
        let all = ArmingSchedule.Day.allCases
        let office = ArmingSchedule(always: false, periods: all.map { .init(day: $0, from: 480, to: 1080) })
        governor.use(UplinkSettings(cap: nil, windows: [.init(schedule: office, cap: .bitsPerSecond(500_000))]), zone: zone)
        var bounds: Set<Int?> = []
        for _ in 0..<24 {
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = zone
            let hour = calendar.component(.hour, from: time.source.now())
            #expect(governor.limitBitsPerSecond == ((8..<18).contains(hour) ? 500_000 : nil), "hour \(hour)")
            bounds.insert(governor.limitBitsPerSecond)
            time.advance(.seconds(3600))
        }
        #expect(bounds == [nil, 500_000])
        #expect(governor.leastBytesPerSecond == 62_500)
    }

    @Test func aShareIsOfWhatTheLineWasMeasuredToCarry() {
        let time = ManualTime()
        let governor = UplinkGovernor(time: time.source)
        governor.use(UplinkSettings(cap: .percent(40)), zone: .gmt)
        #expect(governor.limitBitsPerSecond == nil)
        governor.learn(capacity: 125_000)
        #expect(governor.limitBitsPerSecond == 400_000 && governor.leastBytesPerSecond == 50_000)
        governor.use(UplinkSettings(cap: .paused), zone: .gmt)
        #expect(!governor.mayBegin(.live) && !governor.mayBegin(.backlog))
        #expect(governor.leastBytesPerSecond == 0)
        governor.use(UplinkSettings(), zone: .gmt)
        #expect(governor.leastBytesPerSecond == nil)
    }

    @Test func theLineIsMeasuredWhileItIsBusy() {
        let time = ManualTime()
        let governor = UplinkGovernor(time: time.source)
        governor.began(.backlog)
        for _ in 0..<300 {
            governor.sent(12_500)
            time.advance(.milliseconds(100))
        }
        #expect(abs((governor.capacity ?? 0) - 125_000) < 6_000)
        #expect(abs((governor.rate ?? 0) - 125_000) < 6_000)
        governor.ended(.backlog)
        time.advance(.seconds(60))
        #expect(governor.rate == nil)
        #expect(abs((governor.capacity ?? 0) - 125_000) < 6_000)
    }
}

@Suite struct RetryBudgetTests {
    @Test func retriesStayASmallPartOfAllRequests() {
        var budget = RetryBudget()
        var retries = 0
        for second in 0..<10_000 {
            if second % 2 == 0 { budget.earn() }
            if budget.spend(at: .seconds(second)) { retries += 1 }
        }
        // A tenth of 5,000 requests, one in thirty seconds, and what was there at first.
        #expect((800...860).contains(retries))
    }
}
