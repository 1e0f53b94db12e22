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

/// A file with 32 secret random bytes that only its owner can read, sealed where there is a secret to seal it with.
public enum KeyFile {
    private static let length = 32
    /// Nonce, key and tag of AES-256-GCM.
    private static let sealedLength = 60

    /// The bytes of the file at `path`, which is made where it is certainly not there.
    ///
    /// Any other obstacle is thrown: a new key in the place of one that cannot be read now would lose all that it sealed.
    ///
    /// - Parameter credential: A file with a secret that seals it, for instance one of systemd's, which a TPM may open. A key that lies open is
    ///   sealed; where the secret is not the one with which it was sealed, or there is none, an error is thrown.
    public static func bytes(at path: String, credential: String? = nil) throws -> Data {
        let wrap = try credential.map(sealingKey)
        if let data = try read(path) { return try opened(data, at: path, wrap) }
        let data = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        guard try !place(try sealed(data, at: path, wrap), at: path) else { return data }
        // Another was quicker; its key counts.
        guard let data = try read(path) else { throw KeyFileError(path: path, "its name is taken, but there is no file") }
        return try opened(data, at: path, wrap)
    }

    private static func sealingKey(_ path: String) throws -> SymmetricKey {
        guard let secret = FileManager.default.contents(atPath: path) else { throw KeyFileError("read", path) }
        guard secret.count >= length else { throw KeyFileError(path: path, "it has fewer than \(length) bytes") }
        return HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), info: Data("gatehouse key file".utf8), outputByteCount: 32)
    }

    /// Bound to its name: one key file does not pass for another.
    private static func context(_ path: String) -> Data { Data((path as NSString).lastPathComponent.utf8) }

    private static func sealed(_ key: Data, at path: String, _ wrap: SymmetricKey?) throws -> Data {
        guard let wrap else { return key }
        guard let sealed = try AES.GCM.seal(key, using: wrap, authenticating: context(path)).combined else {
            throw CocoaError(.coderInvalidValue)
        }
        return sealed
    }

    private static func opened(_ data: Data, at path: String, _ wrap: SymmetricKey?) throws -> Data {
        switch (data.count, wrap) {
        case (length, nil): return data
        case (length, _):
            // Beside it first, so that a power cut leaves one or the other.
            let temporary = "\(path).sealed"
            unlink(temporary)
            guard try place(try sealed(data, at: path, wrap), at: temporary), rename(temporary, path) == 0 else {
                throw KeyFileError("rename", temporary)
            }
            try synchronizeDirectory(of: path)
            return data
        case (_, nil): throw KeyFileError(path: path, "it is sealed; give the credential with which it was")
        case (_, let wrap?):
            do {
                return try AES.GCM.open(AES.GCM.SealedBox(combined: data), using: wrap, authenticating: context(path))
            } catch {
                throw KeyFileError(path: path, "it was sealed with another credential")
            }
        }
    }

    /// Nil where there is no file.
    private static func read(_ path: String) throws -> Data? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw KeyFileError("open", path) }
        defer { close(descriptor) }
        // One more than a key has, to see that the file ends there.
        var buffer = [UInt8](repeating: 0, count: sealedLength + 1)
        var total = 0
        while total < buffer.count {
            let count = buffer.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress.map { $0 + total }, $0.count - total) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw KeyFileError("read", path) }
            if count == 0 { break }
            total += count
        }
        guard total == length || total == sealedLength else { throw KeyFileError(path: path, "it does not have \(length) bytes") }
        return Data(buffer.prefix(total))
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
