import Crypto
import Foundation

/// The private key of whoever issues plans: an Ed25519 key that signs vouchers and never comes to a box.
public struct IssuerKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// A new key.
    public init() {
        key = Curve25519.Signing.PrivateKey()
    }

    /// Reads what `privateText` gave.
    public init?(privateText text: String) {
        guard let data = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: data)
        else { return nil }
        self.key = key
    }

    /// Base64, for a file that only its owner can read.
    public var privateText: String { key.rawRepresentation.base64EncodedString() }

    /// Base64, for the boxes' setting `plans.issuers`.
    public var publicText: String { key.publicKey.rawRepresentation.base64EncodedString() }

    /// Whether `text` may be an issuer's public key.
    public static func isPublic(_ text: String) -> Bool {
        Data(base64Encoded: text).map { $0.count == 32 && $0.base64EncodedString() == text } ?? false
    }

    func sign(_ bytes: Data) throws -> String { try key.signature(for: bytes).base64EncodedString() }
}
