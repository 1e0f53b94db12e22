public import Foundation

/// A moment as a device wrote it.
public struct DeviceTime: Sendable, Equatable {
    public var date: Date
    /// Whether the device said in which zone; without one the text was read as UTC, and `date` is wrong by the device's offset.
    public var hasZone: Bool

    public init(date: Date, hasZone: Bool) {
        self.date = date
        self.hasZone = hasZone
    }

    /// Reads ISO 8601 as devices write it: `2021-07-02T14:27:59+08:00`, `2021-7-2 4:27:59.123-6:00`, `20210702T142759Z`.
    ///
    /// Years before 2000 give nil: a device whose clock was never set says 1970, which is not a time.
    public init?(_ text: String) {
        var scanner = TimeScanner(text)
        scanner.skipSpaces()
        guard let year = scanner.number(4...4), (2000...9998).contains(year) else { return nil }
        // `20210702T142759Z` has no separators, and then always two digits.
        let isCompact = !scanner.take("-")
        let digits = isCompact ? 2...2 : 1...2
        guard let month = scanner.number(digits), (1...12).contains(month) else { return nil }
        guard isCompact || scanner.take("-") else { return nil }
        guard let day = scanner.number(digits), day >= 1, day <= CivilDate.days(inMonth: month, of: year) else { return nil }
        guard scanner.take("T") || scanner.take("t") || scanner.take(" ") else { return nil }
        scanner.skipSpaces()
        guard let hour = scanner.number(digits), hour <= 24 else { return nil }
        guard isCompact || scanner.take(":") else { return nil }
        guard let minute = scanner.number(digits), minute < 60 else { return nil }
        var second = 0
        if isCompact || scanner.take(":") {
            // 60 is a leap second.
            guard let read = scanner.number(digits), read <= 60 else { return nil }
            second = read
        }
        let fraction = scanner.take(".") || scanner.take(",") ? scanner.fraction() : 0
        guard let fraction else { return nil }
        scanner.skipSpaces()
        guard let zone = scanner.zone() else { return nil }
        scanner.skipSpaces()
        guard scanner.isAtEnd else { return nil }
        let local = CivilDate.dayNumber(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
        date = Date(timeIntervalSince1970: Double(local - (zone.offset ?? 0)) + fraction)
        hasZone = zone.offset != nil
    }

    /// `2021-07-02T14:27:59+08:00`: whole seconds, on the clock that is `offsetSeconds` ahead of UTC; `Z` for UTC.
    public static func text(_ date: Date, offsetSeconds: Int) -> String {
        local(date, offsetSeconds: offsetSeconds) + suffix(offsetSeconds)
    }

    /// `2021-07-02T14:27:59`, on the clock that is `offsetSeconds` ahead of UTC, without saying so.
    public static func local(_ date: Date, offsetSeconds: Int) -> String {
        let seconds = CivilDate.wholeSeconds(of: date) + offsetSeconds
        let day = CivilDate(dayNumber: seconds.floorQuotient(86_400))
        let clock = seconds - seconds.floorQuotient(86_400) * 86_400
        return "\(day.year.padded(4))-\(day.month.padded(2))-\(day.day.padded(2))T\(CivilDate.clock(clock))"
    }

    private static func suffix(_ offset: Int) -> String {
        guard offset != 0 else { return "Z" }
        return (offset < 0 ? "-" : "+") + "\((abs(offset) / 3600).padded(2)):\((abs(offset) / 60 % 60).padded(2))"
    }
}

/// A day of the Gregorian calendar, and its number since 1970; arithmetic alone, because a calendar would bring its own zone.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    /// After Howard Hinnant, "chrono-compatible low-level date algorithms".
    static func dayNumber(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted.floorQuotient(400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    init(dayNumber: Int) {
        let shifted = dayNumber + 719_468
        let era = shifted.floorQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Seconds since 1970, of years that can be written with four digits.
    static func wholeSeconds(of date: Date) -> Int {
        let seconds = date.timeIntervalSince1970.rounded(.down)
        guard seconds.isFinite else { return 0 }
        return Int(max(-62_135_596_800, min(253_402_214_400, seconds)))
    }

    /// `14:27:59` of seconds since midnight.
    static func clock(_ seconds: Int) -> String {
        "\((seconds / 3600).padded(2)):\((seconds / 60 % 60).padded(2)):\((seconds % 60).padded(2))"
    }
}

/// Reads the parts of a time from its bytes.
struct TimeScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) {
        // No time of day is longer, and a device's text may be.
        bytes = Array(text.utf8.prefix(128))
    }

    var isAtEnd: Bool { index == bytes.count }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func skipSpaces() {
        while let byte = next, byte == 0x20 || (9...13).contains(byte) { index += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = next, UInt32(byte) == character.value else { return false }
        index += 1
        return true
    }

    /// A number of so many digits.
    mutating func number(_ digits: ClosedRange<Int>) -> Int? {
        var value = 0
        var count = 0
        while count < digits.upperBound, let byte = next, (0x30...0x39).contains(byte) {
            value = value * 10 + Int(byte - 0x30)
            index += 1
            count += 1
        }
        return count >= digits.lowerBound ? value : nil
    }

    /// Letters, or anything between `<` and `>`: a zone's name in POSIX.
    mutating func zoneName() -> String? {
        let start = index
        if take("<") {
            while let byte = next, byte != 0x3E { index += 1 }
            return take(">") ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
        }
        while let byte = next, (0x41...0x5A).contains(byte & 0xDF) { index += 1 }
        return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
    }

    /// `H[:MM[:SS]]` with a sign or none, in seconds.
    mutating func clock(signed: Bool, hours: ClosedRange<Int> = 0...24) -> Int? {
        let negative = signed && take("-")
        if signed, !negative { _ = take("+") }
        guard let hour = number(1...3), hours.contains(hour) else { return nil }
        var seconds = hour * 3600
        if take(":") {
            guard let minute = number(1...2), minute < 60 else { return nil }
            seconds += minute * 60
            if take(":") {
                guard let second = number(1...2), second < 60 else { return nil }
                seconds += second
            }
        }
        return negative ? -seconds : seconds
    }

    /// Up to 18 digits after a point are read, as a part of one.
    fileprivate mutating func fraction() -> Double? {
        var value = 0.0
        var weight = 0.1
        var count = 0
        while let byte = next, (0x30...0x39).contains(byte) {
            value += Double(byte - 0x30) * weight
            weight /= 10
            index += 1
            count += 1
        }
        return (1...18).contains(count) ? value : nil
    }

    /// The offset from UTC in seconds, or an offset of nil where nothing is said; nil where something else is.
    fileprivate mutating func zone() -> (offset: Int?, Void)? {
        if isAtEnd { return (nil, ()) }
        if take("Z") || take("z") { return (0, ()) }
        let sign: Int
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hour = number(1...2), hour <= 18 else { return nil }
        var seconds = hour * 3600
        // `+0800` has no colon.
        let hasColon = take(":")
        if hasColon || !isAtEnd, let minute = number(2...2) {
            guard minute < 60 else { return nil }
            seconds += minute * 60
            if take(":") {
                guard let second = number(2...2), second < 60 else { return nil }
                seconds += second
            }
        } else if hasColon {
            return nil
        }
        return (sign * seconds, ())
    }
}

extension Int {
    /// Division rounded down, also below zero.
    func floorQuotient(_ divisor: Int) -> Int { self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor) }

    /// With zeros in front, to so many digits.
    func padded(_ digits: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
    }
}
