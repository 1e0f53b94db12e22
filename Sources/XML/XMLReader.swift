/// Reads XML into a tree, in time and memory that grow with the bytes alone.
///
/// It is not Foundation's parser because that one crashes on `<?a?>`, takes minutes for an element with many attributes, and loses memory with
/// every mistake in a document, all of which anyone in the cameras' network could use. It is forgiving where devices make mistakes and what
/// they meant is plain: a bare `&` or `<` in a name, an attribute without quotes, an end tag left out.
struct XMLReader {
    /// UTF-8.
    private let bytes: [UInt8]
    private let limits: XMLLimits
    private var index = 0
    private var elements = 0
    private var open: [XMLTree] = []
    /// The texts of the open elements so far.
    private var texts: [[UInt8]] = []
    /// The names of the open elements with their prefixes.
    private var names: [ArraySlice<UInt8>] = []

    private static let attributeLimit = 512

    init(_ bytes: [UInt8], limits: XMLLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// The document's first element.
    mutating func read() throws(XMLRefusal) -> XMLTree {
        while index < bytes.count {
            if bytes[index] != UInt8(ascii: "<") {
                readText()
            } else if let root = try readMarkup() {
                return root
            }
        }
        throw open.isEmpty && elements == 0 && bytes.allSatisfy({ $0 <= 0x20 }) ? .malformed("it is empty") : malformed(at: bytes.count)
    }

    private func malformed(at end: Int) -> XMLRefusal {
        let before = bytes[..<min(end, bytes.count)]
        let lines = before.count { $0 == 0x0A }
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return .malformed("line \(lines + 1), column \(before.count - start + 1)")
    }

    /// Reads what begins with `<`; gives the root when that was its end.
    private mutating func readMarkup() throws(XMLRefusal) -> XMLTree? {
        let rest = bytes[(index + 1)...]
        switch rest.first {
        case UInt8(ascii: "?"):
            skip(past: "?>", from: index + 2)
        case UInt8(ascii: "!"):
            if rest.starts(with: "!--".utf8) {
                skip(past: "-->", from: index + 4)
            } else if rest.starts(with: "![CDATA[".utf8) {
                let start = index + 9
                skip(past: "]]>", from: start)
                let end = index >= start + 3 && bytes[index - 1] == UInt8(ascii: ">") ? index - 3 : index
                if !texts.isEmpty { texts[texts.count - 1] += bytes[start..<max(start, end)] }
            } else {
                // Only a document type has anything else here: entities come that way.
                throw .documentType
            }
        case UInt8(ascii: "/"):
            return try readEndTag()
        case .some(let byte) where Self.beginsName(byte):
            return try readStartTag()
        default:
            // A bare `<` in a text.
            if !texts.isEmpty { texts[texts.count - 1].append(UInt8(ascii: "<")) }
            index += 1
        }
        return nil
    }

    private static func beginsName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: ":"), 0x80...:
            true
        default: false
        }
    }

    private static func endsName(_ byte: UInt8) -> Bool {
        switch byte {
        case ...0x20, UInt8(ascii: "/"), UInt8(ascii: ">"), UInt8(ascii: "="), UInt8(ascii: "<"), UInt8(ascii: "\""), UInt8(ascii: "'"):
            true
        default: false
        }
    }

    /// Moves behind the next place with a text, or to the end.
    private mutating func skip(past text: StaticString, from start: Int) {
        let wanted = Array(text.description.utf8)
        index = min(start, bytes.count)
        while index < bytes.count {
            if bytes[index...].starts(with: wanted) {
                index += wanted.count
                return
            }
            index += 1
        }
    }

    private mutating func skipSpaces() {
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
    }

    private mutating func readName() -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.count, !Self.endsName(bytes[index]) { index += 1 }
        return bytes[start..<index]
    }

    // MARK: Tags

    private mutating func readStartTag() throws(XMLRefusal) -> XMLTree? {
        elements += 1
        guard elements <= limits.elements else { throw .tooManyElements }
        guard open.count < limits.depth else { throw .tooDeep }
        index += 1
        let name = readName()
        let text = String(decoding: name, as: UTF8.self)
        // What follows a colon and could not be a name is no name behind a prefix.
        let colon = name.lastIndex(of: UInt8(ascii: ":"))
        let local =
            colon == nil
            ? text
            : colon == name.endIndex - 1
                ? text.split(separator: ":").last.map(String.init) ?? text
                : String(decoding: name[(colon ?? 0) + 1..<name.endIndex], as: UTF8.self)
        var element = XMLTree(local.utf8.first.map(Self.beginsName) == true ? local : text)
        while true {
            skipSpaces()
            guard index < bytes.count else { throw malformed(at: index) }
            switch bytes[index] {
            case UInt8(ascii: ">"), UInt8(ascii: "<"):
                // A tag whose end is missing ends where the next begins.
                if bytes[index] == UInt8(ascii: ">") { index += 1 }
                keepNamespace(of: &element, prefix: text)
                open.append(element)
                texts.append([])
                names.append(name)
                return nil
            case UInt8(ascii: "/"):
                index += 1
                guard index < bytes.count, bytes[index] == UInt8(ascii: ">") else { continue }
                index += 1
                keepNamespace(of: &element, prefix: text)
                return place(element)
            default:
                try readAttribute(of: &element)
            }
        }
    }

    private mutating func readAttribute(of element: inout XMLTree) throws(XMLRefusal) {
        guard element.attributes.count < Self.attributeLimit else { throw .tooManyElements }
        let name = readName()
        skipSpaces()
        guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
            // A stray quote is left out, a name without value is empty.
            if name.isEmpty { index += 1 } else { element.attributes[String(decoding: name, as: UTF8.self)] = "" }
            return
        }
        index += 1
        skipSpaces()
        guard index < bytes.count else { throw malformed(at: index) }
        let quote = bytes[index]
        let value: ArraySlice<UInt8>
        if quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
            let start = index + 1
            guard let end = bytes[start...].firstIndex(of: quote) else { throw malformed(at: bytes.count) }
            value = bytes[start..<end]
            index = end + 1
        } else {
            let start = index
            while index < bytes.count, bytes[index] > 0x20, bytes[index] != UInt8(ascii: ">") { index += 1 }
            value = bytes[start..<index]
        }
        var decoded: [UInt8] = []
        Self.decode(value, into: &decoded, breaksAsSpaces: true)
        if !name.isEmpty { element.attributes[String(decoding: name, as: UTF8.self)] = String(decoding: decoded, as: UTF8.self) }
    }

    /// What is to be sent back as it came (WS-Addressing) keeps its namespace, which may be declared anywhere above.
    private func keepNamespace(of element: inout XMLTree, prefix name: String) {
        guard open.last?.name == "ReferenceParameters", element.attributes["xmlns"] == nil else { return }
        let declaration = name.firstIndex(of: ":").map { "xmlns:" + name[..<$0] } ?? "xmlns"
        element.attributes["xmlns"] =
            element.attributes[declaration] ?? open.last { $0.attributes[declaration] != nil }?.attributes[declaration]
    }

    /// Closes the element of the name, and those in it whose end tags were left out.
    private mutating func readEndTag() throws(XMLRefusal) -> XMLTree? {
        let start = index
        index += 2
        let name = readName()
        guard let end = bytes[index...].firstIndex(of: UInt8(ascii: ">")) else { throw malformed(at: bytes.count) }
        guard let match = names.lastIndex(of: name) else { throw malformed(at: start) }
        index = end + 1
        while names.count > match {
            names.removeLast()
            var element = open.removeLast()
            element.text = String(decoding: Self.trimmed(texts.removeLast()), as: UTF8.self)
            if let root = place(element) { return root }
        }
        return nil
    }

    /// Puts an element that is whole into the one around it; gives it back where there is none.
    private mutating func place(_ element: XMLTree) -> XMLTree? {
        guard !open.isEmpty else { return element }
        open[open.count - 1].children.append(element)
        return nil
    }

    // MARK: Text

    private mutating func readText() {
        let end = bytes[index...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
        if !texts.isEmpty { Self.decode(bytes[index..<end], into: &texts[texts.count - 1], breaksAsSpaces: false) }
        index = end
    }

    /// Puts what references stand for in their place; a `&` that begins none stays.
    private static func decode(_ text: ArraySlice<UInt8>, into decoded: inout [UInt8], breaksAsSpaces: Bool) {
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "&"), let (characters, next) = reference(text[index...]) {
                decoded += characters
                index = next
                continue
            }
            index += 1
            if breaksAsSpaces, byte < 0x20 {
                decoded.append(0x20)
            } else if byte != 0x0D {
                decoded.append(byte)
            } else if index == text.endIndex || text[index] != 0x0A {
                // XML 1.0, section 2.11: every line break becomes one form.
                decoded.append(0x0A)
            }
        }
    }

    private static func reference(_ text: ArraySlice<UInt8>) -> (characters: [UInt8], next: Int)? {
        guard let end = text.prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = String(decoding: text[(text.startIndex + 1)..<end], as: UTF8.self)
        switch name {
        case "lt": return ([UInt8(ascii: "<")], end + 1)
        case "gt": return ([UInt8(ascii: ">")], end + 1)
        case "amp": return ([UInt8(ascii: "&")], end + 1)
        case "quot": return ([UInt8(ascii: "\"")], end + 1)
        case "apos": return ([UInt8(ascii: "'")], end + 1)
        default:
            guard name.hasPrefix("#") else { return nil }
            let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
            guard let number, let scalar = Unicode.Scalar(number) else { return nil }
            // Characters that XML forbids are forbidden by number too.
            return (number < 0x20 && ![9, 10, 13].contains(number) ? [] : Array(String(Character(scalar)).utf8), end + 1)
        }
    }

    /// Without the white space around it.
    private static func trimmed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        guard let first = text.firstIndex(where: { $0 > 0x20 }), let last = text.lastIndex(where: { $0 > 0x20 }) else { return [] }
        return text[first...last]
    }
}
