import Foundation

/// A request of an RTSP client (RFC 2326, section 6).
public struct RTSPRequest: Sendable, Equatable {
    /// In upper case: `DESCRIBE`.
    public var method: String
    /// The whole address, or `*`.
    public var address: String
    /// In their order, without `Content-Length`, which the body decides.
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]

    public init(_ method: String, _ address: String, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
    }

    /// Reads a request: its body is as long as `Content-Length` says, or what there is.
    public init(parsing bytes: some Sequence<UInt8>) throws(RTSPRefusal) {
        let bytes = Array(bytes.prefix(RTSPHead.largestHeader + RTSPHead.largestBody + 1))
        let head = try RTSPHead(bytes)
        let words = head.first.split(separator: " ", maxSplits: 3)
        guard words.count == 3, words[2].uppercased().hasPrefix("RTSP/"), words[0].utf8.count <= 32,
            words[0].utf8.allSatisfy({ (0x41...0x5A).contains($0 & 0xDF) || $0 == UInt8(ascii: "_") }),
            // No address has control characters (RFC 3986, section 2).
            words[1].utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { throw .notARequest }
        method = words[0].uppercased()
        address = String(words[1])
        headers = head.headers.filter { $0.name.lowercased() != "content-length" }
        body = try head.body(of: bytes)
    }

    /// As it goes over the line; spaces in the address, which some devices' addresses have, would end it.
    public var bytes: [UInt8] {
        RTSPHead.write("\(method) \(address.replacing(" ", with: "%20")) RTSP/1.0", headers, body)
    }

    public static func == (one: RTSPRequest, other: RTSPRequest) -> Bool {
        one.method == other.method && one.address == other.address && one.body == other.body
            && one.headers.elementsEqual(other.headers) { $0 == $1 }
    }

    /// The value of the first header of a name, in any case.
    public subscript(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}
