import Core

/// A source's bytes, as they come; a source that is still being recorded ends later.
public protocol TranscodeSource: Sendable {
    /// The next bytes, or nil at the end. Waits while the source may still grow.
    func next() async throws -> [UInt8]?
}

/// Where the parts of a clip go; called one after another.
public protocol TranscodeOutput: Sendable {
    /// The initialisation part.
    func header(_ bytes: [UInt8]) async throws
    /// The next fragment.
    func fragment(_ info: FragmentInfo, _ bytes: [UInt8]) async throws
    /// A JPEG; a later one replaces an earlier one.
    func thumbnail(_ bytes: [UInt8]) async throws
}

/// Makes cloud copies, each in a worker process of its own.
public struct TranscodeWorker: Sendable {
    private let executable: WorkerExecutable

    public init(executable: WorkerExecutable) {
        self.executable = executable
    }

    /// Runs `job` over `source` into `output`.
    /// - Throws: `WorkerFailure` when the worker crashed, hung, answered garbage or refused; whatever `source` and `output` throw.
    public func run(_ job: TranscodeJob, source: any TranscodeSource, output: any TranscodeOutput) async throws -> TranscodeResult {
        try await work(WorkerMessage(.transcode, head: job), source: source) { try await collect(from: $0, into: output) }
    }

    /// Gives a worker its task and its source, and collects what it makes.
    func work<Result: Sendable>(
        _ task: WorkerMessage, source: any TranscodeSource, collect: @escaping @Sendable (WorkerConnection) async throws -> Result
    ) async throws -> Result {
        try await executable.withWorker { connection in
            try await connection.send(task)
            return try await withThrowingTaskGroup(of: Result?.self) { group in
                group.addTask {
                    try await feed(source, to: connection)
                    return nil
                }
                group.addTask { try await collect(connection) }
                defer { group.cancelAll() }
                do {
                    while let result = try await group.next() {
                        if let result { return result }
                    }
                } catch let failure as WorkerFailure where failure.kind == .crashed {
                    // A worker that refuses says why and goes, one that talks nonsense is ended; the feeder may notice first.
                    do {
                        if let said = try await group.next(), let result = said { return result }
                    } catch let other as WorkerFailure where other.kind != .crashed {
                        throw other
                    } catch {}
                    throw failure
                }
                throw connection.failure(.crashed, "it ended before its work did")
            }
        }
    }

    private func feed(_ source: any TranscodeSource, to connection: WorkerConnection) async throws {
        while let bytes = try await source.next() {
            try await connection.send(WorkerMessage(.sourceBytes, body: bytes))
        }
        try await connection.send(WorkerMessage(.sourceEnd))
        connection.owe()
    }

    private func collect(from connection: WorkerConnection, into output: any TranscodeOutput) async throws -> TranscodeResult {
        var (headers, fragments) = (0, 0)
        for try await message in connection.messages {
            switch message.kind {
            case .header:
                headers += 1
                try await output.header(message.body)
            case .fragment:
                fragments += 1
                let info = try message.decodeHead(FragmentInfo.self)
                guard headers == 1, info.isPlausible else { throw WorkerFailure(.garbage, "a fragment that cannot be") }
                try await output.fragment(info, message.body)
            case .thumbnail: try await output.thumbnail(message.body)
            case .done:
                let result = try message.decodeHead(TranscodeResult.self)
                // The source is let go of on this word, so the word is not taken without footage behind it.
                guard headers == 1, fragments > 0, result.isPlausible else { throw WorkerFailure(.garbage, "done without footage") }
                return result
            case .failed: throw WorkerFailure(.refused, (try? message.decodeHead(String.self)) ?? "it failed")
            default: throw WorkerFailure(.garbage, "unexpected message")
            }
        }
        throw connection.failure(.crashed, "it ended before its work did")
    }

    /// Tries `encoder` in a worker of its own.
    public func prove(encoder: String) async -> EncoderProof {
        do {
            return try await executable.withWorker { connection in
                try await connection.send(WorkerMessage(.proveEncoder, head: EncoderTrial(encoder: encoder)))
                connection.owe()
                for try await message in connection.messages where message.kind == .done { return try message.decodeHead() }
                throw WorkerFailure(.crashed, "it ended before its work did")
            }
        } catch {
            return EncoderProof(
                encoder: encoder, isHardware: encoder != "libx264", proven: false, reason: "The trial did not end well: \(error).")
        }
    }
}
