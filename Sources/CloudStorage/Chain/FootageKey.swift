import BoxDatabase
import Crypto
public import Foundation

/// The box's Ed25519 key (RFC 8032), which signs what it says of footage; it never leaves the box.
public struct FootageKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Reads the key from the file at `path`, which is made where it is not there; `credential` seals it (`KeyFile`).
    public init(keyFile path: String, credential: String? = nil) throws {
        key = try Curve25519.Signing.PrivateKey(rawRepresentation: KeyFile.bytes(at: path, credential: credential))
    }

    /// A new key.
    public init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// Base64: what whoever compares footage must know of the box.
    public var publicText: String { key.publicKey.rawRepresentation.base64EncodedString() }

    /// Reads what `publicText` gave.
    static func publicKey(_ text: String) -> Curve25519.Signing.PublicKey? {
        Data(base64Encoded: text).flatMap { try? Curve25519.Signing.PublicKey(rawRepresentation: $0) }
    }

    /// An Ed25519 signature of `data`, base64.
    public func sign(_ data: Data) throws -> String { try key.signature(for: data).base64EncodedString() }
}
