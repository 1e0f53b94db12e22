/// Chooses which pictures to keep so that about `frameRate` remain a second, evenly spread.
///
/// Dropping comes before scaling and encoding, which cost far more; kept pictures keep their own times.
public struct FrameRateDropper: Sendable {
    private let frameRate: Int
    private var lastSlot = Int64.min

    /// A dropper to `frameRate` pictures a second.
    public init(frameRate: Int) {
        self.frameRate = max(1, frameRate)
    }

    /// Whether the picture shown at `time`, counted from the clip's start, is kept.
    public mutating func keeps(_ time: MediaTime) -> Bool {
        let scaled = time.microseconds &* Int64(frameRate)
        let slot = (scaled + 500_000).flooredQuotient(by: 1_000_000)
        guard slot > lastSlot else { return false }
        lastSlot = slot
        return true
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
