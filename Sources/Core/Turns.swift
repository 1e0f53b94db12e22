import Synchronization

/// So many at a time, no more; those that wait go in the order they came, urgent ones first.
public final class Turns: Sendable {
    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var waiters: [Waiter] = []
        var nextID = 0
    }

    private let state: Mutex<State>

    public init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    /// Runs `body` when its turn comes.
    /// - Throws: `CancellationError` where the task ends before; what `body` throws.
    public func run<Value: Sendable>(urgent: Bool = false, _ body: () async throws -> Value) async throws -> Value {
        guard await take(urgent: urgent) else { throw CancellationError() }
        defer { give() }
        return try await body()
    }

    private func take(urgent: Bool) async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now: Bool? = state.withLock { state in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    let waiter = Waiter(id: id, continuation: continuation)
                    if urgent { state.waiters.insert(waiter, at: 0) } else { state.waiters.append(waiter) }
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    private func give() {
        let next = state.withLock { state -> Waiter? in
            guard !state.waiters.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.continuation.resume(returning: true)
    }
}
