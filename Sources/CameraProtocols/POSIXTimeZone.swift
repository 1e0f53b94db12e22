public import Foundation

/// A time zone as POSIX writes it (IEEE 1003.1, section 8.3) and as Hikvision's `timeZone` does, which differs.
public struct POSIXTimeZone: Sendable, Equatable {
    /// When summer time begins or ends: the so-manieth weekday of a month.
    public struct Turn: Sendable, Equatable {
        /// 1 to 12.
        public var month: Int
        /// 1 to 5; 5 is the last.
        public var week: Int
        /// 0 is Sunday.
        public var weekday: Int
        /// Seconds after midnight, by the clock that is in force before.
        public var second: Int

        public init(month: Int, week: Int, weekday: Int, second: Int) {
            self.month = month
            self.week = week
            self.weekday = weekday
            self.second = second
        }
    }

    /// The rule of summer time.
    public struct DaylightSaving: Sendable, Equatable {
        /// How much the clocks go forward, in seconds.
        public var savingSeconds: Int
        public var begins: Turn
        public var ends: Turn

        public init(savingSeconds: Int, begins: Turn, ends: Turn) {
            self.savingSeconds = savingSeconds
            self.begins = begins
            self.ends = ends
        }
    }

    /// Seconds ahead of UTC in winter; the texts say it with the opposite sign.
    public var offsetSeconds: Int
    public var daylightSaving: DaylightSaving?

    public init(offsetSeconds: Int, daylightSaving: DaylightSaving? = nil) {
        self.offsetSeconds = offsetSeconds
        self.daylightSaving = daylightSaving
    }

    /// Reads `CST-8:00:00`, `CST-1:00:00DST01:00:00,M3.5.0/02:00:00,M10.5.0/03:00:00` and `CET-1CEST,M3.5.0,M10.5.0/3`.
    ///
    /// After the name `DST`, an offset without a sign is how much the clocks go forward, as Hikvision means it; elsewhere it is the
    /// offset from UTC, as POSIX has it. Rules that count days (`J60`) are not read: the zone is then one without summer time.
    public init?(_ text: String) {
        var scanner = TimeScanner(text)
        scanner.skipSpaces()
        guard scanner.zoneName() != nil, let behind = scanner.clock(signed: true) else { return nil }
        offsetSeconds = -behind
        daylightSaving = Self.daylightSaving(&scanner, standard: -behind)
    }

    private static func daylightSaving(_ scanner: inout TimeScanner, standard: Int) -> DaylightSaving? {
        guard let name = scanner.zoneName() else { return nil }
        var saving = 3600
        if !scanner.take(",") {
            let unsigned = scanner
            if name == "DST", let read = scanner.clock(signed: false) {
                saving = read
            } else {
                scanner = unsigned
                guard let behind = scanner.clock(signed: true) else { return nil }
                saving = -behind - standard
            }
            guard scanner.take(",") else { return nil }
        }
        guard (1...10_800).contains(saving), let begins = turn(&scanner), scanner.take(","), let ends = turn(&scanner) else { return nil }
        return DaylightSaving(savingSeconds: saving, begins: begins, ends: ends)
    }

    private static func turn(_ scanner: inout TimeScanner) -> Turn? {
        guard scanner.take("M"), let month = scanner.number(1...2), (1...12).contains(month), scanner.take("."),
            let week = scanner.number(1...1), (1...5).contains(week), scanner.take("."), let weekday = scanner.number(1...1), weekday <= 6
        else { return nil }
        guard scanner.take("/") else { return Turn(month: month, week: week, weekday: weekday, second: 7200) }
        return scanner.clock(signed: false).map { Turn(month: month, week: week, weekday: weekday, second: $0) }
    }

    /// The zone's rule as it is in a year, found from its transitions; a zone whose clocks do not go forward once and back once has no
    /// summer time here, and the offset of the year's end.
    public init(_ zone: TimeZone, year: Int) {
        let first = CivilDate.dayNumber(year: year, month: 1, day: 1)
        let last = CivilDate.dayNumber(year: year + 1, month: 1, day: 1)
        func offset(_ second: Int) -> Int { zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))) }
        var turns: [(before: Int, after: Int, local: Int)] = []
        for day in first..<last where offset(day * 86_400) != offset((day + 1) * 86_400) {
            var low = day * 86_400
            var high = low + 86_400
            let before = offset(low)
            while high - low > 1 {
                let middle = (low + high) / 2
                if offset(middle) == before { low = middle } else { high = middle }
            }
            turns.append((before, offset(high), high + before))
        }
        offsetSeconds = offset(last * 86_400 - 1)
        guard turns.count == 2, let forward = turns.first(where: { $0.after > $0.before }),
            let back = turns.first(where: { $0.after < $0.before }), forward.before == back.after, forward.after == back.before
        else { return }
        offsetSeconds = forward.before
        daylightSaving = DaylightSaving(
            savingSeconds: forward.after - forward.before, begins: Self.turn(local: forward.local), ends: Self.turn(local: back.local))
    }

    private static func turn(local: Int) -> Turn {
        let number = local.floorQuotient(86_400)
        let date = CivilDate(dayNumber: number)
        let isLast = date.day + 7 > CivilDate.days(inMonth: date.month, of: date.year)
        return Turn(
            month: date.month, week: isLast ? 5 : (date.day - 1) / 7 + 1, weekday: weekday(number), second: local - number * 86_400)
    }

    /// 0 is Sunday; the first of January 1970 was a Thursday.
    private static func weekday(_ dayNumber: Int) -> Int { (dayNumber + 4) - (dayNumber + 4).floorQuotient(7) * 7 }

    /// Seconds ahead of UTC at a moment, summer time included.
    public func offset(at date: Date) -> Int {
        guard let daylightSaving else { return offsetSeconds }
        let now = CivilDate.wholeSeconds(of: date)
        let year = CivilDate(dayNumber: (now + offsetSeconds).floorQuotient(86_400)).year
        let begin = Self.second(of: daylightSaving.begins, in: year) - offsetSeconds
        let end = Self.second(of: daylightSaving.ends, in: year) - offsetSeconds - daylightSaving.savingSeconds
        // In the south summer spans the new year.
        let isSummer = begin < end ? (begin..<end).contains(now) : !(end..<begin).contains(now)
        return offsetSeconds + (isSummer ? daylightSaving.savingSeconds : 0)
    }

    /// The turn's moment by the local clock, in seconds since 1970.
    private static func second(of turn: Turn, in year: Int) -> Int {
        let first = CivilDate.dayNumber(year: year, month: turn.month, day: 1)
        let days = CivilDate.days(inMonth: turn.month, of: year)
        var day = first + (turn.weekday - weekday(first) + 7) % 7 + (turn.week - 1) * 7
        while day >= first + days { day -= 7 }
        return day * 86_400 + turn.second
    }

    /// As Hikvision's `timeZone` wants it: `CST-1:00:00DST01:00:00,M3.5.0/02:00:00,M10.5.0/03:00:00`.
    public var hikvisionText: String {
        "CST" + behind(offsetSeconds) + rule { "DST" + CivilDate.clock($0.savingSeconds) }
    }

    /// As POSIX and ONVIF's `TZ` want it: `STD-1:00:00DAY,M3.5.0/02:00:00,M10.5.0/03:00:00`.
    public var text: String {
        "STD" + behind(offsetSeconds) + rule { "DAY" + ($0.savingSeconds == 3600 ? "" : behind(offsetSeconds + $0.savingSeconds)) }
    }

    private func behind(_ offset: Int) -> String {
        (offset > 0 ? "-" : "") + "\(abs(offset) / 3600):\((abs(offset) / 60 % 60).padded(2)):\((abs(offset) % 60).padded(2))"
    }

    private func rule(_ name: (DaylightSaving) -> String) -> String {
        guard let daylightSaving else { return "" }
        let turns = [daylightSaving.begins, daylightSaving.ends].map {
            ",M\($0.month).\($0.week).\($0.weekday)/\(CivilDate.clock($0.second))"
        }
        return name(daylightSaving) + turns.joined()
    }
}
