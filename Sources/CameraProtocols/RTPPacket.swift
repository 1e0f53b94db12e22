public import Foundation

/// When a frame was recorded, as a device that replays says with each (ONVIF Streaming, section 6.3: RTP header extension 0xABAC).
public struct ReplayStamp: Sendable, Equatable {
    public var time: Date
    /// The same as the device wrote it: an NTP timestamp (RFC 5905, section 6).
    public var ntp: UInt64
    /// The frame can be decoded without those before it.
    public var isCleanPoint: Bool
    /// The last frame before a gap of the recording.
    public var endsSection: Bool
    /// The first frame behind a gap.
    public var followsGap: Bool
    /// The last frame of what was asked for.
    public var isLast: Bool
}

/// The head of an RTP packet (RFC 3550, section 5.1).
public struct RTPPacket: Sendable, Equatable {
    public var payloadType: UInt8
    /// Of video: the last packet of a frame.
    public var isMarked: Bool
    public var sequence: UInt16
    /// In the format's clock rate, from an arbitrary beginning.
    public var timestamp: UInt32
    /// Who sends it (SSRC).
    public var source: UInt32
    public var stamp: ReplayStamp?
    /// Where in the packet what it carries is; nil where its lengths contradict each other.
    public var payload: Range<Int>?

    /// Reads a packet; nil for one that is none.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= 12, bytes[0] >> 6 == 2 else { return nil }
        isMarked = bytes[1] & 0x80 != 0
        payloadType = bytes[1] & 0x7F
        sequence = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        timestamp = Self.word(bytes, 4)
        source = Self.word(bytes, 8)
        let extended = 12 + Int(bytes[0] & 0x0F) * 4
        payload = Self.payload(bytes, behind: extended)
        guard bytes[0] & 0x10 != 0, bytes.count >= extended + 4 else { return }
        let words = Int(bytes[extended + 2]) << 8 | Int(bytes[extended + 3])
        guard bytes[extended] == 0xAB, bytes[extended + 1] == 0xAC, words >= 3, bytes.count >= extended + 4 + words * 4,
            case let ntp = UInt64(Self.word(bytes, extended + 4)) << 32 | UInt64(Self.word(bytes, extended + 8)),
            let time = Self.time(ntp)
        else { return }
        let flags = bytes[extended + 12]
        stamp = ReplayStamp(
            time: time, ntp: ntp, isCleanPoint: flags & 0x80 != 0, endsSection: flags & 0x40 != 0, followsGap: flags & 0x20 != 0,
            isLast: flags & 0x10 != 0)
    }

    /// What is left between the head with its extension and the padding, whose last octet tells its length.
    private static func payload(_ bytes: [UInt8], behind head: Int) -> Range<Int>? {
        var start = head
        if bytes[0] & 0x10 != 0 {
            guard bytes.count >= head + 4 else { return nil }
            start += 4 + (Int(bytes[head + 2]) << 8 | Int(bytes[head + 3])) * 4
        }
        let padding = bytes[0] & 0x20 != 0 ? Int(bytes[bytes.count - 1]) : 0
        return start <= bytes.count - padding ? start..<(bytes.count - padding) : nil
    }

    /// A time of this century; nil for any other, as from a device whose clock was never set.
    private static func time(_ ntp: UInt64) -> Date? {
        // The era ends in 2036.
        let since1900 = Double(ntp) / 4_294_967_296 + (ntp < 1 << 63 ? 4_294_967_296 : 0)
        let time = Date(timeIntervalSince1970: since1900 - 2_208_988_800)
        return time.timeIntervalSince1970 >= 946_684_800 ? time : nil
    }

    /// A sender's report (RTCP; RFC 3550, section 6.4.1) that says when this packet's frame was recorded, by which a reader brings the
    /// tracks together; nil without a stamp.
    public var senderReport: [UInt8]? {
        guard let stamp else { return nil }
        func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        return [0x80, 200, 0, 6] + bytes(source) + bytes(stamp.ntp) + bytes(timestamp) + bytes(0 as UInt64)
    }

    private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
        bytes[index..<(index + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Whether a compound packet of RTCP says that its source has ended (BYE; RFC 3550, section 6.6).
    public static func isGoodbye(_ bytes: [UInt8]) -> Bool {
        var index = 0
        while bytes.count >= index + 4, bytes[index] >> 6 == 2 {
            if bytes[index + 1] == 203 { return true }
            index += 4 + (Int(bytes[index + 2]) << 8 | Int(bytes[index + 3])) * 4
        }
        return false
    }
}
