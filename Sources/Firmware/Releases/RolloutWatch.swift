import Core
public import Foundation

/// What boxes reported of a release that is being rolled out, and whether it is to be stopped.
public struct RolloutWatch: Sendable {
    /// So many boxes came to the release at least once, and so many gave it up, each counted by what it said last.
    public private(set) var stayed = 0
    public private(set) var wentBack = 0
    /// It did not come to the start there: no line, no room, or nothing that could be started.
    public private(set) var didNotBegin = 0
    /// Files that are no reports of the release.
    public private(set) var notUnderstood = 0
    /// Reasons of those that gave it up, with how many had them; the most frequent first.
    public private(set) var reasons: [(reason: String, boxes: Int)] = []

    /// Of one report; what is larger is none.
    private static let largest = 64 << 10

    /// Reads the reports of one release, as boxes put them into `folder`. What is no report is left out: whoever may write there may write anything.
    ///
    /// - Parameter release: As boxes call it, in `UpgradeReport.release`.
    public init(of release: String, in folder: URL) {
        let place = folder.appending(path: release)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        var last: [String: UpgradeReport] = [:]
        for name in names where name.hasSuffix(".json") {
            guard let report = Self.report(place.appending(path: name)), report.release == release, report.outcome != .running else {
                notUnderstood += 1
                continue
            }
            if let before = last[report.serialNumber], before.endedAt > report.endedAt { continue }
            last[report.serialNumber] = report
        }
        stayed = last.values.count { $0.outcome == .confirmed }
        didNotBegin = last.values.count { $0.outcome == .failed }
        let back = last.values.filter { $0.outcome == .rolledBack }
        wentBack = back.count
        reasons = Dictionary(grouping: back) { $0.reason ?? "" }.map { ($0.key, $0.value.count) }
            .sorted { $0.1 == $1.1 ? $0.0 < $1.0 : $0.1 > $1.1 }
    }

    private static func report(_ place: URL) -> UpgradeReport? {
        guard let file = try? FileHandle(forReadingFrom: place) else { return nil }
        defer { try? file.close() }
        guard let bytes = try? file.read(upToCount: largest + 1), bytes.count <= largest else { return nil }
        return try? GatehouseJSON.decoder.decode(UpgradeReport.self, from: bytes)
    }

    /// Whether so many gave it up that no more boxes should take it.
    ///
    /// - Parameters:
    ///   - percent: More than this share of those that tried it.
    ///   - boxes: As many at least: one box may be broken by itself.
    public func isToStop(above percent: Int, boxes: Int) -> Bool {
        wentBack >= boxes && wentBack * 100 > percent * (stayed + wentBack)
    }
}
