import Core
import Foundation
import Testing

@testable import CloudStorage

/// What waited through a long outage goes up as fast as the line may be used, and what is new does not wait behind it.
///
/// `GATEHOUSE_OUTAGE_HOURS=72` makes it as long; `GATEHOUSE_OUTAGE_CSV=path` takes down each quarter of an hour of the bounded line.
@Suite struct OutageTests {
    private static let environment = ProcessInfo.processInfo.environment

    private static let bounded = OutageSimulation.Line(bitsPerSecond: 20_000_000, cap: 4_000_000)
    private static let whole = OutageSimulation.Line(bitsPerSecond: 4_000_000, cap: nil)

    @Test(arguments: environment["GATEHOUSE_OUTAGE_CSV"] == nil ? [bounded, whole] : [bounded])
    func theBacklogDrainsAndNewClipsDoNotWait(line: OutageSimulation.Line) async throws {
        let hours = Self.environment["GATEHOUSE_OUTAGE_HOURS"].flatMap { Double($0) } ?? 0.25
        // Few clips become ready while a short backlog goes: of one seed alone, chance decides how many of them meet.
        let seeds: ClosedRange<UInt64> = hours > 1 ? 72...72 : 72...77
        var (before, meanwhile): ([Double], [Double]) = ([], [])
        for seed in seeds {
            let outage = OutageSimulation(line, hours: hours, hoursBefore: hours > 1 ? 6 : 0.25, seed: seed)
            let figures = try await BlockingQueue(name: "outage").run { try outage.run() }
            try check(figures, of: line)
            before += figures.liveBefore
            meanwhile += figures.liveMeanwhile
        }
        let slowdown = OutageSimulation.Figures.mean(meanwhile) / OutageSimulation.Figures.mean(before)
        #expect(slowdown <= 1.5)
        print("\(line.testDescription): live_slowdown \(slowdown) of \(meanwhile.count) clips against \(before.count)")
    }

    private func check(_ figures: OutageSimulation.Figures, of line: OutageSimulation.Line) throws {
        #expect(figures.drainFraction >= 0.9)
        #expect(figures.waitSeconds <= 620)
        #expect(!figures.liveBefore.isEmpty && !figures.liveMeanwhile.isEmpty)
        if line.cap != nil, let path = Self.environment["GATEHOUSE_OUTAGE_CSV"] {
            try Self.table(figures, cap: line.wanted).write(toFile: path, atomically: true, encoding: .utf8)
        }
        print(
            """
            \(line.testDescription): \(figures.clips) clips, drained in \(figures.hoursToDrain) h after a wait of \(figures.waitSeconds) s, \
            drain_fraction \(figures.drainFraction) (with the wait \(figures.drainFractionWithWait)), live_slowdown \(figures.slowdown) \
            (\(OutageSimulation.Figures.mean(figures.liveBefore)) s before, \
            \(OutageSimulation.Figures.mean(figures.liveMeanwhile)) s meanwhile, at most \(figures.liveMeanwhile.max() ?? 0) s)
            """)
    }

    private static func table(_ figures: OutageSimulation.Figures, cap: Double) -> String {
        let rows = figures.rows.map { row in
            "\(row.hour),\(row.backlogBytes),\(Int(row.bitsPerSecond)),\(Int(cap)),\(row.liveSeconds.map { String($0) } ?? "")"
        }
        return (["hour,backlog_bytes,bits_per_second,cap_bits_per_second,live_seconds"] + rows).joined(separator: "\n") + "\n"
    }
}
