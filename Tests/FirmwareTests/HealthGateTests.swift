import Testing

@testable import Firmware

/// A release stays if it does what the one before did.
@Suite struct HealthGateTests {
    private static let well = BoxHealth(
        answers: true, writes: true, camerasStreaming: 4, uploads: true, memoryBytes: 100 << 20, descriptors: 80)

    private func health(_ change: (inout BoxHealth) -> Void) -> BoxHealth {
        var health = Self.well
        change(&health)
        return health
    }

    /// What is said at last, and at which look.
    private func verdict(before: BoxHealth = well, _ looks: [BoxHealth]) -> (HealthGate.Verdict, Int) {
        var gate = HealthGate(before: before)
        for (index, look) in looks.enumerated() {
            let verdict = gate.take(look)
            if verdict != .goesOn { return (verdict, index + 1) }
        }
        return (.goesOn, looks.count)
    }

    private func all(_ change: (inout BoxHealth) -> Void) -> [BoxHealth] { Array(repeating: health(change), count: 20) }

    @Test func aQuarterOfAnHourConfirms() {
        #expect(verdict(all { _ in }) == (.confirmed, 15))
    }

    @Test func whatIsMissingIsNamed() {
        #expect(verdict(all { $0.answers = false }) == (.failed("Its API did not answer."), 2))
        #expect(verdict(all { $0.writes = false }) == (.failed("It could not write its database."), 2))
        #expect(verdict(all { $0.camerasStreaming = 3 }) == (.failed("3 of 4 cameras had a picture."), 5))
        #expect(verdict(all { $0.uploads = false }) == (.failed("Nothing reached the cloud."), 5))
        #expect(verdict(all { $0.memoryBytes = 200 << 20 }) == (.failed("It took more memory than it should."), 2))
        #expect(verdict(all { $0.descriptors = 261 }) == (.failed("It had more files open than it should."), 2))
    }

    /// A leak shows within the quarter of an hour if it is fast enough to matter.
    @Test func aLeakIsFound() {
        let looks = (0..<20).map { minute in health { $0.memoryBytes += minute * 10 << 20 } }
        #expect(verdict(looks) == (.failed("It took more memory than it should."), 9))
    }

    @Test func whatWasMissingBeforeMayBeMissing() {
        let before = health {
            $0.camerasStreaming = 1
            $0.uploads = false
        }
        #expect(
            verdict(
                before: before,
                all {
                    $0.camerasStreaming = 1; $0.uploads = false
                }) == (.confirmed, 15))
        #expect(verdict(before: before, all { $0.camerasStreaming = 0 }) == (.failed("0 of 1 cameras had a picture."), 5))
    }

    /// A start, a camera that is connected anew, a store with a bad minute: nothing that lasts.
    @Test func whatPassesIsNoReason() {
        var looks = all { _ in }
        for minute in 0..<4 { looks[minute].camerasStreaming = minute }
        looks[6].uploads = false
        looks[8].answers = false
        looks[9].camerasStreaming = 2
        looks[11].memoryBytes = 300 << 20
        #expect(verdict(looks) == (.confirmed, 15))
    }

    /// At its end it must be well: what is not is waited for.
    @Test func whatIsNotWellAtLastIsNotConfirmedYet() {
        var looks = all { _ in }
        for minute in 12..<16 { looks[minute].camerasStreaming = 0 }
        #expect(verdict(looks) == (.confirmed, 17))
        looks = all { _ in }
        for minute in 12..<20 { looks[minute].uploads = false }
        #expect(verdict(looks) == (.failed("Nothing reached the cloud."), 17))
    }

    @Test func whatFailsAtLastFails() {
        var looks = all { _ in }
        for minute in 10..<15 { looks[minute].camerasStreaming = 0 }
        #expect(verdict(looks) == (.failed("0 of 4 cameras had a picture."), 15))
    }
}
