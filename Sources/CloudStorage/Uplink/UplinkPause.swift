import Core
public import Foundation

/// Footage does not go up now, because whoever set what it may take of the line wants it so.
public struct UplinkPause: Sendable, Equatable {
    /// When it ends; nil where nothing but another setting ends it.
    public let until: Date?
    /// The same on the site's clock: `until 22:00`, `until Monday 08:00`; nil where nothing ends it.
    public let words: String?
}

extension UplinkSettings {
    private static let days = 8

    /// The pause that holds at `time`; nil where footage may go.
    public func pause(at time: Date, zone: TimeZone) -> UplinkPause? {
        guard cap(at: time, zone: zone) == .paused else { return nil }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let end = changes(after: time, calendar).first { cap(at: $0, zone: zone) != .paused }
        return UplinkPause(until: end, words: end.map { Self.words($0, seenAt: time, calendar) })
    }

    /// The moments at which another bound may hold, in their order: a week has no others than those of this one.
    private func changes(after time: Date, _ calendar: Calendar) -> [Date] {
        let minutes = Set(windows.flatMap(\.schedule.periods).flatMap { [$0.from, $0.to] }).sorted()
        let today = calendar.startOfDay(for: time)
        return (0..<Self.days).compactMap { calendar.date(byAdding: .day, value: $0, to: today) }.flatMap { day in
            // By the clock and not by adding, for days have 23 and 25 hours too.
            minutes.compactMap { minute -> Date? in
                let of = minute == 1440 ? calendar.date(byAdding: .day, value: 1, to: day) : day
                return of.flatMap { calendar.date(bySettingHour: minute % 1440 / 60, minute: minute % 60, second: 0, of: $0) }
            }
        }.filter { $0 > time }
    }

    private static func words(_ end: Date, seenAt time: Date, _ calendar: Calendar) -> String {
        let parts = calendar.dateComponents([.weekday, .hour, .minute], from: end)
        let clock = [parts.hour ?? 0, parts.minute ?? 0].map { $0 < 10 ? "0\($0)" : String($0) }.joined(separator: ":")
        guard !calendar.isDate(end, inSameDayAs: time) else { return "until \(clock)" }
        let day = ArmingSchedule.Day.allCases[((parts.weekday ?? 1) - 1) % 7].rawValue.capitalized
        return "until \(day) \(clock)"
    }
}
