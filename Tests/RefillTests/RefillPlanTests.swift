import Cameras
import Core
import Foundation
import Testing

@testable import Refill

private let start = Date(timeIntervalSince1970: 1_790_000_000)
private func at(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }
private func span(_ from: Double, _ to: Double) -> Span { Span(from: at(from), to: at(to)) }

@Suite struct RefillPlanTests {
    private func recording(
        _ from: Double, _ to: Double, _ kind: DeviceRecording.Kind = .motion, category: CameraEvent.Category? = nil
    ) -> DeviceRecording {
        var made = DeviceRecording(channel: 1, kind: kind, from: at(from), to: at(to), playbackURL: nil)
        made.category = category
        return made
    }

    private func plan(
        _ absence: Span = span(100, 200), offset: Double = 0, covered: [Span] = [], exact: [Span] = [],
        isArmed: @escaping @Sendable (Date) -> Bool = { _ in true }
    ) -> RefillPlan {
        RefillPlan(absence: absence, clock: ClockCorrection(offset: offset), covered: covered, exact: exact, isArmed: isArmed)
    }

    private func known(_ seconds: Double) -> RefillPlan.KnownEvent {
        .init(.init(id: .timeOrdered(at: at(seconds)), category: .lineCrossing, source: .camera, startedAt: at(seconds)))
    }

    @Test func anEventRecordingIsOneClipWithAnEvent() {
        var plan = plan()
        let (pieces, sentence) = plan.pieces([recording(120, 150, .event, category: .intrusion)], known: [])
        #expect(sentence == nil)
        #expect(pieces.map(\.span) == [span(120, 150)])
        #expect(pieces[0].events.map(\.category) == [.intrusion])
        #expect(pieces[0].events[0].startedAt == at(125))
    }

    @Test func aDeviceClockIsCorrected() {
        var plan = plan(offset: 3600)
        let (pieces, _) = plan.pieces([recording(3720, 3750), recording(120, 150)], known: [])
        #expect(pieces.map(\.span) == [span(120, 150)])
        #expect(ClockCorrection(offset: -7.5).box(ClockCorrection(offset: -7.5).device(start)) == start)
        #expect(pieces[0].events[0].deviceTime == at(3725))
    }

    @Test func whatTheBoxHasIsNotFetched() {
        // Devices record somewhat more than the box around an event.
        var whole = plan(covered: [span(122, 150)])
        #expect(whole.pieces([recording(115, 158)], known: []).pieces.isEmpty)
        var part = plan(covered: [span(90, 110)])
        #expect(part.pieces([recording(90, 150)], known: []).pieces.map(\.span) == [span(120, 150)])
    }

    @Test func whatWasRefilledIsNotRefilledAgain() {
        var plan = plan(exact: [span(120, 150)])
        let (pieces, sentence) = plan.pieces([recording(120, 150)], known: [])
        #expect(pieces.isEmpty && sentence?.contains("here already") == true)
    }

    @Test func whatWasCutShortIsCompleted() {
        var plan = plan(exact: [span(118, 131)])
        #expect(plan.pieces([recording(120, 150)], known: []).pieces.map(\.span) == [span(131, 150)])
    }

    @Test func recordingsThatOverlapAreNoTwoClips() {
        var plan = plan()
        #expect(
            plan.pieces([recording(120, 150), recording(130, 170, .event)], known: []).pieces.map(\.span) == [
                span(120, 150), span(150, 170),
            ])
    }

    @Test func longRecordingsAreCutAtFiveMinutes() {
        var plan = plan(span(0, 2000))
        let (pieces, _) = plan.pieces([recording(100, 801)], known: [])
        #expect(pieces.map(\.span) == [span(100, 400), span(400, 700), span(700, 801)])
        #expect(Set(pieces.map { $0.events[0].id }).count == 1, "one event, however many clips")
    }

    @Test func aRecordingThatReachesOutIsCutToTheAbsence() {
        var plan = plan()
        #expect(plan.pieces([recording(0, 130), recording(190, 700)], known: []).pieces.map(\.span.from) == [at(90), at(190), at(490)])
        #expect(plan.pieces([recording(10, 80), recording(210, 240)], known: []).pieces.isEmpty)
    }

    @Test func continuousRecordingsAloneAreNotRefilled() {
        var plan = plan()
        let (pieces, sentence) = plan.pieces([recording(0, 1800, .timed), recording(0, 1800, .other)], known: [])
        #expect(pieces.isEmpty && sentence?.contains("do not say whether something happened") == true)
    }

    @Test func eventsThatAreKnownAreCutOutOfContinuousRecordings() {
        var plan = plan()
        let (first, second) = (known(120), known(190))
        let (pieces, _) = plan.pieces([recording(0, 1800, .timed)], known: [first, second])
        #expect(pieces.map(\.span) == [span(115, 145), span(185, 215)])
        #expect(pieces.map(\.events) == [[first.event], [second.event]])
    }

    @Test func aKnownEventKeepsItsIdentity() {
        var plan = plan()
        let event = known(130)
        let (pieces, _) = plan.pieces([recording(120, 150), recording(0, 1800, .timed)], known: [event])
        #expect(pieces.count == 1 && pieces[0].events == [event.event])
    }

    @Test func aKnownEventCloseToAClipIsFetched() {
        let event = known(156)
        var after = plan(covered: [span(120, 150)])
        let (pieces, _) = after.pieces([recording(115, 175)], known: [event])
        #expect(pieces.map(\.span) == [span(150, 175)] && pieces.map(\.events) == [[event.event]])
        var continuous = plan(covered: [span(120, 150)])
        #expect(continuous.pieces([recording(0, 1800, .timed)], known: [event]).pieces.map(\.span) == [span(151, 181)])
        let early = known(114)
        var before = plan(covered: [span(120, 150)])
        #expect(before.pieces([recording(110, 158)], known: [early]).pieces.map(\.span) == [span(110, 120)])
    }

    @Test func theNearestKnownEventIsAttachedRatherThanAGuess() {
        // The device began a little later than the box heard of it.
        let event = known(117)
        var late = plan()
        #expect(late.pieces([recording(120, 150)], known: [event]).pieces.map(\.events) == [[event.event]])
        var far = plan()
        #expect(far.pieces([recording(130, 150)], known: [event]).pieces.first?.events.first?.category == .motion)
        // What follows in the same recording is of the same event; what comes before it is not.
        let second = known(500)
        var long = plan(span(0, 2000))
        let pieces = long.pieces([recording(100, 801)], known: [second]).pieces
        let isKnown = pieces.map { $0.events == [second.event] }
        #expect(isKnown == [false, true, true])
    }

    @Test func whatWasNotArmedIsNotRefilled() {
        var plan = plan { $0 < at(140) }
        #expect(plan.pieces([recording(120, 135), recording(150, 170)], known: []).pieces.map(\.span) == [span(120, 135)])
    }

    @Test func nothingIsSaidToBeNothing() {
        var plan = plan()
        #expect(plan.pieces([], known: [known(120)]).sentence == "The device has no recordings of this time.")
    }
}

@Suite struct RecordingSearchTests {
    private func recordings(_ count: Int) -> [DeviceRecording] {
        (0..<count).map {
            DeviceRecording(channel: 1, kind: .motion, from: at(Double($0) * 10), to: at(Double($0) * 10 + 15), playbackURL: nil)
        }
    }

    @Test func aSearchGoesOnWhereOneAnswerEnded() async throws {
        let there = recordings(1234)
        var rounds = 0
        let found = try await RecordingSearch.all(from: at(0)) { from, limit in
            rounds += 1
            return Array(there.filter { $0.to > from }.prefix(limit))
        }
        #expect(found == there && rounds == 3)
    }

    @Test func aDeviceThatAlwaysSaysTheSameIsNotAskedForEver() async throws {
        let there = recordings(500)
        var rounds = 0
        let found = try await RecordingSearch.all(from: at(0)) { _, _ in
            rounds += 1
            return there
        }
        #expect(found == there && rounds <= RecordingSearch.mostRounds)
    }
}

@Suite struct AbsenceTrackerTests {
    private let channel = ChannelID.timeOrdered(at: start)

    @Test func anAbsenceBeginsWhereThePictureWasLast() {
        var tracker = AbsenceTracker(patience: 10)
        #expect(tracker.look(at: channel, isThere: true, isWanted: true, now: at(0)) == .nothing)
        #expect(tracker.look(at: channel, isThere: false, isWanted: true, now: at(1)) == .nothing)
        #expect(tracker.look(at: channel, isThere: false, isWanted: true, now: at(5)) == .begins(at(-10)))
        #expect(tracker.look(at: channel, isThere: false, isWanted: true, now: at(60)) == .nothing)
        #expect(tracker.look(at: channel, isThere: true, isWanted: true, now: at(61)) == .ends(at(61)))
        #expect(tracker.look(at: channel, isThere: true, isWanted: true, now: at(62)) == .nothing)
    }

    @Test func aShortOneIsNone() {
        var tracker = AbsenceTracker(patience: 0)
        for second in 0..<60 {
            #expect(tracker.look(at: channel, isThere: second % 4 == 0, isWanted: true, now: at(Double(second))) == .nothing)
        }
    }

    @Test func whatIsNotToBeRecordedIsNotMissing() {
        var tracker = AbsenceTracker(patience: 0)
        for second in 0..<60 {
            #expect(tracker.look(at: channel, isThere: false, isWanted: false, now: at(Double(second))) == .nothing)
        }
        #expect(tracker.look(at: channel, isThere: false, isWanted: true, now: at(65)) == .begins(at(59)))
        #expect(tracker.look(at: channel, isThere: false, isWanted: false, now: at(70)) == .ends(at(70)))
    }

    @Test func anAbsenceOfAnEarlierLifeGoesOn() {
        var tracker = AbsenceTracker(patience: 0)
        tracker.isAway(channel)
        #expect(tracker.look(at: channel, isThere: false, isWanted: true, now: at(10)) == .nothing)
        #expect(tracker.look(at: channel, isThere: true, isWanted: true, now: at(20)) == .ends(at(20)))
    }
}
