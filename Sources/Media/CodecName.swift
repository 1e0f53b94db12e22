import Foundation

extension StreamFormat {
    /// The codec with its parameters, as media types name it (RFC 6381, ISO/IEC 14496-15 annex E); nil where it has none in MP4.
    public var codecName: String? {
        switch codec {
        case .h264: H264Parameters(configuration).map { String(format: "avc1.%02x%02x%02x", $0.profile, $0.compatibility, $0.level) }
        case .hevc: HEVCParameters(configuration).map(\.codecName) ?? "hvc1.1.6.L120.90"
        case .aac: "mp4a.40.2"
        case .pcmALaw, .pcmMuLaw: nil
        default: nil
        }
    }
}

/// Profile and level of H.264, out of an `avcC` or the first sequence parameter set.
private struct H264Parameters {
    let profile: UInt8
    let compatibility: UInt8
    let level: UInt8

    init?(_ configuration: Data) {
        let bytes = [UInt8](configuration)
        if bytes.first == 1, bytes.count >= 4 {
            (profile, compatibility, level) = (bytes[1], bytes[2], bytes[3])
            return
        }
        guard let set = AnnexB.units(bytes).first(where: { $0.first.map { $0 & 0x1F } == 7 }), set.count >= 4 else { return nil }
        (profile, compatibility, level) = (set[1], set[2], set[3])
    }
}

/// Profile, tier and level of H.265, out of an `hvcC` or the first sequence parameter set.
private struct HEVCParameters {
    /// The twelve bytes of `profile_tier_level` that are common to both.
    let general: [UInt8]

    init?(_ configuration: Data) {
        let bytes = [UInt8](configuration)
        if bytes.first == 1, bytes.count >= 13 {
            general = Array(bytes[1..<13])
            return
        }
        guard let set = AnnexB.units(bytes).first(where: { $0.first.map { ($0 >> 1) & 0x3F } == 33 }) else { return nil }
        // Two bytes of header, one of identifiers and sub layers, then profile_tier_level.
        let plain = AnnexB.withoutEmulationPrevention(set)
        guard plain.count >= 15 else { return nil }
        general = Array(plain[3..<15])
    }

    var codecName: String {
        let space = ["", "A", "B", "C"][Int(general[0] >> 6)]
        let tier = general[0] & 0x20 == 0 ? "L" : "H"
        var flags = UInt32(0)
        for byte in general[1...4] { flags = flags << 8 | UInt32(byte) }
        var reversed = UInt32(0)
        for bit in 0..<32 where flags & (1 << UInt32(bit)) != 0 { reversed |= 1 << UInt32(31 - bit) }
        var constraints = Array(general[5...10])
        while constraints.last == 0 { constraints.removeLast() }
        let parts = ["hvc1", "\(space)\(general[0] & 0x1F)", String(reversed, radix: 16), "\(tier)\(general[11])"]
        return (parts + constraints.map { String($0, radix: 16).uppercased() }).joined(separator: ".")
    }
}
