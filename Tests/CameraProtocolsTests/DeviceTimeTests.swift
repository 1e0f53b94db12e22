import CameraProtocols
import Foundation
import Testing

@Suite struct DeviceTimeTests {
    @Test(arguments: [
        ("2021-07-02T14:27:59+08:00", 1_625_207_279.0, true),
        ("2021-07-02T06:27:59Z", 1_625_207_279, true),
        ("2021-07-02T00:27:59-6:00", 1_625_207_279, true),
        ("2021-07-02T00:27:59-0600", 1_625_207_279, true),
        ("2021-07-02T00:27:59-06", 1_625_207_279, true),
        ("2021-07-02 06:27:59", 1_625_207_279, false),
        ("2021-7-2 6:27:59", 1_625_207_279, false),
        ("  2021-07-02T06:27:59.250Z\n", 1_625_207_279.25, true),
        ("20210702T062759Z", 1_625_207_279, true),
        ("2021-07-02T11:57:59+05:30", 1_625_207_279, true),
        ("2016-03-06 09:18:17", 1_457_255_897, false),
        ("2024-02-29T24:00:00Z", 1_709_251_200, true),
    ]) func readsWhatDevicesWrite(text: String, seconds: Double, hasZone: Bool) throws {
        let time = try #require(DeviceTime(text))
        #expect(abs(time.date.timeIntervalSince1970 - seconds) < 1e-6)
        #expect(time.hasZone == hasZone)
    }

    @Test(arguments: [
        "", "now", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "2021-02-29T00:00:00Z", "2021-13-01T00:00:00Z", "2021-07-02",
        "2021-07-02T25:00:00Z", "2021-07-02T06:27:61Z", "2021-07-02T06:27:59 PM", "2021-07-02T06:27:59+", "2021-07-02T06:27:59.Z",
        "2021-07-02T06:27:59+99:00", "99999-07-02T06:27:59Z",
    ]) func refusesWhatIsNoTime(text: String) {
        #expect(DeviceTime(text) == nil)
    }

    @Test func writesAndReadsTheSame() {
        for seconds in stride(from: 946_771_200, to: 4_102_444_800, by: 86_399 * 37) {
            let date = Date(timeIntervalSince1970: Double(seconds))
            for offset in [0, 28_800, -21_600, 19_800, -12_600] {
                let text = DeviceTime.text(date, offsetSeconds: offset)
                #expect(DeviceTime(text) == DeviceTime(date: date, hasZone: true), "\(text)")
            }
        }
        #expect(DeviceTime.text(Date(timeIntervalSince1970: 1_625_207_279), offsetSeconds: 28_800) == "2021-07-02T14:27:59+08:00")
        #expect(DeviceTime.text(Date(timeIntervalSince1970: 1_625_207_279), offsetSeconds: 0) == "2021-07-02T06:27:59Z")
        #expect(DeviceTime.local(Date(timeIntervalSince1970: 1_625_207_279), offsetSeconds: -3600) == "2021-07-02T05:27:59")
    }
}

@Suite struct POSIXTimeZoneTests {
    @Test(arguments: [("CST-8:00:00", 28_800), ("CST+6:00:00", -21_600), ("<+0530>-5:30", 19_800), ("UTC0", 0), ("EST5", -18_000)])
    func readsZonesWithoutSummerTime(text: String, offset: Int) {
        #expect(POSIXTimeZone(text) == POSIXTimeZone(offsetSeconds: offset))
    }

    @Test(arguments: [
        "CST-1:00:00DST01:00:00,M3.5.0/02:00:00,M10.5.0/03:00:00", "CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST-2,M3.5.0/2,M10.5.0/3:00:00",
    ]) func readsSummerTime(text: String) throws {
        let zone = try #require(POSIXTimeZone(text))
        #expect(
            zone
                == POSIXTimeZone(
                    offsetSeconds: 3600,
                    daylightSaving: .init(
                        savingSeconds: 3600, begins: .init(month: 3, week: 5, weekday: 0, second: 7200),
                        ends: .init(month: 10, week: 5, weekday: 0, second: 10_800))))
    }

    @Test(arguments: ["", "8", "CST", "CST-80:00", "-8"]) func refusesWhatIsNoZone(text: String) {
        #expect(POSIXTimeZone(text) == nil)
    }

    @Test func writesTheRuleOfAPlace() throws {
        let rome = POSIXTimeZone(try #require(TimeZone(identifier: "Europe/Rome")), year: 2026)
        #expect(rome.hikvisionText == "CST-1:00:00DST01:00:00,M3.5.0/02:00:00,M10.5.0/03:00:00")
        #expect(rome.text == "STD-1:00:00DAY,M3.5.0/02:00:00,M10.5.0/03:00:00")
        let york = POSIXTimeZone(try #require(TimeZone(identifier: "America/New_York")), year: 2026)
        #expect(york.hikvisionText == "CST5:00:00DST01:00:00,M3.2.0/02:00:00,M11.1.0/02:00:00")
        #expect(POSIXTimeZone(try #require(TimeZone(identifier: "Asia/Shanghai")), year: 2026).hikvisionText == "CST-8:00:00")
        #expect(POSIXTimeZone(try #require(TimeZone(identifier: "Asia/Kolkata")), year: 2026).text == "STD-5:30:00")
    }

    /// What was written is read again as the same, and says of every hour of the year what the place's own rule says.
    @Test(arguments: [
        "Europe/Rome", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Europe/Dublin", "America/Santiago", "Asia/Tokyo",
        "Africa/Cairo",
    ]) func agreesWithThePlacesClock(identifier: String) throws {
        let place = try #require(TimeZone(identifier: identifier))
        let zone = POSIXTimeZone(place, year: 2026)
        #expect(POSIXTimeZone(zone.text) == zone)
        #expect(POSIXTimeZone(zone.hikvisionText) == zone)
        for hour in 0..<8760 {
            let date = Date(timeIntervalSince1970: 1_767_225_600 + Double(hour) * 3600 + 1)
            guard zone.offset(at: date) != place.secondsFromGMT(for: date) else { continue }
            Issue.record("\(date): \(zone.offset(at: date)), not \(place.secondsFromGMT(for: date))")
            break
        }
    }
}
