import Crypto
import Foundation

/// A private Ed25519 key, as a file that OpenSSL reads, too (PKCS #8, RFC 8410, section 7).
public struct SigningKey: Sendable {
    /// What stands before the 32 bytes of every such key.
    private static let prefix: [UInt8] = [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20]
    private static let (head, foot) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----")

    let key: Curve25519.Signing.PrivateKey

    /// A new one.
    public init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// - Throws: `ReleaseRefusal.unreadable` where the text holds no such key.
    public init(pem text: String, name: String) throws {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        guard lines.first == Self.head, lines.last == Self.foot, let bytes = Data(base64Encoded: lines.dropFirst().dropLast().joined()),
            bytes.starts(with: Self.prefix), bytes.count == Self.prefix.count + 32,
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes.suffix(32))
        else { throw ReleaseRefusal.unreadable(name) }
        self.key = key
    }

    public var pem: String {
        [Self.head, (Data(Self.prefix) + key.rawRepresentation).base64EncodedString(), Self.foot, ""].joined(separator: "\n")
    }

    /// What metadata lists, and what may be given to anybody.
    public var publicKey: MetadataKey { MetadataKey(key.publicKey) }
}

extension MetadataKey {
    /// As a file of its own.
    public var text: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Three words and a number are JSON.
        return ((try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "") + "\n"
    }

    /// - Throws: `ReleaseRefusal.unreadable` where it is no Ed25519 key.
    public init(text: String, name: String) throws {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)), read.key != nil else {
            throw ReleaseRefusal.unreadable(name)
        }
        self = read
    }
}
