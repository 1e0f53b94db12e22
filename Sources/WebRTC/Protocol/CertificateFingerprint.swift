/// By what a certificate is known (RFC 8122, section 5).
public struct CertificateFingerprint: Sendable, Equatable {
    /// `sha-256`.
    public let algorithm: String
    public let bytes: [UInt8]

    private static let lengths = ["sha-256": 32, "sha-384": 48, "sha-512": 64]

    public init?(algorithm: String, bytes: [UInt8]) {
        guard Self.lengths[algorithm] == bytes.count else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads `sha-256 AB:CD:...`; nil for hashes that prove nothing (any more).
    init?(_ text: Substring) {
        let words = text.split(separator: " ")
        guard words.count == 2, words[1].utf8.count < 256 else { return nil }
        let octets = words[1].split(separator: ":", omittingEmptySubsequences: false).map {
            $0.utf8.count == 2 ? UInt8($0, radix: 16) : nil
        }
        guard octets.allSatisfy({ $0 != nil }) else { return nil }
        self.init(algorithm: words[0].lowercased(), bytes: octets.compactMap { $0 })
    }

    /// As an attribute's value.
    public var text: String {
        algorithm + " " + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
    }
}
