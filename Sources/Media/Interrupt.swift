import CFFmpeg
import Synchronization

/// Ends FFmpeg's blocking calls from another thread, or when they take too long.
public final class Interrupt: Sendable {
    private let stopped = Atomic<Bool>(false)
    /// Microseconds of FFmpeg's monotonic clock; 0 means no limit.
    private let deadline = Atomic<Int64>(0)

    public init() {}

    /// Ends the present and every later call.
    public func stop() {
        stopped.store(true, ordering: .releasing)
    }

    /// Whether `stop` was called.
    public var isStopped: Bool { stopped.load(ordering: .acquiring) }

    /// Gives the next calls together at most `limit`.
    public func allow(_ limit: Duration) {
        deadline.store(av_gettime_relative() + limit.microseconds, ordering: .releasing)
    }

    /// Gives a last call, such as RTSP's TEARDOWN, at most `limit`, though `stop` was called.
    func allowLast(_ limit: Duration) {
        stopped.store(false, ordering: .releasing)
        allow(limit)
    }

    /// Whether the calls must end now.
    var isDue: Bool {
        if isStopped { return true }
        let deadline = deadline.load(ordering: .acquiring)
        return deadline != 0 && av_gettime_relative() > deadline
    }
}
