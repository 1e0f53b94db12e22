import CFFmpeg

/// How the cloud copy's pictures are encoded.
public struct VideoEncoderSettings: Sendable, Codable, Equatable {
    /// The encoder by libavcodec's name: `libx264`, `libx265`, `h264_v4l2m2m`, ...
    public var encoder: String
    public var width: Int
    public var height: Int
    public var frameRate: Int
    /// Bits per second; also the cap over two seconds.
    public var bitRate: Int
    /// The number that libx264 gives its parameter sets, so that they can stand beside others' in one file.
    public var parameterSetID: Int?

    public init(encoder: String, width: Int, height: Int, frameRate: Int, bitRate: Int, parameterSetID: Int? = nil) {
        self.encoder = encoder
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.bitRate = bitRate
        self.parameterSetID = parameterSetID
    }

    /// It needs no device.
    public var isSoftware: Bool { encoder == "libx264" || encoder == "libx265" }
    /// It works on another thread than the caller's, whatever it is told.
    public var needsThreads: Bool { encoder == "libx265" }
}

/// Encodes H.264 (H.265 by libx265) on the calling thread; a key frame at each `keyFrameDistance`, no reordering.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct VideoEncoder: ~Copyable, @unchecked Sendable {
    /// Fragments begin with a key frame, so this is also their length.
    public static let keyFrameDistance = Duration.seconds(2)

    private let context: UnsafeMutablePointer<AVCodecContext>
    private var nextKey: MediaTime?
    private let frameDuration: Duration
    /// What it makes, for the muxer.
    public let format: StreamFormat

    /// Opens the encoder named in `settings`.
    ///
    /// `pixelAspect` is the shape of a pixel, which scaling by the same factor in both directions keeps.
    public init(
        _ settings: VideoEncoderSettings, fullRange: Bool = false, pixelAspect: (Int32, Int32) = (1, 1)
    ) throws(MediaError) {
        let context = try CodecContext.openEncoder(named: settings.encoder, options: Self.options(for: settings)) { context in
            context.pointee.width = Int32(settings.width)
            context.pointee.height = Int32(settings.height)
            context.pointee.pix_fmt = fullRange ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P
            context.pointee.color_range = fullRange ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG
            context.pointee.sample_aspect_ratio = AVRational(num: pixelAspect.0, den: pixelAspect.1)
            context.pointee.time_base = MediaTime.timeBase
            context.pointee.framerate = AVRational(num: Int32(settings.frameRate), den: 1)
            context.pointee.bit_rate = Int64(settings.bitRate)
            context.pointee.rc_max_rate = Int64(settings.bitRate)
            context.pointee.rc_buffer_size = Int32(settings.bitRate * 2)
            context.pointee.gop_size = Int32(settings.frameRate * 4)  // forced at each keyFrameDistance; this only bounds it
            context.pointee.max_b_frames = 0
            context.pointee.thread_count = 1
            context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        }
        do throws(MediaError) {
            self.format = try CodecContext.outputFormat(of: context)
        } catch {
            var context: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&context)
            throw error
        }
        self.context = context
        self.frameDuration = .microseconds(1_000_000 / Int64(max(1, settings.frameRate)))
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// For cameras that stand still: no sub-pixel search and no small partitions, which cost an eighth of a transcode and give such
    /// footage nothing; but CABAC, deblocking, 8x8 transform and adaptive quantisation, which x264's ultrafast leaves out and which
    /// make up for it. docs/performance.md has the figures beside superfast with zerolatency.
    private static func options(for settings: VideoEncoderSettings) -> [String: String] {
        if settings.encoder == "libx265" {
            return [
                "preset": "superfast", "tune": "zerolatency", "x265-params": "pools=none:frame-threads=1:log-level=none", "forced-idr": "1",
            ]
        }
        guard settings.encoder == "libx264" else { return [:] }
        let number = settings.parameterSetID.map { ":sps-id=\($0)" } ?? ""
        return [
            "preset": "ultrafast", "tune": "zerolatency", "x264-params": "cabac=1:deblock=0,0:8x8dct=1:aq-mode=1\(number)",
            "forced-idr": "1", "sc_threshold": "0",
        ]
    }

    /// Feeds one picture, or nil to ask for what is still held.
    public mutating func send(_ frame: borrowing Frame) throws(MediaError) {
        let time = MediaTime(microseconds: frame.pointer.pointee.pts)
        let isKey = nextKey.map { time >= $0 } ?? true
        if isKey { nextKey = time + (Self.keyFrameDistance - .milliseconds(20)) }
        frame.pointer.pointee.pict_type = isKey ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE
        try MediaError.check(avcodec_send_frame(context, frame.pointer), "encode")
    }

    /// Asks for what is still held.
    public mutating func drain() {
        avcodec_send_frame(context, nil)
    }

    /// The next packet with its times, or nil when more pictures are needed.
    public mutating func receive() throws(MediaError) -> EncodedPacket? {
        try EncodedPacket.receive(from: context, assuming: frameDuration)
    }
}

/// A packet as an encoder made it.
public struct EncodedPacket: ~Copyable {
    public let time: MediaTime
    public let decodeTime: MediaTime
    public let duration: Duration
    public var packet: Packet

    /// The packet as a sample of a track of `format`.
    public consuming func sample(of format: StreamFormat) -> Sample {
        let (time, decodeTime, duration) = (time, decodeTime, duration)
        let isKeyFrame = packet.isKeyFrame
        return Sample(
            format: format, time: time, decodeTime: decodeTime, duration: duration, isKeyFrame: isKeyFrame, arrival: .zero, packet: packet)
    }

    static func receive(
        from context: UnsafeMutablePointer<AVCodecContext>, assuming nominal: Duration = .zero
    ) throws(MediaError) -> EncodedPacket? {
        let packet = try Packet()
        let code = avcodec_receive_packet(context, packet.pointer)
        if code == gatehouse_averror(EAGAIN) || code == gatehouse_averror_eof() { return nil }
        try MediaError.check(code, "encode")
        let base = context.pointee.time_base
        guard let time = MediaTime(ticks: packet.pointer.pointee.pts, timeBase: base) else {
            throw MediaError("encode", kind: .invalidData)
        }
        let decode = MediaTime(ticks: packet.pointer.pointee.dts, timeBase: base) ?? time
        // Encoders that do not know a picture's duration leave it out; the last picture of a fragment needs one.
        let stated = Duration.microseconds(av_rescale_q(packet.pointer.pointee.duration, base, MediaTime.timeBase))
        return EncodedPacket(time: time, decodeTime: decode, duration: stated > .zero ? stated : nominal, packet: packet)
    }
}

/// Encodes single pictures as JPEG.
public enum JPEG {
    /// `frame` as a JPEG at most `width` pixels wide.
    public static func encode(_ frame: borrowing Frame, width: Int) throws(MediaError) -> [UInt8] {
        let size = fittedSize(width: frame.width, height: frame.height, into: (width, frame.height))
        var scaler = Scaler(width: size.width, height: size.height, layout: .jpeg)
        let picture = try scaler.scale(frame)
        let context = try CodecContext.openEncoder(named: "mjpeg") { context in
            context.pointee.width = Int32(size.width)
            context.pointee.height = Int32(size.height)
            context.pointee.pix_fmt = AV_PIX_FMT_YUVJ420P
            context.pointee.color_range = AVCOL_RANGE_JPEG
            context.pointee.time_base = AVRational(num: 1, den: 25)
            context.pointee.flags |= AV_CODEC_FLAG_QSCALE
            context.pointee.global_quality = 5 * FF_QP2LAMBDA
            context.pointee.thread_count = 1
        }
        defer {
            var context: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&context)
        }
        picture.pointer.pointee.pts = 0
        picture.pointer.pointee.quality = 5 * FF_QP2LAMBDA
        picture.pointer.pointee.pict_type = AV_PICTURE_TYPE_NONE
        try MediaError.check(avcodec_send_frame(context, picture.pointer), "encode JPEG")
        let packet = try Packet()
        try MediaError.check(avcodec_receive_packet(context, packet.pointer), "encode JPEG")
        return packet.withBytes { Array($0) }
    }
}
