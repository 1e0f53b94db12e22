/// A box of ISO/IEC 14496-12, 4.2: where it and what it carries lie in a run of bytes.
struct MP4Box {
    let type: String
    let start: Int
    let payload: Int
    let end: Int

    var range: Range<Int> { start..<end }
    var contents: Range<Int> { payload..<end }
}

/// Reading and writing of boxes; whatever does not fit is an error, never a trap.
enum MP4 {
    /// The boxes that lie one after another in `range`.
    static func boxes(_ bytes: [UInt8], in range: Range<Int>) throws(MediaError) -> [MP4Box] {
        var found: [MP4Box] = []
        var offset = range.lowerBound
        // A QuickTime list of boxes may end with four bytes of zero.
        while range.upperBound - offset >= 8 {
            var length = Int(try read32(bytes, at: offset))
            var header = 8
            if length == 1 {
                header = 16
                length = Int(clamping: try read64(bytes, at: offset + 8))
            }
            guard length >= header, length <= range.upperBound - offset else { throw MediaError("box", kind: .invalidData) }
            let type = String(decoding: bytes[offset + 4..<offset + 8], as: UTF8.self)
            found.append(MP4Box(type: type, start: offset, payload: offset + header, end: offset + length))
            offset += length
        }
        return found
    }

    /// The first box of `type` in `range`.
    static func box(_ type: String, _ bytes: [UInt8], in range: Range<Int>) throws(MediaError) -> MP4Box? {
        try boxes(bytes, in: range).first { $0.type == type }
    }

    static func read32(_ bytes: [UInt8], at offset: Int) throws(MediaError) -> UInt32 {
        guard offset >= 0, offset <= bytes.count - 4 else { throw MediaError("box", kind: .invalidData) }
        return (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[offset + $1]) }
    }

    static func read64(_ bytes: [UInt8], at offset: Int) throws(MediaError) -> UInt64 {
        UInt64(try read32(bytes, at: offset)) << 32 | UInt64(try read32(bytes, at: offset + 4))
    }

    static func big(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    /// A box around `payload`.
    static func box(_ type: String, _ payload: [UInt8]) -> [UInt8] {
        big(UInt32(payload.count + 8)) + Array(type.utf8) + payload
    }

    /// A box with version and flags.
    static func fullBox(_ type: String, version: UInt8 = 0, flags: UInt32 = 0, _ payload: [UInt8]) -> [UInt8] {
        box(type, big(UInt32(version) << 24 | flags) + payload)
    }
}

/// Finds whole boxes in bytes that still come.
public enum MP4Stream {
    /// Where the first top-level box of `type` begins.
    public static func start(of type: String, in bytes: [UInt8]) throws(MediaError) -> Int? {
        try MP4.box(type, bytes, in: 0..<bytes.count)?.start
    }

    /// Where the first top-level box of `type` ends; nil while it is not all there.
    public static func end(of type: String, in bytes: [UInt8]) -> Int? {
        var offset = 0
        while offset <= bytes.count - 16 {
            guard let short = try? MP4.read32(bytes, at: offset), let long = try? MP4.read64(bytes, at: offset + 8) else { return nil }
            let length = short == 1 ? Int(clamping: long) : Int(short)
            guard length >= 8, length <= bytes.count - offset else { return nil }
            if bytes[offset + 4..<offset + 8].elementsEqual(type.utf8) { return offset + length }
            offset += length
        }
        return nil
    }
}
