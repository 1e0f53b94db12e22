public import Core
public import GRDB
import Synchronization

/// Many small writes in one transaction: what comes while one is made durable goes into the next, together.
///
/// A disk makes a few dozen transactions durable in a second, whatever is in them; a site's cameras may tell of more events than that. A lone
/// write goes at once; where one follows another closely it waits for a thirtieth of a second, so that others may come with it.
public final class GroupCommit: Sendable {
    private struct Write {
        let body: @Sendable (Database) throws -> Void
        let done: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var waiting: [Write] = []
        var running = false
        /// When the last transaction was done.
        var last: Duration?
    }

    private static let pace = Duration.milliseconds(30)

    private let database: BoxDatabase
    private let time: TimeSource
    private let state = Mutex(State())

    public init(_ database: BoxDatabase, time: TimeSource = .system) {
        self.database = database
        self.time = time
    }

    /// Writes; durable when it returns. A body that throws undoes its own writes and no other's.
    public func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try await withCheckedThrowingContinuation { continuation in
            let starts = state.withLock { state in
                state.waiting.append(Write(body: body, done: continuation))
                defer { state.running = true }
                return !state.running
            }
            if starts { Task { await self.commit() } }
        }
    }

    private func commit() async {
        while true {
            let now = time.uptime()
            if let last = state.withLock({ $0.last }), now - last < Self.pace { try? await time.sleep(Self.pace - (now - last)) }
            let batch = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.running = false }
                return state.waiting
            }
            guard !batch.isEmpty else { return }
            let bodies = batch.map(\.body)
            do {
                try await database.write { database in for body in bodies { try body(database) } }
                state.withLock { $0.last = time.uptime() }
                for write in batch { write.done.resume() }
            } catch {
                // One of them is wrong, or the disk is: each tells for itself.
                for write in batch {
                    do {
                        try await database.write(write.body)
                        write.done.resume()
                    } catch {
                        write.done.resume(throwing: error)
                    }
                }
            }
        }
    }
}
