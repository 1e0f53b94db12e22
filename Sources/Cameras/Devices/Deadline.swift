import Core
import Synchronization

/// Ends a piece of work when nothing was heard for too long.
final class SilenceWatch: Sendable {
    private let limit: Duration
    private let time: TimeSource
    private let last: Mutex<Duration>

    init(limit: Duration, time: TimeSource) {
        self.limit = limit
        self.time = time
        last = Mutex(time.uptime())
    }

    /// Something was heard.
    func touch() {
        last.withLock { $0 = time.uptime() }
    }

    /// - Throws: `Deadline.Passed` after the silence, or after `longest`.
    func run(longest: Duration?, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let began = time.uptime()
        touch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { [self] in
                while true {
                    let now = time.uptime()
                    var left = last.withLock { $0 } + limit - now
                    if let longest { left = min(left, began + longest - now) }
                    guard left > .zero else { throw Deadline.Passed() }
                    try await time.sleep(left)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
