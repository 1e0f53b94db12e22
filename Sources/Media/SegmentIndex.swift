/// What a segment index (`sidx`, ISO/IEC 14496-12, 8.16.3) says of the fragments behind it.
public struct SegmentIndex: Sendable, Equatable {
    /// One fragment.
    public struct Entry: Sendable, Equatable {
        public let start: MediaTime
        public let duration: MediaTime
        public let startsWithKeyFrame: Bool
        /// Where it lies in the file.
        public let bytes: Range<Int>
    }

    public let entries: [Entry]

    /// Reads the first index that lies among the top-level boxes of `bytes`, a file's beginning; nil where there is none.
    public init?(in bytes: [UInt8]) throws(MediaError) {
        guard let box = try MP4.box("sidx", bytes, in: 0..<bytes.count) else { return nil }
        guard box.payload + 32 <= box.end, bytes[box.payload] == 1 else { throw MediaError("sidx", kind: .invalidData) }
        let scale = Int64(try MP4.read32(bytes, at: box.payload + 8))
        let count = Int(try MP4.read32(bytes, at: box.payload + 28) & 0xFFFF)
        guard scale > 0, box.payload + 32 + 12 * count <= box.end else { throw MediaError("sidx", kind: .invalidData) }
        // An hour in microseconds has its place many times over, and nothing overflows.
        var ticks = Int64(min(try MP4.read64(bytes, at: box.payload + 12), 1 << 40))
        func time(_ ticks: Int64) -> MediaTime { MediaTime(microseconds: (ticks * 1_000_000 + scale / 2) / scale) }
        var entries: [Entry] = []
        var offset = box.end + Int(min(try MP4.read64(bytes, at: box.payload + 20), 1 << 40))
        for number in 0..<count {
            let at = box.payload + 32 + 12 * number
            let size = Int(try MP4.read32(bytes, at: at) & 0x7FFF_FFFF)
            let duration = Int64(try MP4.read32(bytes, at: at + 4))
            let point = try MP4.read32(bytes, at: at + 8)
            entries.append(
                Entry(
                    start: time(ticks), duration: time(duration), startsWithKeyFrame: point & 0x8000_0000 != 0,
                    bytes: offset..<offset + size))
            ticks += duration
            offset += size
        }
        self.entries = entries
    }
}
