import Core

/// Holds bytes to a rate over time: what was taken too early is waited for by the next.
///
/// Invariant: over any span the bytes taken are at most the rate times the span, plus one burst and one piece.
struct TokenBucket: Sendable {
    /// Bytes a second; nil takes everything at once.
    var rate: Double? {
        didSet { level = min(level, burst) }
    }
    private var level = 0.0
    private var last: Duration?
    private static let burstSeconds = 0.25

    init(rate: Double? = nil) {
        self.rate = rate
    }

    private var burst: Double { (rate ?? 0) * Self.burstSeconds }

    /// How long to wait at `now` (monotonic) before anything may be taken; zero when it may.
    mutating func wait(at now: Duration) -> Duration {
        guard let rate else { return .zero }
        guard rate > 0 else { return .seconds(1) }
        level = min(burst, level + (now - (last ?? now)).seconds * rate)
        last = now
        // Less than a byte of debt is no debt: a wait of no length would be asked for again and again.
        return level > -1 ? .zero : .seconds(-level / rate)
    }

    /// Takes `bytes`, into debt if need be.
    mutating func take(_ bytes: Int) {
        if rate != nil { level -= Double(bytes) }
    }
}
