public import Core
public import GRDB
import Synchronization

/// Many small writes in one transaction: what comes while one is made durable goes into the next, together.
///
/// A disk makes a few dozen transactions durable in a second, whatever is in them; a site's cameras may tell of more events than that. A lone
/// write goes at once; where one follows another closely it waits for a tenth of a second, so that others may come with it.
public final class GroupCommit: Sendable {
    private struct Write {
        let body: @Sendable (Database) throws -> Void
        let done: @Sendable ((any Error)?) -> Void
    }

    private struct State {
        var waiting: [Write] = []
        var running = false
        /// When the last transaction was done.
        var last: Duration?
    }

    private static let pace = Duration.milliseconds(100)
    /// With more than this waiting, those who bring more wait too.
    private static let crowd = 1_000

    private let database: BoxDatabase
    private let time: TimeSource
    private let state = Mutex(State())

    public init(_ database: BoxDatabase, time: TimeSource = .system) {
        self.database = database
        self.time = time
    }

    /// Writes; durable when it returns. A body that throws undoes its own writes and no other's.
    public func write(_ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            add(Write(body: body) { error in if let error { continuation.resume(throwing: error) } else { continuation.resume() } })
        }
    }

    /// Hands a write over, behind all that were handed over before, without waiting for it; `done` tells when it is durable, or why it is not.
    public func submit(_ body: @escaping @Sendable (Database) throws -> Void, done: @escaping @Sendable ((any Error)?) -> Void) async {
        guard add(Write(body: body, done: done)) > Self.crowd else { return }
        try? await write { _ in }
    }

    /// Answers how many wait now.
    @discardableResult
    private func add(_ write: Write) -> Int {
        let (starts, count) = state.withLock { state in
            state.waiting.append(write)
            defer { state.running = true }
            return (!state.running, state.waiting.count)
        }
        if starts { Task { await self.commit() } }
        return count
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
                for write in batch { write.done(nil) }
            } catch {
                // One of them is wrong, or the disk is: each tells for itself.
                for write in batch {
                    do {
                        try await database.write(write.body)
                        write.done(nil)
                    } catch {
                        write.done(error)
                    }
                }
            }
        }
    }
}
