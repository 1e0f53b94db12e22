public import Core
public import Foundation

/// Where a lens shall move: shares of the greatest speed, -1 to 1; right, up, in and far are positive.
public struct LensMovement: Codable, Sendable, Equatable {
    public var pan = 0.0
    public var tilt = 0.0
    public var zoom = 0.0
    public var focus = 0.0

    public init(pan: Double = 0, tilt: Double = 0, zoom: Double = 0, focus: Double = 0) {
        self.pan = pan
        self.tilt = tilt
        self.zoom = zoom
        self.focus = focus
    }

    public static let none = LensMovement()
}

/// A position that the device keeps.
public struct Preset: Codable, Sendable, Equatable {
    /// The device's own, a number or a token.
    public let id: String
    public let name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// What a lens has besides.
public enum Auxiliary: String, Codable, Sendable, CaseIterable {
    case wiper, light
}

/// A device's clock.
public struct DeviceClock: Codable, Sendable, Equatable {
    /// What its clock says, in UTC as far as that can be told.
    public var time: Date
    /// Device time minus box time, in seconds, as measured now.
    public var offset: Double
    /// The device's own words for its zone.
    public var zone: String?
    public var usesNetworkTime: Bool?
    public var networkTimeServer: String?
    /// It gives local time for UTC; a sentence says so.
    public var remark: String?

    public init(
        time: Date, offset: Double, zone: String? = nil, usesNetworkTime: Bool? = nil, networkTimeServer: String? = nil,
        remark: String? = nil
    ) {
        self.time = time
        self.offset = offset
        self.zone = zone
        self.usesNetworkTime = usesNetworkTime
        self.networkTimeServer = networkTimeServer
        self.remark = remark
    }
}

/// How a device's clock shall be set.
public struct ClockChange: Sendable, Equatable {
    public var zone: TimeZone?
    /// A host name or address; the clock follows it from then on.
    public var networkTimeServer: String?

    public init(zone: TimeZone?, networkTimeServer: String?) {
        self.zone = zone
        self.networkTimeServer = networkTimeServer
    }
}

/// A piece of footage on a device's own disk or card.
public struct DeviceRecording: Codable, Sendable, Equatable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// Recorded all the time.
        case timed
        case motion
        case event
        case other
    }

    public var channel: Int
    public var kind: Kind
    public var from: Date
    public var to: Date
    /// RTSP, without credentials.
    public var playbackURL: String?
    public var bytes: Int?
    /// What the device calls it, to ask for it again.
    public var reference: String?
    /// The event that it is of, where the device says so.
    public var category: CameraEvent.Category?

    public init(
        channel: Int, kind: Kind, from: Date, to: Date, playbackURL: String?, bytes: Int? = nil, reference: String? = nil
    ) {
        self.channel = channel
        self.kind = kind
        self.from = from
        self.to = to
        self.playbackURL = playbackURL
        self.bytes = bytes
        self.reference = reference
    }
}

/// How a device plays one of its recordings.
public struct DevicePlayback: Sendable, Equatable {
    public enum Way: Sendable {
        /// The address names the times, and the device plays it as any stream.
        case address
        /// The address is that of the whole recording, and the times are asked for while playing (ONVIF, profile G).
        case range
    }

    /// RTSP, without credentials.
    public var url: String
    public var way: Way

    public init(url: String, way: Way) {
        self.url = url
        self.way = way
    }
}

/// A disk or card of a device.
public struct DeviceDisk: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable, CaseIterable {
        case ok, full, error, unformatted, offline, absent, formatting, unknown
    }

    public var id: String
    public var name: String
    /// `HDD`, `SD`, `NAS`.
    public var kind: String
    public var state: State
    public var capacityBytes: Int?
    public var freeBytes: Int?
    /// S.M.A.R.T., where the device tells.
    public var health: String?
    public var celsius: Int?

    public init(
        id: String, name: String, kind: String, state: State, capacityBytes: Int? = nil, freeBytes: Int? = nil, health: String? = nil,
        celsius: Int? = nil
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.state = state
        self.capacityBytes = capacityBytes
        self.freeBytes = freeBytes
        self.health = health
        self.celsius = celsius
    }
}

/// What can be done with a door.
public enum DoorCommand: String, Codable, Sendable, CaseIterable {
    case open, close
    case remainOpen = "remain-open"
    case remainClosed = "remain-closed"
}

/// How a device itself looks for motion.
public struct DeviceMotion: Sendable, Equatable {
    public var enabled: Bool
    /// 0 to 100.
    public var sensitivity: Int
    public var columns: Int
    public var rows: Int
    /// One string a row, top first; `1` where motion counts.
    public var cells: [String]
    public var schedule: ArmingSchedule?
    /// Whether the device tells clients ("notify surveillance center"); nil where it cannot be switched.
    public var notifies: Bool?

    public init(
        enabled: Bool, sensitivity: Int, columns: Int, rows: Int, cells: [String], schedule: ArmingSchedule? = nil, notifies: Bool? = nil
    ) {
        self.enabled = enabled
        self.sensitivity = sensitivity
        self.columns = columns
        self.rows = rows
        self.cells = cells
        self.schedule = schedule
        self.notifies = notifies
    }
}

/// A rule of a device about lines or regions, as far as it is shown.
public struct DeviceRule: Codable, Sendable, Equatable {
    public struct Point: Codable, Sendable, Equatable {
        /// Shares of the picture's width and height, from the top left.
        public let x: Double
        public let y: Double

        public init(x: Double, y: Double) {
            self.x = x
            self.y = y
        }
    }
    public struct Region: Codable, Sendable, Equatable {
        public let id: String
        public let enabled: Bool
        public let sensitivity: Int?
        public let targets: [String]
        public let points: [Point]

        public init(id: String, enabled: Bool, sensitivity: Int?, targets: [String], points: [Point]) {
            self.id = id
            self.enabled = enabled
            self.sensitivity = sensitivity
            self.targets = targets
            self.points = points
        }
    }

    public var category: CameraEvent.Category
    public var enabled: Bool
    public var regions: [Region]
    public var notifies: Bool?

    public init(category: CameraEvent.Category, enabled: Bool, regions: [Region], notifies: Bool?) {
        self.category = category
        self.enabled = enabled
        self.regions = regions
        self.notifies = notifies
    }
}

/// How far a firmware upgrade is.
public struct UpgradeProgress: Sendable, Equatable {
    public enum Stage: String, Codable, Sendable {
        case sending, installing, restarting, done
    }

    public var stage: Stage
    /// 0 to 1.
    public var share: Double

    public init(stage: Stage, share: Double) {
        self.stage = stage
        self.share = share
    }
}
