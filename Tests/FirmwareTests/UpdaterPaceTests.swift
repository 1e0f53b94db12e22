import Core
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Firmware

/// What the updater takes of a line of which the box's owner said what may go.
@Suite(.timeLimit(.minutes(2))) struct UpdaterPaceTests {
    /// How long the updater fetches the newest release, and how many bytes that were.
    private func fetching(atMost bound: Double?, evenIfItLives: Bool = false) async throws -> (seconds: Double, bytes: Int) {
        let bench = try await RescueTests.Bench()
        bench.limit.withLock { $0 = bound }
        try bench.brief(livedBefore: 3601, process: try RescueTests.Bench.gone()).write(to: bench.folder)
        try bench.offer("1.1.0")
        let source = CountingSource(bench.vendor.source)
        let (begun, done) = (bench.time.uptime, Counter())
        let looking = Task {
            let outcome = try await bench.look(evenIfItLives: evenIfItLives, source: source)
            done.add(1)
            return outcome
        }
        #expect(await bench.time.pass(.milliseconds(2), atMost: .seconds(60)) { done.value == 1 })
        #expect(try await looking.value == .begun(ReleaseVersion("1.1.0") ?? .unknown))
        return ((bench.time.uptime - begun).seconds, source.bytes)
    }

    @Test(arguments: [20_000.0, 50_000]) func noMoreGoesThanMay(bound: Double) async throws {
        let (seconds, bytes) = try await fetching(atMost: bound)
        #expect(bytes > 1000)
        #expect(seconds >= Double(bytes) / bound && seconds < Double(bytes) / bound + 0.1)
    }

    /// A box that does not run records nothing: it is not left so for a line that is paused.
    @Test(arguments: [0.0, 125]) func itComesAtSomePaceAllTheSame(bound: Double) async throws {
        let (seconds, bytes) = try await fetching(atMost: bound)
        #expect(seconds >= Double(bytes) / 16_384 && seconds < Double(bytes) / 16_384 + 0.1)
    }

    @Test func whoeverStandsBeforeTheBoxDoesNotWait() async throws {
        #expect(try await fetching(atMost: 0, evenIfItLives: true).seconds == 0)
        #expect(try await fetching(atMost: nil).seconds == 0)
    }
}
