import Crypto
public import Foundation

/// Why a key file gives no key.
public struct KeyFileError: Error, Sendable, Equatable, CustomStringConvertible {
    public let path: String
    public let description: String

    init(_ operation: String, _ path: String) {
        self.path = path
        description = "key file \(path): \(operation): \(String(cString: strerror(errno)))"
    }

    init(path: String, _ sentence: String) {
        self.path = path
        description = "key file \(path): \(sentence)"
    }
}

/// A file with 32 secret random bytes that only its owner can read.
public enum KeyFile {
    private static let length = 32

    /// The bytes of the file at `path`, which is made where it is certainly not there.
    ///
    /// Any other obstacle is thrown: a new key in the place of one that cannot be read now would lose all that it sealed.
    public static func bytes(at path: String) throws -> Data {
        if let data = try read(path) { return data }
        let data = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        guard try !place(data, at: path) else { return data }
        // Another was quicker; its key counts.
        guard let data = try read(path) else { throw KeyFileError(path: path, "its name is taken, but there is no file") }
        return data
    }

    /// Nil where there is no file.
    private static func read(_ path: String) throws -> Data? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw KeyFileError("open", path) }
        defer { close(descriptor) }
        // One more than a key has, to see that the file ends there.
        var buffer = [UInt8](repeating: 0, count: length + 1)
        var total = 0
        while total < buffer.count {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + total }, $0.count - total) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw KeyFileError("read", path) }
            if count == 0 { break }
            total += count
        }
        guard total == length else { throw KeyFileError(path: path, "it does not have \(length) bytes") }
        return Data(buffer.prefix(length))
    }

    /// Puts a key where there is none; false where there is one meanwhile, which stays.
    private static func place(_ data: Data, at path: String) throws -> Bool {
        // Whole or not at all: a power cut at the first start must not leave half a key.
        let temporary = "\(path).\(UUID().uuidString).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw KeyFileError("make", temporary) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        let written = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == data.count, fsync(descriptor) == 0 else { throw KeyFileError("write", temporary) }
        // Unlike rename, link never replaces.
        guard link(temporary, path) == 0 else {
            guard errno == EEXIST else { throw KeyFileError("link", path) }
            return false
        }
        try synchronizeDirectory(of: path)
        return true
    }

    private static func synchronizeDirectory(of path: String) throws {
        let parent = (path as NSString).deletingLastPathComponent
        let folder = parent.isEmpty ? "." : parent
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw KeyFileError("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw KeyFileError("fsync", folder) }
    }
}
