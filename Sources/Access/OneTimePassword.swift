import Core
import Crypto
public import Foundation

/// Passwords that are good for half a minute, made by an app on somebody's telephone (RFC 6238: HMAC-SHA1, 30 seconds, six digits).
public struct OneTimePassword: Sendable {
    static let step: TimeInterval = 30
    private static let digits = 6
    /// A clock may be wrong by so many steps.
    private static let tolerance = 1
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")

    /// The secret as apps take it: Base32 (RFC 4648, section 6) without padding.
    public let text: String
    private let secret: [UInt8]

    /// A new secret of 160 bits (RFC 4226, section 4).
    public init() {
        secret = (0..<20).map { _ in UInt8.random(in: .min ... .max) }
        text = Self.encode(secret)
    }

    /// Takes a stored secret; nil for what is none.
    public init?(text: String) {
        guard let secret = Self.decode(text), secret.count >= 16 else { return nil }
        self.secret = secret
        self.text = text
    }

    /// What a QR code shows to an app.
    public func address(account: String, issuer: String) -> String {
        var parts = URLComponents()
        parts.scheme = "otpauth"
        parts.host = "totp"
        parts.path = "/\(issuer):\(account)"
        parts.queryItems = [.init(name: "secret", value: text), .init(name: "issuer", value: issuer)]
        return parts.string ?? ""
    }

    /// The time step of which `entered` is the password, if it is one of now and later than `last`, which was taken before.
    public func step(of entered: String, at time: Date, after last: Int) -> Int? {
        let entered = Array(entered.utf8.filter { $0 != UInt8(ascii: " ") })
        let now = Int(time.timeIntervalSince1970 / Self.step)
        var found: Int?
        for step in (now - Self.tolerance)...(now + Self.tolerance) {
            if isSameSecret(password(step).utf8, entered), step > last { found = step }
        }
        return found
    }

    /// The password of a moment.
    public func password(at time: Date) -> String { password(Int(time.timeIntervalSince1970 / Self.step)) }

    /// The password of a time step (RFC 4226, section 5.3).
    func password(_ step: Int) -> String {
        let counter = withUnsafeBytes(of: UInt64(max(0, step)).bigEndian) { Data($0) }
        let code = Array(HMAC<Insecure.SHA1>.authenticationCode(for: counter, using: SymmetricKey(data: secret)))
        let offset = Int(code[code.count - 1] & 0x0F)
        let number = code[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let text = String(number % 1_000_000)
        return String(repeating: "0", count: Self.digits - text.count) + text
    }

    private static func encode(_ bytes: [UInt8]) -> String {
        var (text, value, bits) = ("", UInt32(0), 0)
        for byte in bytes {
            (value, bits) = (value << 8 | UInt32(byte), bits + 8)
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(value >> UInt32(bits)) & 31])
            }
        }
        if bits > 0 { text.append(alphabet[Int(value << UInt32(5 - bits)) & 31]) }
        return text
    }

    private static func decode(_ text: String) -> [UInt8]? {
        var (bytes, value, bits): ([UInt8], UInt32, Int) = ([], 0, 0)
        for character in text.uppercased() {
            guard let place = alphabet.firstIndex(of: character) else { return nil }
            (value, bits) = (value << 5 | UInt32(place), bits + 5)
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(bits)))
            }
        }
        return bytes
    }
}
