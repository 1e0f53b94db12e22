import CFFmpeg

/// Writes fragmented MP4 (ISO/IEC 14496-12): an initialisation part, then fragments that are cut when the caller says so.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct FragmentedMP4Muxer: ~Copyable, @unchecked Sendable {
    /// The brand of file: MP4 for browsers, QuickTime where the sound (G.711) has no place in MP4.
    public enum Container: String, Codable, Sendable {
        case mp4
        case mov
    }

    private let context: UnsafeMutablePointer<AVFormatContext>
    private let output: OutputBox
    private let formats: [StreamFormat]

    /// Begins a file with one track for each of `formats`; take the initialisation part with `takeBytes`.
    ///
    /// Where it `beginsLater` the first fragment bears the time of its packets, otherwise zero.
    public init(formats: [StreamFormat], container: Container, beginsLater: Bool = false) throws(MediaError) {
        let output = OutputBox()
        var allocated: UnsafeMutablePointer<AVFormatContext>?
        try MediaError.check(avformat_alloc_output_context2(&allocated, nil, container.rawValue, nil), "muxer")
        guard let context = allocated else { throw .outOfMemory("muxer") }
        guard let buffer = av_malloc(OutputBox.bufferSize),
            let io = gatehouse_output_context(
                buffer.assumingMemoryBound(to: UInt8.self), Int32(OutputBox.bufferSize), Unmanaged.passUnretained(output).toOpaque(),
                OutputBox.callback)
        else {
            avformat_free_context(context)
            throw .outOfMemory("avio_alloc_context")
        }
        context.pointee.pb = io
        do throws(MediaError) {
            for format in formats { try Self.addTrack(format, to: context) }
            var settings: OpaquePointer?
            defer { av_dict_free(&settings) }
            // Otherwise the muxer lets the first packet be at zero.
            if beginsLater { context.pointee.avoid_negative_ts = 0 }
            let later = beginsLater ? "+frag_discont" : ""
            av_dict_set(&settings, "movflags", "frag_custom+empty_moov+default_base_moof+skip_trailer\(later)", 0)
            try MediaError.check(avformat_write_header(context, &settings), "write header")
        } catch {
            OutputBox.free(context)
            throw error
        }
        self.context = context
        self.output = output
        self.formats = formats
    }

    deinit {
        av_write_trailer(context)
        OutputBox.free(context)
        withExtendedLifetime(output) {}
    }

    static func addTrack(_ format: StreamFormat, to context: UnsafeMutablePointer<AVFormatContext>) throws(MediaError) {
        guard let stream = avformat_new_stream(context, nil), let parameters = stream.pointee.codecpar else {
            throw .outOfMemory("avformat_new_stream")
        }
        try format.fill(parameters)
        stream.pointee.time_base =
            format.kind == .video ? AVRational(num: 1, den: 90_000) : AVRational(num: 1, den: Int32(max(1, format.sampleRate)))
    }

    /// Adds a packet to the present fragment; decode times of a track must rise.
    public mutating func write(
        _ packet: borrowing Packet, track: Int, time: MediaTime, decodeTime: MediaTime, duration: Duration
    ) throws(MediaError) {
        guard let base = context.pointee.streams[track]?.pointee.time_base else { throw MediaError("mux", kind: .invalidData) }
        let copy = try packet.placed(on: track, base: base, time: time, decodeTime: decodeTime, duration: duration)
        try MediaError.check(av_write_frame(context, copy.pointer), "mux")
    }

    /// Adds a sample, its times counted from `origin`.
    public mutating func write(_ sample: Sample, track: Int, origin: MediaTime) throws(MediaError) {
        try write(
            sample.packet, track: track, time: MediaTime.zero + (sample.time - origin),
            decodeTime: MediaTime.zero + (sample.decodeTime - origin), duration: sample.duration)
    }

    /// Ends the present fragment.
    public mutating func cut() throws(MediaError) {
        try MediaError.check(av_write_frame(context, nil), "mux")
        avio_flush(context.pointee.pb)
    }

    /// The bytes written since the last call.
    public mutating func takeBytes() -> [UInt8] {
        avio_flush(context.pointee.pb)
        return output.take()
    }
}

/// Collects what FFmpeg writes.
private final class OutputBox {
    static let bufferSize = 64 * 1024
    private var bytes: [UInt8] = []

    func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    static let callback: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, Int32) -> Int32 = { opaque, buffer, size in
        guard let opaque, let buffer else { return gatehouse_averror(EINVAL) }
        let box = Unmanaged<OutputBox>.fromOpaque(opaque).takeUnretainedValue()
        box.bytes.append(contentsOf: UnsafeBufferPointer(start: buffer, count: Int(size)))
        return size
    }

    static func free(_ context: UnsafeMutablePointer<AVFormatContext>) {
        if let io = context.pointee.pb {
            av_freep(&io.pointee.buffer)
            var closing: UnsafeMutablePointer<AVIOContext>? = io
            avio_context_free(&closing)
            context.pointee.pb = nil
        }
        avformat_free_context(context)
    }
}
