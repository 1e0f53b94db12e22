public import BoxDatabase
public import Core
public import Foundation

/// How the plan of a channel stands.
public enum PlanState: String, Codable, Sendable, CaseIterable {
    /// The box works without plans.
    case notNeeded = "not-needed"
    case notActivated = "not-activated"
    case active
    /// Active, and ends within 30 days.
    case expiring
    case expired

    /// Whether footage is recorded.
    public var isActive: Bool { self == .active || self == .expiring }
}

/// The plan of one channel: the periods that were paid for, one after the other.
public struct ChannelPlan: Sendable, Equatable {
    private static let warning: TimeInterval = 30 * 86_400

    public let channel: ChannelID
    /// In the order of their ends.
    public private(set) var periods: [PlanPeriodRecord]
    public var automaticRenewal: Bool
    /// The plan's end was taken down and told.
    public var expiryTold: Bool

    public init(channel: ChannelID, periods: [PlanPeriodRecord] = [], setting: PlanSettingRecord? = nil) {
        self.channel = channel
        // A period that was moved here may have begun before one that is over.
        self.periods = periods.sorted { $0.until < $1.until }
        automaticRenewal = setting?.automaticRenewal ?? false
        expiryTold = setting?.expiryTold ?? false
    }

    /// The period that holds now; nil where no plan is active.
    ///
    /// Nobody is paid up from a moment that is still to come, so a clock that went back ends no plan.
    public func period(at time: Date) -> PlanPeriodRecord? { periods.first { time < $0.until } }

    /// The periods that are not over.
    public func remaining(at time: Date) -> [PlanPeriodRecord] { periods.filter { time < $0.until } }

    /// When the plan ends, or ended.
    public var until: Date? { periods.last?.until }

    /// When the plan as it is now was activated: the beginning of the first period of an unbroken row.
    public var from: Date? {
        var first = periods.last
        for period in periods.reversed().dropFirst() {
            guard let later = first, period.until == later.from else { break }
            first = period
        }
        return first?.from
    }

    public func state(at time: Date) -> PlanState {
        guard let until else { return .notActivated }
        guard time < until else { return .expired }
        return until.timeIntervalSince(time) <= Self.warning ? .expiring : .active
    }

    /// The period that a package adds: after those that are paid for, or from now on.
    public func next(_ package: PlanPackage, at time: Date, in zone: TimeZone) -> PlanPeriodRecord {
        let months = package.term.months
        guard let last = periods.last, time < last.until else {
            let today = CalendarDay(time, in: zone)
            return PlanPeriodRecord(
                channelId: channel, package: package, from: time, until: today.adding(months: months, anchor: today.day).end(in: zone),
                anchorDay: today.day)
        }
        let end = Self.lastDay(last.until, in: zone).adding(months: months, anchor: last.anchorDay)
        return PlanPeriodRecord(
            channelId: channel, package: package, from: last.until, until: end.end(in: zone), anchorDay: last.anchorDay)
    }

    /// The last day that is paid for, of a plan that ends at `until`.
    public static func lastDay(_ until: Date, in zone: TimeZone) -> CalendarDay {
        CalendarDay(until.addingTimeInterval(-0.001), in: zone)
    }
}

extension ChannelPlan {
    /// Whether footage may be recorded, with the reason where it may not.
    public func cover(at time: Date, in zone: TimeZone) -> PlanCover {
        if let period = period(at: time) { return .active(retentionDays: period.package.retentionDays) }
        guard let until else {
            return .missing("No plan is active for this channel, so nothing is recorded. Activate one under Cloud, Plans.")
        }
        return .missing(
            "The channel's plan ended on \(Self.lastDay(until, in: zone).words), so nothing is recorded. Renew it under Cloud, Plans.")
    }

    /// How the plan stands, in words.
    public func sentence(at time: Date, in zone: TimeZone, inStock: Bool) -> String {
        guard let until else { return "No plan yet, so nothing is recorded." }
        let end = Self.lastDay(until, in: zone).words
        let remaining = remaining(at: time)
        guard !remaining.isEmpty else {
            return "The plan ended on \(end); nothing is recorded since. Footage in the cloud stays until its retention ends."
        }
        let footage = stretches(remaining).map { days, until in
            "\(days) days of footage until \(Self.lastDay(until, in: zone).words)"
        }.joined(separator: ", then ")
        guard automaticRenewal else { return footage + "." }
        return footage + (inStock ? ", renews itself." : ". It is to renew itself, but no such package is in stock.")
    }

    /// Days of retention with the end of the time for which they hold.
    private func stretches(_ periods: [PlanPeriodRecord]) -> [(Int, Date)] {
        periods.reduce(into: []) { stretches, period in
            let days = period.package.retentionDays
            if stretches.last?.0 == days { stretches.removeLast() }
            stretches.append((days, period.until))
        }
    }
}
