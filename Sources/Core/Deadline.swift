/// Bounds a piece of work in time.
public enum Deadline {
    /// There was no more time.
    public struct Passed: Error {
        public init() {}
    }

    /// Runs `body`, which is cancelled when `limit` has passed.
    public static func run<Value: Sendable>(
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
