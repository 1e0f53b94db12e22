import Foundation
import Hummingbird
import NIOCore
import NIOFoundationCompat

/// A file that comes as a request's body, too large for the memory.
enum UploadedFile {
    /// Writes `body` into a new file at `path`, which is removed where it does not come whole; its length in bytes.
    /// - Throws: `Problem` where it is empty, has more than `limit` bytes or finds no room.
    static func save(_ body: Hummingbird.RequestBody, to path: String, limit: Int, called name: String) async throws -> Int {
        let noRoom = Problem.conflict("The box has no room for the file.")
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else { throw noRoom }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        var bytes = 0
        do {
            for try await buffer in body {
                bytes += buffer.readableBytes
                guard bytes <= limit else {
                    throw Problem(.contentTooLarge, "too-large", "Too large", "The \(name) has at most \(limit >> 20) MB.")
                }
                do { try file.write(contentsOf: Data(buffer.readableBytesView)) } catch { throw noRoom }
            }
            try file.close()
            guard bytes > 0 else {
                throw Problem(.badRequest, "invalid-request", "Nothing sent", "Send the \(name) as the request's body.")
            }
        } catch {
            unlink(path)
            throw error
        }
        return bytes
    }
}
