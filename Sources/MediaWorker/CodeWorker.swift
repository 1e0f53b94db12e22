import Core
public import Media

/// Finds QR codes in pictures that people and cameras send, each in a worker of its own, one at a time.
public struct CodeWorker: Sendable {
    /// Why nothing was read.
    public enum Refusal: Error {
        /// It is no picture that can be read.
        case noPicture
        /// The library that reads codes is not installed on this box.
        case notInstalled
    }

    private let executable: WorkerExecutable
    private let turns = Turns(1)

    public init(executable: WorkerExecutable) {
        self.executable = executable
    }

    /// The texts of the codes in a picture.
    /// - Throws: `Refusal`; `WorkerFailure` where the worker died of it.
    public func texts(in picture: [UInt8], codec: Codec) async throws -> [String] {
        let message = try WorkerMessage(.readCodes, head: CodeRequest(codec: codec.rawValue), body: picture)
        let answer = try await turns.run {
            try await executable.withWorker { connection in
                try await connection.send(message)
                connection.owe()
                defer { connection.settle() }
                var incoming = connection.messages.makeAsyncIterator()
                guard let answer = try await incoming.next() else { throw connection.failure(.crashed, "it ended before its work did") }
                guard answer.kind == .codesRead else { throw WorkerFailure(.garbage, "unexpected message") }
                return try answer.decodeHead(CodeAnswer.self)
            }
        }
        guard answer.isInstalled else { throw Refusal.notInstalled }
        guard let texts = answer.texts else { throw Refusal.noPicture }
        return texts
    }
}

struct CodeRequest: Codable {
    let codec: String
}

struct CodeAnswer: Codable, Sendable {
    var isInstalled = true
    /// Nil where it was no picture.
    var texts: [String]?
}
