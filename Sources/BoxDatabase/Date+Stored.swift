public import Foundation
import GRDB

extension Date {
    private static let referenceTo1970 = 978_307_200.0
    private static let millisecondsADay = 86_400_000

    /// The text that a column of times has for it, `2026-11-28 00:31:04.250`, UTC, to the nearest millisecond: as GRDB writes it, whose formatter takes
    /// longer than most statements.
    public var stored: String {
        let milliseconds = ((timeIntervalSinceReferenceDate + Self.referenceTo1970) * 1000 + 0.5).rounded(.down)
        // Beyond the years of four digits.
        guard milliseconds >= 0, milliseconds < 253_402_300_800_000 else { return String(describing: databaseValue.storage.value ?? "") }
        let (days, ofDay) = Int(milliseconds).quotientAndRemainder(dividingBy: Self.millisecondsADay)
        let (year, month, day) = Self.civil(days)
        return String(unsafeUninitializedCapacity: 23) { text in
            func write(_ value: Int, _ digits: Int, at place: Int) {
                var value = value
                for index in stride(from: place + digits - 1, through: place, by: -1) {
                    text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
                    value /= 10
                }
            }
            write(year, 4, at: 0)
            write(month, 2, at: 5)
            write(day, 2, at: 8)
            write(ofDay / 3_600_000, 2, at: 11)
            write(ofDay / 60_000 % 60, 2, at: 14)
            write(ofDay / 1000 % 60, 2, at: 17)
            write(ofDay % 1000, 3, at: 20)
            for (place, mark) in [(4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: " ")), (13, UInt8(ascii: ":"))] {
                text[place] = mark
            }
            text[16] = UInt8(ascii: ":")
            text[19] = UInt8(ascii: ".")
            return 23
        }
    }

    /// The date so many days after the first of 1970, in the Gregorian calendar: eras of 400 years that begin in March.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let (era, ofEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * ofYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
