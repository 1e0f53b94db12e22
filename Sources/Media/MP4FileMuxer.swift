import CFFmpeg

/// Writes an MP4 file (ISO/IEC 14496-12) with its index before the footage: every player begins at once and can seek.
///
/// `@unchecked Sendable` because the one owner may move between threads. Calls write to disk, so it belongs on a thread of its own.
public struct MP4FileMuxer: ~Copyable, @unchecked Sendable {
    private let context: UnsafeMutablePointer<AVFormatContext>
    private var isFinished = false

    /// Begins the file at `path` with one track for each of `formats`. `created` (ISO 8601) is what the file says of its footage's time.
    public init(path: String, formats: [StreamFormat], title: String, created: String) throws(MediaError) {
        var allocated: UnsafeMutablePointer<AVFormatContext>?
        try MediaError.check(avformat_alloc_output_context2(&allocated, nil, "mp4", path), "muxer")
        guard let context = allocated else { throw .outOfMemory("muxer") }
        do throws(MediaError) {
            for format in formats { try FragmentedMP4Muxer.addTrack(format, to: context) }
            av_dict_set(&context.pointee.metadata, "title", title, 0)
            av_dict_set(&context.pointee.metadata, "creation_time", created, 0)
            try MediaError.check(avio_open(&context.pointee.pb, path, AVIO_FLAG_WRITE), "open file")
            var settings: OpaquePointer?
            defer { av_dict_free(&settings) }
            av_dict_set(&settings, "movflags", "faststart", 0)
            try MediaError.check(avformat_write_header(context, &settings), "write header")
        } catch {
            avio_closep(&context.pointee.pb)
            avformat_free_context(context)
            throw error
        }
        self.context = context
    }

    deinit {
        avio_closep(&context.pointee.pb)
        avformat_free_context(context)
    }

    /// Adds a packet; decode times of a track must rise, and tracks come roughly in step.
    public mutating func write(
        _ packet: borrowing Packet, track: Int, time: MediaTime, decodeTime: MediaTime, duration: Duration
    ) throws(MediaError) {
        guard let base = context.pointee.streams[track]?.pointee.time_base else { throw MediaError("mux", kind: .invalidData) }
        let copy = try packet.placed(on: track, base: base, time: time, decodeTime: decodeTime, duration: duration)
        try MediaError.check(av_interleaved_write_frame(context, copy.pointer), "mux")
        try MediaError.check(context.pointee.pb?.pointee.error ?? 0, "write file")
    }

    /// Writes what is held and the index, and closes the file; nothing is written after it.
    public mutating func finish() throws(MediaError) {
        guard !isFinished else { return }
        isFinished = true
        try MediaError.check(av_write_trailer(context), "write index")
        try MediaError.check(avio_closep(&context.pointee.pb), "close file")
    }
}
