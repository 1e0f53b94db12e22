import Core
import Foundation
import Synchronization
import Testing

@testable import CloudStorage

/// The queue, the uplink, the spool and the database against a clock, a store and a disk that a seed moves.
///
/// `GATEHOUSE_SCHEDULES=10000` runs so many, `GATEHOUSE_SEED=1234` runs one again, `GATEHOUSE_CRASHES=1000` crashes so often at each named point.
@Suite struct SimulationTests {
    /// What many runs came to.
    private struct Total: Sendable {
        var runs = 0
        var clips = 0
        var accepted = 0
        var requests = 0
        var failed = 0
        var objects = 0
        var hours = 0.0
        /// Of the run that was added last.
        var end: SimulatedWorld.End?
        var crashes: [String: Int] = [:]
        var complaints: [String] = []

        mutating func add(_ other: Total) {
            runs += other.runs
            clips += other.clips
            accepted += other.accepted
            requests += other.requests
            failed += other.failed
            objects += other.objects
            hours += other.hours
            end = other.end
            crashes.merge(other.crashes) { $0 + $1 }
            complaints += other.complaints
        }
    }

    private final class Tally: Sendable {
        private let state = Mutex((total: Total(), begun: UInt64(0)))

        var total: Total { state.withLock { $0.total } }
        func add(_ other: Total) { state.withLock { $0.total.add(other) } }
        func next() -> UInt64 {
            state.withLock { state in
                defer { state.begun += 1 }
                return state.begun
            }
        }
    }

    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    /// Runs the plan of a seed.
    private static func run(_ seed: UInt64, crashingAt point: String? = nil, on reused: ReusedDatabase?) -> Total {
        var generator = SeededGenerator(seed: seed)
        let plan = point.map { SimulatedPlan(&generator, crashingAt: $0) } ?? SimulatedPlan(&generator)
        let world = SimulatedWorld(seed: seed, plan: plan, reused: reused)
        var total = Total()
        total.complaints = world.run().map { "GATEHOUSE_SEED=\(seed)\(point.map { " at \($0)" } ?? ""): \($0)" }
        world.state.withLock { state in
            total.runs = 1
            total.end = state.end
            total.clips = state.recorded.count
            total.accepted = state.recorded.values.count(where: \.isAccepted)
            for crash in state.crashes { total.crashes[crash, default: 0] += 1 }
            for store in state.stores {
                store.state.withLock {
                    total.requests += $0.requests
                    total.failed += $0.failed
                    total.objects += $0.puts.count
                }
            }
        }
        total.hours = (world.machine.uptime - world.start).seconds / 3600
        return total
    }

    /// Runs many, one on each core at a time, until `isEnough`.
    private static func runMany(
        crashingAt point: String? = nil, from first: UInt64, cores: Int = ProcessInfo.processInfo.activeProcessorCount,
        until isEnough: @escaping @Sendable (Total) -> Bool
    ) async throws -> Total {
        let tally = Tally()
        try await withThrowingTaskGroup { group in
            for core in 0..<cores {
                group.addTask {
                    try await BlockingQueue(name: "simulation-\(core)").run {
                        // After a crash at a named point a database is opened anew.
                        let reused = point == nil ? try ReusedDatabase() : nil
                        while !isEnough(tally.total), tally.total.complaints.count < 20 {
                            tally.add(run(first + tally.next(), crashingAt: point, on: reused))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        return tally.total
    }

    @Test func everyScheduleEndsWithEachAcceptedClipStoredOnce() async throws {
        let wanted = Self.number("GATEHOUSE_SCHEDULES") ?? 30
        let began = ContinuousClock.now
        let total: Total
        if let seed = Self.number("GATEHOUSE_SEED") {
            total = try await Self.runMany(from: UInt64(seed), cores: 1) { $0.runs >= 1 }
        } else {
            total = try await Self.runMany(from: 1) { $0.runs >= wanted }
        }
        for complaint in total.complaints { Issue.record("\(complaint)") }
        guard wanted > 30 else { return }
        let minutes = (ContinuousClock.now - began).seconds / 60
        print("\(total.runs) schedules in \(minutes * 60) s, \(Int(Double(total.runs) / minutes)) a minute: \(total)")
    }

    @Test func aSeedGivesTheSameRunEachTime() async throws {
        for seed in UInt64(1)...4 {
            let (first, second) = try await BlockingQueue(name: "simulation").run {
                let reused = try ReusedDatabase()
                return (Self.run(seed, on: reused), Self.run(seed, on: reused))
            }
            #expect(first.end != nil && first.end == second.end, "seed \(seed)")
            #expect(first.complaints + second.complaints == [])
        }
    }

    @Test(arguments: SimulatedPlan.crashPoints)
    func noAcceptedClipIsLostByACrash(at point: String) async throws {
        let wanted = Self.number("GATEHOUSE_CRASHES") ?? 2
        let total = try await Self.runMany(crashingAt: point, from: 1) { $0.crashes[point, default: 0] >= wanted || $0.runs > 20 * wanted }
        for complaint in total.complaints { Issue.record("\(complaint)") }
        #expect(total.crashes[point, default: 0] >= wanted)
        guard wanted > 2 else { return }
        print("\(point): \(total.crashes[point, default: 0]) crashes, \(total.accepted) clips accepted, in \(total.runs) schedules")
    }
}
