public import Core
import Crypto
public import Foundation

/// Why a voucher is not believed; a sentence.
public struct VoucherMistake: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// Not a voucher at all, or one with entries that are not right.
        case malformed = "not-a-voucher"
        /// The issuer is not one of those that this box believes.
        case unknownIssuer = "unknown-issuer"
        /// Changed after it was signed, or never signed by its issuer.
        case forged = "forged-voucher"
    }

    public let code: Code
    public let sentence: String
    public var description: String { sentence }

    public init(_ code: Code, _ sentence: String) {
        self.code = code
        self.sentence = sentence
    }
}

/// A signed list of service keys (by their hashes) and of packages for a box's stock.
public struct Voucher: Codable, Sendable, Equatable {
    public static let format = 1
    /// A voucher fits into one request.
    public static let mostKeys = 200
    public static let mostPackages = 20
    public static let mostOfAPackage = 1000

    /// A service key, known by its SHA-256.
    public struct Key: Codable, Sendable, Equatable {
        public let sha256: String
        public let package: PlanPackage
        /// The last day on which it may be used.
        public let redeemUntil: CalendarDay?
        /// The one box that may use it; nil for whichever is first.
        public let box: String?

        public init(sha256: String, package: PlanPackage, redeemUntil: CalendarDay?, box: String?) {
            self.sha256 = sha256
            self.package = package
            self.redeemUntil = redeemUntil
            self.box = box
        }
    }

    /// Packages for the stock of a box.
    public struct Stock: Codable, Sendable, Equatable {
        public let package: PlanPackage
        public let count: Int
        public let box: String

        public init(package: PlanPackage, count: Int, box: String) {
            self.package = package
            self.count = count
            self.box = box
        }
    }

    public let format: Int
    /// Unique, so that packages of a voucher that is imported twice count once.
    public let id: String
    /// The issuer's Ed25519 public key, base64.
    public let issuer: String
    /// RFC 3339, as it was signed.
    public let issuedAt: String
    public let keys: [Key]
    public let packages: [Stock]
    /// Ed25519, base64.
    public let signature: String

    public init(id: String, issuer: String, issuedAt: String, keys: [Key], packages: [Stock], signature: String) {
        format = Self.format
        self.id = id
        self.issuer = issuer
        self.issuedAt = issuedAt
        self.keys = keys
        self.packages = packages
        self.signature = signature
    }

    /// Signs a new voucher.
    public static func issue(keys: [Key], packages: [Stock], by issuer: IssuerKey, at time: Date) throws -> Voucher {
        func make(_ signature: String) -> Voucher {
            Voucher(
                id: id, issuer: issuer.publicText, issuedAt: GatehouseJSON.text(time), keys: keys,
                packages: packages, signature: signature)
        }
        let id = Identifier<Voucher>.timeOrdered(at: time).text
        return make(try issuer.sign(make("").signedBytes))
    }

    /// Reads a voucher file.
    public static func read(_ data: Data) throws(VoucherMistake) -> Voucher {
        guard let voucher = try? GatehouseJSON.decoder.decode(Voucher.self, from: data) else {
            throw VoucherMistake(.malformed, "This is not a voucher file. Choose the one that the issuer of the plans gave you.")
        }
        guard voucher.isWellFormed else {
            throw VoucherMistake(.malformed, "The voucher has entries that are not right. Ask its issuer for a new one.")
        }
        return voucher
    }

    /// Whether each entry is as it should be; what is signed has then one reading only.
    public var isWellFormed: Bool {
        format == Self.format && Identifier<Voucher>(id) != nil && Self.isTime(issuedAt)
            && Data(base64Encoded: issuer)?.base64EncodedString() == issuer && (1...Self.mostKeys + Self.mostPackages).contains(entries)
            && keys.count <= Self.mostKeys && packages.count <= Self.mostPackages
            && keys.allSatisfy { Self.isSHA256($0.sha256) && ($0.box.map(Self.isSerialNumber) ?? true) }
            && packages.allSatisfy { (1...Self.mostOfAPackage).contains($0.count) && Self.isSerialNumber($0.box) }
    }

    private var entries: Int { keys.count + packages.count }

    /// Whether `text` is a time exactly as it is written everywhere.
    public static func isTime(_ text: String) -> Bool { GatehouseJSON.date(text).map(GatehouseJSON.text) == text }

    /// Whether `text` is a SHA-256 in lower-case hexadecimal.
    public static func isSHA256(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// Whether `text` may be a box's serial number.
    public static func isSerialNumber(_ text: String) -> Bool { Identifier<Voucher>(text) != nil }

    /// What is signed: a line for each entry, whatever the file's JSON looks like.
    var signedBytes: Data {
        var lines = ["gatehouse voucher \(format)", "id \(id)", "issuer \(issuer)", "issued \(issuedAt)"]
        lines += keys.map { "key \($0.sha256) \($0.package.rawValue) \($0.redeemUntil?.text ?? "-") \($0.box ?? "-")" }
        lines += packages.map { "packages \($0.package.rawValue) \($0.count) \($0.box)" }
        return Data((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// Throws unless one of `issuers` signed exactly this.
    public func verify(issuers: [String]) throws(VoucherMistake) {
        guard issuers.contains(issuer) else {
            throw VoucherMistake(
                .unknownIssuer,
                "The voucher is from an issuer whom this box does not know (\(issuer.prefix(64))). Ask whoever sells the plans, or enter the issuer under plans.issuers."
            )
        }
        guard let raw = Data(base64Encoded: issuer), let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw),
            let signature = Data(base64Encoded: signature), key.isValidSignature(signature, for: signedBytes)
        else {
            throw VoucherMistake(
                .forged, "The voucher was changed after it was signed, or its issuer did not sign it. Ask the issuer for a new one.")
        }
    }
}
