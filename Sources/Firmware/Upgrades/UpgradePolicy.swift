public import Foundation

/// When a box takes releases, and which.
public struct UpgradePolicy: Codable, Sendable, Equatable {
    /// Minutes of the day by the site's clock; over midnight where it ends before it begins.
    public struct Window: Codable, Sendable, Equatable {
        public var from: Int
        public var to: Int

        public init(from: Int, to: Int) {
            self.from = from
            self.to = to
        }

        /// The whole day where it ends as it begins.
        public func contains(_ date: Date, zone: TimeZone) -> Bool {
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = zone
            let minute = calendar.component(.hour, from: date) * 60 + calendar.component(.minute, from: date)
            return from < to ? (from..<to).contains(minute) : minute >= from || minute < to
        }
    }

    public var channel: ReleaseOffer.Channel
    /// By itself, within the window; else a person has to say so.
    public var isAutomatic: Bool
    public var window: Window

    /// Stable releases, by itself, from two to five in the morning.
    public init(channel: ReleaseOffer.Channel = .stable, isAutomatic: Bool = true, window: Window = Window(from: 120, to: 300)) {
        self.channel = channel
        self.isAutomatic = isAutomatic
        self.window = window
    }
}
