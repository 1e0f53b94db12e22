public import Foundation

/// Where and how keenly motion is looked for: a grid of 22 by 18 cells over the picture, as Hikvision devices have it.
public struct MotionSettings: Codable, Sendable, Equatable {
    public static let columns = 22
    public static let rows = 18

    public var enabled: Bool
    /// 0 (hardly anything counts) to 100 (everything counts).
    public var sensitivity: Int
    /// One string a row, top first; `1` where motion counts.
    public var cells: [String]

    public init(enabled: Bool, sensitivity: Int, cells: [String]) {
        self.enabled = enabled
        self.sensitivity = sensitivity
        self.cells = cells
    }

    /// The whole picture, at medium sensitivity.
    public static let standard = MotionSettings(
        enabled: true, sensitivity: 60, cells: Array(repeating: String(repeating: "1", count: columns), count: rows))

    /// Whether `cells` has the right shape.
    public var isWellFormed: Bool {
        (0...100).contains(sensitivity) && cells.count == Self.rows
            && cells.allSatisfy { $0.utf8.count == Self.columns && $0.utf8.allSatisfy { $0 == 48 || $0 == 49 } }
    }

    /// Row by row, whether motion counts in the cell.
    public var mask: [Bool] {
        cells.flatMap { $0.utf8.map { $0 == UInt8(ascii: "1") } }
    }
}

/// When events make footage: always, or in weekly periods of the site's time.
public struct ArmingSchedule: Codable, Sendable, Equatable {
    public enum Day: String, Codable, Sendable, CaseIterable {
        case sunday, monday, tuesday, wednesday, thursday, friday, saturday
    }

    /// From minute `from` up to, not including, minute `to` of `day`, by the site's wall clock.
    public struct Period: Codable, Sendable, Equatable {
        public var day: Day
        /// Minutes since midnight, 0 to 1439.
        public var from: Int
        /// Minutes since midnight, 1 to 1440; greater than `from`.
        public var to: Int

        public init(day: Day, from: Int, to: Int) {
            self.day = day
            self.from = from
            self.to = to
        }
    }

    public var always: Bool
    public var periods: [Period]

    public init(always: Bool, periods: [Period]) {
        self.always = always
        self.periods = periods
    }

    public static let always = ArmingSchedule(always: true, periods: [])

    /// Whether `time` lies in a period, read on a clock in `zone`.
    public func isArmed(at time: Date, zone: TimeZone) -> Bool {
        if always { return true }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let parts = calendar.dateComponents([.weekday, .hour, .minute], from: time)
        guard let weekday = parts.weekday, let hour = parts.hour, let minute = parts.minute else { return false }
        let day = Day.allCases[(weekday - 1) % 7]
        let now = hour * 60 + minute
        return periods.contains { $0.day == day && $0.from <= now && now < $0.to }
    }
}
