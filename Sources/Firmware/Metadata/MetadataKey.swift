import Core
import Crypto
import Foundation

/// A public key as metadata lists it. Ed25519 (RFC 8032) is the only kind that counts.
public struct MetadataKey: Codable, Sendable, Equatable {
    struct Value: Codable, Equatable {
        /// Lower-case hexadecimal.
        let `public`: String
    }

    let keytype: String
    let scheme: String
    let keyval: Value

    init(_ key: Curve25519.Signing.PublicKey) {
        keytype = "ed25519"
        scheme = "ed25519"
        keyval = Value(public: Hexadecimal.text(key.rawRepresentation))
    }

    /// The key itself; nil for what cannot verify anything here.
    var key: Curve25519.Signing.PublicKey? {
        guard keytype == "ed25519", scheme == "ed25519", let bytes = Hexadecimal.bytes(keyval.public) else { return nil }
        return try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
    }

    /// How metadata calls it: the SHA-256 of its canonical form, in hexadecimal.
    public var identifier: String {
        let form = JSONValue.object([
            "keytype": .text(keytype), "scheme": .text(scheme), "keyval": .object(["public": .text(keyval.public)]),
        ])
        return Hexadecimal.text(SHA256.hash(data: form.canonical))
    }
}

/// SHA-256 (FIPS 180-4) as metadata writes it.
enum Digest {
    /// 64 lower-case hexadecimal digits.
    static func text(_ bytes: some ContiguousBytes) -> String {
        bytes.withUnsafeBytes { bytes in
            var hash = SHA256()
            hash.update(bufferPointer: bytes)
            return Hexadecimal.text(hash.finalize())
        }
    }

    static func isOne(_ text: String) -> Bool { text.utf8.count == 64 && Hexadecimal.bytes(text) != nil }
}

/// The SHA-256 of what comes in pieces.
struct RunningDigest {
    private var hash = SHA256()

    mutating func take(_ bytes: some DataProtocol) { hash.update(data: bytes) }

    var text: String { Hexadecimal.text(hash.finalize()) }
}
