public import Foundation

/// What a camera, the box or a person says happened on a channel.
public struct CameraEvent: Codable, Sendable, Equatable, Identifiable {
    /// The kinds of events that footage is kept for.
    public enum Category: String, Codable, Sendable, CaseIterable {
        case motion
        case lineCrossing = "line-crossing"
        case intrusion
        case input
        case manual
    }

    /// Who said so.
    public enum Source: String, Codable, Sendable {
        case box
        case api
        case camera
    }

    public let id: EventID
    public let channel: ChannelID
    public let category: Category
    public let source: Source
    /// Box wall time of the beginning.
    public let startedAt: Date
    /// `TimeSource.uptime` of the beginning: what the recording goes by.
    public let startedUptime: Duration

    /// An event that began at `uptime`, or begins now.
    public init(channel: ChannelID, category: Category, source: Source, uptime: Duration? = nil, time: TimeSource) {
        let began = uptime ?? time.uptime()
        let startedAt = time.now().addingTimeInterval((began - time.uptime()).seconds)
        self.id = .timeOrdered(at: startedAt)
        self.channel = channel
        self.category = category
        self.source = source
        self.startedAt = startedAt
        self.startedUptime = began
    }
}
