public import Core
public import Foundation

/// How much of the line footage may take, as the installer set it.
public struct UplinkSettings: Codable, Sendable, Equatable {
    /// A bound of the rate.
    public enum Cap: Codable, Sendable, Equatable {
        case bitsPerSecond(Int)
        /// Of the rate that the line was measured to carry, 1 to 100.
        case percent(Int)
        /// Nothing but pictures and descriptions goes.
        case paused

        /// In bytes a second; a share of what is not known yet is the whole line (nil): it will be known after a few busy seconds.
        func bytesPerSecond(of capacity: Double?) -> Double? {
            switch self {
            case .bitsPerSecond(let bits): Double(bits) / 8
            case .percent(let share): capacity.map { $0 * Double(share) / 100 }
            case .paused: 0
            }
        }
    }

    /// A span of the week with a bound of its own.
    public struct Window: Codable, Sendable, Equatable {
        /// By the clock of the site, in the form of an arming schedule.
        public var schedule: ArmingSchedule
        /// Nil: the whole line.
        public var cap: Cap?

        public init(schedule: ArmingSchedule, cap: Cap?) {
            self.schedule = schedule
            self.cap = cap
        }
    }

    /// Holds where no window does; nil: the whole line.
    public var cap: Cap?
    /// The first one that holds counts.
    public var windows: [Window]
    /// The hour of the site's day at which the line is tested each day, 0 to 23; nil: only when asked.
    public var testHour: Int?

    public init(cap: Cap? = nil, windows: [Window] = [], testHour: Int? = nil) {
        self.testHour = testHour
        self.cap = cap
        self.windows = windows
    }

    /// The bound at `time`.
    public func cap(at time: Date, zone: TimeZone) -> Cap? {
        if let window = windows.first(where: { $0.schedule.isArmed(at: time, zone: zone) }) { return window.cap }
        return cap
    }

    /// The least that may go at any time of the week, bytes a second; nil: always the whole line.
    func leastBytesPerSecond(of capacity: Double?) -> Double? {
        ([cap] + windows.map(\.cap)).compactMap { $0?.bytesPerSecond(of: capacity) }.min()
    }
}
