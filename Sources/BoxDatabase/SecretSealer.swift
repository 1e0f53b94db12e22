import Crypto
public import Foundation

/// Seals secrets for the database with AES-256-GCM under a key that lies outside it.
public struct SecretSealer: Sendable {
    private let key: SymmetricKey

    /// Reads the key file at `path`, or makes one that only its owner can read; `credential` seals it (`KeyFile`).
    public init(keyFile path: String, credential: String? = nil) throws {
        key = SymmetricKey(data: try KeyFile.bytes(at: path, credential: credential))
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

    /// A digest by which what was the same before is known again, and which tells nothing to who has the database alone: there may be a password in it.
    public func fingerprint(of data: Data, context: String) -> String {
        let own = HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Data("fingerprint \(context)".utf8), outputByteCount: 32)
        return Data(HMAC<SHA256>.authenticationCode(for: data, using: own)).base64EncodedString()
    }
}
