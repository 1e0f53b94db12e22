public import Core
import Foundation

/// How many channels a line carries, and in which definition each linked one is best.
public struct LineAdvice: Sendable, Equatable {
    /// A linked channel as the advice needs it.
    public struct Channel: Sendable, Equatable {
        public let id: ChannelID
        /// Share of the time in which something is recorded, 0 to 1.
        public let duty: Double

        public init(id: ChannelID, duty: Double) {
            self.id = id
            self.duty = duty
        }
    }

    /// What a channel that has recorded nothing yet is taken to record.
    public static let usualDuty = 0.2
    /// The rest of the line is for what waits, for pictures, and for others in the house.
    public static let share = 0.8
    /// Sound and packaging beside the picture, bits a second.
    private static let overhead = 40_000.0

    /// Channels of the definition that fit, at the usual duty.
    public let highChannels: Int
    public let standardChannels: Int
    /// The best definition that fits for each linked channel, in their order; nil where not even the standard one does.
    public let recommended: [ChannelID: Definition.Kind?]

    /// `uploadBitsPerSecond` is what the line carries; `most` is what the box does.
    public init(uploadBitsPerSecond: Int, high: Definition, standard: Definition, most: Int, channels: [Channel]) {
        let room = Double(uploadBitsPerSecond) * Self.share
        func need(_ definition: Definition, _ duty: Double) -> Double { (Double(definition.bitRate) + Self.overhead) * duty }
        highChannels = min(most, Int(room / need(high, Self.usualDuty)))
        standardChannels = min(most, Int(room / need(standard, Self.usualDuty)))
        var left = room
        var recommended: [ChannelID: Definition.Kind?] = [:]
        // First every channel gets the least, then as many as possible the best.
        for channel in channels {
            let cost = need(standard, channel.duty)
            recommended.updateValue(cost <= left ? Definition.Kind.standard : nil, forKey: channel.id)
            if cost <= left { left -= cost }
        }
        for channel in channels where recommended[channel.id] == .some(.standard) {
            let more = need(high, channel.duty) - need(standard, channel.duty)
            guard more <= left else { continue }
            left -= more
            recommended[channel.id] = .high
        }
        self.recommended = recommended
    }
}
