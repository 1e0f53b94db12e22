import Foundation

/// Why a session description is not read.
public enum SDPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case tooLarge
    /// It has no line that belongs into a description.
    case notADescription
    /// It describes a session with nothing in it.
    case noMedia

    public var description: String {
        switch self {
        case .tooLarge: "The device sent a description of its stream that is too large."
        case .notADescription: "The device sent something else than a description of its stream."
        case .noMedia: "The device describes a stream without video or sound."
        }
    }
}

/// What a stream consists of, as a device describes it (SDP, RFC 8866).
///
/// Only what is needed to choose and set up tracks is read. What the standard demands and devices leave out or get wrong is not missed: the
/// version, the origin, the session's name, its times, connections, line breaks.
public struct SessionDescription: Sendable, Equatable {
    /// Whether a media goes to the box or comes from it.
    public enum Direction: String, Sendable {
        case receiveOnly = "recvonly"
        case sendOnly = "sendonly"
        case sendAndReceive = "sendrecv"
        case inactive
    }

    /// How one number of RTP's payload type is to be understood.
    public struct Format: Sendable, Equatable {
        /// As in the media's line; a number, but with some devices not.
        public var payloadType: String
        /// In upper case: `H264`, `PCMA`. Of static payload types also where the description leaves it out (RFC 3551, section 6).
        public var encoding: String?
        public var clockRate: Int?
        /// Of sound.
        public var channels: Int?
        /// By names in lower case: `sprop-parameter-sets`, `config`.
        public var parameters: [String: String] = [:]
    }

    /// One track.
    public struct Media: Sendable, Equatable {
        /// `video`, `audio`, `application`, and what devices invent.
        public var kind: String
        public var port: Int
        /// `RTP/AVP`, `RTP/AVP/TCP`, `MP2T/AVP`.
        public var transport: String
        public var formats: [Format]
        /// The address for SETUP as it came: absolute, or relative to the description's.
        public var control: String?
        public var direction: Direction?
        /// Frames a second, where the device says.
        public var frameRate: Double?
        /// Of all attributes without those above, in their order.
        public var attributes: [String] = []
    }

    /// The session's name, which often names the server's software.
    public var name: String?
    /// The whole session's address.
    public var control: String?
    public var media: [Media] = []

    static let largest = 256 << 10

    /// Reads a description.
    public init(parsing bytes: some Sequence<UInt8>) throws(SDPRefusal) {
        let bytes = Array(bytes.prefix(Self.largest + 1))
        guard bytes.count <= Self.largest else { throw .tooLarge }
        var fields = 0
        for raw in bytes.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) {
            let line = String(decoding: raw, as: UTF8.self).trimmingASCIISpaces()
            guard let letter = line.utf8.first, line.utf8.dropFirst().first == UInt8(ascii: "="),
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
            else { continue }
            fields += 1
            let value = String(line.dropFirst(2)).trimmingASCIISpaces()
            switch letter {
            case UInt8(ascii: "s") where media.isEmpty: name = value.isEmpty || value == "-" ? nil : value
            case UInt8(ascii: "m") where media.count < 64: if let one = Self.media(value) { media.append(one) }
            case UInt8(ascii: "a"): attribute(value)
            default: break
            }
        }
        guard fields > 0 else { throw .notADescription }
        guard !media.isEmpty else { throw .noMedia }
    }

    /// `video 0 RTP/AVP 96`, and `application/TP-LINK 0 RTP/AVP smart/1/90000`.
    static func media(_ value: String) -> Media? {
        let words = value.split(maxSplits: 260, whereSeparator: \.isWhitespace)
        guard words.count >= 3, let port = Int(words[1].prefix { $0 != "/" }) else { return nil }
        let formats = words.dropFirst(3).prefix(256).map { word in
            let known = Int(word).flatMap { staticFormats[$0] }
            return Format(payloadType: String(word), encoding: known?.0, clockRate: known?.1, channels: known?.2)
        }
        return Media(kind: words[0].lowercased(), port: port, transport: words[2].uppercased(), formats: formats)
    }

    private mutating func attribute(_ text: String) {
        let colon = text.firstIndex(of: ":")
        let name = text[..<(colon ?? text.endIndex)].lowercased()
        let value = colon.map { text[text.index(after: $0)...].trimmingASCIISpaces() } ?? ""
        guard !media.isEmpty else {
            if name == "control", !value.isEmpty { control = value }
            return
        }
        let last = media.count - 1
        switch name {
        case "control":
            if !value.isEmpty { media[last].control = value }
        case "rtpmap":
            Self.readMap(value, into: &media[last].formats)
        case "fmtp":
            Self.readParameters(value, into: &media[last].formats)
        case "framerate":
            // `25`, `15.000000`, and `0S`.
            if let rate = Double(value), rate.isFinite, rate > 0 { media[last].frameRate = rate }
        default:
            if colon == nil, let direction = Direction(rawValue: name) {
                media[last].direction = direction
            } else if media[last].attributes.count < 64 {
                media[last].attributes.append(text)
            }
        }
    }

    /// `96 H264/90000`, `97 MPEG4-GENERIC/48000/2`, `123 META /0`.
    private static func readMap(_ value: String, into formats: inout [Format]) {
        guard let (type, rest) = split(value), let index = formats.firstIndex(where: { $0.payloadType == type }) else { return }
        let parts = rest.split(separator: "/", maxSplits: 3).map { $0.trimmingASCIISpaces() }
        guard let encoding = parts.first, !encoding.isEmpty else { return }
        formats[index].encoding = encoding.uppercased()
        formats[index].clockRate = parts.count > 1 ? Int(parts[1]).flatMap { $0 > 0 ? $0 : nil } : nil
        formats[index].channels = parts.count > 2 ? Int(parts[2]).flatMap { (1...64).contains($0) ? $0 : nil } : nil
    }

    /// `96 packetization-mode=1; sprop-parameter-sets=Z0IAHqtAUB7I,aM4xEg==`.
    private static func readParameters(_ value: String, into formats: inout [Format]) {
        guard let (type, rest) = split(value), let index = formats.firstIndex(where: { $0.payloadType == type }) else { return }
        for field in rest.split(separator: ";", maxSplits: 128) {
            let name = field.prefix { $0 != "=" }
            let key = name.trimmingASCIISpaces().lowercased()
            guard !key.isEmpty else { continue }
            formats[index].parameters[key] = field.dropFirst(name.count + 1).trimmingASCIISpaces()
        }
    }

    private static func split(_ value: String) -> (String, Substring)? {
        guard let space = value.firstIndex(where: \.isWhitespace) else { return nil }
        return (String(value[..<space]), value[value.index(after: space)...])
    }

    /// Those of RFC 3551's table that cameras use.
    private static let staticFormats: [Int: (String, Int, Int?)] = [
        0: ("PCMU", 8000, 1), 3: ("GSM", 8000, 1), 4: ("G723", 8000, 1), 8: ("PCMA", 8000, 1), 9: ("G722", 8000, 1), 10: ("L16", 44_100, 2),
        11: ("L16", 44_100, 1), 14: ("MPA", 90_000, nil), 18: ("G729", 8000, 1), 26: ("JPEG", 90_000, nil), 32: ("MPV", 90_000, nil),
        33: ("MP2T", 90_000, nil),
    ]

    // MARK: Addresses

    /// The address of a track's control, with no user and password in it: they belong into headers, and some devices write them here.
    ///
    /// - Parameters:
    ///   - base: `Content-Base` or `Content-Location` of the answer; one that is no address, as some devices send, is not used.
    ///   - requested: The address that was asked for the description.
    public static func address(control: String?, base: String?, requested: String) -> String {
        let base = base.flatMap { isAddress($0) ? $0 : nil } ?? requested
        guard let control, !control.isEmpty, control != "*" else { return withoutCredentials(base) }
        if isAddress(control) { return withoutCredentials(control) }
        // Not as RFC 3986 has it: the field puts the control behind the whole base, query included.
        return withoutCredentials(base) + (base.hasSuffix("/") || control.hasPrefix("/") ? "" : "/") + control
    }

    private static func isAddress(_ text: String) -> Bool {
        let lower = text.prefix(8).lowercased()
        return ["rtsp://", "rtsps://", "rtspu://"].contains { lower.hasPrefix($0) }
    }

    private static func withoutCredentials(_ address: String) -> String {
        guard let slashes = address.range(of: "://") else { return address }
        let rest = address[slashes.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        // A password may hold an `@` of its own.
        guard let at = authority.lastIndex(of: "@") else { return address }
        return String(address[..<slashes.upperBound] + rest[rest.index(after: at)...])
    }
}
