import Core
import Synchronization

/// Bounds a piece of work in time.
enum Deadline {
    struct Passed: Error {}

    /// Runs `body`, which is cancelled when `limit` has passed.
    static func run<Value: Sendable>(
        _ limit: Duration, time: TimeSource, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await time.sleep(limit)
                throw Passed()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw Passed() }
            return first
        }
    }
}

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
