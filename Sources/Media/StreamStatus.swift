/// Which of a channel's streams.
public enum StreamRole: String, Codable, Sendable, CaseIterable {
    case main
    case sub
}

/// What a stream really sends, measured.
public struct StreamStatus: Codable, Sendable, Equatable {
    public let role: StreamRole
    public var video: StreamFormat
    public var audio: StreamFormat?
    /// Frames a second; 0 while not known.
    public var frameRate: Double
    /// Bits a second, sound included; 0 while not known.
    public var bitRate: Int
    /// Seconds between key frames; 0 while not known.
    public var keyFrameSeconds: Double
    /// The camera declares sound and sends none.
    public var soundLost: Bool

    public init(
        role: StreamRole, video: StreamFormat, audio: StreamFormat?, frameRate: Double, bitRate: Int, keyFrameSeconds: Double,
        soundLost: Bool = false
    ) {
        self.role = role
        self.video = video
        self.audio = audio
        self.frameRate = frameRate
        self.bitRate = bitRate
        self.keyFrameSeconds = keyFrameSeconds
        self.soundLost = soundLost
    }

    /// Sentences about what hurts the cloud copy.
    public var warnings: [String] {
        var warnings: [String] = []
        if keyFrameSeconds > 4.5 {
            warnings.append(
                "Key frames come only every \(Int(keyFrameSeconds.rounded())) s: motion is noticed late and clips start early. "
                    + "Switch off the smart codec (H.264+/H.265+) in the camera or set a key frame every 2 s.")
        }
        if soundLost { warnings.append("The camera has stopped sending sound. Check its microphone, and restart it.") }
        if let audio, audio.codec != .aac, !audio.codec.isG711 {
            warnings.append("The sound (\(audio.codec.rawValue)) cannot be kept. Set AAC or G.711 in the camera.")
        }
        if video.width * video.height > 8_300_000 {
            warnings.append(
                "The picture has more than 8 megapixels, which is more than a channel may have. Choose a smaller size in the camera.")
        }
        return warnings
    }
}

/// Measures frame rate, bit rate and key-frame distance over the last seconds.
struct StreamMeter {
    private var windowStart: MediaTime?
    private var frames = 0
    private var bits = 0
    private var lastKey: MediaTime?
    private var distances: [Double] = []
    private(set) var frameRate = 0.0
    private(set) var bitRate = 0
    private(set) var keyFrameSeconds = 0.0
    /// Enough was seen to believe the figures.
    var isSettled: Bool { distances.count >= 2 && frameRate > 0 }

    /// Takes a sample; answers whether the figures changed noticeably.
    mutating func add(_ sample: Sample) -> Bool {
        bits += sample.count * 8
        guard sample.format.kind == .video else { return false }
        frames += 1
        var changed = false
        if sample.isKeyFrame {
            if let lastKey {
                // Cameras send one out of turn to whoever joins: the longest of the last few is the camera's setting.
                distances.append((sample.time - lastKey).seconds)
                if distances.count > 3 { distances.removeFirst() }
                let distance = distances.max() ?? 0
                changed = abs(distance - keyFrameSeconds) > 0.5
                keyFrameSeconds = distance
            }
            lastKey = sample.time
        }
        guard let start = windowStart else {
            windowStart = sample.time
            frames = 0
            bits = 0
            return changed
        }
        let length = (sample.time - start).seconds
        // The first figures come early, later ones are steadier.
        guard length >= (frameRate == 0 ? 1.0 : 5.0) else { return changed }
        let rate = Double(frames) / length
        changed = changed || abs(rate - frameRate) > 0.5
        frameRate = (rate * 10).rounded() / 10
        bitRate = Int(Double(bits) / length)
        windowStart = sample.time
        frames = 0
        bits = 0
        return changed
    }
}
