import Foundation
import Testing

@testable import ManagementAPI

@Suite struct ByteRangeTests {
    @Test(
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-9", .part(0..<10)), ("bytes=90-", .part(90..<100)), ("bytes=-10", .part(90..<100)),
            ("bytes=-1000", .part(0..<100)), ("bytes=95-1000", .part(95..<100)), ("bytes=100-", .unsatisfiable),
            ("bytes=-0", .unsatisfiable),
            ("bytes=5-3", .whole), ("bytes=a-b", .whole), ("bytes=0-1,5-6", .whole), ("items=0-1", .whole), ("bytes=", .whole),
            ("bytes=-", .whole),
            ("bytes=0-99999999999999999999", .part(0..<100)), ("bytes=99999999999999999999-", .unsatisfiable),
            ("BYTES= 1 - 2 ", .part(1..<3)),
        ] as [(String?, ByteRange)])
    func isReadAsTheStandardSays(header: String?, range: ByteRange) {
        #expect(ByteRange(header: header, size: 100) == range)
    }

    @Test func nothingOfAnEmptyFileCanBeHad() {
        #expect(ByteRange(header: "bytes=0-", size: 0) == .unsatisfiable)
        #expect(ByteRange(header: "bytes=-5", size: 0) == .unsatisfiable)
    }
}

@Suite struct OpenAPITests {
    @Test func theServedDocumentIsAnOpenAPIDocument() throws {
        let data = Data(try APIServer.openAPI())
        let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect((document["openapi"] as? String)?.hasPrefix("3.1") == true)
        let paths = try #require(document["paths"] as? [String: Any])
        for path in ["/api/v1/setup/claim", "/api/v1/devices/{id}", "/api/v1/clips/{id}/video", "/api/v1/stream"] {
            #expect(paths[path] != nil)
        }
    }
}
