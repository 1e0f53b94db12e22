/// What a reader says about what it gets (RTCP; RFC 3550, section 6).
public enum RTCPItem: Sendable, Equatable {
    /// How the packets of `source` arrive: lost of the last 256, lost in all, jitter in ticks.
    case reception(source: UInt32, fractionLost: UInt8, lost: Int32, jitter: UInt32)
    /// At `ntp`, an NTP timestamp by the clock of `source`, its packets have `timestamp`.
    case sent(source: UInt32, ntp: UInt64, timestamp: UInt32)
    /// Readers or senders that leave.
    case goodbye(sources: [UInt32])
}

/// Reads compound packets of RTCP.
public enum RTCP {
    private static let most = 64

    /// The items of a compound packet, up to the first thing in it that is none; nil where it begins with something else.
    public static func read(_ bytes: some Collection<UInt8>) -> [RTCPItem]? {
        let bytes = Array(bytes.prefix(64 << 10))
        var items: [RTCPItem] = []
        var index = 0
        var packets = 0
        while bytes.count - index >= 4, packets < most, bytes[index] >> 6 == 2, (192...223).contains(bytes[index + 1]) {
            let end = index + 4 + (Int(bytes[index + 2]) << 8 | Int(bytes[index + 3])) * 4
            guard end <= bytes.count else { break }
            let count = Int(bytes[index] & 0x1F)
            switch bytes[index + 1] {
            case 200:
                if end - index >= 28 {
                    let ntp = UInt64(word(bytes, index + 8)) << 32 | UInt64(word(bytes, index + 12))
                    items.append(.sent(source: word(bytes, index + 4), ntp: ntp, timestamp: word(bytes, index + 16)))
                }
                items += blocks(bytes[(index + 4)..<end].dropFirst(24), count)
            case 201: items += blocks(bytes[(index + 4)..<end].dropFirst(4), count)
            case 203:
                let sources = (0..<count).map { index + 4 + $0 * 4 }.filter { $0 + 4 <= end }.map { word(bytes, $0) }
                items.append(.goodbye(sources: sources))
            default: break
            }
            packets += 1
            index = end
        }
        return packets > 0 ? items : nil
    }

    private static func blocks(_ bytes: ArraySlice<UInt8>, _ count: Int) -> [RTCPItem] {
        let bytes = Array(bytes)
        return (0..<count).map { $0 * 24 }.filter { $0 + 24 <= bytes.count }.map { index in
            // 24 bits with a sign.
            let lost = Int32(bitPattern: word(bytes, index + 4) << 8) >> 8
            return .reception(
                source: word(bytes, index), fractionLost: bytes[index + 4], lost: lost, jitter: word(bytes, index + 12))
        }
    }

    private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 { bytes[index..<(index + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
}
