import CFFmpeg

/// One encoded packet, owned by exactly one holder at a time; its payload is reference counted by FFmpeg.
///
/// `@unchecked Sendable` because the one owner may move between threads, and FFmpeg counts references to the payload atomically.
public struct Packet: ~Copyable, @unchecked Sendable {
    let pointer: UnsafeMutablePointer<AVPacket>

    /// An empty packet, to be filled by a demuxer or an encoder.
    init() throws(MediaError) {
        guard let pointer = av_packet_alloc() else { throw .outOfMemory("av_packet_alloc") }
        self.pointer = pointer
    }

    /// A packet that holds a copy of `bytes`.
    public init(copying bytes: UnsafeRawBufferPointer, isKeyFrame: Bool = false) throws(MediaError) {
        pointer = try Self.allocate(count: bytes.count, isKeyFrame: isKeyFrame)
        UnsafeMutableRawBufferPointer(start: pointer.pointee.data, count: bytes.count).copyMemory(from: bytes)
    }

    /// A packet that holds a copy of `bytes`.
    public init(copying bytes: [UInt8], isKeyFrame: Bool = false) throws(MediaError) {
        let pointer = try Self.allocate(count: bytes.count, isKeyFrame: isKeyFrame)
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(start: pointer.pointee.data, count: bytes.count).copyMemory(from: $0) }
        self.pointer = pointer
    }

    private static func allocate(count: Int, isKeyFrame: Bool) throws(MediaError) -> UnsafeMutablePointer<AVPacket> {
        guard let pointer = av_packet_alloc() else { throw .outOfMemory("av_packet_alloc") }
        let code = av_new_packet(pointer, Int32(count))
        guard code >= 0 else {
            var pointer: UnsafeMutablePointer<AVPacket>? = pointer
            av_packet_free(&pointer)
            throw MediaError("av_new_packet", code: code)
        }
        if isKeyFrame { pointer.pointee.flags |= AV_PKT_FLAG_KEY }
        return pointer
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVPacket>? = pointer
        av_packet_free(&pointer)
    }

    /// The number of payload bytes.
    public var count: Int { Int(pointer.pointee.size) }

    /// Whether decoding can start here.
    public var isKeyFrame: Bool { pointer.pointee.flags & AV_PKT_FLAG_KEY != 0 }

    /// Lends the payload.
    public borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: pointer.pointee.data, count: count))
    }

    /// A second reference to the same payload, with its place in a file: a track whose times count in `base`.
    borrowing func placed(
        on track: Int, base: AVRational, time: MediaTime, decodeTime: MediaTime, duration: Duration
    ) throws(MediaError) -> Packet {
        let copy = try reference()
        copy.pointer.pointee.stream_index = Int32(track)
        copy.pointer.pointee.pts = time.ticks(in: base)
        copy.pointer.pointee.dts = decodeTime.ticks(in: base)
        copy.pointer.pointee.duration = MediaTime(microseconds: duration.microseconds).ticks(in: base)
        copy.pointer.pointee.pos = -1
        return copy
    }

    /// A second reference to the same payload.
    public borrowing func reference() throws(MediaError) -> Packet {
        let copy = try Packet()
        try MediaError.check(av_packet_ref(copy.pointer, pointer), "av_packet_ref")
        return copy
    }
}

/// One access unit of one track, immutable and shared by all who read the stream.
public final class Sample: Sendable {
    public let format: StreamFormat
    /// When it is shown or heard.
    public let time: MediaTime
    /// When it must be decoded; never after `time`, never before the track's previous sample.
    public let decodeTime: MediaTime
    /// How long it lasts, as far as known.
    public let duration: Duration
    public let isKeyFrame: Bool
    /// When the box received it, on the box's monotonic clock.
    public let arrival: Duration
    let packet: Packet

    public init(
        format: StreamFormat, time: MediaTime, decodeTime: MediaTime, duration: Duration, isKeyFrame: Bool, arrival: Duration,
        packet: consuming Packet
    ) {
        self.format = format
        self.time = time
        self.decodeTime = decodeTime
        self.duration = duration
        self.isKeyFrame = isKeyFrame
        self.arrival = arrival
        self.packet = packet
    }

    /// Bytes of payload.
    public var count: Int { packet.count }

    /// Lends the packet.
    public func withPacket<Failure: Error>(_ body: (borrowing Packet) throws(Failure) -> Void) throws(Failure) {
        try body(packet)
    }

    /// Lends the payload.
    public func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try packet.withBytes(body)
    }

    /// The same at another time, sharing the payload.
    public func at(time: MediaTime, decodeTime: MediaTime) throws(MediaError) -> Sample {
        Sample(
            format: format, time: time, decodeTime: decodeTime, duration: duration, isKeyFrame: isKeyFrame, arrival: arrival,
            packet: try packet.reference())
    }
}
