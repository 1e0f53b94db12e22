/// Takes apart what comes over an RTSP connection: messages, and between them packets (RFC 2326, section 10.12), in whatever pieces.
public struct RTSPFraming: Sendable {
    /// One whole thing that came.
    public enum Element: Sendable, Equatable {
        case answer(RTSPMessage)
        case request(RTSPRequest)
        /// A packet of RTP or RTCP.
        case packet(channel: UInt8, bytes: [UInt8])
    }

    private var bytes: [UInt8] = []
    private var start = 0
    /// Up to here there is no end of a head.
    private var scanned = 0
    /// How long the message is whose head has come and whose body has not.
    private var awaited = 0

    private let largestHead: Int
    private let largestBody: Int

    public init() {
        self.init(largestHead: RTSPHead.largestHeader, largestBody: RTSPHead.largestBody)
    }

    /// Messages may be so large, no larger.
    public init(largestHead: Int, largestBody: Int) {
        self.largestHead = min(largestHead, RTSPHead.largestHeader)
        self.largestBody = min(largestBody, RTSPHead.largestBody)
    }

    /// Takes up what came; `next` is to be called until it has no more, so that never more than a message is kept.
    public mutating func append(_ more: some Collection<UInt8>) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            scanned = max(0, scanned - start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next whole element, or nil until more has come.
    /// - Throws: `RTSPRefusal`, after which the connection is of no use.
    public mutating func next() throws(RTSPRefusal) -> Element? {
        while start < bytes.count, bytes[start] == 0x0A || bytes[start] == 0x0D { start += 1 }
        guard start < bytes.count else { return nil }
        return try bytes[start] == UInt8(ascii: "$") ? packet() : message()
    }

    private mutating func packet() -> Element? {
        guard bytes.count - start >= 4 else { return nil }
        let length = Int(bytes[start + 2]) << 8 | Int(bytes[start + 3])
        guard bytes.count - start >= 4 + length else { return nil }
        defer { start += 4 + length }
        return .packet(channel: bytes[start + 1], bytes: Array(bytes[(start + 4)..<(start + 4 + length)]))
    }

    private mutating func message() throws(RTSPRefusal) -> Element? {
        guard bytes.count - start >= awaited else { return nil }
        guard let headEnd = endOfHead() else {
            guard bytes.count - start <= largestHead else { throw .tooLarge }
            return nil
        }
        guard headEnd - start <= largestHead else { throw .tooLarge }
        let head = try RTSPHead(Array(bytes[start..<headEnd]))
        let length = head.bodyLength ?? 0
        guard length <= largestBody else { throw .tooLarge }
        guard bytes.count - headEnd >= length else {
            awaited = headEnd - start + length
            return nil
        }
        let whole = bytes[start..<(headEnd + length)]
        start = headEnd + length
        awaited = 0
        scanned = start
        return try head.first.uppercased().hasPrefix("RTSP/")
            ? .answer(RTSPMessage(parsing: whole)) : .request(RTSPRequest(parsing: whole))
    }

    /// Behind the empty line that ends the head.
    private mutating func endOfHead() -> Int? {
        var index = max(scanned, start)
        while index < bytes.count {
            if bytes[index] == 0x0A {
                let next = index + 1 < bytes.count && bytes[index + 1] == 0x0D ? index + 2 : index + 1
                // What comes next must be known.
                guard next < bytes.count else { break }
                if bytes[next] == 0x0A { return next + 1 }
            }
            index += 1
        }
        scanned = index
        return nil
    }
}
