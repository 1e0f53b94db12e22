import CFFmpeg

/// How an RTSP source is opened.
public struct RTSPOptions: Sendable {
    public enum Transport: String, Codable, Sendable, CaseIterable {
        case tcp
        case udp
    }

    public var transport: Transport
    /// No answer for this long is a failure.
    public var timeout: Duration
    /// Whether tracks that are neither video nor audio are wanted too: cameras send their events in one.
    public var data: Bool

    public init(transport: Transport = .tcp, timeout: Duration = .seconds(10), data: Bool = false) {
        self.transport = transport
        self.timeout = timeout
        self.data = data
    }
}

/// Reads packets out of an RTSP session or a container; every call may block, so it belongs on a thread of its own.
///
/// Decodes nothing: stream parameters come from the session description and from parsing key frames.
public struct Demuxer: ~Copyable, @unchecked Sendable {
    // @unchecked because the one owner may move between threads.

    /// A packet with its track and its times as the source claims them.
    public struct Item: ~Copyable, Sendable {
        public let track: Int
        public let time: MediaTime?
        public let decodeTime: MediaTime?
        public let duration: Duration
        public var packet: Packet

        public init(track: Int, time: MediaTime?, decodeTime: MediaTime?, duration: Duration, packet: consuming Packet) {
            self.track = track
            self.time = time
            self.decodeTime = decodeTime
            self.duration = duration
            self.packet = packet
        }
    }

    private let context: UnsafeMutablePointer<AVFormatContext>
    private let interrupt: Interrupt
    private let watch: RTSPWatch?
    private let timeout: Duration
    private let input: InputBox?

    /// Opens an RTSP session: OPTIONS, DESCRIBE, SETUP and PLAY. `url` may carry percent-encoded credentials.
    public init(rtsp url: String, options: RTSPOptions, interrupt: Interrupt) throws(MediaError) {
        guard var context = avformat_alloc_context() else { throw .outOfMemory("avformat_alloc_context") }
        let watch = RTSPWatch(interrupt, context)
        defer { withExtendedLifetime(watch) {} }
        context.pointee.interrupt_callback = watch.callback
        interrupt.allow(options.timeout)
        var settings: OpaquePointer?
        defer { av_dict_free(&settings) }
        av_dict_set(&settings, "rtsp_transport", options.transport.rawValue, 0)
        av_dict_set(&settings, "timeout", String(options.timeout.microseconds), 0)
        av_dict_set(&settings, "allowed_media_types", options.data ? "video+audio+data" : "video+audio", 0)
        av_dict_set(&settings, "protocol_whitelist", RTSPWatch.protocols, 0)
        av_dict_set(&settings, "user_agent", "Gatehouse", 0)
        var opening: UnsafeMutablePointer<AVFormatContext>? = context
        // On failure FFmpeg frees the context itself.
        try MediaError.check(avformat_open_input(&opening, url, av_find_input_format("rtsp"), &settings), "open")
        guard let opened = opening else { throw MediaError("open", kind: .other) }
        context = opened
        self.context = context
        self.interrupt = interrupt
        self.watch = watch
        self.timeout = options.timeout
        self.input = nil
    }

    /// Opens a container that arrives through `read`, which blocks until bytes come and answers 0 at the end.
    ///
    /// With a `decryptionKey` of 16 bytes, samples under common encryption (ISO/IEC 23001-7) come decrypted.
    public init(container: String, decryptionKey: [UInt8]? = nil, read: @escaping (UnsafeMutableRawBufferPointer) -> Int) throws(MediaError)
    {
        try self.init(format: container, allowed: container, examines: false, decryptionKey: decryptionKey, read: read)
    }

    /// Opens what a device recorded, in whichever of the known containers; decodes a little to learn its tracks, so it belongs in a worker.
    public init(recording read: @escaping (UnsafeMutableRawBufferPointer) -> Int) throws(MediaError) {
        try self.init(format: nil, allowed: "mov,mpeg,mpegts,matroska", examines: true, read: read)
    }

    private init(
        format: String?, allowed: String, examines: Bool, decryptionKey: [UInt8]? = nil,
        read: @escaping (UnsafeMutableRawBufferPointer) -> Int
    ) throws(MediaError) {
        guard let context = avformat_alloc_context() else { throw .outOfMemory("avformat_alloc_context") }
        let box = InputBox(read: read)
        guard let buffer = av_malloc(InputBox.bufferSize),
            let io = gatehouse_input_context(
                buffer.assumingMemoryBound(to: UInt8.self), Int32(InputBox.bufferSize), Unmanaged.passUnretained(box).toOpaque(),
                InputBox.callback)
        else {
            avformat_free_context(context)
            throw .outOfMemory("avio_alloc_context")
        }
        context.pointee.pb = io
        var opening: UnsafeMutablePointer<AVFormatContext>? = context
        var settings: OpaquePointer?
        defer { av_dict_free(&settings) }
        if let decryptionKey {
            let digits = decryptionKey.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            av_dict_set(&settings, "decryption_key", digits, 0)
        }
        av_dict_set(&settings, "format_whitelist", allowed, 0)
        var code = avformat_open_input(&opening, nil, format.flatMap { av_find_input_format($0) }, &settings)
        if code >= 0, examines { code = avformat_find_stream_info(opening, nil) }
        guard code >= 0, let opened = opening else {
            avformat_close_input(&opening)
            InputBox.free(io)
            throw MediaError("open", code: code)
        }
        self.context = opened
        self.interrupt = Interrupt()
        self.watch = nil
        self.timeout = .seconds(3600)
        self.input = box
    }

    deinit {
        var closing: UnsafeMutablePointer<AVFormatContext>? = context
        let io = input == nil ? nil : context.pointee.pb
        interrupt.allowLast(.seconds(2))  // for RTSP's TEARDOWN, without which cameras keep the session
        avformat_close_input(&closing)
        if let io { InputBox.free(io) }
        withExtendedLifetime((watch, input)) {}
    }

    /// The tracks, by number; nil where a track is neither video nor audio.
    public var formats: [StreamFormat?] {
        (0..<Int(context.pointee.nb_streams)).map { index in
            guard let parameters = context.pointee.streams[index]?.pointee.codecpar else { return nil }
            return StreamFormat(parameters.pointee)
        }
    }

    /// Whether a track carries data that is neither picture nor sound.
    public func isData(_ track: Int) -> Bool {
        guard track < Int(context.pointee.nb_streams) else { return false }
        return context.pointee.streams[track]?.pointee.codecpar?.pointee.codec_type == AVMEDIA_TYPE_DATA
    }

    /// The next packet, or nil at the end of a container.
    public mutating func read() throws(MediaError) -> Item? {
        interrupt.allow(timeout)
        let packet = try Packet()
        let code = av_read_frame(context, packet.pointer)
        if code < 0 {
            if interrupt.isStopped { throw MediaError("read", kind: .interrupted) }
            if code == gatehouse_averror_exit() { throw MediaError("read", kind: .timedOut) }
            if code == gatehouse_averror_eof(), input != nil { return nil }
            throw MediaError("read", code: code)
        }
        let track = Int(packet.pointer.pointee.stream_index)
        guard let base = context.pointee.streams[track]?.pointee.time_base else { throw MediaError("read", kind: .invalidData) }
        let duration = av_rescale_q(packet.pointer.pointee.duration, base, MediaTime.timeBase)
        return Item(
            track: track,
            time: MediaTime(ticks: packet.pointer.pointee.pts, timeBase: base),
            decodeTime: MediaTime(ticks: packet.pointer.pointee.dts, timeBase: base),
            duration: .microseconds(max(0, duration)),
            packet: packet
        )
    }
}

/// Keeps the closure behind FFmpeg's opaque pointer.
private final class InputBox {
    static let bufferSize = 64 * 1024
    let read: (UnsafeMutableRawBufferPointer) -> Int

    init(read: @escaping (UnsafeMutableRawBufferPointer) -> Int) {
        self.read = read
    }

    static let callback: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int32) -> Int32 = { opaque, buffer, size in
        guard let opaque, let buffer else { return gatehouse_averror(EINVAL) }
        let box = Unmanaged<InputBox>.fromOpaque(opaque).takeUnretainedValue()
        let count = box.read(UnsafeMutableRawBufferPointer(start: buffer, count: Int(size)))
        return count > 0 ? Int32(count) : (count == 0 ? gatehouse_averror_eof() : gatehouse_averror(EIO))
    }

    static func free(_ context: UnsafeMutablePointer<AVIOContext>) {
        var context: UnsafeMutablePointer<AVIOContext>? = context
        if let context { av_freep(&context.pointee.buffer) }
        avio_context_free(&context)
    }
}
