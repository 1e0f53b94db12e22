/// Which of a channel's streams.
public enum StreamRole: String, Codable, Sendable, CaseIterable {
    case main
    case sub
    /// Made by the box out of another, for those who can play nothing else.
    case converted
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
///
/// Bits are counted over whole groups of pictures: a window that holds one key frame more or less would be wrong by a third.
struct StreamMeter {
    private var begun: MediaTime?
    private var rateStart: MediaTime?
    private var frames = 0
    private var groupStart: MediaTime?
    private var groupBits = 0
    private var allBits = 0
    private var lastKey: MediaTime?
    private var distances: [Double] = []
    private(set) var frameRate = 0.0
    private(set) var bitRate = 0
    private(set) var keyFrameSeconds = 0.0
    /// Enough was seen to believe the figures.
    var isSettled: Bool { distances.count >= 2 && frameRate > 0 && bitRate > 0 }

    /// Takes a sample; answers whether the figures changed noticeably.
    mutating func add(_ sample: Sample) -> Bool {
        defer {
            groupBits += sample.count * 8
            allBits += sample.count * 8
        }
        guard sample.format.kind == .video else { return false }
        begun = begun ?? sample.time
        var changed = countFrame(sample.time)
        if sample.isKeyFrame, closeGroup(sample.time) { changed = true }
        // Groups that are longer than this are not waited for.
        if bitRate == 0, let begun, (sample.time - begun).seconds > 6 {
            bitRate = Int(Double(allBits) / (sample.time - begun).seconds)
            changed = true
        }
        return changed
    }

    private mutating func countFrame(_ time: MediaTime) -> Bool {
        frames += 1
        guard let start = rateStart else {
            rateStart = time
            frames = 0
            return false
        }
        let length = (time - start).seconds
        // The first figures come early, later ones are steadier.
        guard length >= (frameRate == 0 ? 1.0 : 5.0) else { return false }
        let rate = Double(frames) / length
        let changed = abs(rate - frameRate) > 0.5
        frameRate = (rate * 10).rounded() / 10
        rateStart = time
        frames = 0
        return changed
    }

    private mutating func closeGroup(_ time: MediaTime) -> Bool {
        var changed = false
        if let lastKey {
            // Cameras send one out of turn to whoever joins: the longest of the last few is the camera's setting.
            distances.append((time - lastKey).seconds)
            if distances.count > 3 { distances.removeFirst() }
            let distance = distances.max() ?? 0
            changed = abs(distance - keyFrameSeconds) > 0.5
            keyFrameSeconds = distance
        }
        if let start = groupStart {
            let length = (time - start).seconds
            guard length >= (bitRate == 0 ? 0.9 : 3.5) else {
                lastKey = time
                return changed
            }
            let rate = Int(Double(groupBits) / length)
            changed = changed || abs(rate - bitRate) > bitRate / 10
            bitRate = rate
        }
        // The first group may have been cut short by the key frame at the beginning: counting starts with the second.
        groupStart = lastKey == nil ? nil : time
        groupBits = 0
        lastKey = time
        return changed
    }
}
