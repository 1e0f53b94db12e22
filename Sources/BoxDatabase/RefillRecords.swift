public import Core
public import Foundation
public import GRDB

/// A time in which a linked channel could not be recorded.
public struct AbsenceRecord: Codable, Sendable, Equatable, Identifiable, FetchableRecord, MutablePersistableRecord {
    public static let databaseTableName = "absence"

    public enum State: String, Codable, Sendable, CaseIterable {
        /// The channel is away still.
        case lasting
        /// It is over; the device was not asked yet, or could not answer.
        case waiting
        /// The device is being searched.
        case searching
        /// Its recordings are being fetched.
        case refilling
        /// Done: clips were made.
        case refilled
        /// Done: the device has nothing that is missing here.
        case nothing
        /// Done: what was missed cannot be had; the sentence says why.
        case impossible

        /// Nothing more will be tried.
        public var isDone: Bool { [.refilled, .nothing, .impossible].contains(self) }
    }

    public var id: Int64?
    public var channelId: ChannelID
    public var channelName: String
    public var from: Date
    /// Nil while it lasts.
    public var to: Date?
    /// Why the channel was away; a sentence.
    public var reason: String
    public var state: State
    /// What became of it.
    public var sentence: String?
    /// Clips that were made.
    public var clips: Int
    public var attempts: Int
    public var nextAttemptAt: Date?

    public init(channelId: ChannelID, channelName: String, from: Date, to: Date? = nil, reason: String) {
        self.channelId = channelId
        self.channelName = channelName
        self.from = from
        self.to = to
        self.reason = reason
        state = to == nil ? .lasting : .waiting
        clips = 0
        attempts = 0
    }

    /// What became of it; a sentence.
    public var whatBecameOfIt: String {
        if let sentence, state != .refilled { return sentence }
        return switch state {
        case .lasting: "It lasts still."
        case .waiting: "The device's own recordings will be searched when it answers."
        case .searching: "The device's own recordings are being searched."
        case .refilling: "What was missed is being fetched from the device; \(clips == 1 ? "1 clip is" : "\(clips) clips are") here."
        case .refilled: "\(clips == 1 ? "1 clip was" : "\(clips) clips were") refilled from the device.\(sentence.map { " " + $0 } ?? "")"
        case .nothing: "The device has nothing that is missing here."
        case .impossible: "What was missed cannot be had."
        }
    }

    public mutating func didInsert(_ inserted: InsertionSuccess) {
        id = inserted.rowID
    }
}

/// A clip that is to be fetched from a device, or was.
public struct RefillPieceRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "refillPiece"

    public enum State: String, Codable, Sendable {
        case planned, done, failed
    }

    public var clipId: ClipID
    public var absenceId: Int64
    public var channelId: ChannelID
    /// By the box's clock.
    public var from: Date
    public var to: Date
    /// The device's recording, as JSON, with its own times.
    public var recording: String
    /// Device time minus box time, seconds.
    public var clockOffset: Double
    /// The events that the clip shows, as JSON.
    public var events: String
    public var state: State
    public var sentence: String?

    public init(
        clipId: ClipID, absenceId: Int64, channelId: ChannelID, from: Date, to: Date, recording: String, clockOffset: Double,
        events: String
    ) {
        self.clipId = clipId
        self.absenceId = absenceId
        self.channelId = channelId
        self.from = from
        self.to = to
        self.recording = recording
        self.clockOffset = clockOffset
        self.events = events
        state = .planned
    }
}
