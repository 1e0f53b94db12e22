import Foundation

/// Why bytes are no message of RTSP.
public enum RTSPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case tooLarge
    case notAnAnswer
    case notARequest

    public var description: String {
        switch self {
        case .tooLarge: "The device sent an RTSP answer that is too large."
        case .notAnAnswer, .notARequest: "The device does not speak RTSP at this address."
        }
    }
}

/// A whole answer of an RTSP server (RFC 2326).
public struct RTSPMessage: Sendable, Equatable {
    /// A session as its server named it.
    public struct Session: Sendable, Equatable {
        /// Any text, also a negative number; to be sent back as it is.
        public var id: String
        /// Seconds after which the server forgets the session unless something is asked; 60 where it does not say.
        public var timeout: Int
    }

    public var status: Int
    public var reason: String
    /// In their order, with names as they came; a folded header is one.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(status: Int, reason: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
    }

    /// Reads an answer: its body is as long as `Content-Length` says, or what there is.
    public init(parsing bytes: some Sequence<UInt8>) throws(RTSPRefusal) {
        let bytes = Array(bytes.prefix(RTSPHead.largestHeader + RTSPHead.largestBody + 1))
        let head = try RTSPHead(bytes)
        let words = head.first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].uppercased().hasPrefix("RTSP/"), let status = Int(words[1]), (100...999).contains(status) else {
            throw .notAnAnswer
        }
        self.status = status
        reason = words.count > 2 ? words[2].trimmingASCIISpaces() : ""
        headers = head.headers
        body = try head.body(of: bytes)
    }

    /// As it goes over the line.
    public var bytes: [UInt8] { RTSPHead.write("RTSP/1.0 \(status) \(reason)", headers, body) }

    public static func == (one: RTSPMessage, other: RTSPMessage) -> Bool {
        one.status == other.status && one.reason == other.reason && one.body == other.body
            && one.headers.elementsEqual(other.headers) { $0 == $1 }
    }

    /// The value of the first header of a name, in any case.
    public subscript(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

    /// The values of all headers of a name.
    public func all(_ name: String) -> [String] { headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value) }

    /// The session, if the answer names one.
    public var session: Session? {
        guard let fields = self["Session"]?.split(separator: ";", maxSplits: 8), let id = fields.first?.trimmingASCIISpaces(), !id.isEmpty
        else { return nil }
        let timeout = fields.dropFirst().lazy.compactMap { field -> Int? in
            let parts = field.split(separator: "=", maxSplits: 1).map { $0.trimmingASCIISpaces().lowercased() }
            guard parts.count == 2, parts[0] == "timeout", let seconds = Int(parts[1]), seconds > 0 else { return nil }
            return seconds
        }.first
        return Session(id: id, timeout: timeout ?? 60)
    }

    /// The parameters of `Transport`, by names in lower case; `ssrc= 4CACC3D1` also with the space that some devices write.
    public var transport: [String: String] {
        var parameters: [String: String] = [:]
        for field in (self["Transport"] ?? "").prefix(4096).split(separator: ";", maxSplits: 64) {
            let parts = field.split(separator: "=", maxSplits: 1).map { $0.trimmingASCIISpaces() }
            guard let name = parts.first, !name.isEmpty else { continue }
            parameters[name.lowercased()] = parts.count > 1 ? parts[1].replacing("\"", with: "") : ""
        }
        return parameters
    }
}
