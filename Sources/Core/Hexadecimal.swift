/// Bytes as text, in lower case.
public enum Hexadecimal {
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits: StaticString = "0123456789abcdef"
        let values = Array(bytes)
        return String(unsafeUninitializedCapacity: values.count * 2) { text in
            for (index, byte) in values.enumerated() {
                text[2 * index] = digits.utf8Start[Int(byte >> 4)]
                text[2 * index + 1] = digits.utf8Start[Int(byte & 15)]
            }
            return values.count * 2
        }
    }

    /// Nil where it is none, is in capitals, or has an odd number of digits.
    public static func bytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count.isMultiple(of: 2) else { return nil }
        let digits = text.utf8.map { digit -> UInt8? in
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        var bytes: [UInt8] = []
        for at in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[at], let low = digits[at + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
