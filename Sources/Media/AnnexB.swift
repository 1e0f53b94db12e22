/// The byte stream format of H.264 and H.265 (annex B of both): units behind start codes.
public enum AnnexB {
    /// Hands each unit to `body`, without its start code and the zeros that follow it.
    public static func forEachUnit(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var start: Int?
        var position = 0
        func hand(_ from: Int, _ to: Int) {
            var end = to
            while end > from, bytes[end - 1] == 0 { end -= 1 }
            if end > from { body(UnsafeRawBufferPointer(rebasing: bytes[from..<end])) }
        }
        while position + 2 < bytes.count {
            // Every third byte tells enough: a start code ends with one that is not above 1.
            if bytes[position + 2] > 1 {
                position += 3
            } else if bytes[position + 2] == 1, bytes[position] == 0, bytes[position + 1] == 0 {
                if let start { hand(start, position) }
                position += 3
                start = position
            } else {
                position += 1
            }
        }
        if let start { hand(start, bytes.count) }
    }

    /// The units of `bytes`.
    public static func units(_ bytes: [UInt8]) -> [[UInt8]] {
        var units: [[UInt8]] = []
        bytes.withUnsafeBytes { bytes in forEachUnit(in: bytes) { units.append([UInt8]($0)) } }
        return units
    }

    /// A unit's bytes as its syntax reads them: a 3 after two zeros is left out (section 7.3.1 of both).
    static func withoutEmulationPrevention(_ unit: [UInt8]) -> [UInt8] {
        var plain: [UInt8] = []
        var zeros = 0
        for byte in unit {
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            plain.append(byte)
        }
        return plain
    }
}
