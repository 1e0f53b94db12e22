import Foundation
public import Media

/// A track as a session description tells it (SDP; RFC 8866).
public struct MediaDescription: Sendable {
    public let format: StreamFormat
    public let payloadType: UInt8

    /// The tracks of `formats` that have a payload format, with their payload types: static where there is one (RFC 3551, section 6).
    public static func tracks(_ formats: [StreamFormat], firstDynamic: UInt8 = 96) -> [MediaDescription] {
        var next = firstDynamic
        return formats.compactMap { format in
            guard RTPTrack.clockRate(of: format) != nil else { return nil }
            if format.codec.isG711, format.sampleRate == 8000, format.channels == 1 {
                return MediaDescription(format: format, payloadType: format.codec == .pcmMuLaw ? 0 : 8)
            }
            defer { next += 1 }
            return MediaDescription(format: format, payloadType: next)
        }
    }

    /// The lines of `rtpmap` and `fmtp`, for descriptions of every kind.
    public var attributes: [String] {
        let clock = RTPTrack.clockRate(of: format) ?? 0
        let encoding =
            switch format.codec {
            case .h264: "H264/\(clock)"
            case .hevc: "H265/\(clock)"
            case .aac: "mpeg4-generic/\(clock)/\(max(1, format.channels))"
            // RFC 7587, section 7: two channels are said, whatever is sent.
            case .opus: "opus/\(clock)/2"
            case .pcmMuLaw: "PCMU/\(clock)" + (format.channels > 1 ? "/\(format.channels)" : "")
            default: "PCMA/\(clock)" + (format.channels > 1 ? "/\(format.channels)" : "")
            }
        let parameters = parameters
        return ["a=rtpmap:\(payloadType) \(encoding)"] + (parameters.isEmpty ? [] : ["a=fmtp:\(payloadType) \(parameters)"])
    }

    private var parameters: String {
        switch format.codec {
        case .h264: h264
        case .hevc: h265
        // RFC 3640, section 4.1.
        case .aac:
            "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config="
                + format.configuration.map { Self.hexadecimal($0) }.joined()
        default: ""
        }
    }

    /// RFC 6184, section 8.1.
    private var h264: String {
        let units = AnnexB.units(Array(format.configuration)).filter { $0[0] & 0x1F == 7 || $0[0] & 0x1F == 8 }
        var fields = ["packetization-mode=1"]
        if let set = units.first(where: { $0[0] & 0x1F == 7 && $0.count >= 4 }) {
            fields.append("profile-level-id=" + set[1...3].map { Self.hexadecimal($0) }.joined())
            fields.append("sprop-parameter-sets=" + units.map { Data($0).base64EncodedString() }.joined(separator: ","))
        }
        return fields.joined(separator: ";")
    }

    /// RFC 7798, section 7.1.
    private var h265: String {
        let units = AnnexB.units(Array(format.configuration))
        return [("sprop-vps", 32), ("sprop-sps", 33), ("sprop-pps", 34)].compactMap { name, type -> String? in
            let sets = units.filter { $0[0] >> 1 & 0x3F == UInt8(type) }.map { Data($0).base64EncodedString() }
            return sets.isEmpty ? nil : "\(name)=\(sets.joined(separator: ","))"
        }.joined(separator: ";")
    }

    private static func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    /// A whole session of tracks, which are controlled by `track0`, `track1` (RFC 2326, appendix C).
    public static func session(_ tracks: [MediaDescription], name: String, id: UInt32) -> String {
        var lines = [
            "v=0", "o=- \(id) 1 IN IP4 0.0.0.0", "s=\(name)", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*", "a=range:npt=now-",
        ]
        for (index, track) in tracks.enumerated() {
            lines.append("m=\(track.format.kind.rawValue) 0 RTP/AVP \(track.payloadType)")
            lines += track.attributes
            lines += ["a=control:track\(index)"]
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }
}
