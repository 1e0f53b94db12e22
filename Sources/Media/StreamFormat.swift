import CFFmpeg
public import Foundation

/// A codec by FFmpeg's name for it.
public struct Codec: RawRepresentable, Hashable, Codable, Sendable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static let h264 = Codec(rawValue: "h264")
    public static let hevc = Codec(rawValue: "hevc")
    public static let aac = Codec(rawValue: "aac")
    public static let opus = Codec(rawValue: "opus")
    public static let pcmALaw = Codec(rawValue: "pcm_alaw")
    public static let pcmMuLaw = Codec(rawValue: "pcm_mulaw")

    /// A JPEG, alone or in a stream.
    public static let mjpeg = Codec(rawValue: "mjpeg")
    public static let png = Codec(rawValue: "png")

    init(_ id: AVCodecID) {
        self.init(rawValue: String(cString: avcodec_get_name(id)))
    }

    var id: AVCodecID {
        avcodec_descriptor_get_by_name(rawValue)?.pointee.id ?? AV_CODEC_ID_NONE
    }

    /// The codec is G.711.
    public var isG711: Bool { self == .pcmALaw || self == .pcmMuLaw }
}

/// What one track of a stream carries: everything that a decoder or muxer must know beforehand.
public final class StreamFormat: Sendable, Codable, Equatable {
    public enum Kind: String, Codable, Sendable {
        case video
        case audio
    }

    public let kind: Kind
    public let codec: Codec
    /// Pixels; 0 for audio.
    public let width: Int
    /// Pixels; 0 for audio.
    public let height: Int
    /// Hertz; 0 for video.
    public let sampleRate: Int
    /// 0 for video.
    public let channels: Int
    /// Parameter sets or AudioSpecificConfig, as FFmpeg's extradata.
    public let configuration: Data

    public init(
        kind: Kind, codec: Codec, width: Int = 0, height: Int = 0, sampleRate: Int = 0, channels: Int = 0, configuration: Data = Data()
    ) {
        self.kind = kind
        self.codec = codec
        self.width = width
        self.height = height
        self.sampleRate = sampleRate
        self.channels = channels
        self.configuration = configuration
    }

    public static func == (left: StreamFormat, right: StreamFormat) -> Bool {
        left === right
            || left.kind == right.kind && left.codec == right.codec && left.width == right.width && left.height == right.height
                && left.sampleRate == right.sampleRate && left.channels == right.channels && left.configuration == right.configuration
    }

    /// Sound as the box makes it for viewers by WebRTC.
    public static let liveOpus = StreamFormat(kind: .audio, codec: .opus, sampleRate: AudioTranscoder.opusRate, channels: 1)

    /// The same format with other picture parameters.
    public func with(width: Int, height: Int, configuration: Data) -> StreamFormat {
        StreamFormat(
            kind: kind, codec: codec, width: width, height: height, sampleRate: sampleRate, channels: channels,
            configuration: configuration)
    }

    /// Reads what libavformat or libavcodec found; nil for tracks that are neither video nor audio.
    init?(_ parameters: borrowing AVCodecParameters) {
        switch parameters.codec_type {
        case AVMEDIA_TYPE_VIDEO: kind = .video
        case AVMEDIA_TYPE_AUDIO: kind = .audio
        default: return nil
        }
        codec = Codec(parameters.codec_id)
        width = Int(parameters.width)
        height = Int(parameters.height)
        sampleRate = Int(parameters.sample_rate)
        channels = Int(parameters.ch_layout.nb_channels)
        if let bytes = parameters.extradata, parameters.extradata_size > 0 {
            configuration = Data(bytes: bytes, count: Int(parameters.extradata_size))
        } else {
            configuration = Data()
        }
    }

    /// Writes the format into FFmpeg's parameters, which the caller owns.
    func fill(_ parameters: UnsafeMutablePointer<AVCodecParameters>) throws(MediaError) {
        parameters.pointee.codec_type = kind == .video ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO
        parameters.pointee.codec_id = codec.id
        parameters.pointee.width = Int32(width)
        parameters.pointee.height = Int32(height)
        if kind == .audio {
            parameters.pointee.sample_rate = Int32(sampleRate)
            av_channel_layout_default(&parameters.pointee.ch_layout, Int32(max(1, channels)))
            if codec.isG711 {
                parameters.pointee.format = AV_SAMPLE_FMT_S16.rawValue
                parameters.pointee.bits_per_coded_sample = 8
            }
            if codec == .aac { parameters.pointee.frame_size = 1024 }
        }
        guard !configuration.isEmpty else { return }
        let padded = configuration.count + Int(AV_INPUT_BUFFER_PADDING_SIZE)
        guard let copy = av_mallocz(padded) else { throw .outOfMemory("extradata") }
        configuration.copyBytes(to: copy.assumingMemoryBound(to: UInt8.self), count: configuration.count)
        parameters.pointee.extradata = copy.assumingMemoryBound(to: UInt8.self)
        parameters.pointee.extradata_size = Int32(configuration.count)
    }
}
