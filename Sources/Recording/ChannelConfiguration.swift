public import Core
public import Foundation
public import Logging
public import MediaWorker
public import Media

/// What is set for a channel; a new source makes a new session, all else is taken over while it runs.
public struct ChannelConfiguration: Sendable, Equatable {
    public var id: ChannelID
    public var site: SiteID
    public var name: String
    public var timeZone: TimeZone
    /// Present while the channel is linked to cloud storage.
    public var definition: Definition?
    public var retentionDays: Int
    public var armed: Bool
    public var motion: MotionSettings
    public var schedule: ArmingSchedule
    public var main: StreamSource
    public var sub: StreamSource?
    /// The last event before this start.
    public var lastEventAt: Date?

    public init(
        id: ChannelID, site: SiteID, name: String, timeZone: TimeZone, definition: Definition?, retentionDays: Int, armed: Bool,
        motion: MotionSettings, schedule: ArmingSchedule, main: StreamSource, sub: StreamSource?, lastEventAt: Date? = nil
    ) {
        self.id = id
        self.site = site
        self.name = name
        self.timeZone = timeZone
        self.definition = definition
        self.retentionDays = retentionDays
        self.armed = armed
        self.motion = motion
        self.schedule = schedule
        self.main = main
        self.sub = sub
        self.lastEventAt = lastEventAt
    }
}

/// What all channels share.
public struct ChannelEnvironment: Sendable {
    let box: String
    let spool: any FootageSpool
    let pictures: PictureWorker
    let transcodes: TranscodeQueue
    let converter: any StreamConverter
    let conversions: ConversionPlaces
    let lengths: ClipLengths
    let timing: SessionTiming
    /// Throws where a source's address must not be connected to.
    let admits: @Sendable (StreamSource) async throws -> StreamSource
    /// What a channel's plan lets be recorded.
    let cover: @Sendable (ChannelID) -> PlanCover
    let time: TimeSource
    let logger: Logger
    /// Called, from any thread, when a channel's view changed.
    let changed: @Sendable (ChannelID) -> Void
    /// Called with each document of a channel's metadata track.
    let told: @Sendable (ChannelID, [UInt8]) -> Void
    /// Called with each motion reading.
    let moved: @Sendable (ChannelID, MotionReading) -> Void

    public init(
        box: String, spool: any FootageSpool, pictures: PictureWorker, transcodes: TranscodeQueue, converter: any StreamConverter,
        conversions: ConversionPlaces, lengths: ClipLengths,
        timing: SessionTiming,
        admits: @escaping @Sendable (StreamSource) async throws -> StreamSource = { $0 },
        cover: @escaping @Sendable (ChannelID) -> PlanCover = { _ in .notNeeded }, time: TimeSource, logger: Logger,
        changed: @escaping @Sendable (ChannelID) -> Void, told: @escaping @Sendable (ChannelID, [UInt8]) -> Void = { _, _ in },
        moved: @escaping @Sendable (ChannelID, MotionReading) -> Void
    ) {
        self.box = box
        self.spool = spool
        self.pictures = pictures
        self.transcodes = transcodes
        self.converter = converter
        self.conversions = conversions
        self.lengths = lengths
        self.timing = timing
        self.admits = admits
        self.cover = cover
        self.time = time
        self.logger = logger
        self.changed = changed
        self.told = told
        self.moved = moved
    }
}

/// How a channel is, as pages show it.
public struct ChannelView: Sendable {
    public let condition: Condition
    public let armedNow: Bool
    public let streams: [StreamStatus]
    public let plan: TranscodePlan?
    public let recording: Bool
    public let lastEventAt: Date?
    public let snapshotAt: Date?
    /// Of the main stream; the last known where there is no picture now.
    public let megapixels: Double?
    /// Bytes of packets held for all streams.
    public let bufferedBytes: Int
}

/// Why an event cannot be recorded.
public enum TriggerRefusal: Error, Sendable, Equatable {
    case notLinked
    /// The channel's plan does not let it be recorded; a sentence.
    case noPlan(String)
    /// The sentence says what is wrong with the camera.
    case noPicture(String)
}
