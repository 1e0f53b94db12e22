import CameraProtocols
import Foundation
import Media
import RTP

/// The tracks of a stream that are received, and how.
struct LiveTracks {
    /// The stream has something that is not received this way; libavformat may know it.
    struct Unsupported: Error, Equatable {
        let what: String
    }

    /// How the packets of one track are understood.
    enum Reading {
        case video(VideoAssembly)
        case sound(AudioAssembly)
        /// Documents of metadata, in whatever pieces.
        case data
    }

    struct Track {
        /// The place in the description.
        let index: Int
        /// Nil for data.
        let format: StreamFormat?
        let payloadType: UInt8
        let clockRate: Int
        let reading: Reading
    }

    let tracks: [Track]

    /// Chooses the first video, the first sound and, where `wantsData`, what else the device sends.
    /// - Throws: `Unsupported`, and `StreamTrouble.noVideo` where there is none.
    init(_ description: SessionDescription, wantsData: Bool) throws {
        var tracks: [Track] = []
        for (index, media) in description.media.enumerated() where media.direction != .inactive {
            switch media.kind {
            case "video" where !tracks.contains { $0.format?.kind == .video },
                "audio" where !tracks.contains { $0.format?.kind == .audio }:
                tracks.append(try Self.track(index, media))
            case "application" where wantsData:
                guard let format = media.formats.first, let type = UInt8(format.payloadType), type < 128 else { continue }
                tracks.append(Track(index: index, format: nil, payloadType: type, clockRate: format.clockRate ?? 90_000, reading: .data))
            default: break
            }
        }
        guard tracks.contains(where: { $0.format?.kind == .video }) else { throw StreamTrouble.noVideo }
        self.tracks = tracks
    }

    private static func track(_ index: Int, _ media: SessionDescription.Media) throws -> Track {
        let name = media.formats.first?.encoding ?? media.transport
        guard media.transport.hasPrefix("RTP/AVP"), let coding = media.formats.first, let type = UInt8(coding.payloadType), type < 128,
            let rate = coding.clockRate, (1000...1_000_000).contains(rate)
        else { throw Unsupported(what: name) }
        let format: StreamFormat
        let reading: Reading
        switch (media.kind, coding.encoding) {
        case ("video", "H264"):
            format = StreamFormat(kind: .video, codec: .h264, configuration: sets(coding, ["sprop-parameter-sets"]))
            reading = .video(VideoAssembly(isH265: false))
        case ("video", "H265"):
            // With decoding order numbers every packet has a field more (RFC 7798, section 7.1).
            guard Int(coding.parameters["sprop-max-don-diff"] ?? "0") == 0 else { throw Unsupported(what: name) }
            format = StreamFormat(
                kind: .video, codec: .hevc, configuration: sets(coding, ["sprop-vps", "sprop-sps", "sprop-pps"]))
            reading = .video(VideoAssembly(isH265: true))
        case ("audio", "PCMA"), ("audio", "PCMU"):
            let channels = coding.channels ?? 1
            format = StreamFormat(
                kind: .audio, codec: coding.encoding == "PCMA" ? .pcmALaw : .pcmMuLaw, sampleRate: rate, channels: channels)
            reading = .sound(AudioAssembly(coding: .g711(channels: channels)))
        case ("audio", "MPEG4-GENERIC"):
            guard isHighBitRate(coding), let configuration = hexadecimal(coding.parameters["config"] ?? ""), configuration.count >= 2 else {
                throw Unsupported(what: name)
            }
            format = StreamFormat(
                kind: .audio, codec: .aac, sampleRate: rate, channels: coding.channels ?? 1, configuration: Data(configuration))
            reading = .sound(AudioAssembly(coding: .aac))
        default: throw Unsupported(what: name)
        }
        return Track(index: index, format: format, payloadType: type, clockRate: rate, reading: reading)
    }

    /// AAC in the one mode that cameras use (RFC 3640, section 3.3.6).
    private static func isHighBitRate(_ format: SessionDescription.Format) -> Bool {
        let lengths = ["sizelength": 13, "indexlength": 3, "indexdeltalength": 3]
        return lengths.allSatisfy { Int(format.parameters[$0.key] ?? "") == $0.value }
    }

    /// Parameter sets of a description, behind start codes; what is no base64 is left out.
    private static func sets(_ format: SessionDescription.Format, _ names: [String]) -> Data {
        var sets = Data()
        for name in names {
            for text in (format.parameters[name] ?? "").split(separator: ",", maxSplits: 16) {
                guard let set = Data(base64Encoded: String(text)), set.count > 2, set.count < 4096 else { continue }
                sets += [0, 0, 0, 1] + set
            }
        }
        return sets
    }

    private static func hexadecimal(_ text: String) -> [UInt8]? {
        let digits = text.prefix(256).compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
