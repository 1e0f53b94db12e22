import Foundation
import Media

/// Makes fragments of MP4 out of one piece's samples; each picture lasts until the next. G.711 becomes AAC, which browsers play.
struct PlaybackFragments: ~Copyable {
    /// What a player must have first (`ftyp` and `moov`).
    let head: [UInt8]
    let video: StreamFormat
    /// The sound as it is in the fragments.
    let carried: StreamFormat?
    private var muxer: FragmentedMP4Muxer
    private var source: StreamFormat?
    private var transcoder: AudioTranscoder?
    private let isSilent: Bool
    /// The samples' time that is zero for players.
    private let origin: MediaTime
    /// Waits until it is known how long it lasts.
    private var held: Sample?
    private var lastSound: MediaTime?

    /// A key frame of those that are shown alone lasts this at most.
    private static let longest = Duration.seconds(10)
    private static let usual = Duration.milliseconds(40)
    private static let silenceStep = Duration.milliseconds(100)

    /// `audio` is the sound that comes; where there is none and `like` says that players expect some, silence is made.
    init(video: StreamFormat, audio: StreamFormat?, like expected: StreamFormat?, origin: MediaTime) throws {
        // Nothing has a value yet when something throws: Swift 6.2 would give one that a property begins with back twice.
        let usable = audio.flatMap { $0.codec == .aac && !$0.configuration.isEmpty || $0.codec.isG711 ? $0 : nil }
        let source =
            usable
            ?? expected.map {
                StreamFormat(kind: .audio, codec: .pcmMuLaw, sampleRate: max(8000, $0.sampleRate), channels: 1)
            }
        var transcoder: AudioTranscoder? = try source.flatMap { $0.codec.isG711 ? try AudioTranscoder(source: $0) : nil }
        let carried = transcoder?.format ?? source
        let muxer = try FragmentedMP4Muxer(formats: [video] + (carried.map { [$0] } ?? []), container: .mp4, beginsLater: true)
        self.init(
            video: video, source: source, carried: carried, isSilent: usable == nil && expected != nil, origin: origin,
            transcoder: transcoder.take(), muxer: muxer)
    }

    private init(
        video: StreamFormat, source: StreamFormat?, carried: StreamFormat?, isSilent: Bool, origin: MediaTime,
        transcoder: consuming AudioTranscoder?, muxer: consuming FragmentedMP4Muxer
    ) {
        head = muxer.takeBytes()
        self.video = video
        self.origin = origin
        self.source = source
        self.carried = carried
        self.isSilent = isSilent
        self.transcoder = transcoder
        self.muxer = muxer
    }

    /// The media type with its codecs, as RFC 6381 writes them.
    var contentType: String {
        let codecs = [video, carried].compactMap { $0?.codecName }
        return "video/mp4; codecs=\"\(codecs.joined(separator: ", "))\""
    }

    /// Whether pictures of this format fit in.
    func takes(_ format: StreamFormat) -> Bool { format == video }

    /// Adds a sample; sound from before the first picture is left out.
    mutating func add(_ sample: Sample) throws {
        guard sample.format.kind == .video else {
            guard !isSilent, held != nil else { return }
            return try addSound(sample)
        }
        if let last = held.take() {
            let length = sample.decodeTime - last.decodeTime
            try write(last, duration: length < Self.longest ? length : max(last.duration, Self.usual))
        }
        held = sample
        if isSilent { try fill(from: sample.decodeTime) }
    }

    /// Ends the fragment of all that was added and lasts no longer; nothing where there is nothing.
    mutating func cut() throws -> [UInt8] {
        try muxer.cut()
        return muxer.takeBytes()
    }

    /// The fragment of what is left, its last picture as long as its source says, or up to `end`.
    mutating func finish(until end: MediaTime? = nil) throws -> [UInt8] {
        if let last = held.take() {
            let own = last.duration > .zero ? last.duration : Self.usual
            try write(last, duration: max(own, min(end.map { $0 - last.decodeTime } ?? own, Self.longest)))
        }
        return try cut()
    }

    private mutating func write(_ sample: Sample, duration: Duration) throws {
        try sample.withPacket { packet throws(MediaError) in
            try muxer.write(packet, track: 0, time: shifted(sample.time), decodeTime: shifted(sample.decodeTime), duration: duration)
        }
    }

    private func shifted(_ time: MediaTime) -> MediaTime { MediaTime.zero + (time - origin) }

    private mutating func addSound(_ sample: Sample) throws {
        guard let format = carried, sample.format == source else { return }
        guard transcoder != nil else { return try writeSound(sample) }
        var made: [Sample] = []
        try sample.withPacket { packet throws(MediaError) in
            try transcoder?.transcode(packet, time: sample.time) { encoded throws(MediaError) in made.append(encoded.sample(of: format)) }
        }
        for sample in made { try writeSound(sample) }
    }

    private mutating func writeSound(_ sample: Sample) throws {
        guard sample.time > (lastSound ?? sample.time - .seconds(1)) else { return }
        lastSound = sample.time
        try muxer.write(sample, track: 1, origin: origin)
    }

    // MARK: Silence

    private var silenceEnd: MediaTime?

    /// Silence up to a picture: a player waits for the sound of a track that has been announced.
    private mutating func fill(from picture: MediaTime) throws {
        guard let source else { return }
        let quiet: UInt8 = 0xFF
        var end = silenceEnd ?? picture
        if picture - end > Self.longest { end = picture }
        let bytes = [UInt8](repeating: quiet, count: source.sampleRate / 10)
        while end <= picture {
            try addSound(
                Sample(
                    format: source, time: end, decodeTime: end, duration: Self.silenceStep, isKeyFrame: true, arrival: .zero,
                    packet: try Packet(copying: bytes, isKeyFrame: true)))
            end = end + Self.silenceStep
        }
        silenceEnd = end
    }
}
