/// The track by which a device takes sound for its loudspeaker (ONVIF Streaming, section 5.3).
public struct Backchannel: Sendable, Equatable {
    /// G.711 (ITU-T), by its names in RFC 3551: 8000 samples a second, one channel, a byte each.
    public enum Codec: String, Sendable, CaseIterable {
        case pcmu, pcma
    }

    /// What a device must understand to describe the track, as `Require` has it.
    public static let feature = "www.onvif.org/ver20/backchannel"

    /// The place in the description's media.
    public var place: Int
    public var codec: Codec
    /// As the device offers it, whatever number that is.
    public var payloadType: UInt8
}

/// Why a device cannot be talked through.
public enum BackchannelRefusal: Error, Sendable, Equatable {
    /// It describes no track for it.
    case none
    /// It takes none of the codecs that are spoken here, only these.
    case foreign([String])
}

extension SessionDescription {
    /// The track by which the device takes sound: its first `sendonly`, seen by the client, in G.711.
    ///
    /// - Parameter wanted: Only this codec; nil for the one that is offered first.
    public func backchannel(_ wanted: Backchannel.Codec? = nil) throws(BackchannelRefusal) -> Backchannel {
        var foreign: [String] = []
        for (place, media) in media.enumerated() where media.kind == "audio" && media.direction == .sendOnly {
            for format in media.formats {
                guard let type = UInt8(format.payloadType), type < 128 else { continue }
                if let codec = Self.codec(of: format), wanted == nil || wanted == codec {
                    return Backchannel(place: place, codec: codec, payloadType: type)
                }
                let name = Self.name(of: format)
                if foreign.count < 4, !foreign.contains(name) { foreign.append(name) }
            }
        }
        throw foreign.isEmpty ? .none : .foreign(foreign)
    }

    private static func codec(of format: Format) -> Backchannel.Codec? {
        guard format.clockRate ?? 8000 == 8000, format.channels ?? 1 == 1 else { return nil }
        return format.encoding.flatMap { Backchannel.Codec(rawValue: $0.lowercased()) }
    }

    /// A codec as it can be shown, without what a device may have put there instead.
    private static func name(of format: Format) -> String {
        let name = (format.encoding ?? "").unicodeScalars.prefix(20).filter {
            $0.isASCII && ($0.properties.isAlphabetic || "0123456789-".unicodeScalars.contains($0))
        }
        guard !name.isEmpty else { return "type \(format.payloadType.prefix(3))" }
        return String(String.UnicodeScalarView(name)) + (format.clockRate.map { "/\($0)" } ?? "")
    }
}
