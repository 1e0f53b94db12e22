import Core

extension RequestBody {
    /// A weekly schedule; what is not given stays as in `old`.
    func schedule(old: ArmingSchedule) -> ArmingSchedule {
        let always = bool("always") ?? old.always
        guard let periods = objects("periods", count: 0...84) else { return ArmingSchedule(always: always, periods: old.periods) }
        return ArmingSchedule(
            always: always,
            periods: periods.compactMap { period in
                let day = period.word("day", ArmingSchedule.Day.self, required: true)
                let from = Self.minutes("from", period)
                let to = Self.minutes("to", period)
                guard let day, let from, let to else { return nil }
                guard from < to, from < 1440 else {
                    period.reject("to", "to must be later than from; a period over midnight is two periods.")
                    return nil
                }
                return ArmingSchedule.Period(day: day, from: from, to: to)
            })
    }

    private static func minutes(_ name: String, _ body: RequestBody) -> Int? {
        guard let text = body.string(name, 5...5, required: true) else { return nil }
        let parts = text.split(separator: ":").compactMap { $0.count == 2 && $0.allSatisfy(\.isNumber) ? Int($0) : nil }
        guard parts.count == 2, (0...24).contains(parts[0]), (0...59).contains(parts[1]), parts[0] * 60 + parts[1] <= 1440 else {
            body.reject(name, "\(name) must be a time from 00:00 to 24:00.")
            return nil
        }
        return parts[0] * 60 + parts[1]
    }
}
