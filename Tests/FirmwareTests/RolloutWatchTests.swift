import Core
import Foundation
import Testing

@testable import Firmware

/// What boxes report of a release, and whether its rollout is to be stopped.
@Suite struct RolloutWatchTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-reports-\(UUID().uuidString)")
    private let release = "1.1.0-0123456789ab"

    private func put(_ outcome: Upgrade.Outcome, of box: String, at second: Double = 0, reason: String? = nil) throws {
        var upgrade = Upgrade(
            from: try #require(ReleaseVersion("1.0.0")), to: try #require(ReleaseVersion("1.1.0")), slot: release, epoch: 0, by: "Ada",
            startedAt: Date(timeIntervalSince1970: second), outcome: outcome)
        upgrade.endedAt = Date(timeIntervalSince1970: second + 60)
        upgrade.reason = reason
        let report = try #require(UpgradeReport(upgrade, serialNumber: box, model: "gatehouse", architecture: "arm64"))
        let bytes = try GatehouseJSON.encoder.encode(report)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("Ada"))
        try write(bytes, report.path)
    }

    private func write(_ bytes: Data, _ path: String) throws {
        let place = folder.appending(path: path)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try bytes.write(to: place)
    }

    @Test func eachBoxCountsByWhatItSaidLast() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try put(.rolledBack, of: "GH1", at: 0, reason: "No picture.")
        try put(.confirmed, of: "GH1", at: 900)
        try put(.rolledBack, of: "GH2", reason: "No picture.")
        try put(.rolledBack, of: "GH3", reason: "No database.")
        try put(.rolledBack, of: "GH4", reason: "No picture.")
        // It did not come to the start.
        try put(.failed, of: "GH5", reason: "No line.")
        let watch = RolloutWatch(of: release, in: folder)
        #expect(watch.stayed == 1 && watch.wentBack == 3 && watch.didNotBegin == 1 && watch.notUnderstood == 0)
        #expect(watch.reasons.map(\.reason) == ["No picture.", "No database."] && watch.reasons.map(\.boxes) == [2, 1])
    }

    @Test(arguments: [(0, 0, false), (0, 2, false), (0, 3, true), (97, 3, true), (147, 3, false), (1000, 20, false), (900, 20, true)])
    func itIsStoppedWhereTooManyGaveItUp(stayed: Int, back: Int, isToStop: Bool) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for box in 0..<stayed { try put(.confirmed, of: "GH\(box)") }
        for box in 0..<back { try put(.rolledBack, of: "BAD\(box)") }
        #expect(RolloutWatch(of: release, in: folder).isToStop(above: 2, boxes: 3) == isToStop)
    }

    @Test func whatIsNoReportIsLeftOut() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(RolloutWatch(of: release, in: folder).stayed == 0)
        try put(.rolledBack, of: "GH1")
        let good = try Data(contentsOf: folder.appending(path: "\(release)/GH1-0.json"))
        try write(good, "1.2.0-0123456789ab/GH1-0.json")
        try write(Data("noise".utf8), "\(release)/noise.json")
        try write(good + Data(repeating: 0x20, count: 100_000), "\(release)/large.json")
        try write(good, "\(release)/GH1-0.json.part")
        #expect(RolloutWatch(of: release, in: folder).wentBack == 1)
        #expect(RolloutWatch(of: release, in: folder).notUnderstood == 2)
        #expect(RolloutWatch(of: "1.2.0-0123456789ab", in: folder).wentBack == 0)
    }
}
