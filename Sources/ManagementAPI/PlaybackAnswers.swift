import CloudStorage
import Core
import Foundation
import HTTPTypes
public import Playback
import Refill
import Relay
import Synchronization

/// Playback as the API needs it.
public struct PlaybackServices: Sendable {
    public let archive: FootageArchive
    let views = PlaybackViews()

    public init(archive: FootageArchive) {
        self.archive = archive
    }
}

/// What was asked for when a playback began; kept as long as its session.
struct PlaybackView: Sendable {
    let from: Date
    let speed: Double
    let selection: FootageRequest.Selection
    /// In memory only.
    let code: VerificationCode?

    /// Players count from here: so early that whoever seeks back stays behind it.
    var origin: Date { from.addingTimeInterval(-FootageArchive.longestSpan) }
}

/// The playbacks of now.
final class PlaybackViews: Sendable {
    private let views = Mutex<[LiveSession.ID: PlaybackView]>([:])

    subscript(id: LiveSession.ID) -> PlaybackView? { views.withLock { $0[id] } }

    /// Keeps `view`, and forgets those of sessions that are over.
    func keep(_ view: PlaybackView, of id: LiveSession.ID, isRunning: (LiveSession.ID) -> Bool) {
        views.withLock { $0[id] = view }
        // Asked of each when it is there, so that none is forgotten that has just begun.
        for old in views.withLock({ Array($0.keys) }) where !isRunning(old) { views.withLock { $0[old] = nil } }
    }
}

struct TimelineAnswer: Encodable {
    struct Footage: Encodable {
        let kind: String
        let source: String
        let from: Date
        let to: Date
        let clipId: Nullable<String>
        let type: Nullable<String>
        let playable: Bool
        let encrypted: Bool
    }

    struct Gap: Encodable {
        let from: Date
        let to: Date
        let reason: String
        let outcome: Nullable<String>
    }

    let from: Date
    let to: Date
    let timeZone: String
    let spans: [Footage]
    let gaps: [Gap]
    let sentence: Nullable<String>

    init(_ timeline: ChannelTimeline, zone: String) {
        from = timeline.span.from
        to = timeline.span.to
        timeZone = zone
        spans = timeline.footage.map { one in
            Footage(
                kind: one.piece.kind.rawValue, source: one.piece.place.rawValue, from: one.piece.span.from, to: one.piece.span.to,
                clipId: Nullable(one.piece.clip?.text), type: Nullable(one.category?.rawValue), playable: one.isPlayable,
                encrypted: one.isEncrypted)
        }
        gaps = timeline.gaps.map { Gap(from: $0.span.from, to: $0.span.to, reason: $0.reason, outcome: Nullable($0.outcome)) }
        sentence = Nullable(timeline.sentence)
    }
}

struct TimelineDaysAnswer: Encodable {
    let month: String
    let timeZone: String
    let days: [Int]
    let sentence: Nullable<String>
}

/// A playback that has just begun, with what a player needs.
struct PlaybackBegunAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case token, mp4Url, origin, from, speed, source
    }

    private let session: LiveSessionAnswer
    private let view: PlaybackView
    private let token: String

    init(_ session: LiveSessionAnswer, _ view: PlaybackView, token: String) {
        self.session = session
        self.view = view
        self.token = token
    }

    func encode(to encoder: any Encoder) throws {
        try session.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(token, forKey: .token)
        try container.encode("/api/v1/playback/stream.mp4?token=\(token)", forKey: .mp4Url)
        try container.encode(view.origin, forKey: .origin)
        try container.encode(view.from, forKey: .from)
        try container.encode(view.speed, forKey: .speed)
        try container.encode(view.selection.rawValue, forKey: .source)
    }
}

extension Problem {
    init(_ failure: PlaybackFailure) {
        switch failure.code {
        case .nothing: self.init(.notFound, failure.code.rawValue, "Nothing recorded", failure.sentence)
        case .locked: self.init(.forbidden, failure.code.rawValue, "Encrypted", failure.sentence)
        case .away: self.init(.serviceUnavailable, failure.code.rawValue, "The footage does not come", failure.sentence)
        }
    }
}
