import Foundation
import Testing

@testable import Recording

@Suite struct MetadataDocumentsTests {
    private let document = Array(
        "<?xml version=\"1.0\"?><tt:MetadataStream xmlns:tt=\"x\"><tt:Event>1</tt:Event></tt:MetadataStream>\n".utf8)

    @Test(arguments: [1, 7, 40, 200])
    func aDocumentInPiecesIsPutTogether(size: Int) {
        var documents = MetadataDocuments()
        var found: [[UInt8]] = []
        for _ in 0..<2 {
            for start in stride(from: 0, to: document.count, by: size) {
                if let one = documents.take(document[start..<min(start + size, document.count)]) { found.append(one) }
            }
        }
        #expect(
            found.count == 2
                && found.allSatisfy { String(decoding: $0, as: UTF8.self).contains("<tt:Event>1</tt:Event></tt:MetadataStream>") })
    }

    @Test(arguments: ["<tt:MetadataStream xmlns:tt=\"x\"/>\n", "<?xml version=\"1.0\"?><tt:MetadataStream><tt:Ev"])
    func whatNeverEndsEndsWhereTheNextBegins(rest: String) {
        var documents = MetadataDocuments()
        #expect(documents.take(Array(rest.utf8)) == nil)
        #expect(documents.take(document) == document)
    }

    @Test func whatIsNoDocumentFillsNoMemory() {
        var documents = MetadataDocuments()
        for _ in 0..<100 { #expect(documents.take([UInt8](repeating: 0x41, count: 60_000)) == nil) }
        #expect(documents.take(document) == document)
    }
}
