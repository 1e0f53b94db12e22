/// A version of the box's program (Semantic Versioning 2.0.0, sections 2, 9 and 11), `1.4.0` or `1.5.0-rc.2`.
public struct ReleaseVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Major, minor and patch.
    let numbers: [Int]
    /// What stands behind the dash, by its points; empty for a release proper.
    let preliminary: [String]

    /// Nil where it is none.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 64, numbers.count == 3, numbers.allSatisfy(Self.isNumber) else { return nil }
        self.numbers = numbers.compactMap { Int($0) }
        preliminary = parts.count == 1 ? [] : parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard self.numbers.count == 3, preliminary.allSatisfy({ Self.isWord($0) && (!Self.isDigits($0) || Self.isNumber($0)) }) else {
            return nil
        }
    }

    private static func isDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isNumber(_ text: some StringProtocol) -> Bool {
        isDigits(text) && (text.utf8.count == 1 || text.utf8.first != 0x30)
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
            }
    }

    public var description: String {
        numbers.map(String.init).joined(separator: ".") + (preliminary.isEmpty ? "" : "-" + preliminary.joined(separator: "."))
    }

    public static func < (one: Self, other: Self) -> Bool {
        guard one.numbers == other.numbers else { return one.numbers.lexicographicallyPrecedes(other.numbers) }
        // A release proper comes after all that led to it.
        guard !one.preliminary.isEmpty, !other.preliminary.isEmpty else { return !one.preliminary.isEmpty && other.preliminary.isEmpty }
        for (left, right) in zip(one.preliminary, other.preliminary) where left != right {
            // Numbers come before words; a longer number is a larger one.
            guard isDigits(left) == isDigits(right) else { return isDigits(left) }
            guard !isDigits(left) || left.utf8.count == right.utf8.count else { return left.utf8.count < right.utf8.count }
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        }
        return one.preliminary.count < other.preliminary.count
    }
}

extension ReleaseVersion: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let version = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a version")
        }
        self = version
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension ReleaseVersion {
    /// Older than every other.
    public static let unknown = ReleaseVersion(numbers: [0, 0, 0], preliminary: ["0"])

    private init(numbers: [Int], preliminary: [String]) {
        self.numbers = numbers
        self.preliminary = preliminary
    }
}
