import Core
import Crypto
import Foundation

/// The JSON beside each clip in the store: its manifest.
enum Sidecar {
    /// Lower-case hexadecimal.
    static func sha256(_ data: Data) -> String {
        Hexadecimal.text(SHA256.hash(data: data))
    }
}
