/// Puts the documents of a metadata track together again, of which a packet carries a piece.
///
/// ONVIF Streaming Specification 5.2.1.1: a document may be cut anywhere, and ends with a packet. Its closing tag tells that as well, and that
/// outlives a lost marker.
struct MetadataDocuments {
    /// A document that grows beyond this is none.
    private static let limit = 1 << 20
    private static let end = Array("MetadataStream>".utf8)

    private var bytes: [UInt8] = []

    private static func begins(_ piece: some Collection<UInt8>) -> Bool {
        let head = String(decoding: piece.prefix(64), as: UTF8.self)
        return head.hasPrefix("<?xml")
            || head.hasPrefix("<") && head.prefix { $0 != " " && $0 != ">" }.hasSuffix("MetadataStream") && !head.hasPrefix("</")
    }

    /// Takes a packet's bytes; answers the document that it completes.
    mutating func take(_ piece: some Collection<UInt8>) -> [UInt8]? {
        // What was never ended, for want of a packet or because it was empty (`<tt:MetadataStream/>`), ends where the next begins.
        if Self.begins(piece) { bytes = [] }
        guard bytes.count + piece.count <= Self.limit else {
            bytes = []
            return nil
        }
        bytes += piece
        let tail = bytes.suffix(64).reversed().drop { [0, 0x20, 0x0A, 0x0D, 0x09].contains($0) }
        guard tail.starts(with: Self.end.reversed()), tail.contains(UInt8(ascii: "/")) else { return nil }
        defer { bytes = [] }
        return bytes
    }
}
