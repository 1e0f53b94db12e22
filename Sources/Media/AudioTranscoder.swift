import CFFmpeg

/// Turns G.711 into AAC, which is what browsers play out of MP4.
///
/// `@unchecked Sendable` because the one owner may move between threads.
public struct AudioTranscoder: ~Copyable, @unchecked Sendable {
    private let decoder: UnsafeMutablePointer<AVCodecContext>
    private let encoder: UnsafeMutablePointer<AVCodecContext>
    private let resampler: OpaquePointer
    /// Time of the next sample that goes into the encoder.
    private var next: MediaTime?
    private let sampleRate: Int
    /// What it makes, for the muxer.
    public let format: StreamFormat

    private static let frameSize: Int32 = 1024

    public init(source: StreamFormat) throws(MediaError) {
        let decoder = try CodecContext.openDecoder(source) { $0.pointee.thread_count = 1 }
        let rate = source.sampleRate > 0 ? source.sampleRate : 8000
        do throws(MediaError) {
            let encoder = try CodecContext.openEncoder(named: "aac") { context in
                context.pointee.sample_rate = Int32(rate)
                av_channel_layout_default(&context.pointee.ch_layout, 1)
                context.pointee.sample_fmt = AV_SAMPLE_FMT_FLTP
                context.pointee.bit_rate = Int64(rate) * 4
                context.pointee.time_base = MediaTime.timeBase
                context.pointee.thread_count = 1
                context.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
            }
            var mono = AVChannelLayout()
            av_channel_layout_default(&mono, 1)
            var input = AVChannelLayout()
            av_channel_layout_default(&input, Int32(max(1, source.channels)))
            var resampler: OpaquePointer?
            swr_alloc_set_opts2(
                &resampler, &mono, AV_SAMPLE_FMT_FLTP, Int32(rate), &input, AV_SAMPLE_FMT_S16, Int32(rate), 0, nil)
            guard let made = resampler, swr_init(made) >= 0 else { throw MediaError("resampler", kind: .unsupported) }
            self.format = try CodecContext.outputFormat(of: encoder)
            self.decoder = decoder
            self.encoder = encoder
            self.resampler = made
            self.sampleRate = rate
        } catch {
            var decoder: UnsafeMutablePointer<AVCodecContext>? = decoder
            avcodec_free_context(&decoder)
            throw error
        }
    }

    deinit {
        var decoder: UnsafeMutablePointer<AVCodecContext>? = decoder
        var encoder: UnsafeMutablePointer<AVCodecContext>? = encoder
        var resampler: OpaquePointer? = resampler
        avcodec_free_context(&decoder)
        avcodec_free_context(&encoder)
        swr_free(&resampler)
    }

    /// Feeds one packet and hands each finished AAC packet to `body`.
    public mutating func transcode(
        _ packet: borrowing Packet, time: MediaTime, to body: (consuming EncodedPacket) throws(MediaError) -> Void
    ) throws(MediaError) {
        guard avcodec_send_packet(decoder, packet.pointer) >= 0 else { return }
        var decoded = try Frame()
        while avcodec_receive_frame(decoder, decoded.pointer) >= 0 {
            // What is still in the resampler was heard before this packet.
            let held = swr_get_delay(resampler, Int64(sampleRate))
            let start = time - .microseconds(held * 1_000_000 / Int64(sampleRate))
            if next.map({ abs((start - $0).microseconds) > 60_000 }) ?? true { next = start }
            let input = UnsafeMutablePointer(decoded.pointer.pointee.extended_data)
            let code = input?.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 1) {
                swr_convert(resampler, nil, 0, $0, decoded.pointer.pointee.nb_samples)
            }
            try MediaError.check(code ?? -1, "resample")
            decoded.clear()
            try encodeWholeFrames(to: body)
        }
    }

    /// Hands over what is still held, filled up with silence.
    public mutating func finish(to body: (consuming EncodedPacket) throws(MediaError) -> Void) throws(MediaError) {
        guard next != nil else { return }
        let held = swr_get_delay(resampler, Int64(sampleRate))
        if held > 0 {
            try MediaError.check(swr_inject_silence(resampler, Self.frameSize - Int32(held)), "resample")
            try encodeWholeFrames(to: body)
        }
        avcodec_send_frame(encoder, nil)
        while let packet = try EncodedPacket.receive(from: encoder) { try body(packet) }
    }

    private mutating func encodeWholeFrames(to body: (consuming EncodedPacket) throws(MediaError) -> Void) throws(MediaError) {
        while swr_get_delay(resampler, Int64(sampleRate)) >= Int64(Self.frameSize), let start = next {
            let block = try Frame()
            block.pointer.pointee.nb_samples = Self.frameSize
            block.pointer.pointee.format = AV_SAMPLE_FMT_FLTP.rawValue
            av_channel_layout_default(&block.pointer.pointee.ch_layout, 1)
            block.pointer.pointee.sample_rate = Int32(sampleRate)
            try MediaError.check(av_frame_get_buffer(block.pointer, 0), "av_frame_get_buffer")
            try MediaError.check(
                swr_convert(resampler, block.pointer.pointee.extended_data, Self.frameSize, nil, 0), "resample")
            block.pointer.pointee.pts = start.microseconds
            next = start + .microseconds(Int64(Self.frameSize) * 1_000_000 / Int64(sampleRate))
            try MediaError.check(avcodec_send_frame(encoder, block.pointer), "encode AAC")
            while let packet = try EncodedPacket.receive(from: encoder) { try body(packet) }
        }
    }
}
