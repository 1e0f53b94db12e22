import Core
import Foundation
import Slots
import Synchronization
import TestSupport
import Testing

@testable import Firmware

/// What a box tells its vendor of its upgrades.
@Suite(.timeLimit(.minutes(2))) struct UpgradeReportTests {
    @Test func theVendorIsToldOnceWhatBecameOfAnUpgrade() async throws {
        struct Away: Error {}
        let bench = try await UpgraderTests.Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        for _ in 0..<3 { _ = try bench.slots.launch() }
        let told = Mutex<[UpgradeReport]>([])
        let attempts = Counter()
        bench.report.withLock {
            $0 = { report in
                attempts.add(1)
                if attempts.value == 1 { throw Away() }
                told.withLock { $0.append(report) }
            }
        }
        try await bench.life { upgrader in
            #expect(await eventually { attempts.value == 1 })
            // Whoever did not take it is asked again.
            #expect(await eventually { bench.time.sleepers > 1 })
            bench.time.advance(.seconds(3600))
            #expect(await eventually { !told.withLock(\.isEmpty) })
        }
        let report = try #require(told.withLock { $0.first })
        #expect(report.outcome == .rolledBack && report.to.description == "1.1.0" && report.release.hasPrefix("1.1.0-"))
        #expect(report.reason == "It was started 3 times and never ran well." && report.origin == "person")
        #expect(report.path == "\(report.release)/GH0000000001-\(Int(report.startedAt.timeIntervalSince1970)).json")
        try await bench.life { upgrader in
            try await upgrader.check()
            #expect(await upgrader.history.first?.isReported == true)
        }
        #expect(attempts.value == 2)
    }
}
