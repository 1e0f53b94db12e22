/// One section of an offer: what goes by it, and how its sender is reached (RFC 8866, section 5.14; RFC 8829).
public struct OfferedMedia: Sendable, Equatable {
    /// A payload type's meaning.
    public struct Payload: Sendable, Equatable {
        /// In small letters: `h264`.
        var encoding = ""
        var clockRate = 0
        var channels = 1
        var parameters: [String: String] = [:]
    }

    static let mostFormats = 128
    static let mostCandidates = 64

    /// `video`, `audio`, `application`.
    public let kind: String
    let port: Int
    let transport: String
    /// In the offerer's order.
    let formats: [String]
    var mid = ""
    var direction = "sendrecv"
    var isMuxed = false
    var isBundleOnly = false
    var setup = "active"
    var fragment: String?
    var password: String?
    var fingerprints: [CertificateFingerprint] = []
    var candidates: [ICECandidate] = []
    var payloads: [UInt8: Payload] = [:]

    /// Reads what stands behind `m=`.
    init?(line: Substring) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count >= 4, words.count <= 3 + Self.mostFormats, let port = Int(words[1].prefix { $0 != "/" }),
            (0...65_535).contains(port)
        else { return nil }
        guard words.allSatisfy({ $0.utf8.count <= 64 && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }) else { return nil }
        kind = words[0]
        self.port = port
        transport = words[2]
        formats = Array(words[3...])
        // Static payload types need no words (RFC 3551, section 6).
        for (type, encoding) in [(0, "pcmu"), (8, "pcma")] as [(UInt8, String)] where formats.contains(String(type)) {
            payloads[type] = Payload(encoding: encoding, clockRate: 8000)
        }
    }

    /// Takes in an attribute; what is not known says nothing.
    mutating func take(_ name: Substring, _ value: Substring) {
        switch name {
        case "mid": if Self.isToken(value) { mid = String(value) }
        case "sendrecv", "recvonly", "sendonly", "inactive": direction = String(name)
        case "rtcp-mux": isMuxed = true
        case "bundle-only": isBundleOnly = true
        case "setup": setup = String(value.prefix(16))
        case "ice-ufrag": fragment = String(value)
        case "ice-pwd": password = String(value)
        case "fingerprint": if fingerprints.count < 8, let one = CertificateFingerprint(value) { fingerprints.append(one) }
        case "candidate": if candidates.count < Self.mostCandidates, let one = ICECandidate(value) { candidates.append(one) }
        case "rtpmap": takeMap(value)
        case "fmtp": takeParameters(value)
        default: break
        }
    }

    static func isToken(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// `96 H264/90000`.
    private mutating func takeMap(_ value: Substring) {
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let type = payloadType(words[0]) else { return }
        let parts = words[1].split(separator: "/")
        guard parts.count >= 2, let clockRate = Int(parts[1]), clockRate > 0 else { return }
        payloads[type, default: Payload()].encoding = parts[0].lowercased()
        payloads[type]?.clockRate = clockRate
        payloads[type]?.channels = parts.count > 2 ? Int(parts[2]) ?? 1 : 1
    }

    /// `96 packetization-mode=1;profile-level-id=42e01f`.
    private mutating func takeParameters(_ value: Substring) {
        let words = value.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let type = payloadType(words[0]) else { return }
        for field in words[1].split(separator: ";", maxSplits: 32) {
            let pair = field.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
            // They come back in the answer.
            guard pair.count == 2, pair[0].utf8.count <= 64, pair[1].utf8.count <= 256,
                pair.allSatisfy({ $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } })
            else { continue }
            payloads[type, default: Payload()].parameters[pair[0].lowercased()] = pair[1]
        }
    }

    private func payloadType(_ text: Substring) -> UInt8? {
        formats.contains(String(text)) ? UInt8(text).flatMap { $0 < 128 ? $0 : nil } : nil
    }

    /// The viewer wants to receive, by the transport that the box speaks.
    var isServable: Bool {
        (direction == "recvonly" || direction == "sendrecv") && (port != 0 || isBundleOnly) && isMuxed
            && transport.hasPrefix("UDP/TLS/RTP/SAVP")
    }
}
