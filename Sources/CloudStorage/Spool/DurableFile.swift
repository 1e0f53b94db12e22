import CLinux
import Core
import Crypto
import Foundation

/// A failed call to the file system.
public struct FileError: Error, Sendable, CustomStringConvertible {
    public let operation: String
    public let path: String
    public let code: Int32

    init(_ operation: String, _ path: String) {
        self.operation = operation
        self.path = path
        self.code = errno
    }

    public var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    public var description: String { "\(operation) \(path): \(String(cString: strerror(code)))" }
}

/// Writing that survives a power cut: file, then rename, then directory. All calls block.
enum DurableFile {
    /// Replaces the file at `path` with `data`, whole or not at all.
    static func write(_ data: Data, to path: String) throws {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("open", temporary) }
        do {
            defer { close(descriptor) }
            try writeAll(data, to: descriptor, path: temporary)
            guard fsync(descriptor) == 0 else { throw FileError("fsync", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        CrashPoint.reach("durable-file.written")
        guard rename(temporary, path) == 0 else { throw FileError("rename", path) }
        CrashPoint.reach("durable-file.renamed")
        try synchronizeDirectory((path as NSString).deletingLastPathComponent)
    }

    static func writeAll(_ data: some ContiguousBytes, to descriptor: Int32, path: String) throws {
        try rehearse("write", path)
        try data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw FileError("write", path) }
                done += count
            }
        }
    }

    /// Makes the names in the directory at `path` durable.
    static func synchronizeDirectory(_ path: String) throws {
        try rehearse("fsync", path)
        let descriptor = gatehouse_open_directory(path)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError("fsync", path) }
    }

    /// Fails as a simulated disk does; a real one is asked itself.
    private static func rehearse(_ operation: String, _ path: String) throws {
        guard let code = Rehearsal.current?.write(path), code != 0 else { return }
        errno = code
        throw FileError(operation, path)
    }

    /// Makes the directory at `path`, and those above it, where they are missing.
    static func makeDirectories(_ path: String) throws {
        if mkdir(path, 0o755) == 0 || errno == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0 else { throw FileError("stat", path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                errno = ENOTDIR
                throw FileError("mkdir", path)
            }
            return
        }
        let above = (path as NSString).deletingLastPathComponent
        guard errno == ENOENT, !above.isEmpty, above != path else { throw FileError("mkdir", path) }
        try makeDirectories(above)
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileError("mkdir", path) }
    }

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
        return (total, hexadecimal(hasher.finalize()))
    }

    /// The bytes of the file at `path`, or nil where there is none.
    static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// Free bytes of the file system that holds `path`.
    static func freeBytes(_ path: String) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}

/// Lower-case hexadecimal.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits: StaticString = "0123456789abcdef"
    let values = Array(bytes)
    return String(unsafeUninitializedCapacity: values.count * 2) { text in
        for (index, byte) in values.enumerated() {
            text[2 * index] = digits.utf8Start[Int(byte >> 4)]
            text[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
        }
        return values.count * 2
    }
}
