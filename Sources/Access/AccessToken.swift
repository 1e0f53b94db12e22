import Core
import Crypto
import Foundation

/// A secret of 256 bits that proves a sign-in, a program's key or an invitation; the box keeps its hash alone.
public enum AccessToken {
    /// A new one, as text that is safe in addresses (RFC 4648, section 5).
    public static func make() -> String {
        Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// SHA-256, hexadecimal.
    static func hash(_ token: String) -> String { Hexadecimal.text(SHA256.hash(data: Data(token.utf8))) }
}
