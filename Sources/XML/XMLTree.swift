// XML owns the reading and writing of XML that devices and stores send, in bounded time and memory. No vendor's document may enter it.

/// Why a document of a device is not read.
public enum XMLRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// It declares a document type; entities and external references come that way.
    case documentType
    case tooLarge
    case tooDeep
    case tooManyElements
    case malformed(String)

    public var description: String {
        switch self {
        case .documentType: "The device sent XML with a document type, which no device needs."
        case .tooLarge: "The device sent XML that is too large."
        case .tooDeep: "The device sent XML that is nested too deeply."
        case .tooManyElements: "The device sent XML with too many elements."
        case .malformed(let reason): "The device sent XML that cannot be read: \(reason)"
        }
    }
}

/// How much of a document is read.
public struct XMLLimits: Sendable {
    public var bytes = 4 << 20
    public var depth = 48
    public var elements = 40_000

    public init() {}
}

/// An element of an XML document, with everything under it; names without their prefixes, because devices do not agree on namespaces.
public struct XMLTree: Sendable, Equatable {
    /// Without its prefix.
    public var name: String
    /// As they came, prefixes and namespace declarations included.
    public var attributes: [String: String]
    /// The element's own text, without the white space around it.
    public var text: String
    public var children: [XMLTree]

    public init(_ name: String, attributes: [String: String] = [:], text: String = "", children: [XMLTree] = []) {
        self.name = name
        self.attributes = attributes
        self.text = text
        self.children = children
    }

    /// Reads a document.
    ///
    /// Bytes that are not UTF-8 are replaced, whatever the declaration says: old devices put names in local encodings into documents they
    /// call UTF-8. What follows the document's end is not looked at.
    public init(parsing bytes: [UInt8], limits: XMLLimits = XMLLimits()) throws(XMLRefusal) {
        guard bytes.count <= limits.bytes else { throw .tooLarge }
        // Local encodings and control characters stand in names that people gave.
        var text = Array(String(decoding: bytes, as: UTF8.self).utf8)
        if text.contains(where: Self.isControl) { text.removeAll(where: Self.isControl) }
        if let start = text.firstIndex(of: UInt8(ascii: "<")), start > 0 { text.removeFirst(start) }
        var reader = XMLReader(text, limits: limits)
        self = try reader.read()
    }

    private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 9 && byte != 10 && byte != 13 }

    /// Reads a document out of other bytes than an array's.
    public init(parsing bytes: some Sequence<UInt8>, limits: XMLLimits = XMLLimits()) throws(XMLRefusal) {
        try self.init(parsing: Array(bytes), limits: limits)
    }

    // MARK: Asking

    /// The first child along a path of names.
    public subscript(_ path: String...) -> XMLTree? {
        var here = self
        for name in path {
            guard let next = here.children.first(where: { $0.name == name }) else { return nil }
            here = next
        }
        return here
    }

    /// The children of a name.
    public func all(_ name: String) -> [XMLTree] { children.filter { $0.name == name } }

    /// The first element of a name anywhere below, nearest first along the document.
    public func first(_ name: String) -> XMLTree? {
        for child in children {
            if child.name == name { return child }
            if let found = child.first(name) { return found }
        }
        return nil
    }

    /// The texts of the first elements of these names anywhere below, those without text left out.
    public func words(of names: Set<String>) -> [String: String] {
        var words: [String: String] = [:]
        collect(names, &words)
        return words
    }

    private func collect(_ names: Set<String>, _ words: inout [String: String]) {
        for child in children {
            if names.contains(child.name), words[child.name] == nil { words[child.name] = child.word }
            if !child.children.isEmpty { child.collect(names, &words) }
        }
    }

    /// All elements of a name anywhere below.
    public func descendants(_ name: String) -> [XMLTree] {
        children.flatMap { ($0.name == name ? [$0] : []) + $0.descendants(name) }
    }

    /// An attribute by its name without prefix.
    public func attribute(_ name: String) -> String? {
        attributes[name] ?? attributes.first { $0.key.hasSuffix(":" + name) && !$0.key.hasPrefix("xmlns") }?.value
    }

    /// The text where there is any.
    public var word: String? { text.isEmpty ? nil : text }
    /// Within a thousand million, so that what is made of it overflows nowhere.
    public var integer: Int? { Self.integer(text) }
    public var number: Double? { Double(text).flatMap { abs($0) <= 1e9 ? $0 : nil } }

    /// A whole number within a thousand million.
    public static func integer(_ text: String?) -> Int? {
        text.flatMap { Int($0) }.flatMap { (-1_000_000_000...1_000_000_000).contains($0) ? $0 : nil }
    }

    /// `true`, `TRUE`, `1`, `on`, `enable` and their opposites.
    public var flag: Bool? { Self.flag(text) }

    /// A word that means yes or no.
    public static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "1", "on", "yes", "enable", "enabled", "open": true
        case "false", "flase", "0", "off", "no", "disable", "disabled", "close", "closed": false
        default: nil
        }
    }

    // MARK: Changing and writing

    /// Sets the text at a path, making the elements that are missing.
    public mutating func set(_ path: String..., to text: String) { set(path[...], to: text) }

    private mutating func set(_ path: ArraySlice<String>, to text: String) {
        guard let name = path.first else {
            self.text = text
            return
        }
        if let index = children.firstIndex(where: { $0.name == name }) {
            children[index].set(path.dropFirst(), to: text)
        } else {
            var child = XMLTree(name)
            child.set(path.dropFirst(), to: text)
            children.append(child)
        }
    }

    /// Applies `change` to the first child of a name, if there is one.
    public mutating func change(_ name: String, _ change: (inout XMLTree) -> Void) {
        guard let index = children.firstIndex(where: { $0.name == name }) else { return }
        change(&children[index])
    }

    /// The document as text, with its declaration.
    public var document: String { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + written }

    /// The element as text.
    public var written: String {
        var out = "<" + name
        for (key, value) in attributes.sorted(by: { $0.key < $1.key }) { out += " \(key)=\"\(Self.escaped(value))\"" }
        if text.isEmpty, children.isEmpty { return out + "/>" }
        return out + ">" + Self.escaped(text) + children.map(\.written).joined() + "</\(name)>"
    }

    /// `text` with what XML reserves replaced.
    public static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
}
