/// The quality of the cloud copy of a channel.
public struct Definition: Codable, Sendable, Hashable {
    /// The three choices of the domain.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case high
        case standard
        case custom
    }

    public let kind: Kind
    /// The picture's name: `1080P`, `720P`, `4CIF` or `CIF`.
    public let resolution: String
    /// The picture is at most this wide, in pixels.
    public let width: Int
    /// The picture is at most this high, in pixels.
    public let height: Int
    /// Bits per second of the video.
    public let bitRate: Int

    /// A definition; the values for each kind come from Profiles/definitions.yaml.
    public init(kind: Kind, resolution: String, width: Int, height: Int, bitRate: Int) {
        self.kind = kind
        self.resolution = resolution
        self.width = width
        self.height = height
        self.bitRate = bitRate
    }
}

/// How the cloud copy of a clip is made, and why so.
public struct TranscodePlan: Codable, Sendable, Equatable {
    /// The ways, cheapest first.
    public enum Way: String, Codable, Sendable, CaseIterable {
        case copySub = "copy-sub"
        case copyMain = "copy-main"
        case hardware
        case software
    }

    public let way: Way
    /// A sentence that says why this way.
    public let reason: String
    /// The picture's size in the cloud copy, in pixels.
    public let width: Int
    public let height: Int
    /// Frames per second of the cloud copy.
    public let frameRate: Int
    /// Bits per second of the video.
    public let bitRate: Int
    /// The encoder, as libavcodec names it; none for copies.
    public let encoder: String?

    public init(way: Way, reason: String, width: Int, height: Int, frameRate: Int, bitRate: Int, encoder: String?) {
        self.way = way
        self.reason = reason
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.bitRate = bitRate
        self.encoder = encoder
    }
}
