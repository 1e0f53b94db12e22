import Core
import Media

/// Writes a clip's tracks as fragments, each from one key frame to the next, and sends them to the box.
struct ClipFragments: ~Copyable {
    /// A fragment that finds no key frame is cut after this long all the same.
    private static let longest = Duration.seconds(8)
    /// A key frame sooner than this after the last cut does not cut.
    private static let shortest = Duration.milliseconds(1500)

    private let pipes: WorkerPipes
    private var muxer: FragmentedMP4Muxer?
    private var hasAudioTrack = false
    /// Sound that came before the picture's format was known.
    private var waitingSound: [Sample] = []
    private var lastSound = MediaTime(microseconds: -1)
    private var fragmentStart: MediaTime?
    private var fragmentIsKey = true
    private var lastVideo: (time: MediaTime, duration: Duration)?
    private var encryption: CommonEncryption?
    private(set) var hasSound = false

    init(pipes: WorkerPipes) {
        self.pipes = pipes
    }

    /// What is sent from now on is encrypted; before anything is.
    mutating func encrypt(with key: ClipKey) throws {
        encryption = try CommonEncryption(identifier: key.identifier, secret: key.secret)
    }

    mutating func open(video: StreamFormat, audio: StreamFormat?) throws {
        guard muxer == nil else { return }
        hasAudioTrack = audio != nil
        var made = try FragmentedMP4Muxer(formats: [video] + (audio.map { [$0] } ?? []), container: .mp4)
        let header = made.takeBytes()
        pipes.send(WorkerMessage(.header, body: try encryption?.header(header) ?? header))
        muxer = consume made
        let waiting = waitingSound
        waitingSound = []
        for sample in waiting { try addAudio(sample) }
    }

    mutating func addVideo(
        _ packet: borrowing Packet, time: MediaTime, decodeTime: MediaTime, duration: Duration, isKeyFrame: Bool
    ) throws {
        if let start = fragmentStart {
            let length = decodeTime - start
            if isKeyFrame && length >= Self.shortest || length >= Self.longest {
                try cut(at: decodeTime)
                fragmentStart = decodeTime
                fragmentIsKey = isKeyFrame
            }
        } else {
            fragmentStart = decodeTime
            fragmentIsKey = isKeyFrame
        }
        try muxer?.write(packet, track: 0, time: time, decodeTime: decodeTime, duration: duration)
        lastVideo = (decodeTime, duration)
    }

    mutating func addAudio(_ packet: borrowing Packet, time: MediaTime, duration: Duration) throws {
        if muxer == nil {
            guard time >= .zero else { return }
            let copy = try packet.withBytes { bytes throws(MediaError) in try Packet(copying: bytes, isKeyFrame: true) }
            waitingSound.append(
                Sample(
                    format: StreamFormat(kind: .audio, codec: .aac), time: time, decodeTime: time, duration: duration, isKeyFrame: true,
                    arrival: .zero, packet: copy))
            return
        }
        guard hasAudioTrack, time > lastSound, time >= .zero else { return }
        lastSound = time
        hasSound = true
        try muxer?.write(packet, track: 1, time: time, decodeTime: time, duration: duration)
    }

    mutating func addAudio(_ sample: Sample) throws {
        guard muxer != nil else {
            waitingSound.append(sample)
            return
        }
        guard hasAudioTrack, sample.time > lastSound else { return }
        lastSound = sample.time
        hasSound = true
        try muxer?.write(sample, track: 1, origin: .zero)
    }

    /// Ends the last fragment.
    mutating func finish() throws {
        guard let lastVideo, fragmentStart != nil else { return }
        try cut(at: lastVideo.time + max(lastVideo.duration, .milliseconds(1)))
        fragmentStart = nil
    }

    private mutating func cut(at end: MediaTime) throws {
        guard let start = fragmentStart else { return }
        try muxer?.cut()
        guard let bytes = muxer?.takeBytes(), !bytes.isEmpty else { return }
        let info = FragmentInfo(
            start: start, duration: MediaTime(microseconds: (end - start).microseconds), startsWithKeyFrame: fragmentIsKey)
        pipes.send(.fragment, head: info, body: try encryption?.fragment(bytes) ?? bytes)
    }
}
