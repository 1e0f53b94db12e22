import Foundation
import Synchronization
import Testing

@testable import Slots

/// Whatever moment the power goes, the box starts the old or the new release.
@Suite struct SlotFolderTests {
    private struct PowerCut: Error {}

    /// A folder with releases that are whole.
    private final class Disk {
        let place = FileManager.default.temporaryDirectory.appending(path: "gatehouse-slots-\(UUID().uuidString)")

        init(_ slots: String...) throws {
            for slot in slots { try add(slot) }
        }

        deinit {
            try? FileManager.default.removeItem(at: place)
        }

        func add(_ slot: String) throws {
            let folder = place.appending(path: "slots/\(slot)/bin")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data("#!/bin/sh\n".utf8).write(to: folder.appending(path: "gatehouse"))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.appending(path: "gatehouse").path)
        }

        var slots: SlotFolder { SlotFolder(place.path, boot: "boot") }

        /// Ends at the step of this number, from 0 on; the machine's next run is another one where `boot` says so.
        func slots(in boot: String = "boot", cutAt number: Int = .max) -> SlotFolder {
            let steps = Counting()
            return SlotFolder(place.path, boot: boot) { _ in
                if steps.next() == number { throw PowerCut() }
            }
        }
    }

    private final class Counting: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                defer { count += 1 }
                return count
            }
        }
    }

    /// A box that runs `old` and is to try `new`.
    private func upgrading() throws -> Disk {
        let disk = try Disk("old", "new")
        try disk.slots.beginTrial(of: "old")
        try disk.slots.confirmCurrent()
        return disk
    }

    @Test func aReleaseThatProvesItselfStays() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        #expect(disk.slots.trial == .init(slot: "new", startsLeft: 3))
        #expect(try disk.slots.launch() == "new")
        #expect(disk.slots.trial == .init(slot: "new", startsLeft: 2))
        try disk.slots.confirmCurrent()
        for _ in 0..<10 { #expect(try disk.slots.launch() == "new") }
        #expect(disk.slots.previous == "old")
        #expect(disk.slots.trial == nil)
    }

    @Test func aReleaseThatNeverRunsWellIsGivenUp() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        let started = try (0..<6).map { _ in try disk.slots.launch() }
        #expect(started == ["new", "new", "new", "old", "old", "old"])
        #expect(disk.slots.reasonAgainst("new") == "It was started 3 times and never ran well.")
        #expect(throws: SlotError.bad("new", reason: "It was started 3 times and never ran well.")) { try disk.slots.beginTrial(of: "new") }
    }

    @Test func aReleaseThatIsNotWellGoesBack() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        _ = try disk.slots.launch()
        #expect(try disk.slots.rollBack(from: "new", because: "Three of four cameras do not stream.") == "old")
        #expect(try disk.slots.launch() == "old")
        #expect(disk.slots.trial == nil)
        #expect(disk.slots.reasonAgainst("new") == "Three of four cameras do not stream.")
    }

    /// Each step of a beginning, a start, a confirmation and a going back, cut once before it; then the box starts until it stands.
    @Test func aPowerCutAtAnyStepLeavesTheOldOrTheNew() throws {
        let acts: [(String, @Sendable (SlotFolder) throws -> Void)] = [
            ("begin", { try $0.beginTrial(of: "new") }),
            ("launch", { _ = try $0.launch() }),
            ("confirm", { try $0.confirmCurrent() }),
            ("roll back", { try $0.rollBack(from: "new", because: "It is bad.") }),
        ]
        var cuts = 0
        for (index, act) in acts.enumerated() {
            for number in 0..<100 {
                let disk = try upgrading()
                if index > 0 { try disk.slots.beginTrial(of: "new") }
                do {
                    try act.1(disk.slots(cutAt: number))
                    break
                } catch is PowerCut {
                    cuts += 1
                }
                let first = try disk.slots.launch()
                #expect(["old", "new"].contains(first), "\(act.0), step \(number)")
                // A release that nobody confirms ends with the old one, and one that is confirmed stays.
                var last = first
                for _ in 0..<5 { last = try disk.slots.launch() }
                if act.0 != "confirm" || disk.slots.reasonAgainst("new") != nil { #expect(last == "old", "\(act.0), step \(number)") }
                try disk.slots.confirmCurrent()
                #expect(try disk.slots.launch() == last)
            }
        }
        // Six steps to begin, three to start, one to confirm, six to go back.
        #expect(cuts == 16)
    }

    /// However early the power goes; its three starts it has all the same.
    @Test func aStartThatEndedWithTheMachineDoesNotCount() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        for boot in 0...5 { #expect(try disk.slots(in: "\(boot)").launch() == "new") }
        #expect(disk.slots.trial == .init(slot: "new", startsLeft: 2))
        // It crashes now.
        for _ in 0..<2 { #expect(try disk.slots(in: "5").launch() == "new") }
        #expect(try disk.slots(in: "5").launch() == "old")
        #expect(
            disk.slots.reasonAgainst("new") == "It was started 8 times, of which 5 ended with the machine or in order, and never ran well.")
    }

    @Test func theLastStartDoesNotCountEither() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        for _ in 0..<3 { #expect(try disk.slots.launch() == "new") }
        #expect(try disk.slots(in: "another").launch() == "new")
        #expect(try disk.slots(in: "another").launch() == "old")
    }

    @Test func aReleaseThatEndsTheMachineTimeAndAgainIsGivenUp() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        let started = try (0..<10).map { try disk.slots(in: "\($0)").launch() }
        #expect(started == Array(repeating: "new", count: 8) + ["old", "old"])
    }

    /// Somebody may restart a box within a trial: five times that is not the release's doing.
    @Test func aStartThatEndedInOrderDoesNotCount() throws {
        let disk = try upgrading()
        try disk.slots.endInOrder("old")
        #expect(!FileManager.default.fileExists(atPath: disk.place.appending(path: "starts").path), "it is not on trial")
        try disk.slots.beginTrial(of: "new")
        for _ in 0...5 {
            #expect(try disk.slots.launch() == "new")
            #expect(disk.slots.trial == .init(slot: "new", startsLeft: 2))
            try disk.slots.endInOrder("old")
            try disk.slots.endInOrder("new")
        }
        for _ in 0..<2 {
            #expect(try disk.slots.launch() == "new")
            try disk.slots.endInOrder("new")
        }
        #expect(try disk.slots.launch() == "old")
        #expect(
            disk.slots.reasonAgainst("new") == "It was started 8 times, of which 5 ended with the machine or in order, and never ran well.")
    }

    /// One that crashes after it ended in order once has its three starts still.
    @Test func whatCrashesBetweenCounts() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        #expect(try disk.slots.launch() == "new")
        try disk.slots.endInOrder("new")
        for _ in 0..<3 { #expect(try disk.slots.launch() == "new") }
        #expect(try disk.slots.launch() == "old")
    }

    /// What is known of an earlier trial's starts is nothing of this one's.
    @Test func eachReleaseHasStartsOfItsOwn() throws {
        let disk = try upgrading()
        try disk.add("newer")
        try disk.slots.beginTrial(of: "new")
        for boot in 0..<6 { _ = try disk.slots(in: "\(boot)").launch() }
        try disk.slots.beginTrial(of: "newer")
        let started = try (10..<20).map { try disk.slots(in: "\($0)").launch() }
        #expect(started == Array(repeating: "newer", count: 8) + ["old", "old"])
    }

    /// The power goes at a step of each start, in one run of the machine after the other.
    @Test func aPowerCutAtAnyStepOfAStartGivesNoStartAway() throws {
        for number in 0..<3 {
            let disk = try upgrading()
            try disk.slots.beginTrial(of: "new")
            for boot in 0..<20 {
                do { _ = try disk.slots(in: "\(boot)", cutAt: number).launch() } catch is PowerCut {}
                #expect(["old", "new"].contains(disk.slots.current))
            }
            for _ in 0..<9 { _ = try disk.slots(in: "last").launch() }
            #expect(try disk.slots(in: "last").launch() == "old", "step \(number)")
        }
    }

    /// What was written there by whoever is no start.
    @Test(arguments: ["", "new", "new boot", "new boot -1", "new boot x", "new  2", "new boot 99999999999999999999", "\u{0}"])
    func whatIsNoStartCountsAsNone(text: String) throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        try Data(text.utf8).write(to: disk.place.appending(path: "starts"))
        for _ in 0..<3 { #expect(try disk.slots.launch() == "new") }
        #expect(try disk.slots.launch() == "old")
    }

    /// What was cut off while it began can be begun again, and another one, too.
    @Test func whatWasCutOffCanBeBegunAgain() throws {
        for number in 0..<20 {
            let disk = try upgrading()
            try disk.add("newer")
            do { try disk.slots(cutAt: number).beginTrial(of: "new") } catch is PowerCut {}
            _ = try disk.slots.launch()
            try disk.slots.beginTrial(of: "newer")
            #expect(try disk.slots.launch() == "newer")
            #expect(disk.slots.trial == .init(slot: "newer", startsLeft: 2), "step \(number)")
            try disk.slots.confirmCurrent()
            #expect(try disk.slots.launch() == "newer")
        }
    }

    @Test func aBoxThatHasNothingElseKeepsWhatItHas() throws {
        let disk = try Disk("only")
        try disk.slots.beginTrial(of: "only")
        for _ in 0..<6 { #expect(try disk.slots.launch() == "only") }
        #expect(disk.slots.reasonAgainst("only") == nil)
        #expect(throws: SlotError.nothingBefore("only")) { try disk.slots.rollBack(from: "only", because: "It is bad.") }
        #expect(try disk.slots.launch() == "only")
    }

    @Test func whatIsDamagedIsNotStarted() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        try FileManager.default.removeItem(at: disk.place.appending(path: "slots/new/bin/gatehouse"))
        #expect(try disk.slots.launch() == "old")
        try FileManager.default.removeItem(at: disk.place.appending(path: "slots/old"))
        #expect(throws: SlotError.nothingToStart) { try disk.slots.launch() }
    }

    @Test(arguments: ["/etc", "../x", "slots/../../etc", "slots/a/b", "slots/", "slots/.."]) func aLinkThatLeadsElsewhereIsNone(
        target: String
    ) throws {
        let disk = try upgrading()
        let link = disk.place.appending(path: "current").path
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        #expect(disk.slots.current == nil)
        #expect(throws: SlotError.nothingToStart) { try disk.slots.launch() }
    }

    /// A release that was begun before the one of now had proved itself: neither makes the other the one that is gone back to.
    @Test func aTrialUponATrialGoesBackToWhatProvedItself() throws {
        for number in 0..<20 {
            let disk = try upgrading()
            try disk.add("newer")
            try disk.slots.beginTrial(of: "new")
            _ = try disk.slots.launch()
            do { try disk.slots(cutAt: number).beginTrial(of: "newer") } catch is PowerCut {}
            #expect(disk.slots.previous == "old")
            for _ in 0..<4 { _ = try disk.slots.launch() }
            #expect(try disk.slots.launch() == "old", "step \(number)")
        }
    }

    /// Who judged a release that is not started any more has nothing to say.
    @Test func onlyWhatIsStartedIsConfirmedOrGivenUp() throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        try disk.slots.confirm("old")
        #expect(disk.slots.trial == .init(slot: "new", startsLeft: 3))
        #expect(try disk.slots.rollBack(from: "old", because: "It was bad.") == "new")
        #expect(disk.slots.reasonAgainst("old") == nil)
    }

    /// A disk on which nothing can be written any more: what proved itself is started.
    @Test(arguments: [3, 0]) func aDiskThatTakesNothingIsNoReasonToStartNothing(startsLeft: Int) throws {
        let disk = try upgrading()
        try disk.slots.beginTrial(of: "new")
        for _ in startsLeft..<3 { _ = try disk.slots.launch() }
        let full = SlotFolder(disk.place.path) { _ in throw SlotError.file("disk", 28) }
        #expect(try full.launch() == "old")
    }

    /// Damage is found, remembered, and never what is gone back to.
    @Test func whatIsDamagedIsNotWhatIsGoneBackTo() throws {
        let disk = try upgrading()
        try disk.add("newer")
        try disk.slots.beginTrial(of: "new")
        try disk.slots.confirmCurrent()
        try Data().write(to: disk.place.appending(path: "slots/new/bin/gatehouse"))
        #expect(try disk.slots.launch() == "old")
        #expect(disk.slots.reasonAgainst("new") == "It is damaged.")
        try disk.slots.beginTrial(of: "newer")
        #expect(disk.slots.previous == "old")
        for _ in 0..<3 { #expect(try disk.slots.launch() == "newer") }
        #expect(try disk.slots.launch() == "old")
    }

    @Test func whatIsNotHereIsNotTried() throws {
        let disk = try upgrading()
        for slot in ["none", "../slots/new", ""] { #expect(throws: SlotError.noSuchSlot(slot)) { try disk.slots.beginTrial(of: slot) } }
        #expect(disk.slots.current == "old")
    }

    @Test func whatIsSpareCanGo() throws {
        let disk = try upgrading()
        try disk.add("older")
        #expect(disk.slots.spare == ["new", "older"])
        try disk.slots.beginTrial(of: "new")
        #expect(disk.slots.spare == ["older"])
    }
}

extension SlotFolder {
    /// What is started proved itself.
    fileprivate func confirmCurrent() throws {
        if let current { try confirm(current) }
    }
}
