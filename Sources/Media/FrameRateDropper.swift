/// Chooses which pictures to keep so that `frameRate` remain a second, evenly spread, and when each is shown.
///
/// Dropping comes before scaling and encoding, which cost far more. A kept picture moves by at most half a source interval onto an even
/// grid, so that the clip has a constant frame rate; a source that is hardly faster than wanted keeps its own times.
public struct FrameRateDropper: Sendable {
    private static let steps = 5

    private let frameRate: Double
    private var next = 0
    private var lastSeen: MediaTime?
    /// Seconds between the source's last pictures.
    private var intervals: [Double] = []

    /// A dropper to `frameRate` pictures a second.
    public init(frameRate: Int) {
        self.frameRate = Double(max(1, frameRate))
    }

    /// When the picture shown at `time`, counted from the clip's start, is shown in the copy; nil where it is dropped.
    public mutating func place(_ time: MediaTime) -> MediaTime? {
        if let lastSeen, time > lastSeen {
            intervals.append((time - lastSeen).seconds)
            if intervals.count > Self.steps { intervals.removeFirst() }
        }
        lastSeen = time
        // The shortest of the last steps: a single hole, as after a reconnection, does not make a source slow.
        let spacing = min(0.08, intervals.min() ?? 0.04) * frameRate
        let isSlow = intervals.count == Self.steps && (intervals.min() ?? 0) * frameRate > 0.8
        let slot = Double(time.microseconds) / 1_000_000 * frameRate
        if isSlow {
            next = max(next, Int(slot.rounded(.down)) + 1)
            return time
        }
        guard slot >= Double(next) - spacing / 2 else { return nil }
        let place = max(next, Int(slot.rounded()))
        next = place + 1
        return MediaTime(microseconds: Int64((Double(place) / frameRate * 1_000_000).rounded()))
    }
}
