// CameraProtocols owns what is said between the box and a device, as pure parsers and writers: multipart, SOAP, ISAPI, SADP, WS-Discovery,
// SDP, HTTP authentication. No socket, file, clock or setting may enter it: all input is hostile, and every parser is bounded and fuzzed.

public import Core

/// Something that a device said happened, as its driver understood it: not yet tied to a channel of the box, and not yet told from a repetition.
public struct DeviceNotification: Sendable, Equatable {
    /// What the device says of the state.
    public enum Phase: String, Sendable {
        case active
        case inactive
        /// It happened, at once; there is no end to it.
        case momentary
    }

    /// Where on the device.
    public enum Place: Sendable, Hashable {
        case device
        /// The channel's number, from 1.
        case channel(Int)
        /// ONVIF's token of a video source, its configuration or a profile.
        case token(String)
    }

    public var category: CameraEvent.Category
    /// The device's own word: `VMD`, `RuleEngine/CellMotionDetector/Motion`.
    public var deviceType: String
    public var phase: Phase
    public var place: Place
    public var region: String?
    public var target: CameraEvent.Target?
    /// When, by the device's clock; nil where it does not say, or says what cannot be (1970).
    public var deviceTime: DeviceTime?
    /// What else is worth knowing, by short names: `door`, `card`, `person`, `verification`.
    public var details: [String: String]
    /// JPEG.
    public var picture: [UInt8]?
    /// Where the picture is, if it was not sent along.
    public var pictureURL: String?

    public init(
        category: CameraEvent.Category, deviceType: String, phase: Phase, place: Place = .device, region: String? = nil,
        target: CameraEvent.Target? = nil, deviceTime: DeviceTime? = nil, details: [String: String] = [:], picture: [UInt8]? = nil,
        pictureURL: String? = nil
    ) {
        self.category = category
        self.deviceType = deviceType
        self.phase = phase
        self.place = place
        self.region = region
        self.target = target
        self.deviceTime = deviceTime
        self.details = details
        self.picture = picture
        self.pictureURL = pictureURL
    }

    /// Nothing happened, but the device is there.
    public static let heartbeat = DeviceNotification(category: .other, deviceType: heartbeatType, phase: .inactive)
    private static let heartbeatType = "heartbeat"
    public var isHeartbeat: Bool { deviceType == Self.heartbeatType }
}
