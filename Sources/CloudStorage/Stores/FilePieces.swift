import Core
import Foundation
import NIOCore

/// A span of a file, piece by piece at the pace that is allowed, for a request's body.
struct FilePieces: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    static let largest = 16 << 10

    let path: String
    let span: Range<Int>
    /// Bytes of a piece: small, so that what is new need not wait long for a piece of what is old.
    let piece: Int
    let pace: (@Sendable (Int) async throws -> Void)?
    /// Told of each piece's bytes when the next one is asked for, which is when the connection has taken it.
    let sent: @Sendable (Int) -> Void

    final class AsyncIterator: AsyncIteratorProtocol {
        private let pieces: FilePieces
        private let handle: FileHandle?
        private let queue = BlockingQueue(name: "upload")
        private var offset: Int
        private var handed = 0

        init(_ pieces: FilePieces) {
            self.pieces = pieces
            handle = FileHandle(forReadingAtPath: pieces.path)
            offset = pieces.span.lowerBound
        }

        func next() async throws -> ByteBuffer? {
            if handed > 0 { pieces.sent(handed) }
            handed = 0
            let count = Swift.min(pieces.piece, pieces.span.upperBound - offset)
            guard count > 0 else {
                try? handle?.close()
                return nil
            }
            guard let descriptor = handle?.fileDescriptor else { throw StoreError(.corrupted, "The clip's file cannot be read.") }
            try await pieces.pace?(count)
            let start = offset
            let piece = try await queue.run { () throws -> [UInt8] in
                var buffer = [UInt8](repeating: 0, count: count)
                let got = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
                guard got > 0 else { throw FileError("read", "upload") }
                buffer.removeLast(count - got)
                return buffer
            }
            offset += piece.count
            handed = piece.count
            return ByteBuffer(bytes: piece)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
