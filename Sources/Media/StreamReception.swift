/// Turns the packets of one connection into samples: repaired times, the present format, measured figures.
public struct StreamReception: ~Copyable, Sendable {
    private let videoTrack: Int
    private let audioTrack: Int?
    private var parameters: PictureParameters
    private var video: StreamFormat
    private let audio: StreamFormat?
    private let role: StreamRole
    private var videoTimes: TimelineRepair
    private var audioTimes: TimelineRepair
    private var meter: StreamMeter
    private var begun = false
    private var lastVideo: Duration
    private var lastAudio: Duration
    private var soundLost = false
    private let silence: Duration
    /// The last `take` brought news for `status`.
    public private(set) var statusChanged = false

    /// Receives a stream with these `tracks`; `silence` without a picture, while sound comes, is a failure.
    /// - Throws: `StreamTrouble` when there is no video that can be kept.
    public init(tracks: [StreamFormat?], role: StreamRole, now: Duration, silence: Duration) throws {
        guard let videoTrack = tracks.firstIndex(where: { $0?.kind == .video }), let video = tracks[videoTrack] else {
            throw StreamTrouble.noVideo
        }
        guard video.codec == .h264 || video.codec == .hevc else { throw StreamTrouble.unsupportedCodec(video.codec.rawValue) }
        // Everything that throws comes before the first property is set: Swift 6.2 would give one that has a value already back twice.
        let parameters = try PictureParameters(format: video)
        self.parameters = parameters
        self.videoTimes = TimelineRepair()
        self.audioTimes = TimelineRepair()
        self.meter = StreamMeter()
        self.videoTrack = videoTrack
        self.audioTrack = tracks.firstIndex { $0?.kind == .audio }
        self.audio = tracks.lazy.compactMap { $0 }.first { $0.kind == .audio }
        self.video = video
        self.role = role
        self.lastVideo = now
        self.lastAudio = now
        self.silence = silence
    }

    /// What the stream sends, as measured so far.
    public var status: StreamStatus {
        StreamStatus(
            role: role, video: video, audio: audio, frameRate: meter.frameRate, bitRate: meter.bitRate,
            keyFrameSeconds: (meter.keyFrameSeconds * 10).rounded() / 10, soundLost: soundLost)
    }

    /// Enough was seen to believe the figures of `status`.
    public var isSettled: Bool { meter.isSettled }

    /// The sample of `item`, or nil while nothing can be shown yet.
    /// - Throws: `StreamTrouble.noVideo` when sound comes and no picture.
    public mutating func take(_ item: borrowing Demuxer.Item, arrival: Duration) throws -> Sample? {
        statusChanged = false
        guard item.track == videoTrack || item.track == audioTrack else { return nil }
        let isVideo = item.track == videoTrack
        try watch(isVideo: isVideo, arrival: arrival)
        if isVideo, item.packet.isKeyFrame { begin(with: item.packet) }
        let times =
            isVideo
            ? videoTimes.repair(time: item.time, decodeTime: item.decodeTime, arrival: arrival)
            : audioTimes.repair(time: item.time, decodeTime: item.decodeTime, arrival: arrival)
        guard begun, let format = isVideo ? video : audio else { return nil }
        let sample = Sample(
            format: format, time: times.time, decodeTime: times.decodeTime, duration: item.duration,
            isKeyFrame: isVideo ? item.packet.isKeyFrame : true, arrival: arrival, packet: try item.packet.reference())
        if meter.add(sample) { statusChanged = true }
        return sample
    }

    /// Something else came than pictures and sound.
    /// - Throws: `StreamTrouble.noVideo` when no picture comes any more.
    public func checkPicture(at arrival: Duration) throws {
        if arrival - lastVideo > silence { throw StreamTrouble.noVideo }
    }

    /// Each track is watched: without a picture the camera is down, without its sound it should be looked at.
    private mutating func watch(isVideo: Bool, arrival: Duration) throws {
        if isVideo { lastVideo = arrival } else { lastAudio = arrival }
        try checkPicture(at: arrival)
        let isSilent = audio != nil && arrival - lastAudio > silence
        if isSilent != soundLost {
            soundLost = isSilent
            statusChanged = true
        }
    }

    private mutating func begin(with keyFrame: borrowing Packet) {
        let declared = parameters.format(of: keyFrame, after: video)
        if !begun || declared !== video { statusChanged = true }
        video = declared
        begun = begun || video.width > 0
    }
}
