import Core
import Foundation
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// A file that comes as a request's body, too large for the memory.
enum UploadedFile {
    /// Bytes that are written at once.
    private static let piece = 1 << 20
    /// A slow card must not hold up a thread that others need.
    private static let writing = BlockingQueue(name: "upload", background: true)
    private static let noRoom = Problem.conflict("The box has no room for the file.")

    /// Writes `body` into a new file at `path`, which is removed where it does not come whole; its length in bytes.
    /// - Throws: `Problem` where it is empty, has more than `limit` bytes (then with the sentence `tooLarge`) or finds no room.
    static func save(_ body: Hummingbird.RequestBody, to path: String, limit: Int, tooLarge: String) async throws -> Int {
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else { throw noRoom }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        do {
            var bytes = 0
            var waiting = Data()
            for try await buffer in body {
                bytes += buffer.readableBytes
                guard bytes <= limit else { throw Problem(.contentTooLarge, "too-large", "Too large", tooLarge) }
                waiting.append(contentsOf: buffer.readableBytesView)
                guard waiting.count >= piece else { continue }
                try await write(waiting, to: file)
                waiting.removeAll(keepingCapacity: true)
            }
            try await write(waiting, to: file)
            try file.close()
            guard bytes > 0 else {
                throw Problem(.badRequest, "invalid-request", "Nothing sent", "Send the file as the request's body.")
            }
            return bytes
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func write(_ data: Data, to file: FileHandle) async throws {
        do { try await writing.run { try file.write(contentsOf: data) } } catch { throw noRoom }
    }
}
