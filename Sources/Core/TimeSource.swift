public import Foundation

/// The time, as everything that must be testable asks for it: monotonic inside, wall time at the edges.
public struct TimeSource: Sendable {
    /// The wall clock; it may jump.
    public let now: @Sendable () -> Date
    /// Time since an arbitrary start; it never goes back.
    public let uptime: @Sendable () -> Duration
    /// Waits, by the monotonic clock; throws `CancellationError` when the task is cancelled.
    public let sleep: @Sendable (Duration) async throws -> Void

    /// A source made of its three parts.
    public init(
        now: @escaping @Sendable () -> Date,
        uptime: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.uptime = uptime
        self.sleep = sleep
    }

    /// The machine's clocks.
    public static let system = TimeSource(
        now: { Date() },
        uptime: { ContinuousClock.now - start },
        sleep: { try await Task.sleep(for: $0, clock: .continuous) }
    )

    private static let start = ContinuousClock.now

    /// The kernel's identity of this boot; with it a stored monotonic time can be read later.
    public static let bootID: String = {
        let text = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "unknown"
        return String(text.prefix { !$0.isWhitespace })
    }()
}

extension Duration {
    /// The duration in seconds.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
