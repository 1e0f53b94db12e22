/// How a clip's footage is encrypted, as its manifest says: enough for whoever has the site's key, nothing for anybody else.
public struct ClipEncryption: Codable, Sendable, Equatable {
    /// What is done to the picture beside the footage.
    public enum Picture: String, Codable, Sendable {
        /// AES-256-GCM (nonce, text, tag) under a key derived from the clip's by HKDF-SHA-256.
        case aes256GCM = "A256GCM"
    }

    /// The version of this form.
    public var version = 1
    /// The protection scheme of ISO/IEC 23001-7: `cenc`, AES-128 in counter mode.
    public let scheme: String
    /// The clip's key identifier, 32 lower-case hexadecimal digits; the same as in the footage's `tenc` boxes.
    public let kid: String
    /// How `wrappedKey` was made.
    public let wrapping: String
    /// The clip's key under the site's, in Base64: the encapsulated key of HPKE (RFC 9180), then the ciphertext.
    public let wrappedKey: String
    /// Which of the site's keys opens it.
    public let siteKey: String
    public let picture: Picture

    public init(scheme: String, kid: String, wrapping: String, wrappedKey: String, siteKey: String, picture: Picture) {
        self.scheme = scheme
        self.kid = kid
        self.wrapping = wrapping
        self.wrappedKey = wrappedKey
        self.siteKey = siteKey
        self.picture = picture
    }
}

/// The key of one clip, with its identifier; made for one clip, used once, kept nowhere.
public struct ClipKey: Codable, Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public static let length = 16

    /// 16 bytes.
    public let identifier: [UInt8]
    /// 16 bytes, for AES-128.
    public let secret: [UInt8]

    /// Takes a key that is known; nil where either part is not 16 bytes long.
    public init?(identifier: [UInt8], secret: [UInt8]) {
        guard identifier.count == Self.length, secret.count == Self.length else { return nil }
        self.identifier = identifier
        self.secret = secret
    }

    /// Draws a fresh key.
    public init(using generator: inout some RandomNumberGenerator) {
        identifier = (0..<Self.length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        secret = (0..<Self.length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    // Whatever prints or logs a key, or something that holds one, must not print the secret.
    public var description: String { "clip key" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A fresh key of a clip, and what its manifest says of it.
public struct IssuedClipKey: Sendable {
    public let key: ClipKey
    public let encryption: ClipEncryption

    public init(key: ClipKey, encryption: ClipEncryption) {
        self.key = key
        self.encryption = encryption
    }
}

/// What encrypting a clip that waits for its upload needs of the spool.
public protocol WaitingFootage: Sendable {
    /// The manifest as it is now; nil when the clip is gone.
    func manifest(of id: ClipID) async throws -> ClipManifest?
    /// The bytes of the cloud copy.
    func contents(of manifest: ClipManifest) async throws -> any FootageSource
    /// The picture beside it; nil where there is none.
    func picture(of manifest: ClipManifest) async throws -> [UInt8]?
    /// Makes the file that is to take the place of the cloud copy.
    func beginReplacement(of id: ClipID) async throws -> any FootageFile
    /// The file is complete and takes the place of the cloud copy, durably; answers the manifest that says so.
    func replace(_ manifest: ClipManifest, picture: [UInt8]?) async throws -> ClipManifest
}

/// What the uploader needs to know of a site's encryption.
public protocol UploadProtection: Sendable {
    /// Whether a clip that waits in the open must be encrypted before it goes up.
    /// - Throws: where that cannot be told, so that footage rather waits than goes up in the open.
    func mustEncrypt(_ manifest: ClipManifest) throws -> Bool
    /// Encrypts a clip that waits.
    func encrypt(_ manifest: ClipManifest) async throws
}

/// What recording needs to know of a site's encryption.
public protocol FootageProtection: Sendable {
    /// A fresh key for a clip; nil where the site's footage is not encrypted.
    /// - Throws: where that cannot be told, so that footage rather waits than goes up in the open.
    func issueKey(for clip: ClipID, of site: SiteID) throws -> IssuedClipKey?
    /// Whether the site's footage is to be encrypted.
    /// - Throws: where that cannot be told.
    func isEncrypted(_ site: SiteID) throws -> Bool
    /// The picture beside the footage, sealed.
    func sealPicture(_ jpeg: [UInt8], of clip: ClipID, with key: ClipKey) throws -> [UInt8]
}
