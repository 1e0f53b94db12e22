/// What a viewer asks for by RTCP (RFC 4585, RFC 5104).
public enum Feedback: Sendable, Equatable {
    /// Packets of a source that did not come (generic NACK; RFC 4585, section 6.2.1).
    case lost(source: UInt32, sequences: [UInt16])
    /// The picture is broken (PLI and FIR; RFC 4585, section 6.3.1, RFC 5104, section 4.3.1).
    case pictureLost(source: UInt32)
    /// The viewer leaves (BYE; RFC 3550, section 6.6).
    case goodbye

    private static let mostPackets = 64
    private static let mostLost = 1024

    /// What a compound packet asks for, up to the first thing in it that is none; reports and what is not known ask for nothing.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> [Feedback] {
        var items: [Feedback] = []
        var (index, packets, lost) = (0, 0, 0)
        while bytes.count - index >= 4, packets < mostPackets, bytes[index] >> 6 == 2 {
            let end = index + 4 + (Int(bytes[index + 2]) << 8 | Int(bytes[index + 3])) * 4
            guard end <= bytes.count else { break }
            let body = UnsafeRawBufferPointer(rebasing: bytes[(index + 4)..<end])
            switch (bytes[index + 1], bytes[index] & 0x1F) {
            case (203, _): items.append(.goodbye)
            case (205, 1) where body.count >= 12:
                let sequences = Self.sequences(body, most: mostLost - lost)
                lost += sequences.count
                if !sequences.isEmpty { items.append(.lost(source: word(body, 4), sequences: sequences)) }
            case (206, 1) where body.count >= 8: items.append(.pictureLost(source: word(body, 4)))
            case (206, 4):
                // Who is asked stands in each entry (RFC 5104, section 4.3.1.1).
                for entry in stride(from: 8, through: body.count - 8, by: 8).prefix(8) {
                    items.append(.pictureLost(source: word(body, entry)))
                }
            default: break
            }
            packets += 1
            index = end
        }
        return items
    }

    /// A packet and a mask of the sixteen behind it, again and again.
    private static func sequences(_ body: UnsafeRawBufferPointer, most: Int) -> [UInt16] {
        var sequences: [UInt16] = []
        for entry in stride(from: 8, through: body.count - 4, by: 4) where sequences.count < most {
            let pair = word(body, entry)
            let first = UInt16(truncatingIfNeeded: pair >> 16)
            sequences.append(first)
            for bit in 0..<16 where pair >> bit & 1 == 1 && sequences.count < most { sequences.append(first &+ UInt16(bit + 1)) }
        }
        return sequences
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
        bytes[index..<(index + 4)].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
