import Core
import Foundation
import Refill
import Testing

@testable import Playback

private let noon = Date(timeIntervalSince1970: 1_795_780_800)

private func span(_ from: Double, _ to: Double) -> Span { Span(from: noon.addingTimeInterval(from), to: noon.addingTimeInterval(to)) }

private func clip(_ from: Double, _ to: Double, playable: Bool = true) -> ChannelTimeline.Footage {
    ChannelTimeline.Footage(
        piece: FootagePiece(place: .cloud, kind: .event, clip: .timeOrdered(at: noon), span: span(from, to)), isPlayable: playable)
}

private func recording(_ from: Double, _ to: Double, _ kind: FootageKind = .time) -> ChannelTimeline.Footage {
    ChannelTimeline.Footage(piece: FootagePiece(place: .device, kind: kind, clip: nil, span: span(from, to)))
}

@Suite struct ChannelTimelineTests {
    @Test func putsBothSourcesInOrderOfTheirBeginnings() {
        let line = ChannelTimeline(span: span(0, 1000), clips: [clip(300, 330), clip(20, 50)], recordings: [recording(0, 600)], gaps: [])
        #expect(line.footage.map(\.piece.span) == [span(0, 600), span(20, 50), span(300, 330)])
        #expect(line.footage.map(\.piece.kind) == [.time, .event, .event])
    }

    @Test func joinsFilesOfADeviceThatTouch() {
        let line = ChannelTimeline(
            span: span(0, 1000), clips: [],
            recordings: [recording(300, 600), recording(0, 300.4), recording(700, 800), recording(310, 320, .event)],
            gaps: [])
        #expect(line.footage.map(\.piece.span) == [span(0, 600), span(310, 320), span(700, 800)])
    }

    @Test func leavesOfAGapWhatHasNoFootage() {
        let gaps = [ChannelTimeline.Gap(span: span(100, 400), reason: "The box was off.", outcome: "2 clips were refilled.")]
        let line = ChannelTimeline(span: span(0, 350), clips: [clip(150, 180)], recordings: [recording(90, 120)], gaps: gaps)
        #expect(line.gaps.map(\.span) == [span(120, 150), span(180, 350)])
        #expect(line.gaps.allSatisfy { $0.reason == "The box was off." && $0.outcome != nil })
    }

    @Test func tellsOnlyWhatLiesInTheTimeAndNotTooMuch() {
        let many = (0..<6000).map { clip(Double($0) * 10, Double($0) * 10 + 5) }
        let line = ChannelTimeline(span: span(0, 100_000), clips: many + [clip(-50, -10)], recordings: [], gaps: [])
        #expect(line.footage.count == ChannelTimeline.most)
        #expect(line.footage.first?.piece.span == span(0, 5))
        #expect(line.sentence != nil)
    }

    @Test func marksDaysByTheSitesClocksOverTheirChange() throws {
        let rome = try #require(TimeZone(identifier: "Europe/Rome"))
        func at(_ text: String) throws -> Date { try #require(GatehouseJSON.date(text)) }
        // The clocks go back on 25 October 2026: that day has 25 hours.
        let spans = [
            Span(from: try at("2026-10-24T21:59:00Z"), to: try at("2026-10-24T22:01:00Z")),  // over midnight to the 25th
            Span(from: try at("2026-10-25T22:59:30Z"), to: try at("2026-10-25T22:59:50Z")),  // still the 25th
            Span(from: try at("2026-10-31T22:30:00Z"), to: try at("2026-10-31T23:30:00Z")),  // into November
            Span(from: try at("2026-09-30T20:00:00Z"), to: try at("2026-09-30T21:59:59Z")),  // September
        ]
        #expect(ChannelTimeline.days(of: spans, year: 2026, month: 10, zone: rome) == [24, 25, 31])
        #expect(ChannelTimeline.days(of: spans, year: 2026, month: 11, zone: rome) == [1])
        let whole = try #require(ChannelTimeline.month(year: 2026, month: 10, zone: rome))
        #expect(whole.seconds == (31 * 24 + 1) * 3600)
    }
}

@Suite struct FootageOrderTests {
    @Test func playsTheClipThatHasTheMoment() {
        let next = FootageOrder.next(after: noon.addingTimeInterval(30), in: [clip(0, 25), clip(20, 50), clip(60, 90)])
        #expect(next?.piece.span == span(30, 50))
    }

    @Test func goesOverGaps() {
        #expect(FootageOrder.next(after: noon.addingTimeInterval(51), in: [clip(20, 50), clip(60, 90)])?.piece.span == span(60, 90))
        #expect(FootageOrder.next(after: noon.addingTimeInterval(89.8), in: [clip(20, 50), clip(60, 90)]) == nil)
    }

    @Test func leavesOutWhatCannotBePlayedYet() {
        #expect(FootageOrder.next(after: noon, in: [clip(0, 50, playable: false), clip(60, 90)])?.piece.span == span(60, 90))
    }

    @Test func goesOnInTheClipThatLastsLongest() {
        #expect(
            FootageOrder.next(after: noon.addingTimeInterval(10), in: [clip(0, 20), clip(5, 50), clip(8, 30)])?.piece.span == span(10, 50))
    }
}
