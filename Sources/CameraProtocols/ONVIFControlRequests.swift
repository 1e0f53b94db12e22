public import Foundation
import XML

// MARK: Events

extension ONVIFRequest {
    private static let subscriptionManager = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/"
    private static let pullPoint = ONVIFService.events.rawValue + "/PullPointSubscription/"
    private static let eventPort = ONVIFService.events.rawValue + "/EventPortType/"

    public static let eventProperties = ONVIFRequest(.events, "GetEventProperties", action: eventPort + "GetEventPropertiesRequest")

    /// Makes a subscription whose messages are fetched, for all topics.
    public static func createPullPointSubscription(lasting duration: Duration) -> ONVIFRequest {
        ONVIFRequest(
            .events, "CreatePullPointSubscription", action: eventPort + "CreatePullPointSubscriptionRequest",
            [element("tev:InitialTerminationTime", Self.duration(duration))])
    }

    /// Waits for messages, up to `timeout`; to be sent to the subscription.
    public static func pullMessages(timeout: Duration, limit: Int) -> ONVIFRequest {
        ONVIFRequest(
            .events, "PullMessages", action: pullPoint + "PullMessagesRequest",
            [element("tev:Timeout", duration(timeout)), element("tev:MessageLimit", max(1, limit))])
    }

    /// Asks for the present state of everything; to be sent to the subscription.
    public static let setSynchronizationPoint = ONVIFRequest(
        .events, "SetSynchronizationPoint", action: pullPoint + "SetSynchronizationPointRequest")

    /// To be sent to the subscription.
    public static func renew(lasting duration: Duration) -> ONVIFRequest {
        var request = ONVIFRequest(.events, "Renew", action: subscriptionManager + "RenewRequest")
        request.body = XMLTree("wsnt:Renew", children: [XMLTree("wsnt:TerminationTime", text: Self.duration(duration))])
        return request
    }

    /// To be sent to the subscription.
    public static let unsubscribe: ONVIFRequest = {
        var request = ONVIFRequest(.events, "Unsubscribe", action: subscriptionManager + "UnsubscribeRequest")
        request.body = XMLTree("wsnt:Unsubscribe")
        return request
    }()
}

// MARK: Pan, tilt, zoom and focus

extension ONVIFRequest {
    public static let ptzNodes = ONVIFRequest(.ptz, "GetNodes")

    public static func ptzStatus(profile: String) -> ONVIFRequest { ptz("GetStatus", profile) }

    /// Begins to move; each speed is from -1 to 1, to the right, upwards and closer.
    ///
    /// - Parameter timeout: After which the device stops by itself, if it can.
    public static func continuousMove(profile: String, pan: Double, tilt: Double, zoom: Double, timeout: Duration?) -> ONVIFRequest {
        let panTilt = XMLTree("tt:PanTilt", attributes: ["x": speed(pan), "y": speed(tilt)])
        // A camera without one of the two refuses a velocity of it.
        let velocity = element(
            "tptz:Velocity", [pan != 0 || tilt != 0 ? panTilt : nil, zoom != 0 ? XMLTree("tt:Zoom", attributes: ["x": speed(zoom)]) : nil])
        return ptz("ContinuousMove", profile, velocity, element("tptz:Timeout", timeout.map(duration)))
    }

    public static func ptzStop(profile: String, panTilt: Bool = true, zoom: Bool = true) -> ONVIFRequest {
        ptz("Stop", profile, element("tptz:PanTilt", panTilt), element("tptz:Zoom", zoom))
    }

    public static func presets(profile: String) -> ONVIFRequest { ptz("GetPresets", profile) }

    /// Keeps the present position, as a new preset or in place of one.
    public static func setPreset(profile: String, name: String?, token: String? = nil) -> ONVIFRequest {
        ptz("SetPreset", profile, element("tptz:PresetName", name), element("tptz:PresetToken", token))
    }

    public static func gotoPreset(profile: String, token: String) -> ONVIFRequest {
        ptz("GotoPreset", profile, element("tptz:PresetToken", token))
    }

    public static func removePreset(profile: String, token: String) -> ONVIFRequest {
        ptz("RemovePreset", profile, element("tptz:PresetToken", token))
    }

    public static func presetTours(profile: String) -> ONVIFRequest { ptz("GetPresetTours", profile) }

    /// What a tour is told.
    public enum TourOperation: String, Sendable {
        case start = "Start"
        case stop = "Stop"
        case pause = "Pause"
    }

    public static func operatePresetTour(profile: String, token: String, _ operation: TourOperation) -> ONVIFRequest {
        ptz("OperatePresetTour", profile, element("tptz:PresetTourToken", token), element("tptz:Operation", operation.rawValue))
    }

    /// Wiper, washer, light: `tt:Wiper|On`, one of those that the node lists.
    public static func sendAuxiliaryCommand(profile: String, _ command: String) -> ONVIFRequest {
        ptz("SendAuxiliaryCommand", profile, element("tptz:AuxiliaryData", command))
    }

    /// Begins to focus, from -1 (near) to 1 (far).
    public static func focusMove(source: String, speed: Double) -> ONVIFRequest {
        ONVIFRequest(
            .imaging, "Move",
            [
                element("timg:VideoSourceToken", source),
                element("timg:Focus", [element("tt:Continuous", [element("tt:Speed", Self.speed(speed))])]),
            ])
    }

    public static func focusStop(source: String) -> ONVIFRequest {
        ONVIFRequest(.imaging, "Stop", action: ONVIFService.imaging.rawValue + "/FocusStop", [element("timg:VideoSourceToken", source)])
    }

    private static func ptz(_ name: String, _ profile: String, _ rest: XMLTree?...) -> ONVIFRequest {
        ONVIFRequest(.ptz, name, [element("tptz:ProfileToken", profile)] + rest)
    }

    private static func speed(_ value: Double) -> String {
        let thousandths = value.isFinite ? Int((max(-1, min(1, value)) * 1000).rounded()) : 0
        return String(Double(thousandths) / 1000)
    }
}

// MARK: Recordings

extension ONVIFRequest {
    public static let recordingSummary = ONVIFRequest(.search, "GetRecordingSummary")

    /// Begins to look for recordings; the answer is a token for their results.
    public static func findRecordings(keepAlive: Duration) -> ONVIFRequest {
        ONVIFRequest(
            .search, "FindRecordings", [XMLTree("tse:Scope"), element("tse:KeepAliveTime", duration(keepAlive))])
    }

    public static func recordingSearchResults(token: String, atMost limit: Int, wait: Duration) -> ONVIFRequest {
        results("GetRecordingSearchResults", token, limit, wait)
    }

    /// Begins to look for events of a time in recordings, the state at its beginning included.
    public static func findEvents(from start: Date, to end: Date?, recordings: [String], keepAlive: Duration) -> ONVIFRequest {
        ONVIFRequest(
            .search, "FindEvents",
            [
                element("tse:StartPoint", DeviceTime.text(start, offsetSeconds: 0)),
                element("tse:EndPoint", end.map { DeviceTime.text($0, offsetSeconds: 0) }),
                element("tse:Scope", recordings.map { element("tt:IncludedRecordings", $0) }),
                XMLTree("tse:SearchFilter"),
                element("tse:IncludeStartState", true),
                element("tse:KeepAliveTime", duration(keepAlive)),
            ])
    }

    public static func eventSearchResults(token: String, atMost limit: Int, wait: Duration) -> ONVIFRequest {
        results("GetEventSearchResults", token, limit, wait)
    }

    public static func endSearch(token: String) -> ONVIFRequest {
        ONVIFRequest(.search, "EndSearch", [element("tse:SearchToken", token)])
    }

    public static func replayURI(recording: String, transport: StreamTransport = .rtsp) -> ONVIFRequest {
        ONVIFRequest(.replay, "GetReplayUri", [streamSetup("trp", transport), element("trp:RecordingToken", recording)])
    }

    private static func results(_ name: String, _ token: String, _ limit: Int, _ wait: Duration) -> ONVIFRequest {
        ONVIFRequest(
            .search, name,
            [
                element("tse:SearchToken", token), element("tse:MinResults", 1), element("tse:MaxResults", limit),
                element("tse:WaitTime", duration(wait)),
            ])
    }
}
