import Core
import Crypto
import CryptoExtras
import Foundation

/// What a code of the box says.
public enum CodeContent: Sendable, Equatable {
    case device(DeviceFacts)
    case site(SiteFacts)

    /// How a device is found and told from others. Its sign-in is never in a code.
    public struct DeviceFacts: Codable, Sendable, Equatable {
        public var name: String
        public var driver: String?
        public var host: String
        public var port: Int?
        public var https: Bool?
        public var model: String?
        public var serialNumber: String?
        public var macAddress: String?

        public init(
            name: String, driver: String?, host: String, port: Int?, https: Bool?, model: String?, serialNumber: String?,
            macAddress: String?
        ) {
            (self.name, self.driver, self.host, self.port, self.https) = (name, driver, host, port, https)
            (self.model, self.serialNumber, self.macAddress) = (model, serialNumber, macAddress)
        }
    }

    /// What another company needs to ask a site's owner.
    public struct SiteFacts: Codable, Sendable, Equatable {
        public var id: String
        public var name: String
        public var company: String?

        public init(id: String, name: String, company: String?) {
            (self.id, self.name, self.company) = (id, name, company)
        }
    }
}

/// The text in a code: open, or closed with a password.
///
/// `gatehouse:1:` and JSON in base64url; closed `gatehouse:1s:` and, in base64url, 16 bytes of salt and what ChaCha20-Poly1305 (RFC 8439) makes of
/// the JSON with a key that scrypt (RFC 7914) makes of the password.
public enum CodeText {
    public enum Refusal: Error {
        /// None of ours.
        case other
        case passwordNeeded
        case wrongPassword
    }

    private struct Document: Codable {
        var device: CodeContent.DeviceFacts?
        var site: CodeContent.SiteFacts?
    }

    private static let plain = "gatehouse:1:"
    private static let closed = "gatehouse:1s:"
    private static let saltBytes = 16
    /// The logarithm of scrypt's cost: 64 MB and a fraction of a second.
    public static let usualWorkFactor = 16

    /// The text for a code.
    public static func make(_ content: CodeContent, password: String?, workFactor: Int = usualWorkFactor) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json =
            switch content {
            case .device(let facts): try encoder.encode(Document(device: facts))
            case .site(let facts): try encoder.encode(Document(site: facts))
            }
        guard let password else { return plain + base64URL(json) }
        let salt = SymmetricKey(size: .bits128).withUnsafeBytes { Data($0) }
        let sealed = try ChaChaPoly.seal(
            json, using: try key(password, salt: salt, workFactor: workFactor), authenticating: Data(closed.utf8))
        return closed + base64URL(salt + sealed.combined)
    }

    /// What a code says.
    /// - Throws: `Refusal`.
    public static func open(_ text: String, password: String?, workFactor: Int = usualWorkFactor) throws -> CodeContent {
        let json: Data
        if text.hasPrefix(closed) {
            guard let bytes = data(text.dropFirst(closed.count)), bytes.count > saltBytes,
                let box = try? ChaChaPoly.SealedBox(combined: bytes.dropFirst(saltBytes))
            else { throw Refusal.other }
            guard let password else { throw Refusal.passwordNeeded }
            let key = try key(password, salt: bytes.prefix(saltBytes), workFactor: workFactor)
            guard let opened = try? ChaChaPoly.open(box, using: key, authenticating: Data(closed.utf8)) else { throw Refusal.wrongPassword }
            json = opened
        } else {
            guard text.hasPrefix(plain), let bytes = data(text.dropFirst(plain.count)) else { throw Refusal.other }
            json = bytes
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: json) else { throw Refusal.other }
        if let device = document.device { return .device(device) }
        if let site = document.site { return .site(site) }
        throw Refusal.other
    }

    private static func key(_ password: String, salt: Data, workFactor: Int) throws -> SymmetricKey {
        try KDF.Scrypt.deriveKey(
            from: Data(password.utf8), salt: salt, outputByteCount: 32, rounds: 1 << workFactor, blockSize: 8, parallelism: 1,
            maxMemory: 512 << 20)
    }

    /// RFC 4648, section 5, without padding.
    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func data(_ text: Substring) -> Data? {
        let plain = text.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4))
    }
}
