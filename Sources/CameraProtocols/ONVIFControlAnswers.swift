public import Foundation
public import XML

/// CreatePullPointSubscriptionResponse: where the subscription is, and how long it lives.
public struct ONVIFSubscription: Sendable, Equatable {
    /// The host may be wrong, as in all addresses of devices.
    public var endpoint: SOAPEndpoint
    public var currentTime: DeviceTime?
    public var terminationTime: DeviceTime?

    public init(_ response: XMLTree) throws(SOAPRefusal) {
        guard let reference = response["SubscriptionReference"], let address = reference["Address"]?.word else {
            throw .missing("the subscription's address")
        }
        endpoint = SOAPEndpoint(
            address: address,
            referenceParameters: (reference["ReferenceParameters"]?.children ?? []).prefix(16).map(Self.parameter))
        currentTime = (response["CurrentTime"]?.word).flatMap(DeviceTime.init)
        terminationTime = (response["TerminationTime"]?.word).flatMap(DeviceTime.init)
    }

    /// A reference parameter goes back as it came, in its namespace, which the tree keeps for such.
    private static func parameter(_ element: XMLTree) -> XMLTree {
        var copy = element
        copy.attributes = element.attributes.filter { !$0.key.contains(":") }
        copy.attributes["wsa:IsReferenceParameter"] = "true"
        return copy
    }

    /// How long the subscription lives from its making, by the device's own clock; nil where it does not say both times.
    public var lifetime: TimeInterval? {
        guard let currentTime, let terminationTime else { return nil }
        return terminationTime.date.timeIntervalSince(currentTime.date)
    }
}

/// One of GetNodesResponse of PTZ: what a moving camera can do.
public struct ONVIFNode: Sendable, Equatable {
    public var token: String
    public var name: String?
    public var canPanAndTilt: Bool
    public var canZoom: Bool
    public var presetLimit: Int
    public var tourLimit: Int
    public var hasHome: Bool
    /// `tt:Wiper|On` and the like.
    public var auxiliaryCommands: [String]

    public static func all(_ response: XMLTree) -> [ONVIFNode] {
        response.all("PTZNode").prefix(256).map { node in
            let spaces = node["SupportedPTZSpaces"]
            return ONVIFNode(
                token: node.attribute("token") ?? "", name: node["Name"]?.word,
                canPanAndTilt: spaces?["ContinuousPanTiltVelocitySpace"] != nil, canZoom: spaces?["ContinuousZoomVelocitySpace"] != nil,
                presetLimit: max(0, node["MaximumNumberOfPresets"]?.integer ?? 0),
                tourLimit: max(0, node["Extension", "SupportedPresetTour", "MaximumNumberOfPresetTours"]?.integer ?? 0),
                hasHome: node["HomeSupported"]?.flag ?? false,
                auxiliaryCommands: node.all("AuxiliaryCommands").prefix(128).compactMap(\.word))
        }
    }
}

/// A preset of GetPresetsResponse, or a tour of GetPresetToursResponse.
public struct ONVIFPreset: Sendable, Equatable {
    public var token: String
    public var name: String?

    public static func all(_ response: XMLTree) -> [ONVIFPreset] {
        (response.all("Preset") + response.all("PresetTour")).prefix(1024).compactMap { preset in
            preset.attribute("token").map { ONVIFPreset(token: $0, name: preset["Name"]?.word) }
        }
    }

    /// The token in SetPresetResponse.
    public static func made(_ response: XMLTree) -> String? { response["PresetToken"]?.word }
}

/// GetRecordingSummaryResponse.
public struct ONVIFRecordingSummary: Sendable, Equatable {
    public var from: DeviceTime?
    public var until: DeviceTime?
    public var recordings: Int?

    public init(_ response: XMLTree) {
        let summary = response["Summary"]
        from = (summary?["DataFrom"]?.word).flatMap(DeviceTime.init)
        until = (summary?["DataUntil"]?.word).flatMap(DeviceTime.init)
        recordings = summary?["NumberRecordings"]?.integer
    }
}

/// Results of a search, of which there may be more: GetRecordingSearchResultsResponse, GetEventSearchResultsResponse.
public struct ONVIFSearchResults: Sendable, Equatable {
    /// A recording of the device.
    public struct Recording: Sendable, Equatable {
        public var token: String
        public var source: String?
        public var content: String?
        public var earliest: DeviceTime?
        public var latest: DeviceTime?
    }

    /// An event in a recording.
    public struct Event: Sendable, Equatable {
        public var recording: String?
        public var time: DeviceTime?
        public var notifications: [DeviceNotification]
    }

    /// Whether nothing more comes.
    public var isComplete: Bool
    public var recordings: [Recording]
    public var events: [Event]

    public init(_ response: XMLTree) {
        let list = response["ResultList"]
        isComplete = ["completed", "unknown"].contains(list?["SearchState"]?.text.lowercased() ?? "completed")
        recordings = (list?.all("RecordingInformation") ?? []).prefix(1024).compactMap { information in
            (information["RecordingToken"]?.word).map { token in
                Recording(
                    token: token, source: (information["Source", "Name"] ?? information["Source", "SourceId"])?.word,
                    content: information["Content"]?.word, earliest: (information["EarliestRecording"]?.word).flatMap(DeviceTime.init),
                    latest: (information["LatestRecording"]?.word).flatMap(DeviceTime.init))
            }
        }
        events = (list?.all("Result") ?? []).prefix(4096).map { result in
            Event(
                recording: result["RecordingToken"]?.word, time: (result["Time"]?.word).flatMap(DeviceTime.init),
                notifications: (result["Event"].flatMap(ONVIFMessage.init))?.notifications ?? [])
        }
    }

    /// The token in FindRecordingsResponse and FindEventsResponse.
    public static func token(_ response: XMLTree) -> String? { response["SearchToken"]?.word }
}
