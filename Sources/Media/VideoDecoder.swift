import CFFmpeg

/// Decodes one video track on the calling thread.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct VideoDecoder: ~Copyable, @unchecked Sendable {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let format: StreamFormat

    /// Opens a decoder; with `keyFramesOnly` everything else is skipped unread.
    public init(format: StreamFormat, keyFramesOnly: Bool = false) throws(MediaError) {
        self.context = try CodecContext.openDecoder(format) { context in
            // A second decoding thread costs 3-27 % more CPU for the same pictures.
            context.pointee.thread_count = 1
            context.pointee.err_recognition = 0
            context.pointee.max_pixels = 8192 * 8192
            if keyFramesOnly { context.pointee.skip_frame = AVDISCARD_NONKEY }
        }
        self.format = format
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// Feeds one packet. A damaged packet is reported, and decoding may go on after it.
    public mutating func send(_ packet: borrowing Packet, time: MediaTime) throws(MediaError) {
        packet.pointer.pointee.pts = time.microseconds
        packet.pointer.pointee.dts = gatehouse_no_timestamp()
        try MediaError.check(avcodec_send_packet(context, packet.pointer), "decode")
    }

    /// Asks for the pictures still held; after it nothing more can be sent but after `restart`.
    public mutating func drain() {
        avcodec_send_packet(context, nil)
    }

    /// Forgets everything seen, ready for the next key frame.
    public mutating func restart() {
        avcodec_flush_buffers(context)
    }

    /// The next picture, or nil when more packets are needed.
    public mutating func receive(into frame: inout Frame) throws(MediaError) -> Bool {
        let code = avcodec_receive_frame(context, frame.pointer)
        if code == gatehouse_averror(EAGAIN) || code == gatehouse_averror_eof() { return false }
        try MediaError.check(code, "decode")
        frame.pointer.pointee.pts = frame.pointer.pointee.best_effort_timestamp
        return true
    }
}

/// What opening decoders and encoders has in common.
enum CodecContext {
    static func openDecoder(
        _ format: StreamFormat, configure: (UnsafeMutablePointer<AVCodecContext>) -> Void
    ) throws(MediaError) -> UnsafeMutablePointer<AVCodecContext> {
        guard let codec = avcodec_find_decoder(format.codec.id) else {
            throw MediaError("no decoder for \(format.codec.rawValue)", kind: .unsupported)
        }
        var parameters = avcodec_parameters_alloc()
        defer { avcodec_parameters_free(&parameters) }
        guard let parameters, let context = avcodec_alloc_context3(codec) else { throw .outOfMemory("avcodec_alloc_context3") }
        do throws(MediaError) {
            try format.fill(parameters)
            try MediaError.check(avcodec_parameters_to_context(context, parameters), "avcodec_parameters_to_context")
            context.pointee.pkt_timebase = MediaTime.timeBase
            configure(context)
            try MediaError.check(avcodec_open2(context, codec, nil), "open decoder")
        } catch {
            var context: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&context)
            throw error
        }
        return context
    }

    static func openEncoder(
        named name: String, options: [String: String] = [:], configure: (UnsafeMutablePointer<AVCodecContext>) -> Void
    ) throws(MediaError) -> UnsafeMutablePointer<AVCodecContext> {
        guard let codec = avcodec_find_encoder_by_name(name) else { throw MediaError("no encoder \(name)", kind: .unsupported) }
        guard let context = avcodec_alloc_context3(codec) else { throw .outOfMemory("avcodec_alloc_context3") }
        configure(context)
        var settings: OpaquePointer?
        defer { av_dict_free(&settings) }
        for (key, value) in options { av_dict_set(&settings, key, value, 0) }
        let code = avcodec_open2(context, codec, &settings)
        guard code >= 0 else {
            var context: UnsafeMutablePointer<AVCodecContext>? = context
            avcodec_free_context(&context)
            throw MediaError("open encoder \(name)", code: code)
        }
        return context
    }

    /// The format of what an open encoder makes.
    static func outputFormat(of context: UnsafeMutablePointer<AVCodecContext>) throws(MediaError) -> StreamFormat {
        var parameters = avcodec_parameters_alloc()
        defer { avcodec_parameters_free(&parameters) }
        guard let parameters else { throw .outOfMemory("avcodec_parameters_alloc") }
        try MediaError.check(avcodec_parameters_from_context(parameters, context), "avcodec_parameters_from_context")
        guard let format = StreamFormat(parameters.pointee) else { throw MediaError("encoder", kind: .unsupported) }
        return format
    }
}
