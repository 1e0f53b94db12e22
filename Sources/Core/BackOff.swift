/// Waiting times between attempts: exponential, with full jitter, within bounds.
///
/// Full jitter (a uniform draw between nothing and the exponential bound) spreads many boxes after an outage best.
public struct BackOff: Sendable {
    /// The bound of the first wait.
    public let first: Duration
    /// No wait is longer.
    public let longest: Duration
    /// No wait is shorter, so that a draw near nothing makes no hot loop.
    public let shortest: Duration
    /// Failures in a row.
    public private(set) var failures = 0

    /// A back-off that has seen no failure.
    public init(first: Duration = .seconds(1), longest: Duration = .seconds(300), shortest: Duration = .milliseconds(200)) {
        self.first = first
        self.longest = longest
        self.shortest = shortest
    }

    /// Counts a failure and answers how long to wait after it.
    public mutating func failed(using generator: inout some RandomNumberGenerator) -> Duration {
        failures += 1
        let bound = min(longest.seconds, first.seconds * Double(sign: .plus, exponent: min(failures - 1, 30), significand: 1))
        let drawn = Double.random(in: 0...1, using: &generator) * bound
        return max(shortest, .seconds(drawn))
    }

    /// Counts a failure, drawing from the system's generator.
    public mutating func failed() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return failed(using: &generator)
    }

    /// Forgets the failures.
    public mutating func succeeded() {
        failures = 0
    }
}
