// MediaWorker owns the processes that decode and encode: what they are told, what they answer, what they may do, and how the box
// survives them. No camera, clip directory or database may enter it.

import Foundation

/// One message between the box and a worker: a kind, a JSON head and raw bytes.
///
/// On the pipe: kind (1 byte), length of head and of body (4 bytes each, little endian), head, body.
struct WorkerMessage: Sendable {
    enum Kind: UInt8, Sendable {
        // To the worker.
        case transcode = 1
        case sourceBytes = 2
        case sourceEnd = 3
        case picture = 4
        case proveEncoder = 5
        case cut = 6
        case convert = 7
        case samplesToConvert = 8
        case readCodes = 9
        // From the worker.
        case header = 16
        case fragment = 17
        case thumbnail = 18
        case done = 19
        case failed = 20
        case pictureDone = 21
        case convertedFormat = 22
        case converted = 23
        case codesRead = 24
    }

    static let prefixLength = 9
    /// A worker may be in an attacker's hands: what it announces is bounded.
    static let longestHead = 1 << 20
    static let longestBody = 64 << 20

    let kind: Kind
    var head = Data()
    var body: [UInt8] = []

    init(_ kind: Kind, body: [UInt8] = []) {
        self.kind = kind
        self.body = body
    }

    init(_ kind: Kind, head: some Encodable, body: [UInt8] = []) throws {
        self.kind = kind
        self.head = try JSONEncoder().encode(head)
        self.body = body
    }

    /// The message as it goes over the pipe.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.prefixLength + head.count + body.count)
        bytes.append(kind.rawValue)
        for length in [UInt32(head.count), UInt32(body.count)] {
            withUnsafeBytes(of: length.littleEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.append(contentsOf: head)
        bytes.append(contentsOf: body)
        return bytes
    }

    /// Reads the head as `Head`.
    func decodeHead<Head: Decodable>(_ type: Head.Type = Head.self) throws -> Head {
        try JSONDecoder().decode(type, from: head)
    }
}

/// A worker that broke the protocol, crashed, hung or refused.
public struct WorkerFailure: Error, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable {
        /// It ended before its work did.
        case crashed
        /// It took no input and gave no output for too long.
        case hung
        /// It answered something that is not of the protocol.
        case garbage
        /// It says that the footage cannot be worked on.
        case refused
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

/// Cuts the bytes of a pipe into messages.
struct WorkerMessageParser {
    private var buffer: [UInt8] = []
    private var start = 0

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start > 1 << 20 || start == buffer.count {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message, or nil when more bytes are needed.
    mutating func next() throws(WorkerFailure) -> WorkerMessage? {
        guard buffer.count - start >= WorkerMessage.prefixLength else { return nil }
        guard let kind = WorkerMessage.Kind(rawValue: buffer[start]) else {
            throw WorkerFailure(.garbage, "unknown message \(buffer[start])")
        }
        let headLength = length(at: start + 1)
        let bodyLength = length(at: start + 5)
        guard headLength <= WorkerMessage.longestHead, bodyLength <= WorkerMessage.longestBody else {
            throw WorkerFailure(.garbage, "message of \(headLength) and \(bodyLength) bytes")
        }
        let bodyStart = start + WorkerMessage.prefixLength + headLength
        guard buffer.count >= bodyStart + bodyLength else { return nil }
        var message = WorkerMessage(kind)
        message.head = Data(buffer[start + WorkerMessage.prefixLength..<bodyStart])
        message.body = Array(buffer[bodyStart..<bodyStart + bodyLength])
        start = bodyStart + bodyLength
        return message
    }

    private func length(at index: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(buffer[index + $1]) << (8 * $1) }
    }
}
