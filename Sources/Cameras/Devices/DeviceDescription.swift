import CameraProtocols

/// How a device is spoken to.
public enum DriverKind: String, Codable, Sendable, CaseIterable {
    /// Hikvision's HTTP interface.
    case isapi
    case onvif
    /// Nothing but streams.
    case rtsp
}

/// Where a device is.
public struct DeviceAddress: Codable, Sendable, Hashable {
    public var host: String
    /// Of its HTTP or HTTPS service.
    public var port: Int
    public var https: Bool
    public var rtspPort: Int

    public init(host: String, port: Int = 80, https: Bool = false, rtspPort: Int = 554) {
        self.host = host
        self.port = port
        self.https = https
        self.rtspPort = rtspPort
    }

    /// The host as URLs have it.
    public var bracketedHost: String { host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host }
    /// `http://192.168.1.64:8080`, without a path.
    public var base: String { "\(https ? "https" : "http")://\(authority)" }
    /// Name and port, as a request's `Host` has them (RFC 9110, section 7.2).
    var authority: String { bracketedHost + (port == (https ? 443 : 80) ? "" : ":\(port)") }
    /// `rtsp://192.168.1.64`, without a path.
    public var rtspBase: String { "rtsp://\(bracketedHost)\(rtspPort == 554 ? "" : ":\(rtspPort)")" }
}

/// A user of a device.
public struct DeviceCredentials: Sendable, Equatable {
    public var userName: String
    public var password: String

    public init(userName: String, password: String) {
        self.userName = userName
        self.password = password
    }
}

/// Who a device says it is.
public struct DeviceIdentity: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case camera
        case recorder
        case doorController = "door-controller"
        case unknown
    }

    public var kind: Kind
    public var make: String?
    public var model: String?
    public var name: String?
    public var serialNumber: String?
    public var firmware: String?
    /// Lower case with colons: `44:47:cc:37:ce:81`.
    public var macAddress: String?

    public init(
        kind: Kind = .unknown, make: String? = nil, model: String? = nil, name: String? = nil, serialNumber: String? = nil,
        firmware: String? = nil, macAddress: String? = nil
    ) {
        self.kind = kind
        self.make = make
        self.model = model
        self.name = name
        self.serialNumber = serialNumber
        self.firmware = firmware
        self.macAddress = macAddress.flatMap(MACAddress.normalized)
    }
}

/// What a device or one of its channels can do, as far as the box can make use of it.
public enum Capability: String, Codable, Sendable, CaseIterable {
    case snapshot
    case streamSettings = "stream-settings"
    case smartCodec = "smart-codec"
    case events
    case metadataStream = "metadata-stream"
    case motionSettings = "motion-settings"
    case lineCrossingSettings = "line-crossing-settings"
    case intrusionSettings = "intrusion-settings"
    /// Events can be switched on and off for clients ("notify surveillance center").
    case notificationSwitch = "notification-switch"
    case pan
    case zoom
    case focus
    case presets
    case patrols
    case wiper
    case light
    case time
    case networkTime = "network-time"
    case recordings
    case recordingDownload = "recording-download"
    case storageHealth = "storage-health"
    case diskHealth = "disk-health"
    case reboot
    case rename
    case passwordChange = "password-change"
    case firmwareUpgrade = "firmware-upgrade"
    case doors
    /// It has a loudspeaker that can be talked through.
    case talk
}

/// A stream that a device offers, as it is set there.
public struct DeviceStream: Codable, Sendable, Equatable {
    public enum Role: String, Codable, Sendable {
        case main, sub, third
    }

    public var role: Role
    /// The device's own: `101` (ISAPI), a profile token (ONVIF).
    public var id: String
    /// ONVIF: the token of the encoder's configuration.
    public var encoder: String?
    /// ONVIF: tokens by which events mean this stream's video source.
    public var sources: [String] = []
    /// `h264`, `h265`, `mjpeg`, ...; nil where the device does not tell.
    public var codec: String?
    public var width: Int?
    public var height: Int?
    public var frameRate: Double?
    /// Bits per second, the upper bound where it varies.
    public var bitRate: Int?
    /// Frames from one key frame to the next.
    public var keyFrameInterval: Int?
    /// H.264+ or H.265+.
    public var smartCodec: Bool?
    public var audio: String?
    /// Without credentials.
    public var url: String

    public init(role: Role, id: String, url: String) {
        self.role = role
        self.id = id
        self.url = url
    }
}

/// What of a stream shall be different; nil stays.
public struct StreamChange: Codable, Sendable, Equatable {
    public var codec: String?
    public var width: Int?
    public var height: Int?
    public var frameRate: Double?
    public var bitRate: Int?
    public var keyFrameInterval: Int?
    public var smartCodec: Bool?

    public init() {}

    public var isEmpty: Bool { self == StreamChange() }
}

/// What a stream can be set to.
public struct StreamOptions: Codable, Sendable, Equatable {
    public struct Size: Codable, Sendable, Hashable {
        public let width: Int
        public let height: Int

        public init(width: Int, height: Int) {
            self.width = width
            self.height = height
        }
    }

    public var codecs: [String] = []
    public var sizes: [Size] = []
    /// Frames per second, ascending.
    public var frameRates: [Double] = []
    /// Bits per second.
    public var lowestBitRate: Int?
    public var highestBitRate: Int?
    public var longestKeyFrameInterval: Int?
    public var smartCodec = false

    public init() {}
}

/// One video source of a device.
public struct DeviceChannel: Codable, Sendable, Equatable {
    public enum Input: String, Codable, Sendable {
        /// The camera's own lens.
        case own
        /// A camera behind a recorder.
        case network
        case analog
    }

    /// From 1.
    public var number: Int
    /// ONVIF: the token of the video source.
    public var token: String?
    public var name: String
    public var input: Input
    /// Nil where the device does not tell.
    public var online: Bool?
    /// Of the camera behind a recorder.
    public var address: String?
    public var model: String?
    public var streams: [DeviceStream]
    public var capabilities: Set<Capability>

    public init(
        number: Int, token: String? = nil, name: String, input: Input, online: Bool? = nil, address: String? = nil, model: String? = nil,
        streams: [DeviceStream] = [], capabilities: Set<Capability> = []
    ) {
        self.number = number
        self.token = token
        self.name = name
        self.input = input
        self.online = online
        self.address = address
        self.model = model
        self.streams = streams
        self.capabilities = capabilities
    }

    public func stream(_ role: DeviceStream.Role) -> DeviceStream? { streams.first { $0.role == role } }
}

/// Everything that was learned of a device.
public struct DeviceDescription: Codable, Sendable, Equatable {
    public var driver: DriverKind
    /// Why this driver; a sentence.
    public var driverReason: String
    public var identity: DeviceIdentity
    public var channels: [DeviceChannel]
    /// Of the device as a whole.
    public var capabilities: Set<Capability>
    public var doors: [Int]
    /// The service that the device is bound to, where it says so.
    public var boundTo: String?

    public init(
        driver: DriverKind, driverReason: String, identity: DeviceIdentity, channels: [DeviceChannel], capabilities: Set<Capability>,
        doors: [Int] = []
    ) {
        self.driver = driver
        self.driverReason = driverReason
        self.identity = identity
        self.channels = channels
        self.capabilities = capabilities
        self.doors = doors
    }
}
