import CameraProtocols
import Testing

private let alert = "<EventNotificationAlert version=\"2.0\">\r\n<eventType>VMD</eventType>\r\n</EventNotificationAlert>"
private let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0x0D, 0x0A, 0x2D, 0x2D, 0x0D, 0x0A, 0x3C, 0xFF, 0xD9, 0x41, 0x42, 0xFF, 0xD9]

private func bytes(_ pieces: [UInt8]...) -> [UInt8] { pieces.flatMap(\.self) }
private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private func texts(_ parts: [MultipartStream.Part]) -> [String] { parts.map { String(decoding: $0.body, as: UTF8.self) } }

/// A stream as some device writes it, and what is in it.
struct StreamSample: Sendable, CustomTestStringConvertible {
    let name: String
    var contentType: String? = "multipart/mixed; boundary=boundary"
    let bytes: [UInt8]
    var expected: [[UInt8]]
    var testDescription: String { name }

    static func headed(_ boundary: String, _ body: [UInt8], type: String = "application/xml", length: Int?) -> [UInt8] {
        CameraProtocolsTests.bytes("\(boundary)\r\nContent-Type: \(type)\r\n" + (length.map { "Content-Length: \($0)\r\n" } ?? "") + "\r\n")
            + body
    }

    static let all: [StreamSample] = {
        let xml = CameraProtocolsTests.bytes(alert)
        let size = xml.count
        let end = CameraProtocolsTests.bytes("--boundary--\r\n")
        func b(_ text: String) -> [UInt8] { CameraProtocolsTests.bytes(text) }
        func part(_ length: Int?, _ boundary: String = "--boundary") -> [UInt8] { headed(boundary, xml, length: length) + b("\r\n") }
        func picture(_ length: Int?) -> [UInt8] { headed("--boundary", jpeg, type: "image/jpeg", length: length) + b("\r\n") }
        return [
            StreamSample(name: "as in the book", bytes: part(size) + part(size) + end, expected: [xml, xml]),
            StreamSample(name: "no length", bytes: part(nil) + part(nil) + end, expected: [xml, xml]),
            StreamSample(name: "too short a length", bytes: part(20) + part(size) + end, expected: [xml, xml]),
            StreamSample(name: "too long a length", bytes: part(size + 4000) + part(size) + end, expected: [xml, xml]),
            StreamSample(name: "no final boundary", bytes: part(size) + part(nil), expected: [xml, xml]),
            StreamSample(
                name: "every delimiter twice", bytes: b("--boundary\r\n") + part(size) + b("--boundary\r\n") + part(size),
                expected: [xml, xml]),
            StreamSample(
                name: "dashes in the parameter", contentType: "multipart/mixed; boundary=--boundary",
                bytes: part(size) + picture(nil) + part(size),
                expected: [xml, jpeg, xml]),
            StreamSample(
                name: "four dashes", contentType: "multipart/mixed;boundary=\"boundary\"",
                bytes: part(size, "----boundary") + part(size, "----boundary"),
                expected: [xml, xml]),
            StreamSample(
                name: "another boundary than announced", contentType: "multipart/mixed; boundary=boundary",
                bytes: headed("--hikboundary", jpeg, type: "image/jpeg", length: nil) + b("\r\n") + part(size, "--hikboundary")
                    + b("--hikboundary--"),
                expected: [jpeg, xml]),
            StreamSample(
                name: "no boundary announced", contentType: "multipart/mixed", bytes: picture(nil) + part(nil) + end, expected: [jpeg, xml]),
            StreamSample(name: "no type at all", contentType: nil, bytes: part(nil) + picture(nil) + end, expected: [xml, jpeg]),
            StreamSample(
                name: "pictures of announced length", bytes: part(size) + picture(jpeg.count) + part(size) + end,
                expected: [xml, jpeg, xml]),
            StreamSample(
                name: "pictures with too long a length", bytes: picture(jpeg.count + 99) + part(size) + end, expected: [jpeg, xml]),
            StreamSample(
                name: "pictures with too short a length", bytes: picture(9) + picture(12) + part(size) + end, expected: [jpeg, jpeg, xml]),
            StreamSample(
                name: "no line break before the boundary",
                bytes: headed("--boundary", jpeg, type: "image/jpeg", length: nil) + headed("--boundary", xml, length: nil)
                    + b("--boundary--"),
                expected: [jpeg, xml]),
            StreamSample(
                name: "line feeds only", bytes: b("--boundary\nContent-Type: application/xml\n\n\(alert)\n--boundary\n\n\(alert)\n"),
                expected: [xml, xml]),
            StreamSample(
                name: "documents one after the other", contentType: "application/xml", bytes: xml + xml + b("\r\n\r\n") + xml,
                expected: [xml, xml, xml]),
            StreamSample(
                name: "documents with declarations", contentType: nil,
                bytes: b("\u{FEFF}<?xml version=\"1.0\"?>\n<!-- </A> --><A><A b='>'/><![CDATA[</A>]]></A >\n<?xml version=\"1.0\"?><B/>"),
                expected: [b("<?xml version=\"1.0\"?>\n<!-- </A> --><A><A b='>'/><![CDATA[</A>]]></A >"), b("<?xml version=\"1.0\"?>")]),
            StreamSample(
                name: "JSON between XML",
                bytes: headed("--boundary", b("{\"a\": \"}\\\"{\", \"b\": [{}]}"), type: "application/json", length: nil) + b("\r\n")
                    + part(nil),
                expected: [b("{\"a\": \"}\\\"{\", \"b\": [{}]}"), xml]),
            StreamSample(
                name: "lines of text", contentType: "multipart/x-mixed-replace; boundary=myboundary",
                bytes: b(
                    "--myboundary\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n--myboundary\r\nContent-Type: text/plain\r\nContent-Length:36\r\n\r\nCode=VideoMotion;action=Start;index=\r\n\r\n"
                ),
                expected: [b("Heartbeat"), b("Code=VideoMotion;action=Start;index=")]),
            StreamSample(
                name: "lines of text with too short a length",
                bytes: headed("--boundary", b("Code=VideoMotion;action=Start"), type: "text/plain", length: 4) + b("\r\n") + end,
                expected: [b("Code=VideoMotion;action=Start")]),
            StreamSample(
                name: "a first part without its delimiter",
                bytes: b("Content-Type: application/xml\r\nContent-Length: \(size)\r\n\r\n") + xml + b("\r\n") + part(size),
                expected: [xml, xml]),
            StreamSample(
                name: "a header without its end", bytes: b("--boundary\r\nContent-Type: application/xml\r\n") + xml + b("\r\n") + end,
                expected: [xml]),
            StreamSample(
                name: "a document cut short by the boundary",
                bytes: headed("--boundary", Array(xml.prefix(50)), length: size) + b("\r\n") + part(size),
                expected: [Array(xml.prefix(50)), xml]),
            StreamSample(
                name: "bytes that are no text", bytes: headed("--boundary", b("<A>") + [0xC4, 0xE3, 0xFF] + b("</A>"), length: 3) + end,
                expected: [b("<A>") + [0xC4, 0xE3, 0xFF] + b("</A>")]),
            StreamSample(
                name: "empty parts",
                bytes: b("--boundary\r\nContent-Length: 0\r\n\r\n\r\n") + b("--boundary\r\nContent-Length: 0\r\n\r\n") + part(size),
                expected: [xml]),
            StreamSample(
                name: "the end in the middle of a document", bytes: part(size) + headed("--boundary", Array(xml.prefix(60)), length: nil),
                expected: [xml]),
            StreamSample(name: "the end in the middle of a picture", bytes: picture(nil).dropLast(4) + [], expected: []),
        ]
    }()
}

@Suite struct MultipartStreamTests {
    private func parts(_ sample: StreamSample, cuts: (Int) -> Int) throws -> [MultipartStream.Part] {
        var stream = MultipartStream(contentType: sample.contentType)
        var parts: [MultipartStream.Part] = []
        var index = 0
        while index < sample.bytes.count {
            let next = min(sample.bytes.count, index + max(1, cuts(index)))
            parts += try stream.feed(Array(sample.bytes[index..<next]))
            index = next
        }
        return parts + stream.finish()
    }

    @Test(arguments: StreamSample.all) func findsTheParts(sample: StreamSample) throws {
        let found = try parts(sample) { _ in .max / 2 }
        // The document `<B/>` of one element is whole at its own end.
        let expected =
            sample.name == "documents with declarations" ? [sample.expected[0], bytes("<?xml version=\"1.0\"?><B/>")] : sample.expected
        #expect(texts(found) == expected.map { String(decoding: $0, as: UTF8.self) })
        #expect(found.map(\.body) == expected)
    }

    @Test(arguments: StreamSample.all) func howTheBytesAreCutDoesNotMatter(sample: StreamSample) throws {
        let whole = try parts(sample) { _ in .max / 2 }
        #expect(try parts(sample) { _ in 1 } == whole)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<40 {
            let longest = Int.random(in: 1...200, using: &generator)
            #expect(try parts(sample) { _ in Int.random(in: 1...longest, using: &generator) } == whole)
        }
    }

    @Test func handsAPartOutWithItsLastByte() throws {
        for length in [alert.utf8.count, nil, 5, 5000] {
            var stream = MultipartStream(contentType: "multipart/mixed; boundary=boundary")
            let all = StreamSample.headed("--boundary", bytes(alert), length: length)
            #expect(try stream.feed(Array(all.dropLast())).isEmpty)
            #expect(try stream.feed(Array(all.suffix(1))).count == 1)
            #expect(stream.finish().isEmpty)
        }
        var stream = MultipartStream()
        let picture = StreamSample.headed("--boundary", jpeg, type: "image/jpeg", length: jpeg.count)
        #expect(try stream.feed(Array(picture.dropLast())).isEmpty)
        let part = try #require(try stream.feed(Array(picture.suffix(1))).first)
        #expect(part.contentType == "image/jpeg")
        #expect(part.headers["content-length"] == "17")
    }

    @Test func knowsThePartsType() throws {
        var stream = MultipartStream()
        let part = try #require(try stream.feed(bytes("--b\r\nCONTENT-TYPE :  Application/XML ; charset=\"UTF-8\"\r\n\r\n<A></A>")).first)
        #expect(part.contentType == "Application/XML ; charset=\"UTF-8\"")
        #expect(part.mediaType == "application/xml")
    }

    @Test func refusesWhatGrowsWithoutEnd() throws {
        var limits = MultipartLimits()
        limits.header = 100
        limits.part = 1000
        limits.between = 500
        let header = bytes("--b\r\nX: " + String(repeating: "a", count: 200))
        var stream = MultipartStream(limits: limits)
        #expect(throws: MultipartRefusal.headerTooLarge) { try stream.feed(header) }
        // It stays refused.
        #expect(throws: MultipartRefusal.headerTooLarge) { try stream.feed([]) }
        stream = MultipartStream(limits: limits)
        #expect(throws: MultipartRefusal.partTooLarge) { try stream.feed(bytes("<A>" + String(repeating: "a", count: 2000))) }
        #expect(stream.finish().isEmpty)
        stream = MultipartStream(limits: limits)
        #expect(throws: MultipartRefusal.noParts) { try stream.feed(bytes(String(repeating: "ok\n", count: 300))) }
        stream = MultipartStream(limits: limits)
        // What came before the refusal is not lost.
        #expect(try stream.feed(bytes("<A></A>") + header).count == 1)
        #expect(throws: MultipartRefusal.headerTooLarge) { try stream.feed([]) }
    }

    /// Time grows with the bytes, whatever they are: a quadratic search would take minutes here.
    @Test(.timeLimit(.minutes(1)), arguments: ["--boundary", "--boundar\n", "<", "\n--", "<A>\n--b", "\u{0}\u{0}"])
    func takesTimeInProportion(unit: String) {
        var stream = MultipartStream(contentType: "multipart/mixed; boundary=boundary")
        let chunk = bytes(String(repeating: unit, count: 4000))
        _ = try? stream.feed(bytes("--boundary\r\nContent-Type: image/jpeg\r\n\r\n\u{0}"))
        for _ in 0..<100 { _ = try? stream.feed(chunk) }
    }
}
