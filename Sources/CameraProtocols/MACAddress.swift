/// Hardware addresses as devices write them.
public enum MACAddress {
    /// `44:47:cc:37:ce:81` of `44-47-CC-37-CE-81`, `4447cc37ce81` and the like; nil for what is none, or stands for none.
    public static func normalized(_ text: String) -> String? {
        guard text.utf8.count <= 32 else { return nil }
        let digits = text.lowercased().filter { !":-. ".contains($0) }
        guard digits.utf8.count == 12, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        guard digits != "000000000000", digits != "ffffffffffff" else { return nil }
        let characters = Array(digits)
        return stride(from: 0, to: 12, by: 2).map { String(characters[$0...($0 + 1)]) }.joined(separator: ":")
    }

    /// The address from which a link-local IPv6 address was made (RFC 4291, appendix A); nil if it was made otherwise.
    public static func ofLinkLocal(_ address: String) -> String? {
        let address = address.split(separator: "%").first.map { $0.lowercased() } ?? ""
        guard address.hasPrefix("fe80::"), address.utf8.count <= 40 else { return nil }
        let groups = address.dropFirst(6).split(separator: ":", omittingEmptySubsequences: false).compactMap { UInt16($0, radix: 16) }
        guard groups.count == 4, groups[1] & 0xFF == 0xFF, groups[2] >> 8 == 0xFE else { return nil }
        let bytes = [groups[0] >> 8 ^ 2, groups[0] & 0xFF, groups[1] >> 8, groups[2] & 0xFF, groups[3] >> 8, groups[3] & 0xFF]
        return normalized(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
    }
}
