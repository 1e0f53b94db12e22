import Crypto
public import Foundation

/// A file with 32 secret random bytes that only its owner can read.
public enum KeyFile {
    /// The bytes of the file at `path`, which is made where it is not there.
    public static func bytes(at path: String) throws -> Data {
        if let data = FileManager.default.contents(atPath: path) {
            guard data.count == 32 else { throw CocoaError(.fileReadCorruptFile) }
            return data
        }
        let data = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        // Whole or not at all: a power cut at the first start must not leave half a key.
        let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        defer { close(descriptor) }
        let written = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == data.count, fsync(descriptor) == 0, rename(path + ".new", path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        return data
    }
}
