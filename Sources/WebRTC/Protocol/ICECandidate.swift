import Foundation

/// Where a viewer may be reached (RFC 8839, section 5.1); only what the box uses: UDP, addresses in numbers.
public struct ICECandidate: Sendable, Equatable {
    public let foundation: String
    public let priority: UInt32
    public let address: String
    public let port: UInt16
    public let type: String

    private static let types: Set<Substring> = ["host", "srflx", "prflx", "relay"]
    private static let longest = 32

    /// Reads what stands behind `candidate:`; nil for candidates that are not used: names (they are not looked up for strangers), TCP.
    init?(_ text: Substring) {
        let words = text.split(separator: " ", maxSplits: 40).map { Substring($0) }
        guard words.count >= 8, words[1] == "1", words[2].lowercased() == "udp", let priority = UInt32(words[3]),
            let port = UInt16(words[5]), port > 0, words[6] == "typ", Self.types.contains(words[7]),
            (1...Self.longest).contains(words[0].utf8.count), words[0].allSatisfy(\.isICECharacter), Self.isNumeric(words[4])
        else { return nil }
        foundation = String(words[0])
        self.priority = priority
        address = String(words[4])
        self.port = port
        type = String(words[7])
    }

    private static func isNumeric(_ text: Substring) -> Bool {
        var bytes = in6_addr()
        let text = String(text)
        return text.withCString { inet_pton(AF_INET, $0, &bytes) == 1 || inet_pton(AF_INET6, $0, &bytes) == 1 }
    }

    /// As an attribute.
    public var text: String { "candidate:\(foundation) 1 UDP \(priority) \(address) \(port) typ \(type)" }
}

extension Character {
    /// Of what names and passwords of ICE are made (RFC 8839, section 5.1).
    var isICECharacter: Bool { isASCII && (isLetter || isNumber) || self == "+" || self == "/" }
}

/// What one side proves itself by in its checks (RFC 8445, section 5.3).
public struct ICECredentials: Sendable, Equatable {
    public let fragment: String
    public let password: String

    public init?(fragment: String, password: String) {
        guard (4...256).contains(fragment.utf8.count), (22...256).contains(password.utf8.count),
            fragment.allSatisfy(\.isICECharacter), password.allSatisfy(\.isICECharacter)
        else { return nil }
        self.fragment = fragment
        self.password = password
    }
}
