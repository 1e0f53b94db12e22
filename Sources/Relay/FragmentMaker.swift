import Media
import NIOCore

/// Makes fragments out of one stream's samples: one for each picture, with the sound that came before it. G.711 becomes AAC, which browsers play.
struct FragmentMaker: ~Copyable {
    let head: FragmentHead
    /// The formats of the samples that it takes.
    private let video: StreamFormat
    private let source: StreamFormat?
    private var muxer: FragmentedMP4Muxer
    private var sound: AudioTranscoder?
    /// The samples' time that is zero on the viewers' time line.
    private let origin: MediaTime
    private var interval: Duration
    private var last: MediaTime?
    private var lastSound: MediaTime?

    private static let longestInterval = Duration.seconds(2)

    /// `origin` is the samples' time that is zero for viewers. Sound that has no place in MP4 is left out.
    ///
    /// Nothing has a value yet when something throws: Swift 6.2 would give one that a property begins with back twice.
    init(video: StreamFormat, audio: StreamFormat?, origin: MediaTime, interval: Duration) throws {
        let source = audio.flatMap { $0.codec == .aac || $0.codec.isG711 ? $0 : nil }
        var sound: AudioTranscoder? = try source.flatMap { $0.codec.isG711 ? try AudioTranscoder(source: $0) : nil }
        let carried = sound?.format ?? source
        let muxer = try FragmentedMP4Muxer(formats: [video] + (carried.map { [$0] } ?? []), container: .mp4, beginsLater: true)
        self.init(
            video: video, source: source, carried: carried, origin: origin, interval: interval, sound: sound.take(), muxer: muxer)
    }

    private init(
        video: StreamFormat, source: StreamFormat?, carried: StreamFormat?, origin: MediaTime, interval: Duration,
        sound: consuming AudioTranscoder?, muxer: consuming FragmentedMP4Muxer
    ) {
        self.video = video
        self.origin = origin
        self.interval = interval
        self.source = source
        self.sound = sound
        head = FragmentHead(bytes: ByteBuffer(bytes: muxer.takeBytes()), video: video, audio: carried)
        self.muxer = muxer
    }

    /// Whether a sample of this format fits in.
    func takes(_ format: StreamFormat) -> Bool {
        format.kind == .video ? format == video : source == nil || format == source
    }

    /// The fragment that `sample` completes; nil for sound, which goes with the next picture.
    mutating func take(_ sample: Sample) throws -> Fragment? {
        guard sample.format.kind == .video else {
            try takeSound(sample)
            return nil
        }
        guard sample.decodeTime > (last ?? sample.decodeTime - .seconds(1)) else { return nil }
        if let last, sample.decodeTime - last < Self.longestInterval { interval = sample.decodeTime - last }
        last = sample.decodeTime
        try sample.withPacket { packet throws(MediaError) in
            try muxer.write(packet, track: 0, time: shifted(sample.time), decodeTime: shifted(sample.decodeTime), duration: interval)
        }
        try muxer.cut()
        return Fragment(
            bytes: ByteBuffer(bytes: muxer.takeBytes()), isKey: sample.isKeyFrame, time: shifted(sample.time), duration: interval,
            arrival: sample.arrival)
    }

    private func shifted(_ time: MediaTime) -> MediaTime { MediaTime.zero + (time - origin) }

    private mutating func takeSound(_ sample: Sample) throws {
        guard source != nil else { return }
        guard let format = sound?.format else { return try write(sample) }
        var made: [Sample] = []
        try sample.withPacket { packet throws(MediaError) in
            try sound?.transcode(packet, time: sample.time) { encoded throws(MediaError) in made.append(encoded.sample(of: format)) }
        }
        for sample in made { try write(sample) }
    }

    /// Sound from before the first picture is left out, and what a camera sends twice.
    private mutating func write(_ sample: Sample) throws {
        guard last != nil, sample.time >= origin, sample.time > (lastSound ?? sample.time - .seconds(1)) else { return }
        lastSound = sample.time
        try muxer.write(sample, track: 1, origin: origin)
    }
}
