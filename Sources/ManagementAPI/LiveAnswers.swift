import Core
import Foundation
import HTTPTypes
import Media
public import Relay

/// Live view as the API needs it.
public struct LiveServices: Sendable {
    public let streams: LiveStreams
    public let playlists: LivePlaylists
    public let sessions: LiveSessions
    public let rtsp: RTSPRelay
    public let whep: WHEPRelay

    public init(streams: LiveStreams, playlists: LivePlaylists, sessions: LiveSessions, rtsp: RTSPRelay, whep: WHEPRelay) {
        self.streams = streams
        self.playlists = playlists
        self.sessions = sessions
        self.rtsp = rtsp
        self.whep = whep
    }
}

/// One who watches.
struct LiveSessionAnswer: Encodable {
    let id: String
    let channelId: String
    let channelName: String
    let stream: String
    let action: String
    let person: String
    let address: String
    let local: Bool
    let startedAt: Date
    let endsAt: Nullable<Date>
    let way: Nullable<String>
    let bytes: Int
    let missedPictures: Int

    init(_ session: LiveSession, channelName: String) {
        id = session.id.text
        channelId = session.channel.text
        self.channelName = channelName
        stream = session.role.rawValue
        action = session.action.rawValue
        person = session.person
        address = session.address
        local = session.isLocal
        startedAt = session.startedAt
        endsAt = Nullable(session.endsAt)
        way = Nullable(session.way?.rawValue)
        bytes = session.bytes
        missedPictures = session.missed
    }
}

/// A session that has just begun, with what a player needs.
struct LiveBegunAnswer: Encodable {
    private enum CodingKeys: String, CodingKey {
        case token, whepUrl, mp4Url, hlsUrl, mjpegUrl, streams
    }

    private let session: LiveSessionAnswer
    private let token: String
    private let streams: [String]

    init(_ session: LiveSessionAnswer, token: String, streams: [String]) {
        self.session = session
        self.token = token
        self.streams = streams
    }

    func encode(to encoder: any Encoder) throws {
        try session.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(token, forKey: .token)
        try container.encode("\(WHEPRoutes.path)?token=\(token)", forKey: .whepUrl)
        try container.encode("/api/v1/live/stream.mp4?token=\(token)", forKey: .mp4Url)
        try container.encode("/api/v1/live/hls/index.m3u8?token=\(token)", forKey: .hlsUrl)
        try container.encode("/api/v1/live/stream.mjpeg?token=\(token)", forKey: .mjpegUrl)
        try container.encode(streams, forKey: .streams)
    }
}

extension ViewerPlace {
    private static let forwarding = ["Forwarded", "X-Forwarded-For", "Via"].compactMap { HTTPField.Name($0) }

    /// The viewer is in a network of this place and speaks to the box itself; what a proxy passes on may come from anywhere.
    static func isLocal(_ address: String, headers: HTTPFields) -> Bool {
        forwarding.allSatisfy { headers[$0] == nil } && isLocal(address)
    }
}
