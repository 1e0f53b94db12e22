import CFFmpeg

/// Turns sound into what viewers play: AAC in MP4, Opus by WebRTC; one channel, which is what cameras have.
///
/// G.711 may be given to it anywhere; the decoder of AAC belongs into a sandboxed worker, as every decoder of a camera's compressed bytes does.
/// `@unchecked Sendable` because the one owner may move between threads.
public struct AudioTranscoder: ~Copyable, @unchecked Sendable {
    /// How the decoded sound is; a camera may say one thing and send another.
    private struct Shape: Equatable {
        let sampleRate: Int32
        let channels: Int32
        let sampleFormat: Int32
    }

    /// Further from where it should be, the time line begins anew at once;
    private static let mostDrift = Duration.milliseconds(60)
    /// so far off for a while, it is corrected: a camera's clocks are brought together only with its first reports.
    private static let lastingDrift = Duration.milliseconds(15)
    /// Packets over which that is looked at.
    private static let weight = 16.0
    /// Hertz of Opus in RTP (RFC 7587, section 4.1).
    static let opusRate = 48_000
    private static let opusBitRate: Int64 = 40_000

    private let decoder: UnsafeMutablePointer<AVCodecContext>
    private let encoder: UnsafeMutablePointer<AVCodecContext>
    private var resampler: OpaquePointer?
    private var shape: Shape?
    /// Sound at the encoder's rate that does not fill a frame yet.
    private var waiting: [Float]
    /// Time of the next sample that goes into the encoder.
    private var next: MediaTime?
    /// Microseconds by which sound has come later than it should, on the average.
    private var drift = 0.0
    private let sampleRate: Int
    private let frameSize: Int
    /// What it makes, for the muxer.
    public let format: StreamFormat

    /// A transcoder to `target`: `.aac`, at the source's rate, or `.opus`, in frames of 20 ms.
    /// - Throws: `MediaError` for sound that cannot be decoded.
    public init(source: StreamFormat, target: Codec = .aac) throws(MediaError) {
        let decoder = try CodecContext.openDecoder(source) { $0.pointee.thread_count = 1 }
        let isOpus = target == .opus
        let rate = isOpus ? Self.opusRate : source.sampleRate > 0 ? source.sampleRate : 8000
        let made: (encoder: UnsafeMutablePointer<AVCodecContext>, format: StreamFormat)
        do throws(MediaError) {
            let encoder = try CodecContext.openEncoder(
                named: isOpus ? "libopus" : "aac", options: isOpus ? ["frame_duration": "20"] : [:]
            ) { context in
                context.pointee.sample_rate = Int32(rate)
                av_channel_layout_default(&context.pointee.ch_layout, 1)
                context.pointee.sample_fmt = isOpus ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_FLTP
                context.pointee.bit_rate = isOpus ? Self.opusBitRate : Int64(rate) * 4
                context.pointee.time_base = MediaTime.timeBase
                context.pointee.thread_count = 1
                context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
            }
            made = (encoder, try CodecContext.outputFormat(of: encoder))
        } catch {
            var decoder: UnsafeMutablePointer<AVCodecContext>? = decoder
            avcodec_free_context(&decoder)
            throw error
        }
        // Not before the last that throws: Swift 6.2 would give it back twice.
        self.waiting = []
        self.decoder = decoder
        self.encoder = made.encoder
        self.format = made.format
        self.sampleRate = rate
        self.frameSize = made.encoder.pointee.frame_size > 0 ? Int(made.encoder.pointee.frame_size) : 1024
    }

    deinit {
        var decoder: UnsafeMutablePointer<AVCodecContext>? = decoder
        var encoder: UnsafeMutablePointer<AVCodecContext>? = encoder
        var resampler: OpaquePointer? = resampler
        avcodec_free_context(&decoder)
        avcodec_free_context(&encoder)
        swr_free(&resampler)
    }

    /// Feeds one packet and hands each finished packet to `body`. What cannot be decoded is left out.
    public mutating func transcode(
        _ packet: borrowing Packet, time: MediaTime, to body: (consuming EncodedPacket) throws(MediaError) -> Void
    ) throws(MediaError) {
        guard avcodec_send_packet(decoder, packet.pointer) >= 0 else { return }
        var decoded = try Frame()
        while avcodec_receive_frame(decoder, decoded.pointer) >= 0 {
            try fit(decoded)
            // What is still held was heard before this packet.
            let start = time - length(waiting.count + Int(swr_get_delay(resampler, Int64(sampleRate))))
            follow(start)
            try resample(decoded)
            decoded.clear()
            try encodeWholeFrames(to: body)
        }
    }

    /// Keeps the time line where the sound is.
    private mutating func follow(_ start: MediaTime) {
        guard let expected = next, abs((start - expected).microseconds) <= Self.mostDrift.microseconds else {
            (next, drift) = (start, 0)
            return
        }
        drift += (Double((start - expected).microseconds) - drift) / Self.weight
        guard abs(drift) > Double(Self.lastingDrift.microseconds) else { return }
        (next, drift) = (expected + .microseconds(Int64(drift)), 0)
    }

    /// Hands over what is still held, filled up with silence.
    public mutating func finish(to body: (consuming EncodedPacket) throws(MediaError) -> Void) throws(MediaError) {
        guard next != nil else { return }
        let resampler = resampler
        try take(most: frameSize) { output, room in swr_convert(resampler, output, room, nil, 0) }
        let rest = waiting.count % frameSize
        if rest > 0 { waiting.append(contentsOf: repeatElement(0, count: frameSize - rest)) }
        try encodeWholeFrames(to: body)
        avcodec_send_frame(encoder, nil)
        while let packet = try EncodedPacket.receive(from: encoder) { try body(packet) }
    }

    private func length(_ samples: Int) -> Duration { .microseconds(Int64(samples) * 1_000_000 / Int64(sampleRate)) }

    /// A resampler for sound of this shape.
    private mutating func fit(_ frame: borrowing Frame) throws(MediaError) {
        let given = frame.pointer.pointee
        let found = Shape(sampleRate: given.sample_rate, channels: given.ch_layout.nb_channels, sampleFormat: given.format)
        guard found != shape || resampler == nil else { return }
        swr_free(&resampler)
        var mono = AVChannelLayout()
        av_channel_layout_default(&mono, 1)
        var input = given.ch_layout
        swr_alloc_set_opts2(
            &resampler, &mono, AV_SAMPLE_FMT_FLT, Int32(sampleRate), &input, AVSampleFormat(given.format), given.sample_rate, 0, nil)
        guard resampler != nil, swr_init(resampler) >= 0 else {
            swr_free(&resampler)
            throw MediaError("resampler", kind: .unsupported)
        }
        shape = found
    }

    private mutating func resample(_ frame: borrowing Frame) throws(MediaError) {
        let count = frame.pointer.pointee.nb_samples
        let most = swr_get_out_samples(resampler, count)
        try MediaError.check(most, "resample")
        let resampler = resampler
        let input = UnsafeMutablePointer(frame.pointer.pointee.extended_data)
        try take(most: Int(most)) { output, room in
            input?.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: Int(frame.pointer.pointee.ch_layout.nb_channels)) {
                swr_convert(resampler, output, room, $0, count)
            } ?? -1
        }
    }

    /// Takes what `convert` writes, at most `most` samples.
    private mutating func take(
        most: Int, _ convert: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, Int32) -> Int32
    ) throws(MediaError) {
        var code = Int32(0)
        let made = [Float](unsafeUninitializedCapacity: most) { buffer, count in
            buffer.withMemoryRebound(to: UInt8.self) { bytes in
                var plane = bytes.baseAddress
                code = convert(&plane, Int32(most))
            }
            count = Int(max(0, code))
        }
        try MediaError.check(code, "resample")
        waiting.append(contentsOf: made)
    }

    private mutating func encodeWholeFrames(to body: (consuming EncodedPacket) throws(MediaError) -> Void) throws(MediaError) {
        var used = 0
        while waiting.count - used >= frameSize, let start = next {
            let block = try Frame()
            block.pointer.pointee.nb_samples = Int32(frameSize)
            block.pointer.pointee.format = encoder.pointee.sample_fmt.rawValue
            av_channel_layout_default(&block.pointer.pointee.ch_layout, 1)
            block.pointer.pointee.sample_rate = Int32(sampleRate)
            try MediaError.check(av_frame_get_buffer(block.pointer, 0), "av_frame_get_buffer")
            // One channel is the same in planes and interleaved.
            waiting.withUnsafeBytes { bytes in
                let piece = bytes[used * MemoryLayout<Float>.size..<(used + frameSize) * MemoryLayout<Float>.size]
                UnsafeMutableRawBufferPointer(start: block.pointer.pointee.data.0, count: piece.count).copyBytes(from: piece)
            }
            used += frameSize
            block.pointer.pointee.pts = start.microseconds
            next = start + length(frameSize)
            try MediaError.check(avcodec_send_frame(encoder, block.pointer), "encode sound")
            while let packet = try EncodedPacket.receive(from: encoder) { try body(packet) }
        }
        waiting.removeFirst(used)
    }
}
