import Foundation

/// What requests and answers of RTSP have in common: a first line, headers, and where the body begins (RFC 2326, section 4).
struct RTSPHead {
    static let largestHeader = 64 << 10
    static let largestBody = 1 << 20

    var first: String
    /// In their order, with names as they came; a folded header is one.
    var headers: [(name: String, value: String)]
    /// The index of the body's first byte.
    var end: Int

    init(_ bytes: [UInt8]) throws(RTSPRefusal) {
        var lines: [String] = []
        var index = 0
        var isComplete = false
        while index < bytes.count, !isComplete {
            guard index <= Self.largestHeader else { throw .tooLarge }
            let end = bytes[index...].prefix(Self.largestHeader + 1).firstIndex(of: 0x0A) ?? bytes.endIndex
            guard end - index <= Self.largestHeader else { throw .tooLarge }
            let line = bytes[index..<end].last == 0x0D ? bytes[index..<end].dropLast() : bytes[index..<end]
            index = min(end + 1, bytes.count)
            // Empty lines before a message are left over from the one before.
            if line.isEmpty {
                isComplete = !lines.isEmpty
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            if text.first == " " || text.first == "\t", lines.count > 1 {
                lines[lines.count - 1] += " " + text.trimmingASCIISpaces()
            } else {
                lines.append(text)
            }
        }
        guard let first = lines.first else { throw .notAnAnswer }
        self.first = first
        headers = lines.dropFirst().prefix(256).compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (line[..<colon].trimmingASCIISpaces(), line[line.index(after: colon)...].trimmingASCIISpaces())
        }
        end = index
    }

    /// The body: as long as `Content-Length` says, or what there is.
    func body(of bytes: [UInt8]) throws(RTSPRefusal) -> [UInt8] {
        var body = Array(bytes[end...])
        if let length = bodyLength, length < body.count { body.removeSubrange(length...) }
        guard body.count <= Self.largestBody else { throw .tooLarge }
        return body
    }

    /// What `Content-Length` says, if it is a length.
    var bodyLength: Int? {
        guard let length = headers.first(where: { $0.name.lowercased() == "content-length" }).flatMap({ Int($0.value) }), length >= 0
        else { return nil }
        return length
    }

    /// The bytes of a message; nothing in it ends a line early.
    static func write(_ first: String, _ headers: [(name: String, value: String)], _ body: [UInt8]) -> [UInt8] {
        var lines = [first]
        lines += headers.filter { $0.name.lowercased() != "content-length" }.map { "\($0.name): \($0.value)" }
        if !body.isEmpty { lines.append("Content-Length: \(body.count)") }
        let text = lines.map { line in
            String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
        }
        return Array((text.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    }
}
