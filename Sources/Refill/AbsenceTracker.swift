public import Core
public import Foundation

/// Tells from looks at a channel when it is away: a pure state machine, asked about once a second.
public struct AbsenceTracker: Sendable {
    /// What follows from a look.
    public enum Decision: Sendable, Equatable {
        case nothing
        /// The channel is away since then.
        case begins(Date)
        /// It is there again.
        case ends(Date)
    }

    /// Shorter ones are none.
    public static let shortest: TimeInterval = 5

    private struct Channel: Sendable {
        var lastThere: Date?
        var isAway = false
    }

    private var channels: [ChannelID: Channel] = [:]
    /// A stream that stopped is only noticed after this.
    private let patience: TimeInterval

    public init(patience: TimeInterval) {
        self.patience = patience
    }

    /// The channel is away already, as its row of an earlier life says.
    public mutating func isAway(_ id: ChannelID) { channels[id, default: Channel()].isAway = true }

    /// Channels that are away.
    public var away: [ChannelID] { channels.filter(\.value.isAway).map(\.key) }

    /// A look at a channel; `isWanted` says whether it would be recorded if it were there.
    public mutating func look(at id: ChannelID, isThere: Bool, isWanted: Bool, now: Date) -> Decision {
        var channel = channels[id] ?? Channel()
        defer { channels[id] = channel }
        guard isWanted, !isThere else {
            defer { channel.isAway = false }
            channel.lastThere = now
            return channel.isAway ? .ends(now) : .nothing
        }
        let lastThere = channel.lastThere ?? now
        channel.lastThere = lastThere
        // A clock that was set back must not keep an absence from being noticed.
        guard !channel.isAway, now.timeIntervalSince(lastThere) >= Self.shortest || now < lastThere else { return .nothing }
        channel.isAway = true
        return .begins(min(now, lastThere).addingTimeInterval(-patience))
    }

    /// The channel is gone for good.
    public mutating func forget(_ id: ChannelID) { channels[id] = nil }
}
