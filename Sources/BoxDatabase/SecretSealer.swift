import Crypto
public import Foundation

/// Seals secrets for the database with AES-256-GCM under a key that lies outside it.
public struct SecretSealer: Sendable {
    private let key: SymmetricKey

    /// Reads the key file at `path`, or makes one that only its owner can read.
    public init(keyFile path: String) throws {
        if let data = FileManager.default.contents(atPath: path) {
            guard data.count == 32 else { throw CocoaError(.fileReadCorruptFile) }
            key = SymmetricKey(data: data)
            return
        }
        let made = SymmetricKey(size: .bits256)
        let data = made.withUnsafeBytes { Data($0) }
        // Whole or not at all: a power cut at the first start must not leave half a key.
        let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        defer { close(descriptor) }
        let written = data.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == data.count, fsync(descriptor) == 0, rename(path + ".new", path) == 0 else { throw CocoaError(.fileWriteUnknown) }
        key = made
    }

    /// Seals `secret`; `context` binds it to its place, so that a sealed value moved elsewhere does not open.
    public func seal(_ secret: String, context: String) throws -> Data {
        let box = try AES.GCM.seal(Data(secret.utf8), using: key, authenticating: Data(context.utf8))
        guard let combined = box.combined else { throw CocoaError(.coderInvalidValue) }
        return combined
    }

    /// Gives back what `seal` made with the same context.
    public func unseal(_ sealed: Data, context: String) throws -> String {
        let box = try AES.GCM.SealedBox(combined: sealed)
        return String(decoding: try AES.GCM.open(box, using: key, authenticating: Data(context.utf8)), as: UTF8.self)
    }

}
