// Access owns who may do what on this box: the set-up code, people, sign-ins. Nothing about cameras or footage may enter it.

import Core
import Crypto
import CryptoExtras
import Foundation

/// A password as it is stored: scrypt (RFC 7914) with its parameters and salt.
public struct PasswordHash: Sendable, Equatable {
    /// `scrypt$<rounds>$<block size>$<salt>$<hash>`, the last two in Base64.
    public let text: String

    /// What a new hash costs; takes tens of milliseconds on purpose.
    public static let usualRounds = 1 << 15
    private static let blockSize = 8
    private static let length = 32

    /// A hash that no password has, so that an unknown name costs the same time.
    static func ofNobody(rounds: Int) -> PasswordHash {
        PasswordHash(stored: "scrypt$\(rounds)$\(blockSize)$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    }

    /// Wraps a stored text.
    public init(stored text: String) {
        self.text = text
    }

    /// Hashes `password` with a fresh salt; fewer rounds are for tests.
    public init(hashing password: String, rounds: Int = usualRounds) throws {
        let salt = Data((0..<16).map { _ in UInt8.random(in: .min ... .max) })
        let key = try Self.derive(password, salt: salt, rounds: rounds, blockSize: Self.blockSize)
        text = "scrypt$\(rounds)$\(Self.blockSize)$\(salt.base64EncodedString())$\(key.base64EncodedString())"
    }

    /// Whether `password` is the one that was hashed; takes the same time either way.
    public func matches(_ password: String) -> Bool {
        let parts = text.split(separator: "$").map(String.init)
        guard parts.count == 5, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
            let salt = Data(base64Encoded: parts[3]), let expected = Data(base64Encoded: parts[4]),
            let key = try? Self.derive(password, salt: salt, rounds: rounds, blockSize: blockSize)
        else { return false }
        return isSameSecret(key, expected)
    }

    private static func derive(_ password: String, salt: Data, rounds: Int, blockSize: Int) throws -> Data {
        let key = try KDF.Scrypt.deriveKey(
            from: Data(password.utf8), salt: salt, outputByteCount: length, rounds: rounds, blockSize: blockSize, parallelism: 1,
            maxMemory: 256 << 20)
        return key.withUnsafeBytes { Data($0) }
    }
}
