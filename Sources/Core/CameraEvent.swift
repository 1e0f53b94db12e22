public import Foundation

/// What a camera, the box or a person says happened on a channel.
public struct CameraEvent: Codable, Sendable, Equatable, Identifiable {
    /// The kinds of events.
    public enum Category: String, Codable, Sendable, CaseIterable {
        case motion
        case lineCrossing = "line-crossing"
        case intrusion
        case regionEntrance = "region-entrance"
        case regionExit = "region-exit"
        case loitering
        case face
        /// A person, vehicle or other thing was recognized, with no rule about where.
        case object
        /// Passive infrared.
        case pir
        case audio
        case tamper
        /// An alarm input changed.
        case input
        case doorbell
        /// A door opened, closed, was forced or held open.
        case door
        /// A card, code or face was accepted or refused at a door.
        case access
        case manual
        case videoLoss = "video-loss"
        case diskFull = "disk-full"
        case diskError = "disk-error"
        case illegalLogin = "illegal-login"
        case network
        case offline
        /// Something of the device's own.
        case other

        /// Whether footage is kept of it; the others tell of the device's health or are only noted.
        public var isFootage: Bool {
            switch self {
            case .videoLoss, .diskFull, .diskError, .illegalLogin, .network, .offline, .other: false
            default: true
            }
        }
    }

    /// Who said so.
    public enum Source: String, Codable, Sendable {
        case box
        case api
        case camera
    }

    /// What moved.
    public enum Target: String, Codable, Sendable, CaseIterable {
        case human
        case vehicle
        case animal
        case face
        case package
    }

    public let id: EventID
    public let channel: ChannelID
    public let category: Category
    public let source: Source
    /// Box wall time of the beginning.
    public let startedAt: Date
    /// `TimeSource.uptime` of the beginning: what the recording goes by.
    public let startedUptime: Duration
    /// The device's name for where on the picture.
    public var region: String?
    public var target: Target?
    /// When, by the device's clock, as it came.
    public var deviceTime: Date?
    /// Which device said so, with its own word for it and what else it told.
    public var device: DeviceID?
    public var deviceType: String?
    public var details: [String: String] = [:]
    /// It is taken down, and no footage is wanted of it.
    public var onlyNoted = false

    /// An event that began at `uptime`, or begins now.
    public init(
        channel: ChannelID, category: Category, source: Source, uptime: Duration? = nil, region: String? = nil, target: Target? = nil,
        deviceTime: Date? = nil, time: TimeSource
    ) {
        let began = uptime ?? time.uptime()
        let startedAt = time.now().addingTimeInterval((began - time.uptime()).seconds)
        self.id = .timeOrdered(at: startedAt)
        self.channel = channel
        self.category = category
        self.source = source
        self.startedAt = startedAt
        self.startedUptime = began
        self.region = region
        self.target = target
        self.deviceTime = deviceTime
    }
}
