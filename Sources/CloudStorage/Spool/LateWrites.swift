import Core
import Logging
import Synchronization

/// Rows that could not be written when they should have been, on a full disk for instance: tried again until they are.
final class LateWrites: Sendable {
    typealias Write = @Sendable () async throws -> Void

    private struct State {
        var waiting: [(what: String, write: Write)] = []
    }

    /// What happened long ago matters less than that the box goes on: the oldest are let go of beyond this.
    private static let capacity = 10_000

    private let state = Mutex(State())
    private let added = Signal()
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Writes now, or later if it fails now.
    func write(_ what: String, _ write: @escaping Write) async {
        do {
            try await write()
        } catch {
            failed(what, error, write)
        }
    }

    /// Says that a write failed, and does it later.
    func failed(_ what: String, _ error: any Error, _ write: @escaping Write) {
        logger.error("row could not be written; it is tried again", metadata: ["what": "\(what)", "error": "\(error)"])
        append(what, write)
    }

    /// Writes later.
    func append(_ what: String, _ write: @escaping Write) {
        state.withLock { state in
            state.waiting.append((what, write))
            if state.waiting.count > Self.capacity { state.waiting.removeFirst() }
        }
        added.raise()
    }

    /// Tries again, until cancelled.
    func run(time: TimeSource) async {
        while !Task.isCancelled {
            await added.wait()
            do { try await time.sleep(.seconds(2)) } catch { return }
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for late in waiting {
                do { try await late.write() } catch { append(late.what, late.write) }
            }
        }
    }
}
