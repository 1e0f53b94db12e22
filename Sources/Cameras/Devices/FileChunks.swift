import Foundation
import NIOCore

/// A file in pieces, for an upload whose progress is told.
struct FileChunks: AsyncSequence, Sendable {
    typealias Element = ByteBuffer
    static let size = 64 << 10

    let path: String
    let sent: @Sendable (Int) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        let path: String
        let sent: @Sendable (Int) -> Void
        private var handle: FileHandle?
        private var count = 0

        init(path: String, sent: @escaping @Sendable (Int) -> Void) {
            self.path = path
            self.sent = sent
        }

        mutating func next() async throws -> ByteBuffer? {
            if handle == nil { handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)) }
            if count > 0 { sent(count) }
            guard let data = try handle?.read(upToCount: FileChunks.size), !data.isEmpty else {
                try handle?.close()
                return nil
            }
            count += data.count
            return ByteBuffer(bytes: data)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(path: path, sent: sent) }
}
