// Backup owns the encrypted copy of a whole box: its file, how it is made, and how another box begins with it.

import Core
import Crypto
import CryptoExtras
import Foundation
import Tar

/// Why a backup cannot be made or read; a sentence.
public struct BackupFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ sentence: String) { description = sentence }

    init(_ failure: TarFailure) {
        switch failure {
        case .notOne: self = .notOne
        case .noRoom: self = .noRoom
        case .other(let what): self.init(what)
        }
    }

    static let notOne = BackupFailure("This is no backup of a box.")
    static let wrongPassphrase = BackupFailure("The passphrase is not that of this backup, or the backup was changed.")
    static let noRoom = BackupFailure("There is no room to unpack the backup.")
    static let cut = BackupFailure("The backup is not whole: its end is missing, or it was changed.")
}

/// A file encrypted with a passphrase, as `age` (C2SP, age-encryption.org/v1) does it: whoever lost the box can open it with that program, too.
enum AgeFile {
    static let pieceBytes = 64 << 10
    static let tagBytes = 16
    static let nonceBytes = 16
    private static let intro = "age-encryption.org/v1"
    /// 64 MB and a fraction of a second, which a small box has; what others made may take 256 MB.
    static let usualWorkFactor = 16
    private static let workFactors = 1...18
    private static let saltBytes = 16
    private static let fileKeyBytes = 16

    /// The header for a new file, and the file's own key.
    static func header(passphrase: String, workFactor: Int) throws -> (text: Data, key: SymmetricKey) {
        let key = SymmetricKey(size: .bits128)
        let salt = SymmetricKey(size: .bits128).withUnsafeBytes { Data($0) }
        let wrap = try wrappingKey(passphrase, salt: salt, workFactor: workFactor)
        let sealed = try ChaChaPoly.seal(key.withUnsafeBytes { Data($0) }, using: wrap, nonce: try ChaChaPoly.Nonce(data: Data(count: 12)))
        let unsigned = "\(intro)\n-> scrypt \(text(salt)) \(workFactor)\n\(text(sealed.ciphertext + sealed.tag))\n---"
        return (Data("\(unsigned) \(text(mac(unsigned, key)))\n".utf8), key)
    }

    /// Reads a header, as `header` gave it.
    /// - Throws: `BackupFailure`.
    static func key(header: Data, passphrase: String) throws -> SymmetricKey {
        let lines = String(decoding: header, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count == 5, lines[0] == intro, lines[4].isEmpty, lines[3].hasPrefix("--- ") else { throw BackupFailure.notOne }
        let recipient = lines[1].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard recipient.count == 4, recipient[0] == "->", recipient[1] == "scrypt", let salt = data(recipient[2]), salt.count == saltBytes,
            let workFactor = Int(recipient[3]), String(workFactor) == recipient[3], workFactors.contains(workFactor),
            let body = data(lines[2]), body.count == fileKeyBytes + tagBytes, let said = data(String(lines[3].dropFirst(4)))
        else { throw BackupFailure.notOne }
        let wrap = try wrappingKey(passphrase, salt: salt, workFactor: workFactor)
        guard let sealed = try? ChaChaPoly.SealedBox(combined: Data(count: 12) + body),
            let bytes = try? ChaChaPoly.open(sealed, using: wrap)
        else {
            throw BackupFailure.wrongPassphrase
        }
        let key = SymmetricKey(data: bytes)
        guard isSameSecret(mac(lines[..<3].joined(separator: "\n") + "\n---", key), said) else { throw BackupFailure.wrongPassphrase }
        return key
    }

    /// The key of the pieces.
    static func payloadKey(_ key: SymmetricKey, nonce: Data) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: nonce, info: Data("payload".utf8), outputByteCount: 32)
    }

    /// Eleven bytes count, the twelfth marks the last piece.
    static func nonce(_ number: UInt64, isLast: Bool) throws -> ChaChaPoly.Nonce {
        let count = withUnsafeBytes(of: number.bigEndian) { Data($0) }
        return try ChaChaPoly.Nonce(data: Data(count: 3) + count + Data([isLast ? 1 : 0]))
    }

    private static func wrappingKey(_ passphrase: String, salt: Data, workFactor: Int) throws -> SymmetricKey {
        try KDF.Scrypt.deriveKey(
            from: Data(passphrase.utf8), salt: Data("\(intro)/scrypt".utf8) + salt, outputByteCount: 32, rounds: 1 << workFactor,
            blockSize: 8,
            parallelism: 1, maxMemory: 512 << 20)
    }

    private static func mac(_ header: String, _ key: SymmetricKey) -> Data {
        let own = HKDF<SHA256>.deriveKey(inputKeyMaterial: key, salt: Data(), info: Data("header".utf8), outputByteCount: 32)
        return Data(HMAC<SHA256>.authenticationCode(for: Data(header.utf8), using: own))
    }

    /// Base64 without padding (RFC 4648, section 4).
    private static func text(_ data: Data) -> String { data.base64EncodedString().replacingOccurrences(of: "=", with: "") }

    private static func data(_ text: String) -> Data? {
        guard !text.contains("=") else { return nil }
        let data = Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4))
        return data.flatMap { Self.text($0) == text ? $0 : nil }
    }
}

/// Writes an encrypted file piece by piece.
final class AgeWriter {
    private let file: FileHandle
    private let key: SymmetricKey
    private var waiting = Data()
    private var number: UInt64 = 0

    init(_ file: FileHandle, passphrase: String, workFactor: Int) throws {
        let (header, fileKey) = try AgeFile.header(passphrase: passphrase, workFactor: workFactor)
        let nonce = SymmetricKey(size: .bits128).withUnsafeBytes { Data($0) }
        try file.write(contentsOf: header + nonce)
        self.file = file
        key = AgeFile.payloadKey(fileKey, nonce: nonce)
    }

    func write(_ data: Data) throws {
        waiting.append(data)
        // One byte more than a piece, for the last piece is never empty and only known when nothing follows.
        while waiting.count > AgeFile.pieceBytes {
            try seal(waiting.prefix(AgeFile.pieceBytes), isLast: false)
            waiting = Data(waiting.dropFirst(AgeFile.pieceBytes))
        }
    }

    func finish() throws {
        try seal(waiting, isLast: true)
        waiting = Data()
    }

    private func seal(_ piece: Data, isLast: Bool) throws {
        let sealed = try ChaChaPoly.seal(piece, using: key, nonce: try AgeFile.nonce(number, isLast: isLast))
        try file.write(contentsOf: sealed.ciphertext + sealed.tag)
        number += 1
    }
}

/// Reads an encrypted file piece by piece; nothing is given that was changed.
struct AgeReader {
    private static let longestHeader = 512

    private let file: FileHandle
    private let key: SymmetricKey
    private var waiting: Data
    private var number: UInt64 = 0
    private var isOver = false

    /// - Throws: `BackupFailure`.
    init(_ file: FileHandle, passphrase: String) throws {
        let start = try file.read(upToCount: Self.longestHeader) ?? Data()
        guard let dashes = start.firstRange(of: Data("\n--- ".utf8)),
            let end = start[dashes.upperBound...].firstIndex(of: UInt8(ascii: "\n"))
        else {
            throw BackupFailure.notOne
        }
        let fileKey = try AgeFile.key(header: start[...end], passphrase: passphrase)
        var rest = Data(start[(end + 1)...])
        if rest.count < AgeFile.nonceBytes { rest.append(try file.read(upToCount: AgeFile.nonceBytes - rest.count) ?? Data()) }
        guard rest.count >= AgeFile.nonceBytes else { throw BackupFailure.cut }
        self.file = file
        key = AgeFile.payloadKey(fileKey, nonce: Data(rest.prefix(AgeFile.nonceBytes)))
        waiting = Data(rest.dropFirst(AgeFile.nonceBytes))
    }

    /// The next piece; nil at the end.
    /// - Throws: `BackupFailure`.
    mutating func next() throws -> Data? {
        guard !isOver else { return nil }
        let whole = AgeFile.pieceBytes + AgeFile.tagBytes
        // One byte more, to see whether this is the last.
        while waiting.count <= whole, let more = try file.read(upToCount: whole + 1 - waiting.count), !more.isEmpty { waiting.append(more) }
        let isLast = waiting.count <= whole
        let piece = waiting.prefix(whole)
        guard piece.count >= AgeFile.tagBytes, number == 0 || piece.count > AgeFile.tagBytes,
            let sealed = try? ChaChaPoly.SealedBox(
                nonce: try AgeFile.nonce(number, isLast: isLast), ciphertext: piece.dropLast(AgeFile.tagBytes),
                tag: piece.suffix(AgeFile.tagBytes)),
            let plain = try? ChaChaPoly.open(sealed, using: key)
        else { throw BackupFailure.cut }
        waiting = Data(waiting.dropFirst(whole))
        number += 1
        isOver = isLast
        return plain
    }
}
