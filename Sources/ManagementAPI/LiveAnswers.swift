import Core
import Foundation
import HTTPTypes
import Media
import NIOCore
public import Relay

/// Live view as the API needs it.
public struct LiveServices: Sendable {
    public let streams: LiveStreams
    public let playlists: LivePlaylists
    public let sessions: LiveSessions

    public init(streams: LiveStreams, playlists: LivePlaylists, sessions: LiveSessions) {
        self.streams = streams
        self.playlists = playlists
        self.sessions = sessions
    }
}

/// One who watches.
struct LiveSessionAnswer: Encodable {
    let id: String
    let channelId: String
    let channelName: String
    let stream: String
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
        case token, mp4Url, hlsUrl, mjpegUrl, streams
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
        try container.encode("/api/v1/live/stream.mp4?token=\(token)", forKey: .mp4Url)
        try container.encode("/api/v1/live/hls/index.m3u8?token=\(token)", forKey: .hlsUrl)
        try container.encode("/api/v1/live/stream.mjpeg?token=\(token)", forKey: .mjpegUrl)
        try container.encode(streams, forKey: .streams)
    }
}

/// Where a viewer is.
enum ViewerPlace {
    private static let forwarding = ["Forwarded", "X-Forwarded-For", "Via"].compactMap { HTTPField.Name($0) }

    /// The viewer is in a network of this place and speaks to the box itself. Addresses of RFC 1918, RFC 4193, RFC 3927 and loopback are of this
    /// place; what a proxy passes on may come from anywhere.
    static func isLocal(_ address: String, headers: HTTPFields) -> Bool {
        guard forwarding.allSatisfy({ headers[$0] == nil }) else { return false }
        guard let bytes = bytes(address) else { return false }
        if bytes.count == 16, bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPrivate(Array(bytes[12...]))
        }
        return isPrivate(bytes)
    }

    private static func bytes(_ address: String) -> [UInt8]? {
        guard let parsed = try? SocketAddress(ipAddress: address, port: 0) else { return nil }
        switch parsed {
        case .v4(let address): return withUnsafeBytes(of: address.address.sin_addr.s_addr) { Array($0) }
        case .v6(let address): return withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
        default: return nil
        }
    }

    private static func isPrivate(_ bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else {
            return bytes[0] & 0xFE == 0xFC || bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
                || bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        }
        return bytes[0] == 10 || bytes[0] == 127 || bytes[0] == 172 && (16...31).contains(bytes[1]) || bytes[0] == 192 && bytes[1] == 168
            || bytes[0] == 169 && bytes[1] == 254
    }
}
