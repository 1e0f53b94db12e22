public import Foundation

/// Where a clip is on its way to the cloud.
public enum ClipState: String, Codable, Sendable, CaseIterable {
    /// Being written; the event goes on.
    case recording
    /// Complete and durable as the camera sent it.
    case captured
    /// A worker makes the cloud copy.
    case transcoding
    /// The cloud copy waits for its turn.
    case queued
    /// Going up.
    case sending
    /// In the store, verified.
    case stored
    /// Given up, with a reason.
    case dropped

    /// All from which a clip goes on.
    public static let unfinished: Set<ClipState> = Set(allCases).subtracting([.stored, .dropped])
}

/// What a clip directory says of itself, in `clip.json`: enough to go on without the database.
///
/// Its presence, durable, with a stage other than `recording` is what makes a clip *accepted*.
public struct ClipManifest: Codable, Sendable, Equatable, Identifiable {
    /// How far the files in the directory are.
    public enum Stage: String, Codable, Sendable {
        /// `source` grows.
        case recording
        /// `source` is complete.
        case captured
        /// `clip.mp4` is complete; `source` is gone.
        case ready
    }

    /// A file of the directory, as it must be found again.
    public struct File: Codable, Sendable, Equatable {
        public let name: String
        public let bytes: Int
        /// Lower-case hexadecimal.
        public let sha256: String

        public init(name: String, bytes: Int, sha256: String) {
            self.name = name
            self.bytes = bytes
            self.sha256 = sha256
        }
    }

    /// The event that the footage is of.
    public struct Event: Codable, Sendable, Equatable {
        public let id: EventID
        public let category: CameraEvent.Category
        public let source: CameraEvent.Source
        public let startedAt: Date
        public var region: String?
        public var target: CameraEvent.Target?
        public var deviceTime: Date?

        public init(_ event: CameraEvent) {
            id = event.id
            category = event.category
            source = event.source
            startedAt = event.startedAt
            region = event.region
            target = event.target
            deviceTime = event.deviceTime
        }

        /// An event that is known by its row, or by what a device recorded of it.
        public init(id: EventID, category: CameraEvent.Category, source: CameraEvent.Source, startedAt: Date) {
            self.id = id
            self.category = category
            self.source = source
            self.startedAt = startedAt
        }
    }

    /// What the footage is like.
    public struct Footage: Codable, Sendable, Equatable {
        public var width: Int
        public var height: Int
        public var frameRate: Double
        public var videoCodec: String
        public var audioCodec: String?
        /// Seconds.
        public var duration: Double

        public init(width: Int, height: Int, frameRate: Double, videoCodec: String, audioCodec: String?, duration: Double) {
            self.width = width
            self.height = height
            self.frameRate = frameRate
            self.videoCodec = videoCodec
            self.audioCodec = audioCodec
            self.duration = duration
        }
    }

    /// The version of this form.
    public var schema = 1
    public let id: ClipID
    /// The box's serial number.
    public let box: String
    public let site: SiteID
    public let channel: ChannelID
    public let channelName: String
    public var stage: Stage
    /// Box wall time of the first frame of the footage.
    public var startsAt: Date
    /// With `bootID`, orders clips whatever the wall clock did: seconds since the box's start.
    public var startsUptime: Double
    public let bootID: String
    public var events: [Event]
    public let definition: Definition
    public let retentionDays: Int
    public var plan: TranscodePlan
    /// Media time in the source, in microseconds, where the footage begins; the source begins at the key frame before.
    public var sourceStart: Int64
    public var source: File?
    public var clip: File?
    public var thumbnail: File?
    public var footage: Footage?
    /// The recording was cut short by a power cut or the camera.
    public var interrupted = false
    /// Two workers failed on it: the footage is as the camera sent it.
    public var asItCame = false
    /// Present where the footage is encrypted.
    public var encryption: ClipEncryption?
    /// The cloud copy of before, where it was encrypted while it waited: a store may have got it unseen.
    public var openClip: File?
    /// The footage was fetched later from the device's own storage; absent in manifests of before.
    public var refilled: Bool?
    /// Where it goes in the store.
    public let objectKey: String

    public init(
        id: ClipID, box: String, site: SiteID, channel: ChannelID, channelName: String, startsAt: Date, startsUptime: Double,
        events: [Event], definition: Definition, retentionDays: Int, plan: TranscodePlan, sourceStart: Int64
    ) {
        self.id = id
        self.box = box
        self.site = site
        self.channel = channel
        self.channelName = channelName
        self.stage = .recording
        self.startsAt = startsAt
        self.startsUptime = startsUptime
        self.bootID = TimeSource.bootID
        self.events = events
        self.definition = definition
        self.retentionDays = retentionDays
        self.plan = plan
        self.sourceStart = sourceStart
        self.objectKey = Self.objectKey(box: box, site: site, channel: channel, id: id, at: startsAt)
    }

    /// `<box>/<site>/<channel>/<yyyy>/<MM>/<dd>/<clip id>.mp4`, the day in UTC.
    private static func objectKey(box: String, site: SiteID, channel: ChannelID, id: ClipID, at time: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let day = calendar.dateComponents([.year, .month, .day], from: time)
        let parts = [day.year, day.month, day.day].map { part in
            let text = String(part ?? 0)
            return text.count < 2 ? "0" + text : text
        }
        return "\(box)/\(site)/\(channel)/\(parts.joined(separator: "/"))/\(id).mp4"
    }

    /// The key of the JSON beside the footage.
    public var sidecarKey: String { objectKey.dropLast(4) + ".json" }
    /// The key of the picture beside the footage.
    public var thumbnailKey: String { encryption == nil ? openThumbnailKey : openThumbnailKey + ".enc" }
    /// The key of the picture where it is not encrypted.
    public var openThumbnailKey: String { objectKey.dropLast(4) + ".jpg" }
}

/// JSON as it is written everywhere: times in RFC 3339 with milliseconds, keys sorted.
public enum GatehouseJSON {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// RFC 3339, UTC, milliseconds.
    ///
    /// Rounded, not cut, to the millisecond: what was read from such a text gives the same text again.
    public static func text(_ date: Date) -> String {
        let milliseconds = (date.timeIntervalSince1970 * 1000).rounded()
        return Date(timeIntervalSince1970: (milliseconds + 0.25) / 1000).formatted(style)
    }

    /// Reads RFC 3339, with or without fractions.
    public static func date(_ text: String) -> Date? {
        (try? style.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text))
    }

    /// One for all; for whoever wants something else of it there is `makeEncoder`.
    public static let encoder = makeEncoder()

    public static func makeEncoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(text(date))
        }
        return encoder
    }

    public static let decoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let container = try decoder.singleValueContainer()
            guard let date = date(try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time")
            }
            return date
        }
        return decoder
    }()
}
