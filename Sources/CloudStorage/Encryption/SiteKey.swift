public import Core
import Crypto
public import Foundation

/// Why footage does not open.
public enum FootageKeyError: Error, Sendable, Equatable {
    /// The verification code is another.
    case wrongCode
    /// The clip was encrypted for another key of the site; its name.
    case otherSiteKey(String)
    /// Written by another version, cut, or changed.
    case damaged(String)

    /// A sentence.
    public var sentence: String {
        switch self {
        case .wrongCode: "The verification code is not the right one."
        case .otherSiteKey(let name): "The clip was encrypted for another key (\(name)). Use the recovery file of that key."
        case .damaged(let what): "The \(what) is damaged, changed, or of a version that is not known here."
        }
    }
}

/// A site's key pair, X25519: the public half wraps the keys of clips, the private half opens them.
///
/// Clip keys are wrapped with HPKE (RFC 9180, base mode): so a box that only records needs no secret, and no two wrappings are alike.
public struct SiteKey: Sendable {
    static let wrapping = "HPKE-X25519-HKDF-SHA256-AES-256-GCM"
    private static let suite = HPKE.Ciphersuite(kem: .Curve25519_HKDF_SHA256, kdf: .HKDF_SHA256, aead: .AES_GCM_256)
    private static let purpose = Data("gatehouse clip key 1".utf8)
    private static let encapsulatedLength = 32

    private let key: Curve25519.KeyAgreement.PrivateKey

    /// A new key.
    public init() {
        key = Curve25519.KeyAgreement.PrivateKey()
    }

    /// Takes the 32 bytes that `secret` gave.
    init(secret: Data) throws {
        key = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret)
    }

    /// 32 bytes; for sealing only.
    var secret: Data { key.rawRepresentation }
    public var publicKey: Data { key.publicKey.rawRepresentation }
    /// By which manifests and recovery files name the key.
    public var name: String { Self.name(of: publicKey) }

    /// The first 16 hexadecimal digits of the public key's SHA-256.
    static func name(of publicKey: Data) -> String { String(Hexadecimal.text(SHA256.hash(data: publicKey)).prefix(16)) }

    /// Wraps the key of `clip` for whoever holds the private half of `publicKey`; the clip's name is bound in.
    static func wrap(_ key: ClipKey, of clip: ClipID, for publicKey: Data) throws -> ClipEncryption {
        let recipient = try Curve25519.KeyAgreement.PublicKey(rawRepresentation: publicKey)
        var sender = try HPKE.Sender(recipientKey: recipient, ciphersuite: suite, info: purpose)
        let kid = Hexadecimal.text(key.identifier)
        let sealed = try sender.seal(Data(key.secret), authenticating: binding(clip, kid))
        return ClipEncryption(
            scheme: "cenc", kid: kid, wrapping: wrapping, wrappedKey: (sender.encapsulatedKey + sealed).base64EncodedString(),
            siteKey: name(of: publicKey), picture: .aes256GCM)
    }

    /// The key of `clip`.
    public func open(_ encryption: ClipEncryption, of clip: ClipID) throws(FootageKeyError) -> ClipKey {
        guard encryption.siteKey == name else { throw .otherSiteKey(encryption.siteKey) }
        guard encryption.version == 1, encryption.scheme == "cenc", encryption.wrapping == Self.wrapping,
            let wrapped = Data(base64Encoded: encryption.wrappedKey), wrapped.count > Self.encapsulatedLength,
            let identifier = Hexadecimal.bytes(encryption.kid)
        else { throw .damaged("clip's key") }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key, ciphersuite: Self.suite, info: Self.purpose,
                encapsulatedKey: Data(wrapped.prefix(Self.encapsulatedLength)))
            let secret = try recipient.open(
                Data(wrapped.dropFirst(Self.encapsulatedLength)), authenticating: Self.binding(clip, encryption.kid))
            guard let opened = ClipKey(identifier: identifier, secret: Array(secret)) else { throw FootageKeyError.damaged("clip's key") }
            return opened
        } catch {
            throw .damaged("clip's key")
        }
    }

    private static func binding(_ clip: ClipID, _ kid: String) -> Data { Data("\(clip.text) \(kid)".utf8) }
}

extension ClipKey {
    /// The key of the picture beside the footage: HKDF-SHA-256 (RFC 5869) of the clip's key.
    private func pictureKey() -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: secret), salt: Data(identifier), info: Data("gatehouse picture 1".utf8),
            outputByteCount: 32)
    }

    /// A JPEG, sealed with AES-256-GCM: nonce, text, tag.
    func sealPicture(_ jpeg: [UInt8], of clip: ClipID) throws -> [UInt8] {
        guard let sealed = try AES.GCM.seal(jpeg, using: pictureKey(), authenticating: Data(clip.text.utf8)).combined else {
            throw FootageKeyError.damaged("picture")
        }
        return Array(sealed)
    }

    /// What `sealPicture` sealed.
    public func openPicture(_ sealed: Data, of clip: ClipID) throws(FootageKeyError) -> Data {
        do {
            return try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: pictureKey(), authenticating: Data(clip.text.utf8))
        } catch {
            throw .damaged("picture")
        }
    }

    /// A JSON Web Key set as W3C's Encrypted Media Extensions take it for `org.w3.clearkey` (section 9.1.4).
    public var clearKeyLicense: ClearKeyLicense {
        func text(_ bytes: [UInt8]) -> String {
            Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        return ClearKeyLicense(keys: [.init(kid: text(identifier), k: text(secret))])
    }
}

/// The license form of Clear Key.
public struct ClearKeyLicense: Encodable, Sendable, Equatable {
    public struct Key: Encodable, Sendable, Equatable {
        public let kty = "oct"
        /// Base64url without padding.
        public let kid: String
        /// Base64url without padding.
        public let k: String

        private enum CodingKeys: CodingKey { case kty, kid, k }
    }

    public let keys: [Key]
    public let type = "temporary"

    private enum CodingKeys: CodingKey { case keys, type }
}
