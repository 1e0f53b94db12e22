public import Core
public import Media

/// What a worker is to make of one clip's source.
public struct TranscodeJob: Codable, Sendable {
    public enum Video: Codable, Sendable, Equatable {
        /// The packets as they are.
        case copy
        /// Decode, drop, scale, encode; width and height bound the picture, which keeps its shape and never grows.
        case encode(VideoEncoderSettings)
    }

    public var video: Video
    /// Where in the source the footage begins; copies begin at the source's first key frame instead.
    public var start: MediaTime
    /// The thumbnail shows this moment of the source.
    public var thumbnailAt: MediaTime
    /// The longest processor time the job may take.
    public var cpuSeconds: Int
    /// The largest address space the job may take.
    public var memoryBytes: UInt64
    /// Present where the clip is to be encrypted; another one for each job.
    public var key: ClipKey?

    public init(
        video: Video, start: MediaTime, thumbnailAt: MediaTime, cpuSeconds: Int = 600,
        memoryBytes: UInt64 = 2 << 30, key: ClipKey? = nil
    ) {
        self.video = video
        self.start = start
        self.thumbnailAt = thumbnailAt
        self.cpuSeconds = cpuSeconds
        self.memoryBytes = memoryBytes
        self.key = key
    }
}

/// One fragment of a clip: where it lies in time.
public struct FragmentInfo: Codable, Sendable, Equatable {
    /// From the clip's start.
    public let start: MediaTime
    public let duration: MediaTime
    public let startsWithKeyFrame: Bool

    public init(start: MediaTime, duration: MediaTime, startsWithKeyFrame: Bool) {
        self.start = start
        self.duration = duration
        self.startsWithKeyFrame = startsWithKeyFrame
    }

    /// A worker may be in an attacker's hands: its numbers are looked at before they are reckoned with.
    var isPlausible: Bool {
        let hour: Int64 = 3_600_000_000
        return (-hour...hour).contains(start.microseconds) && (0...hour).contains(duration.microseconds)
    }
}

/// What a worker says when a clip is done.
public struct TranscodeResult: Codable, Sendable, Equatable {
    public var footage: ClipManifest.Footage
    /// Pictures in the clip.
    public var frames: Int
    /// Packets that could not be decoded.
    public var damaged: Int
    /// Why the clip has no sound though the camera sends some.
    public var soundMissing: String?
    /// Processor time.
    public var cpuSeconds: Double
    /// Seconds between the wanted start and the first frame; copies start at a key frame.
    public var startsLate: Double

    /// The numbers are such as a clip can have.
    var isPlausible: Bool {
        frames > 0 && damaged >= 0 && (1...16_384).contains(footage.width) && (1...16_384).contains(footage.height)
            && (0...7200).contains(footage.duration) && (0...1000).contains(footage.frameRate) && abs(startsLate) < 120
            && (0...36_000).contains(cpuSeconds) && footage.videoCodec.utf8.count < 32 && (footage.audioCodec?.utf8.count ?? 0) < 32
    }
}

/// A key frame of which a picture is wanted.
struct PictureRequest: Codable, Sendable {
    let channel: ChannelID
    let format: StreamFormat
    /// The size of the luminance picture.
    let grayWidth: Int
    let grayHeight: Int
    /// The width of the JPEG, if one is wanted.
    let jpegWidth: Int?
}

struct PictureAnswer: Codable, Sendable {
    /// Bytes of luminance at the beginning of the body; the JPEG follows.
    let grayBytes: Int
    let error: String?
}

struct EncoderTrial: Codable, Sendable {
    let encoder: String
}

/// Whether an encoder proved itself on this machine.
public struct EncoderProof: Codable, Sendable, Equatable {
    /// By libavcodec's name.
    public let encoder: String
    public let isHardware: Bool
    public let proven: Bool
    /// A sentence.
    public let reason: String

    public init(encoder: String, isHardware: Bool, proven: Bool, reason: String) {
        self.encoder = encoder
        self.isHardware = isHardware
        self.proven = proven
        self.reason = reason
    }
}
