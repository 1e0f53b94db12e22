import BoxDatabase
import Core
import Foundation
import Testing

@testable import CloudStorage

private func zone(_ name: String) throws -> TimeZone { try #require(TimeZone(identifier: name)) }
private func moment(_ text: String) throws -> Date { try #require(GatehouseJSON.date(text)) }
private func day(_ text: String) throws -> CalendarDay { try #require(CalendarDay(text)) }

@Suite struct CalendarDayTests {
    @Test(arguments: [
        "2027-02-29", "2027-13-01", "2027-00-10", "2027-04-31", "27-01-01", "2027-1-1", "2027/01/01", "", "1999-01-01", "٢٠٢٧-٠١-٠١",
    ])
    func daysThatTheCalendarDoesNotHaveAreRefused(text: String) {
        #expect(CalendarDay(text) == nil)
    }

    @Test func daysAreWrittenAsPeopleAndProgramsReadThem() throws {
        #expect(try day("2027-03-04").words == "4 March 2027")
        #expect(try day("2028-02-29").text == "2028-02-29")
        #expect(try day("2027-03-04") < day("2027-03-05") && day("2026-12-31") < day("2027-01-01"))
    }

    @Test(arguments: [
        ("2027-01-31", 1, "2027-02-28"), ("2028-01-31", 1, "2028-02-29"), ("2027-01-14", 1, "2027-02-14"), ("2027-12-31", 1, "2028-01-31"),
        ("2028-02-29", 12, "2029-02-28"), ("2027-08-31", 1, "2027-09-30"), ("2027-11-30", 12, "2028-11-30"),
    ])
    func aMonthIsACalendarMonth(from: String, months: Int, to: String) throws {
        let start = try day(from)
        #expect(start.adding(months: months, anchor: start.day).text == to)
    }

    @Test func afterAShortMonthTheAnchorComesBack() throws {
        var last = try day("2027-01-31")
        var ends: [String] = []
        for _ in 0..<5 {
            last = last.adding(months: 1, anchor: 31)
            ends.append(last.text)
        }
        #expect(ends == ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"])
    }

    /// Berlin and New York change at night, Cairo and Santiago at midnight, Havana has midnight twice, Kathmandu is 5:45 off,
    /// Lord Howe changes by half an hour, Kiritimati is 14 hours ahead.
    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Santiago", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Pacific/Kiritimati", "UTC", "Asia/Beirut",
    ])
    func aDayEndsWhereTheNextBeginsAllYear(name: String) throws {
        let zone = try zone(name)
        var now = try day("2027-01-01")
        while now.year < 2029 {
            let end = now.end(in: zone)
            #expect(CalendarDay(end.addingTimeInterval(-0.001), in: zone) == now)
            #expect(ChannelPlan.lastDay(end, in: zone) == now)
            let next = CalendarDay(end, in: zone)
            #expect(next > now && CalendarDay(end.addingTimeInterval(3600 * 20), in: zone) == next)
            now = next
        }
    }

    @Test func theEndOfADayFollowsSummerTime() throws {
        #expect(try day("2027-03-14").end(in: zone("Europe/Berlin")) == moment("2027-03-14T23:00:00Z"))
        #expect(try day("2027-07-14").end(in: zone("Europe/Berlin")) == moment("2027-07-14T22:00:00Z"))
        // 30 April 2027 begins at one o'clock in Cairo.
        #expect(try day("2027-04-29").end(in: zone("Africa/Cairo")) == moment("2027-04-29T22:00:00Z"))
        #expect(try day("2027-03-14").end(in: zone("America/New_York")) == moment("2027-03-15T04:00:00Z"))
    }
}

@Suite struct ChannelPlanTests {
    private let channel = ChannelID.timeOrdered(at: Date())

    private func plan(_ packages: [PlanPackage], from text: String, in zone: TimeZone) throws -> ChannelPlan {
        var plan = ChannelPlan(channel: channel)
        for package in packages {
            let next = plan.next(package, at: try moment(text), in: zone)
            plan = ChannelPlan(channel: channel, periods: plan.periods + [next])
        }
        return plan
    }

    @Test(arguments: [
        (PlanPackage.sevenDaysMonth, "2027-02-14T23:30:00Z", "Europe/Berlin", "2027-03-15"),
        (.thirtyDaysYear, "2027-03-27T12:00:00Z", "Europe/Berlin", "2028-03-27"),
        (.thirtyDaysMonth, "2027-01-31T20:00:00Z", "America/New_York", "2027-02-28"),
        (.thirtyDaysMonth, "2027-02-01T02:00:00Z", "America/New_York", "2027-02-28"),
        (.sevenDaysYear, "2028-02-29T10:00:00Z", "Asia/Tokyo", "2029-02-28"),
    ])
    func aPlanEndsWithADayAtTheSite(package: PlanPackage, from: String, place: String, lastDay: String) throws {
        let zone = try zone(place)
        let plan = try plan([package], from: from, in: zone)
        let until = try #require(plan.until)
        #expect(ChannelPlan.lastDay(until, in: zone).text == lastDay)
        #expect(plan.state(at: until.addingTimeInterval(-1)) == .expiring)
        #expect(plan.state(at: until) == .expired)
    }

    @Test func statesFollowOneAnother() throws {
        let zone = try zone("Europe/Berlin")
        #expect(ChannelPlan(channel: channel).state(at: Date()) == .notActivated)
        let plan = try plan([.thirtyDaysYear], from: "2027-03-01T08:00:00Z", in: zone)
        // Until the end of 1 March 2028.
        #expect(plan.state(at: try moment("2027-03-01T08:00:00Z")) == .active)
        #expect(plan.state(at: try moment("2028-01-31T22:59:59Z")) == .active)
        #expect(plan.state(at: try moment("2028-01-31T23:00:00Z")) == .expiring)
        #expect(plan.state(at: try moment("2028-03-01T22:59:59Z")) == .expiring)
        #expect(plan.state(at: try moment("2028-03-01T23:00:00Z")) == .expired)
        #expect(PlanState.allCases.filter(\.isActive) == [.active, .expiring])
    }

    @Test func aClockThatWentBackEndsNoPlan() throws {
        let plan = try plan([.sevenDaysMonth], from: "2027-03-01T08:00:00Z", in: .gmt)
        #expect(plan.cover(at: try moment("2000-01-01T00:00:00Z"), in: .gmt) == .active(retentionDays: 7))
    }

    @Test func renewingAppendsAndEachTimeHasItsRetention() throws {
        let zone = try zone("Europe/Berlin")
        let plan = try plan([.sevenDaysMonth, .sevenDaysMonth, .thirtyDaysYear], from: "2027-01-31T08:00:00Z", in: zone)
        #expect(plan.periods.map { ChannelPlan.lastDay($0.until, in: zone).text } == ["2027-02-28", "2027-03-31", "2028-03-31"])
        #expect(plan.periods[1].from == plan.periods[0].until && plan.periods[2].from == plan.periods[1].until)
        #expect(plan.from == plan.periods[0].from)
        #expect(plan.cover(at: try moment("2027-03-15T00:00:00Z"), in: zone) == .active(retentionDays: 7))
        #expect(plan.cover(at: try moment("2027-04-15T00:00:00Z"), in: zone) == .active(retentionDays: 30))
        let words = plan.sentence(at: try moment("2027-02-01T00:00:00Z"), in: zone, inStock: false)
        #expect(words == "7 days of footage until 31 March 2027, then 30 days of footage until 31 March 2028.")
    }

    @Test func activatedAnewAfterItsEndItBeginsThen() throws {
        let zone = try zone("Europe/Berlin")
        let old = try plan([.sevenDaysMonth], from: "2027-01-10T08:00:00Z", in: zone)
        let now = try moment("2027-05-20T08:00:00Z")
        let new = old.next(.thirtyDaysMonth, at: now, in: zone)
        #expect(new.from == now && ChannelPlan.lastDay(new.until, in: zone).text == "2027-06-20" && new.anchorDay == 20)
        #expect(ChannelPlan(channel: channel, periods: old.periods + [new]).from == now)
    }

    @Test func howAPlanStandsIsSaidInWords() throws {
        let zone = try zone("Europe/Berlin")
        var plan = try plan([.thirtyDaysMonth], from: "2027-02-14T08:00:00Z", in: zone)
        let now = try moment("2027-02-20T08:00:00Z")
        #expect(plan.sentence(at: now, in: zone, inStock: true) == "30 days of footage until 14 March 2027.")
        plan.automaticRenewal = true
        #expect(plan.sentence(at: now, in: zone, inStock: true) == "30 days of footage until 14 March 2027, renews itself.")
        #expect(plan.sentence(at: now, in: zone, inStock: false).contains("no such package is in stock"))
        let later = try moment("2027-03-14T23:00:00Z")
        #expect(plan.sentence(at: later, in: zone, inStock: true).hasPrefix("The plan ended on 14 March 2027"))
        guard case .missing(let sentence) = plan.cover(at: later, in: zone) else {
            Issue.record("nothing may be recorded")
            return
        }
        #expect(sentence.contains("ended on 14 March 2027"))
        #expect(ChannelPlan(channel: channel).cover(at: now, in: zone) != plan.cover(at: later, in: zone))
    }
}
