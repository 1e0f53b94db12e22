// `async let` is not used: before Swift 6.4 the runtime may look at the memory of such a task after its parent has given it back
// (swiftlang/swift#89883), which ends the box. The tasks of a group lie on the heap, and hold themselves.

/// Runs two pieces of work beside one another and waits for both; where one fails, the other is cancelled.
public func concurrently<First: Sendable, Second: Sendable>(
    _ first: @escaping @Sendable () async throws -> First, _ second: @escaping @Sendable () async throws -> Second
) async throws -> (First, Second) {
    try await withThrowingTaskGroup(of: Either<First, Second>.self) { group in
        group.addTask { .first(try await first()) }
        group.addTask { .second(try await second()) }
        defer { group.cancelAll() }
        let (one, other) = (try await group.next(), try await group.next())
        return Either.both(one, other)
    }
}

/// Runs two pieces of work that do not fail beside one another and waits for both.
public func concurrently<First: Sendable, Second: Sendable>(
    _ first: @escaping @Sendable () async -> First, _ second: @escaping @Sendable () async -> Second
) async -> (First, Second) {
    await withTaskGroup(of: Either<First, Second>.self) { group in
        group.addTask { .first(await first()) }
        group.addTask { .second(await second()) }
        let (one, other) = (await group.next(), await group.next())
        return Either.both(one, other)
    }
}

/// Runs `body` in the task that calls, and `work` beside it, which is cancelled and waited for when `body` ends.
public nonisolated(nonsending) func withBackgroundWork<Value, Failure: Error>(
    _ work: @escaping @Sendable () async -> Void, _ body: () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    let result = await withTaskGroup(of: Void.self) { group -> Result<Value, Failure> in
        group.addTask { await work() }
        defer { group.cancelAll() }
        do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
    }
    return try result.get()
}

/// What one of two pieces of work came to.
private enum Either<First: Sendable, Second: Sendable>: Sendable {
    case first(First)
    case second(Second)

    static func both(_ one: Either?, _ other: Either?) -> (First, Second) {
        switch (one, other) {
        case (.first(let first), .second(let second)), (.second(let second), .first(let first)): (first, second)
        default: preconditionFailure("Each piece of work ends once.")
        }
    }
}
