import Core
import Crypto
import Foundation

extension DurableFile {
    /// The size and SHA-256 of the file at `path`.
    static func digest(_ path: String) throws -> (bytes: Int, sha256: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        var hasher = SHA256()
        var total = 0
        // Memory of the largest size costs more than the reading of a small file.
        var buffer = [UInt8](repeating: 0, count: min(max(size(path) ?? 0, 1 << 10), 1 << 18))
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path) }
            if count == 0 { break }
            buffer.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            total += count
        }
        return (total, Hexadecimal.text(hasher.finalize()))
    }
}
