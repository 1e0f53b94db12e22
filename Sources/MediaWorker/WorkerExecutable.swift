public import Core
import Glibc
import Subprocess
import Synchronization
public import SystemPackage

/// Where the worker's program is and how long it may stay silent.
public struct WorkerExecutable: Sendable {
    /// The box's own executable: `gatehouse worker`.
    public let path: FilePath
    /// A worker that has work and neither takes nor gives anything for this long is killed.
    public let patience: Duration
    let time: TimeSource

    public init(path: FilePath, patience: Duration = .seconds(20), time: TimeSource = .system) {
        self.path = path
        self.patience = patience
        self.time = time
    }

    /// Starts a worker, lends it to `body`, and ends it when `body` has returned, thrown or been cancelled.
    ///
    /// - Parameter talk: How many times what it was given a worker may answer; an honest copy is smaller than its source.
    func withWorker<Result: Sendable>(talk: Int = 2, _ body: @escaping @Sendable (WorkerConnection) async throws -> Result) async throws
        -> Result
    {
        _ = BrokenPipes.areErrors
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .milliseconds(100))]
        let outcome = try await Subprocess.run(
            .path(path), arguments: ["worker"], environment: .custom(["PATH": "/usr/bin"]), platformOptions: options, input: .inputWriter,
            output: .sequence, error: .discarded
        ) { execution in
            let connection = WorkerConnection(
                write: { bytes in
                    _ = try await execution.standardInputWriter.write(bytes)
                },
                kill: { try? execution.send(signal: .kill) },
                patience: patience, talk: talk, time: time)
            return await withTaskGroup(of: Void.self) { group -> Swift.Result<Result, any Error> in
                group.addTask { await connection.read(execution.standardOutput) }
                group.addTask { await connection.watch() }
                let result: Swift.Result<Result, any Error>
                do {
                    result = .success(try await body(connection))
                } catch {
                    result = .failure(error)
                }
                // Whatever the worker still does is not wanted any more.
                try? execution.send(signal: .kill)
                connection.end()
                return result
            }
        }
        return try outcome.closureResult.get()
    }
}

/// The box's end of a worker's pipes.
final class WorkerConnection: Sendable {
    private struct State {
        /// Since when the worker owes something.
        var owesSince: Duration?
        var hung = false
        var ended = false
        var sentBytes = 0
    }

    private static let freeAllowance = 32 << 20

    private let write: @Sendable ([UInt8]) async throws -> Void
    private let kill: @Sendable () -> Void
    private let patience: Duration
    private let talk: Int
    private let time: TimeSource
    private let state = Mutex(State())
    private let ending = Signal()
    /// What the worker says; ends with an error when it breaks the protocol and without one when it goes.
    let messages: AsyncThrowingStream<WorkerMessage, any Error>
    private let incoming: AsyncThrowingStream<WorkerMessage, any Error>.Continuation

    init(
        write: @escaping @Sendable ([UInt8]) async throws -> Void, kill: @escaping @Sendable () -> Void,
        patience: Duration, talk: Int, time: TimeSource
    ) {
        self.write = write
        self.kill = kill
        self.patience = patience
        self.talk = talk
        self.time = time
        // Bounded by `read`: a worker produces hardly more than it was fed.
        (messages, incoming) = AsyncThrowingStream.makeStream()
    }

    /// Sends a message; the worker owes its taking.
    func send(_ message: WorkerMessage) async throws {
        owe()
        state.withLock { $0.sentBytes += message.body.count }
        do {
            try await write(message.bytes)
        } catch {
            throw failure(.crashed, "it ended while it was given its work")
        }
        settle()
    }

    /// Nothing more will be sent; the worker owes the rest of its answer.
    func owe() {
        state.withLock { $0.owesSince = time.uptime() }
    }

    func settle() {
        state.withLock { $0.owesSince = nil }
    }

    /// The failure as it really was: a worker killed for its silence did not crash by itself.
    func failure(_ kind: WorkerFailure.Kind, _ text: String) -> WorkerFailure {
        state.withLock { $0.hung }
            ? WorkerFailure(.hung, "it neither took nor gave anything for \(Int(patience.seconds)) s") : WorkerFailure(kind, text)
    }

    func end() {
        state.withLock { $0.ended = true }
        incoming.finish()
        ending.raise()
    }

    fileprivate func read(_ output: SubprocessOutputSequence) async {
        var parser = WorkerMessageParser()
        var received = 0
        do {
            for try await chunk in output {
                received += chunk.count
                // One in an attacker's hands must not fill memory or disk.
                guard received <= state.withLock({ $0.sentBytes }) * talk + Self.freeAllowance else {
                    throw WorkerFailure(.garbage, "it talks far more than it was told")
                }
                chunk.withUnsafeBytes { parser.append($0) }
                while let message = try parser.next() {
                    state.withLock { if $0.owesSince != nil { $0.owesSince = time.uptime() } }
                    incoming.yield(message)
                }
            }
            incoming.finish(throwing: failure(.crashed, "it ended before its work did"))
        } catch let failure as WorkerFailure {
            kill()
            incoming.finish(throwing: failure)
        } catch {
            incoming.finish(throwing: failure(.crashed, "its pipe broke"))
        }
    }

    fileprivate func watch() async {
        while !state.withLock({ $0.ended }), !Task.isCancelled {
            await ending.wait(atMost: min(patience / 4, .seconds(1)), time: time)
            let overdue = state.withLock { state in
                guard let since = state.owesSince, !state.ended, time.uptime() - since > patience else { return false }
                state.hung = true
                return true
            }
            if overdue {
                kill()
                return
            }
        }
    }
}
