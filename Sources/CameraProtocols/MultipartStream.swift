/// Why a stream of parts is no longer read.
public enum MultipartRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case headerTooLarge
    case partTooLarge
    /// So many bytes came without a part that there is none to come.
    case noParts

    public var description: String {
        switch self {
        case .headerTooLarge: "The device sent a part of its event stream with too long a header."
        case .partTooLarge: "The device sent a part of its event stream that is too large."
        case .noParts: "The device answers with something else than a stream of events."
        }
    }
}

/// How much of a stream of parts is held.
public struct MultipartLimits: Sendable {
    public var header = 16 << 10
    public var part = 4 << 20
    /// Bytes outside of parts, one after the other.
    public var between = 1 << 20

    public init() {}
}

/// Takes a stream of parts apart as it comes: `multipart/*` (RFC 2046, section 5.1) as cameras write it, or bare documents one after the other.
///
/// A part is handed out as soon as its last byte is there, not when the next one begins, because events are seconds apart: an XML or JSON
/// document ends where it ends, a JPEG of the announced length with its end marker. `Content-Length` is believed of nothing else unless a
/// new line follows, for devices lie in it either way; everything ends at the boundary. The boundary is that of the first line that looks
/// like one, because the one announced may be wrong or missing. Result and time do not depend on how the bytes were cut.
public struct MultipartStream: Sendable {
    /// A part with something in it.
    public struct Part: Sendable, Equatable {
        /// As it came, `application/xml; charset="UTF-8"`; nil for a document without a header.
        public var contentType: String?
        /// By names in lower case.
        public var headers: [String: String]
        public var body: [UInt8]

        public init(contentType: String? = nil, headers: [String: String] = [:], body: [UInt8]) {
            self.contentType = contentType
            self.headers = headers
            self.body = body
        }

        /// The media type in lower case, without parameters.
        public var mediaType: String? {
            contentType?.split(separator: ";").first.map { $0.trimmingASCIISpaces().lowercased() }
        }
    }

    private enum State: Sendable {
        case between
        case header
        case body
    }

    private let limits: MultipartLimits
    /// Without the dashes in front of them.
    private var boundaries: [[UInt8]] = []
    private var state = State.between
    /// Of the line that is being read between parts and in headers; no more of it than can matter.
    private var line: [UInt8] = []
    private var headers: [String: String] = [:]
    private var headerSize = 0
    private var skipped = 0
    private var body: [UInt8] = []
    /// Where in the body the line began that is being read.
    private var lineStart = 0
    private var end = PartEnd()
    private var finished: [Part] = []
    private var refusal: MultipartRefusal?

    /// - Parameter contentType: That of the whole answer; its boundary is one of two that are recognized.
    public init(contentType: String? = nil, limits: MultipartLimits = MultipartLimits()) {
        self.limits = limits
        if let boundary = contentType.flatMap(Self.boundary) { boundaries = [boundary] }
    }

    /// Takes the next bytes, and gives the parts that they complete. A refusal is thrown when no parts came before it, so that none is lost.
    public mutating func feed(_ bytes: [UInt8]) throws(MultipartRefusal) -> [Part] {
        for byte in bytes where refusal == nil { take(byte) }
        if finished.isEmpty, let refusal { throw refusal }
        defer { finished = [] }
        return finished
    }

    /// Gives what is left at the end of the stream, if it is whole.
    public mutating func finish() -> [Part] {
        if refusal == nil, state == .body {
            let isDelimiter = delimiter(body[lineStart...]) != nil
            if isDelimiter { cutDelimiter() }
            if isDelimiter || end.mayEnd(body) { emit() }
        }
        defer { finished = [] }
        return finished
    }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .between: takeBetween(byte)
        case .header: takeHeader(byte)
        case .body: takeBody(byte)
        }
    }

    // MARK: Between parts

    private mutating func takeBetween(_ byte: UInt8) {
        skipped += 1
        if skipped > limits.between { refusal = .noParts }
        guard byte != 0x0A else {
            defer { line = [] }
            if let found = delimiter(line[...]) {
                if found.isNew { boundaries.append(found.name) }
                if !found.isLast { beginHeader() }
            } else if Self.isContentHeader(line) {
                // The header of a part whose delimiter is missing.
                beginHeader()
                noteHeader(line)
            }
            return
        }
        if line.isEmpty {
            // White space and the byte order mark.
            if byte <= 0x20 || PartEnd.isOfByteOrderMark(byte) { return }
            if byte == UInt8(ascii: "<") || byte == UInt8(ascii: "{") {
                headers = [:]
                beginBody()
                return takeBody(byte)
            }
        }
        if line.count < 512 { line.append(byte) }
    }

    private static func isContentHeader(_ line: [UInt8]) -> Bool {
        line.count < 512 && String(decoding: line.prefix(8), as: UTF8.self).lowercased() == "content-" && line.contains(UInt8(ascii: ":"))
    }

    // MARK: Headers

    private mutating func beginHeader() {
        state = .header
        headers = [:]
        headerSize = 0
        line = []
    }

    private mutating func takeHeader(_ byte: UInt8) {
        headerSize += 1
        guard headerSize <= limits.header else {
            refusal = .headerTooLarge
            return
        }
        // A document that begins where the header's end is missing.
        if line.isEmpty, byte == UInt8(ascii: "<") {
            beginBody()
            return takeBody(byte)
        }
        guard byte == 0x0A else {
            line.append(byte)
            return
        }
        defer { line = [] }
        if line.allSatisfy({ $0 == 0x0D || $0 == 0x20 || $0 == 9 }) {
            beginBody()
        } else if let found = delimiter(line[...]) {
            // Some devices write every delimiter twice.
            if found.isLast { state = .between } else { beginHeader() }
        } else {
            noteHeader(line)
        }
    }

    private mutating func noteHeader(_ line: [UInt8]) {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), headers.count < 64 else { return }
        let name = String(decoding: line[..<colon], as: UTF8.self).trimmingASCIISpaces().lowercased()
        if headers[name] == nil { headers[name] = String(decoding: line[(colon + 1)...], as: UTF8.self).trimmingASCIISpaces() }
    }

    // MARK: Bodies

    private mutating func beginBody() {
        state = .body
        line = []
        body = []
        lineStart = 0
        let type = headers["content-type"]?.lowercased() ?? ""
        end = PartEnd(
            announced: headers["content-length"].flatMap { Int($0) },
            isMedia: type.hasPrefix("image/") || type.hasPrefix("audio/") || type.hasPrefix("video/"))
    }

    private mutating func takeBody(_ byte: UInt8) {
        guard body.count < limits.part else {
            refusal = .partTooLarge
            return
        }
        let verdict = end.take(byte, at: body.count)
        if verdict == .endedBefore { return emit() }
        body.append(byte)
        switch verdict {
        case .endedHere:
            emit()
        case .mayEndHere:
            lineStart = body.count
        case .endedBefore, .goesOn:
            guard byte == 0x0A else { return }
            guard let found = delimiter(body[lineStart...]) else {
                lineStart = body.count
                return
            }
            if found.isNew { boundaries.append(found.name) }
            cutDelimiter()
            emit()
            if !found.isLast { beginHeader() }
        }
    }

    /// Takes the delimiter off the body's end, and the line break before it, which belongs to it.
    private mutating func cutDelimiter() {
        body.removeSubrange(lineStart...)
        if body.last == 0x0A { body.removeLast() }
        if body.last == 0x0D { body.removeLast() }
    }

    private mutating func emit() {
        if body.contains(where: { $0 > 0x20 }) {
            finished.append(Part(contentType: headers["content-type"], headers: headers, body: body))
        }
        body = []
        line = []
        skipped = 0
        state = .between
    }

    // MARK: Boundaries

    /// What a line is if it is a delimiter: dashes, the boundary, perhaps dashes again.
    ///
    /// Before any boundary was seen in the stream, any word behind two dashes is one.
    private func delimiter(_ line: ArraySlice<UInt8>) -> (name: [UInt8], isLast: Bool, isNew: Bool)? {
        guard line.count >= 3, line.count < 320, line.starts(with: [0x2D, 0x2D]) else { return nil }
        var name = line.drop { $0 == 0x2D }
        while let last = name.last, last <= 0x20 { name.removeLast() }
        if boundaries.contains(where: { $0.elementsEqual(name) }) { return (Array(name), false, false) }
        let isLast = name.suffix(2).elementsEqual([0x2D, 0x2D])
        if isLast { name.removeLast(2) }
        if boundaries.contains(where: { $0.elementsEqual(name) }) { return (Array(name), isLast, false) }
        // The announced one and the first one seen.
        guard state != .body, boundaries.count < 2, !name.isEmpty, name.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return (Array(name), isLast, true)
    }

    /// The boundary of a `Content-Type`, without dashes in front: some devices write them already there.
    private static func boundary(_ contentType: String) -> [UInt8]? {
        for parameter in contentType.utf8.prefix(2048).split(separator: UInt8(ascii: ";")).dropFirst() {
            guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")),
                String(decoding: parameter[..<equals], as: UTF8.self).trimmingASCIISpaces().lowercased() == "boundary"
            else { continue }
            let value = String(decoding: parameter[parameter.index(after: equals)...], as: UTF8.self).trimmingASCIISpaces()
            let bytes = value.utf8.filter { $0 != UInt8(ascii: "\"") }.drop { $0 == 0x2D }
            return bytes.isEmpty || bytes.count > 256 ? nil : Array(bytes)
        }
        return nil
    }
}

extension StringProtocol {
    /// Without the white space around it.
    func trimmingASCIISpaces() -> String {
        var view = Substring(self).utf8
        while let first = view.first, first <= 0x20 { view.removeFirst() }
        while let last = view.last, last <= 0x20 { view.removeLast() }
        return String(decoding: view, as: UTF8.self)
    }
}
