import Media
import Testing

@Suite struct TimelineRepairTests {
    private func milliseconds(_ value: Int64) -> MediaTime { MediaTime(microseconds: value * 1000) }

    @Test func keepsPlausibleTimesAsTheyAre() {
        var repair = TimelineRepair()
        for index in 0..<100 {
            let time = milliseconds(Int64(index) * 40)
            let repaired = repair.repair(time: time, decodeTime: time, arrival: .milliseconds(5 + index * 40))
            #expect(repaired.time == time && repaired.decodeTime == time)
        }
        #expect(repair.repairs == 0)
    }

    @Test func goesOnWhereItWasAfterAStepBackwards() {
        var repair = TimelineRepair()
        var last = MediaTime(microseconds: -1)
        for index in 0..<200 {
            let claim = milliseconds(Int64(index) * 40 - (index >= 100 ? 3000 : 0))
            let repaired = repair.repair(time: claim, decodeTime: claim, arrival: .milliseconds(index * 40))
            #expect(repaired.decodeTime > last)
            last = repaired.decodeTime
        }
        #expect(repair.repairs == 1)
        // 200 frames of 40 ms: the step is gone, the length is right.
        #expect(abs(last.microseconds - 199 * 40_000) < 50_000)
    }

    @Test func disbelievesALeapThatTheClockDoesNotConfirm() {
        var repair = TimelineRepair()
        _ = repair.repair(time: .zero, decodeTime: .zero, arrival: .zero)
        let leap = repair.repair(time: milliseconds(3_600_000), decodeTime: milliseconds(3_600_000), arrival: .milliseconds(40))
        #expect(leap.time < milliseconds(100))
        #expect(repair.repairs == 1)
    }

    @Test func makesUpTimesThatAreMissing() {
        var repair = TimelineRepair()
        var last = MediaTime(microseconds: -1)
        for index in 0..<10 {
            let repaired = repair.repair(time: nil, decodeTime: nil, arrival: .milliseconds(index * 40))
            #expect(repaired.decodeTime > last)
            last = repaired.decodeTime
        }
    }
}

@Suite struct FrameRateDropperTests {
    private func places(_ sourceRate: Double, to rate: Int, seconds: Int) -> [(source: Double, place: Double)] {
        var dropper = FrameRateDropper(frameRate: rate)
        return (0..<Int(sourceRate * Double(seconds))).compactMap { index in
            let time = MediaTime(microseconds: Int64(Double(index) / sourceRate * 1_000_000))
            return dropper.place(time).map { (Double(time.microseconds) / 1e6, Double($0.microseconds) / 1e6) }
        }
    }

    @Test(arguments: [(25.0, 10), (30.0, 10), (25.0, 6), (15.0, 8), (50.0, 7), (29.97, 10)])
    func keepsAConstantRateAndMovesNoPictureFar(sourceRate: Double, rate: Int) {
        let kept = places(sourceRate, to: rate, seconds: 20)
        #expect(abs(kept.count - 20 * rate) <= 1)
        for (index, picture) in kept.enumerated() {
            #expect(abs(picture.place - Double(index) / Double(rate)) < 0.002)
            #expect(abs(picture.place - picture.source) <= 0.5 / sourceRate + 0.002)
        }
    }

    @Test func leavesASlowSourceAlone() {
        let kept = places(8, to: 10, seconds: 10)
        #expect(kept.count == 80)
        #expect(kept.dropFirst(6).allSatisfy { $0.place == $0.source })
        #expect(kept.allSatisfy { abs($0.place - $0.source) <= 0.0501 })
    }

    @Test func aHoleInAFastSourceLeavesTheGridAlone() {
        var dropper = FrameRateDropper(frameRate: 10)
        var places: [Int64] = []
        for index in 0..<100 where !(1...3).contains(index) && !(40...44).contains(index) {
            if let place = dropper.place(MediaTime(microseconds: Int64(index) * 66_667)) { places.append(place.microseconds) }
        }
        #expect(places.allSatisfy { $0 % 100_000 == 0 })
        #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
    }
}

@Suite struct FittedSizeTests {
    @Test(arguments: [
        (1920, 1080, 704, 576, 704, 396), (1280, 960, 704, 576, 704, 528), (640, 360, 1920, 1080, 640, 360),
        (1080, 1920, 704, 576, 324, 576),
        (3840, 2160, 1920, 1080, 1920, 1080), (2592, 1944, 1920, 1080, 1440, 1080),
    ])
    func keepsTheShapeAndNeverGrows(width: Int, height: Int, boxWidth: Int, boxHeight: Int, toWidth: Int, toHeight: Int) {
        let size = fittedSize(width: width, height: height, into: (boxWidth, boxHeight))
        #expect(size == (toWidth, toHeight))
    }
}
