/// Tells from a part's own bytes where it ends.
struct PartEnd: Sendable {
    enum Verdict {
        case goesOn
        /// The byte is the last.
        case endedHere
        /// The byte was the first behind the end.
        case endedBefore
        /// A delimiter may follow without a line break.
        case mayEndHere
    }

    private enum Kind: Sendable {
        /// Only white space so far.
        case unknown
        case xml(XMLDocumentEnd)
        case json(JSONDocumentEnd)
        case jpeg
        case other
    }

    private let announced: Int?
    private let isMedia: Bool
    private var kind = Kind.unknown
    private var previous: UInt8 = 0

    init(announced: Int? = nil, isMedia: Bool = false) {
        self.announced = announced
        self.isMedia = isMedia
    }

    /// Takes the byte at an index of the body.
    mutating func take(_ byte: UInt8, at index: Int) -> Verdict {
        defer { previous = byte }
        switch kind {
        case .unknown:
            return begin(byte, at: index)
        case .xml(var document):
            // Held once while it changes, so that nothing in it is copied with each byte.
            kind = .unknown
            let ended = document.take(byte)
            kind = .xml(document)
            return ended ? .endedHere : .goesOn
        case .json(var document):
            let ended = document.take(byte)
            kind = .json(document)
            return ended ? .endedHere : .goesOn
        case .jpeg:
            guard previous == 0xFF, byte == 0xD9 else { return .goesOn }
            return index + 1 == announced ? .endedHere : .mayEndHere
        case .other:
            return index == announced && (byte == 0x0A || byte == 0x0D) ? .endedBefore : .goesOn
        }
    }

    static func isOfByteOrderMark(_ byte: UInt8) -> Bool { byte == 0xEF || byte == 0xBB || byte == 0xBF }

    private mutating func begin(_ byte: UInt8, at index: Int) -> Verdict {
        if isMedia || byte == 0xFF {
            if index == 0, byte != 0xFF { kind = .other }
            if index == 1 { kind = previous == 0xFF && byte == 0xD8 ? .jpeg : .other }
            return .goesOn
        }
        // White space and the byte order mark may come first.
        if byte <= 0x20 || Self.isOfByteOrderMark(byte) {
            return index == announced && (byte == 0x0A || byte == 0x0D) ? .endedBefore : .goesOn
        }
        switch byte {
        case UInt8(ascii: "<"): kind = .xml(XMLDocumentEnd())
        case UInt8(ascii: "{"): kind = .json(JSONDocumentEnd())
        default: kind = .other
        }
        return .goesOn
    }

    /// Whether a body that nothing follows is whole, as far as can be told.
    func mayEnd(_ body: [UInt8]) -> Bool {
        switch kind {
        case .unknown, .xml, .json: false
        case .jpeg: body[...(body.lastIndex { $0 != 0x0A && $0 != 0x0D } ?? 0)].suffix(2).elementsEqual([0xFF, 0xD9])
        case .other: announced.map { body.count >= $0 } ?? true
        }
    }
}

/// Finds the end of an XML document: the end tag that closes its first element.
///
/// Only elements of that one's name are counted, so that a device's mistakes inside do not matter.
private struct XMLDocumentEnd: Sendable {
    private enum Place {
        case text
        /// Behind `<`.
        case opening
        case name
        case tag
        case quoted(UInt8)
        case declaration
        case comment
        case characterData
    }

    /// The document's first byte, `<`, was taken by whoever made this.
    private var place = Place.opening
    private var root: [UInt8] = []
    private var name: [UInt8] = []
    private var isEndTag = false
    private var depth = 0
    /// The last bytes, newest lowest.
    private var recent: UInt32 = 0x3C

    mutating func take(_ byte: UInt8) -> Bool {
        recent = recent << 8 | UInt32(byte)
        switch place {
        case .text:
            if byte == UInt8(ascii: "<") { place = .opening }
        case .opening:
            open(byte)
        case .name:
            if byte == UInt8(ascii: ">") || byte <= 0x20 || byte == UInt8(ascii: "/") {
                place = .tag
                return tag(byte)
            }
            if name.count < 256 { name.append(byte) }
        case .tag:
            return tag(byte)
        case .quoted(let quote):
            if byte == quote { place = .tag }
        case .declaration:
            if recent == 0x3C21_2D2D { place = .comment } else if recent & 0xFF_FFFF == 0x3C215B { place = .characterData }
            if byte == UInt8(ascii: ">") { place = .text }
        case .comment:
            if recent & 0xFF_FFFF == 0x2D2D3E { place = .text }
        case .characterData:
            if recent & 0xFF_FFFF == 0x5D5D3E { place = .text }
        }
        return false
    }

    private mutating func open(_ byte: UInt8) {
        isEndTag = false
        name = []
        switch byte {
        case UInt8(ascii: "/"):
            isEndTag = true
            place = .name
        case UInt8(ascii: "!"), UInt8(ascii: "?"):
            place = .declaration
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: ":"), 0x80...:
            name = [byte]
            place = .name
        case UInt8(ascii: "<"):
            break
        default:
            // A bare `<` in a text.
            place = .text
        }
    }

    private mutating func tag(_ byte: UInt8) -> Bool {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { place = .quoted(byte) }
        guard byte == UInt8(ascii: ">") else { return false }
        place = .text
        let closesItself = recent & 0xFFFF == 0x2F3E
        if root.isEmpty, !isEndTag { root = name }
        guard !root.isEmpty, name == root else { return false }
        if isEndTag { depth -= 1 } else if !closesItself { depth += 1 }
        return depth <= 0
    }
}

/// Finds the end of a JSON object: the brace that closes the first.
private struct JSONDocumentEnd: Sendable {
    private var depth = 1
    private var isInString = false
    private var isEscaped = false

    mutating func take(_ byte: UInt8) -> Bool {
        if isEscaped {
            isEscaped = false
        } else if isInString {
            if byte == UInt8(ascii: "\\") { isEscaped = true }
            if byte == UInt8(ascii: "\"") { isInString = false }
        } else {
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return depth == 0
    }
}
