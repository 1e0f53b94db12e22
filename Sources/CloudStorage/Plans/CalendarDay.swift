public import Foundation

/// A day of the calendar, wherever it is: plans end with days, not with hours.
public struct CalendarDay: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let year: Int
    public let month: Int
    public let day: Int

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]

    /// A day of the years 2000 to 9999 that the calendar has.
    public init?(year: Int, month: Int, day: Int) {
        guard (2000...9999).contains(year), (1...12).contains(month), (1...Self.length(month: month, of: year)).contains(day) else {
            return nil
        }
        self.init(year, month, day)
    }

    private init(_ year: Int, _ month: Int, _ day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// Reads `2027-03-14`.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }) else { return nil }
        let numbers = parts.compactMap { Int($0) }
        guard numbers.count == 3 else { return nil }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
    }

    /// The day that a place has at a moment.
    public init(_ date: Date, in zone: TimeZone) {
        let parts = Self.calendar(zone).dateComponents([.year, .month, .day], from: date)
        self.init(parts.year ?? 2000, parts.month ?? 1, parts.day ?? 1)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let day = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a day such as 2027-03-14")
        }
        self = day
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    /// `2027-03-14`.
    public var text: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day))"
    }

    /// `14 March 2027`.
    public var words: String { "\(day) \(Self.months[month - 1]) \(year)" }

    public var description: String { text }

    /// The day so many months later with the number `anchor`, or the last of its month where the month is shorter.
    public func adding(months: Int, anchor: Int) -> CalendarDay {
        let count = year * 12 + month - 1 + months
        let (year, month) = (count / 12, count % 12 + 1)
        return CalendarDay(year, month, min(anchor, Self.length(month: month, of: year)))
    }

    /// The first moment after this day at a place.
    ///
    /// Where clocks go forward at midnight that is not 00:00.
    public func end(in zone: TimeZone) -> Date {
        let calendar = Self.calendar(zone)
        let isLast = day == Self.length(month: month, of: year)
        let next = isLast ? adding(months: 1, anchor: 1) : CalendarDay(year, month, day + 1)
        // Noon is never skipped and never comes twice.
        let noon = calendar.date(from: DateComponents(year: next.year, month: next.month, day: next.day, hour: 12))
        return calendar.startOfDay(for: noon ?? .distantFuture)
    }

    public static func < (left: CalendarDay, right: CalendarDay) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    private static func length(month: Int, of year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func calendar(_ zone: TimeZone) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        return calendar
    }
}
