import Dispatch

/// A thread for calls that block, one after another, so that they never occupy Swift's few cooperative threads.
public final class BlockingQueue: Sendable {
    private let queue: DispatchQueue

    /// A queue; `name` appears in debuggers.
    public init(name: String, background: Bool = false) {
        // A serial queue of its own gets a thread of its own when a call blocks.
        queue = DispatchQueue(label: "gatehouse.\(name)", qos: background ? .background : .default)
    }

    /// Runs `body` on the queue's thread, after everything queued before it.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        if let rehearsal = Rehearsal.current {
            try await rehearsal.block()
            return try body()
        }
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    /// Runs `body`, which cannot fail, on the queue's thread.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        if let rehearsal = Rehearsal.current {
            try? await rehearsal.block()
            return body()
        }
        return await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }
}
