import Foundation
import Media
import Synchronization

/// The worker's end of its two pipes: standard input and output, read and written by blocking calls.
final class WorkerPipes {
    private var parser = WorkerMessageParser()
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)

    /// The next message, or nil when the box has gone.
    func receive() throws(WorkerFailure) -> WorkerMessage? {
        while true {
            if let message = try parser.next() { return message }
            let count = buffer.withUnsafeMutableBytes { read(0, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            buffer.withUnsafeBytes { parser.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    /// Writes a message whole; without a reader the worker has no reason to live.
    func send(_ message: WorkerMessage) {
        message.bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = write(1, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { exit(3) }
                sent += count
            }
        }
    }

    func send(_ kind: WorkerMessage.Kind, head: some Encodable, body: [UInt8] = []) {
        guard let message = try? WorkerMessage(kind, head: head, body: body) else { exit(4) }
        send(message)
    }

    /// The source's bytes, message by message, as a demuxer reads them.
    func sourceReader() -> (UnsafeMutableRawBufferPointer) -> Int {
        var pending: ArraySlice<UInt8> = []
        var ended = false
        return { target in
            while pending.isEmpty {
                if ended { return 0 }
                do {
                    guard let message = try self.receive() else { exit(3) }
                    switch message.kind {
                    case .sourceBytes: pending = message.body[...]
                    case .sourceEnd: ended = true
                    default: return -1
                    }
                } catch {
                    return -1
                }
            }
            let count = min(target.count, pending.count)
            pending.prefix(count).withUnsafeBytes { target.copyMemory(from: $0) }
            pending = pending.dropFirst(count)
            return count
        }
    }
}
