import Core
import Crypto
import CryptoExtras
public import Foundation

/// A site's private key under its verification code: scrypt (RFC 7914), then AES-256-GCM.
public struct LockedSiteKey: Codable, Sendable, Equatable {
    /// How hard a guess is: 64 MB and a quarter of a second of a small ARM board.
    public static let rounds = 1 << 16

    // Within these a file from elsewhere may choose; more would let it take all memory.
    private static let allowedRounds = 1 << 14...1 << 20
    private static let memory = 1 << 30

    public let publicKey: Data
    private let kdf: String
    private let rounds: Int
    private let blockSize: Int
    private let parallelism: Int
    private let salt: Data
    private let cipher: String
    /// Nonce, ciphertext, tag.
    private let sealed: Data

    /// Locks `key`; takes long on purpose.
    public init(_ key: SiteKey, code: VerificationCode, rounds: Int = Self.rounds) throws {
        var generator = SystemRandomNumberGenerator()
        publicKey = key.publicKey
        (kdf, cipher, blockSize, parallelism) = ("scrypt", "A256GCM", 8, 1)
        self.rounds = rounds
        salt = Data((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let locking = try Self.derive(code, salt: salt, rounds: rounds, blockSize: 8)
        guard let combined = try AES.GCM.seal(key.secret, using: locking, authenticating: Self.binding(publicKey)).combined else {
            throw FootageKeyError.damaged("site's key")
        }
        sealed = combined
    }

    /// Whether it costs no more to open than one that a box makes.
    var isUsual: Bool { rounds <= Self.rounds }

    /// The name of the key that is locked.
    public var name: String { SiteKey.name(of: publicKey) }

    /// Opens it; takes long on purpose.
    public func open(_ code: VerificationCode) throws(FootageKeyError) -> SiteKey {
        guard kdf == "scrypt", cipher == "A256GCM", parallelism == 1, blockSize == 8, Self.allowedRounds.contains(rounds),
            rounds.nonzeroBitCount == 1, salt.count >= 16, let box = try? AES.GCM.SealedBox(combined: sealed),
            let unlocking = try? Self.derive(code, salt: salt, rounds: rounds, blockSize: blockSize)
        else { throw .damaged("site's key") }
        // A changed file and a wrong code look alike here; the code is what a person can do something about.
        guard let secret = try? AES.GCM.open(box, using: unlocking, authenticating: Self.binding(publicKey)) else { throw .wrongCode }
        guard let key = try? SiteKey(secret: secret), key.publicKey == publicKey else { throw .damaged("site's key") }
        return key
    }

    private static func binding(_ publicKey: Data) -> Data { Data("gatehouse site key 1 ".utf8) + publicKey }

    private static func derive(_ code: VerificationCode, salt: Data, rounds: Int, blockSize: Int) throws -> SymmetricKey {
        try KDF.Scrypt.deriveKey(
            from: Data(code.text.utf8), salt: salt, outputByteCount: 32, rounds: rounds, blockSize: blockSize, parallelism: 1,
            maxMemory: memory)
    }
}

/// The owner's recovery file: with the verification code it opens all footage of the site, though the box be lost.
public struct RecoveryFile: Codable, Sendable, Equatable {
    public static let format = "gatehouse-footage-recovery"

    private let format: String
    private let version: Int
    /// For the person who finds the file.
    private let about: String
    /// The box's serial number.
    public let box: String
    public let siteName: String
    /// The name by which manifests name the key.
    public let siteKey: String
    /// When the verification code was set that opens the file.
    public let codeSetAt: Date
    public let key: LockedSiteKey

    public init(box: String, siteName: String, codeSetAt: Date, key: LockedSiteKey) {
        format = Self.format
        version = 1
        about = "With the verification code that was in force, this file opens the encrypted footage: gatehouse footage decrypt --help."
        self.box = box
        self.siteName = siteName
        self.codeSetAt = codeSetAt
        self.key = key
        siteKey = key.name
    }

    /// Reads a file.
    public static func read(_ data: Data) throws(FootageKeyError) -> RecoveryFile {
        guard data.count < 64 << 10, let file = try? GatehouseJSON.decoder.decode(RecoveryFile.self, from: data), file.format == format,
            file.version == 1, file.siteKey == file.key.name
        else { throw .damaged("recovery file") }
        return file
    }

    /// As it is written.
    public var data: Data {
        get throws {
            let encoder = GatehouseJSON.makeEncoder()
            encoder.outputFormatting.insert(.prettyPrinted)
            return try encoder.encode(self) + Data("\n".utf8)
        }
    }
}
