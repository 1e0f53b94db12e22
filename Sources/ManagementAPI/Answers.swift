import Access
import BoxDatabase
import CloudStorage
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Media
import MediaWorker
import NIOCore
import Recording

/// A value that is written as `null` where it is missing, so that clients see every field.
struct Nullable<Value: Encodable>: Encodable {
    let value: Value?

    init(_ value: Value?) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value { try container.encode(value) } else { try container.encodeNil() }
    }
}

extension Nullable: Equatable where Value: Equatable {}
extension Nullable: Sendable where Value: Sendable {}

// An answer's fields go straight into its object: without these each null, time and identifier would get an encoder of its own,
// which is half of what a list costs. What `Encodable` makes for a struct calls them by itself.
extension KeyedEncodingContainer {
    mutating func encode<Value: Encodable>(_ value: Nullable<Value>, forKey key: Key) throws {
        if let value = value.value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    mutating func encode(_ value: Nullable<String>, forKey key: Key) throws {
        if let value = value.value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    mutating func encode(_ value: Nullable<Int>, forKey key: Key) throws {
        if let value = value.value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    mutating func encode(_ value: Nullable<Date>, forKey key: Key) throws {
        if let value = value.value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    mutating func encode<Kind>(_ value: Nullable<Identifier<Kind>>, forKey key: Key) throws {
        if let value = value.value { try encode(value, forKey: key) } else { try encodeNil(forKey: key) }
    }

    mutating func encode(_ value: Date, forKey key: Key) throws { try encode(GatehouseJSON.text(value), forKey: key) }

    mutating func encode<Kind>(_ value: Identifier<Kind>, forKey key: Key) throws { try encode(value.text, forKey: key) }
}

/// A list under `items`, with the place to go on from.
struct ListAnswer<Item: Encodable>: Encodable {
    let items: [Item]
    var next = Nullable<String>(nil)
}

extension ListAnswer {
    init<Part>(_ part: ListPart<Part>, _ item: (Part) -> Item) {
        self.init(items: part.items.map(item), next: Nullable(part.next))
    }
}

struct SetupAnswer: Encodable {
    let claimed: Bool
    let serialNumber: String
    let name: String
    let version: String
}

struct SignInAnswer: Encodable {
    struct User: Encodable {
        let id: PersonID
        let name: String
        let role: String
        /// What they may do.
        let permissions: [String]
        /// Where; nil for all sites.
        /// Those that they may know of.
        let siteIds: [SiteID]
        /// They own sites, and work for nobody.
        let isOwner: Bool
        let asksOneTimePassword: Bool
    }
    var token: String?
    let expiresAt: Date
    let user: User
}

struct SystemAnswer: Encodable {
    struct Site: Encodable {
        let id: SiteID
        let name: String
        let timeZone: String
    }
    struct Budget: Encodable {
        let megapixels: Double
        let usedMegapixels: Double
        let linkedChannels: Int
    }
    struct Encoder: Encodable {
        let name: String
        let kind: String
        let proven: Bool
        let reason: String
    }
    let serialNumber: String
    let name: String
    let model = "Gatehouse box"
    let version: String
    /// Null where its maker does not say.
    let board: Nullable<String>
    let macAddresses: [String]
    let startedAt: Date
    let now: Date
    /// Whether `now` is to be believed.
    let timeKnown: Bool
    let site: Nullable<Site>
    let logLevel: String
    let memoryBytes: Int
    let budget: Budget
    let encoders: [Encoder]
    let embeddedStorage: Bool
    let plansEnforced: Bool
    /// The box speaks TLS itself.
    let tls: Bool
    let liveLimitMinutes: Nullable<Int>
}

struct HealthAnswer: Encodable {
    struct Problem: Encodable {
        struct Subject: Encodable {
            let kind: String
            var id: String?
        }
        let severity: Severity
        let subject: Subject
        let sentence: String
        let since: Date
    }
    let status: Severity
    let problems: [Problem]
}

struct StreamAnswer: Encodable, Sendable {
    struct Audio: Encodable, Sendable {
        let codec: String
        let sampleRate: Int
        let channels: Int
    }
    let role: String
    let codec: String
    let width: Int
    let height: Int
    let frameRate: Double
    let bitRate: Int
    let keyFrameSeconds: Double
    let audio: Nullable<Audio>
    let warnings: [String]

    init(_ status: StreamStatus) {
        role = status.role.rawValue
        codec = status.video.codec.rawValue
        width = status.video.width
        height = status.video.height
        frameRate = status.frameRate
        bitRate = status.bitRate
        keyFrameSeconds = status.keyFrameSeconds
        audio = Nullable(
            status.audio.map { Audio(codec: $0.codec.rawValue, sampleRate: $0.sampleRate, channels: $0.channels) })
        warnings = status.warnings
    }
}

struct DefinitionAnswer: Encodable {
    let kind: String
    let resolution: String
    let bitRate: Int

    init(_ definition: Definition) {
        kind = definition.kind.rawValue
        resolution = definition.resolution
        bitRate = definition.bitRate
    }
}

struct ConditionAnswer: Encodable {
    let code: String
    let severity: Severity
    let sentence: String
    let since: Date
    let detail: Nullable<String>

    init(_ condition: Condition) {
        code = condition.code
        severity = condition.severity
        sentence = condition.sentence
        since = condition.since
        detail = Nullable(condition.detail)
    }
}

struct MotionAnswer: Encodable {
    let enabled: Bool
    let sensitivity: Int
    let columns = MotionSettings.columns
    let rows = MotionSettings.rows
    let cells: [String]

    init(_ motion: MotionSettings) {
        enabled = motion.enabled
        sensitivity = motion.sensitivity
        cells = motion.cells
    }
}

struct ScheduleAnswer: Encodable {
    struct Period: Encodable {
        let day: String
        let from: String
        let to: String
    }
    let always: Bool
    let periods: [Period]

    init(_ schedule: ArmingSchedule) {
        always = schedule.always
        periods = schedule.periods.map { .init(day: $0.day.rawValue, from: Self.clock($0.from), to: Self.clock($0.to)) }
    }

    private static func clock(_ minutes: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(minutes / 60)):\(two(minutes % 60))"
    }
}

struct PlanAnswer: Encodable {
    let way: String
    let reason: String
    let width: Int
    let height: Int
    let frameRate: Int
    let bitRate: Int

    init(_ plan: TranscodePlan) {
        way = plan.way.rawValue
        reason = plan.reason
        width = plan.width
        height = plan.height
        frameRate = plan.frameRate
        bitRate = plan.bitRate
    }
}

struct ChannelAnswer: Encodable {
    let id: ChannelID
    let deviceId: DeviceID
    let siteId: SiteID
    let name: String
    let state: ConditionAnswer
    let linked: Bool
    let definition: Nullable<DefinitionAnswer>
    let retentionDays: Int
    let armed: Bool
    let armedNow: Bool
    let motion: MotionAnswer
    let schedule: ScheduleAnswer
    let streams: [StreamAnswer]
    let plan: Nullable<PlanAnswer>
    let recording: Bool
    let lastEventAt: Nullable<Date>
    let snapshotAt: Nullable<Date>
    let snapshotUrl: String
    let number: Int
    let proxied: Bool
    let input: Nullable<String>
    let online: Nullable<Bool>
    let sourceAddress: Nullable<String>
    let sourceModel: Nullable<String>
    let capabilities: [String]
    /// What the asker may do with it; not where it is told to everybody who watches.
    var permissions: [String]?

    /// As one caller sees it.
    func seen(by rights: Rights, at place: Place) -> ChannelAnswer {
        var seen = self
        seen.permissions = rights.actions(at: place).words
        return seen
    }
}

struct EventAnswer: Encodable {
    let id: EventID
    let channelId: ChannelID
    let channelName: String
    let type: String
    let source: String
    let startedAt: Date
    let endedAt: Nullable<Date>
    let clipId: Nullable<ClipID>
    /// A clip's state, or `noted`.
    let state: String
    let stateSentence: String
    let progress: Nullable<Double>
    let deviceId: Nullable<DeviceID>
    let region: Nullable<String>
    let target: Nullable<String>
    let deviceTime: Nullable<Date>
    let deviceType: Nullable<String>
    let details: [String: String]
    let pictureUrl: Nullable<String>
    /// Its footage was fetched from the device later.
    let refilled: Bool
}

struct ClipAnswer: Encodable {
    let id: ClipID
    let channelId: ChannelID
    let channelName: String
    let startsAt: Date
    let durationSeconds: Nullable<Double>
    let state: ClipState
    let stateSentence: String
    let progress: Nullable<Double>
    let sizeBytes: Nullable<Int>
    let width: Nullable<Int>
    let height: Nullable<Int>
    let frameRate: Nullable<Double>
    let videoCodec: Nullable<String>
    let audioCodec: Nullable<String>
    let way: String
    let wayReason: String
    let asItCame: Bool
    let refilled: Bool
    let interrupted: Bool
    let encryption: Nullable<ClipEncryptionAnswer>
    let objectKey: String
    let sha256: Nullable<String>
    let attempts: Int
    let lastError: Nullable<String>
    let nextAttemptAt: Nullable<Date>
    let storedAt: Nullable<Date>
    let expiresAt: Nullable<Date>
    /// The places that have it.
    let storedIn: [String]
    let eventIds: [EventID]
    let thumbnailUrl: String
    let videoUrl: String
}

struct CameraTestAnswer: Encodable {
    let ok: Bool
    let code: String
    let sentence: String
    let steps: [StepAnswer]
    let url: Nullable<String>
    let subUrl: Nullable<String>
    let streams: [StreamAnswer]
    /// A `data:` URL.
    let picture: Nullable<String>
}

struct StepAnswer: Encodable {
    let name: String
    let ok: Nullable<Bool>
    let sentence: String
}

/// Answers `value` as JSON.
func answer(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws -> Response {
    var headers = headers
    headers[.contentType] = "application/json"
    return Response(
        status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try GatehouseJSON.encoder.encode(value))))
}
