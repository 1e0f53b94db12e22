import Core
import Foundation
import Logging
import Slots
import Synchronization
import TestSupport
import Testing

@testable import Firmware

/// A box that takes releases from a vendor, keeps them or goes back, and says which and why.
@Suite(.timeLimit(.minutes(2))) struct UpgraderTests {
    /// The box around the upgrader, of which each life begins with what the launcher starts.
    final class Bench: Sendable {
        let vendor: Vendor
        let time = ManualTime()
        let health = Mutex(
            BoxHealth(answers: true, writes: true, camerasStreaming: 2, uploads: true, memoryBytes: 90 << 20, descriptors: 100))
        let policy = Mutex(UpgradePolicy(isAutomatic: false))
        let restarts = Counter()
        /// Where the vendor wants to know what became of upgrades.
        let report = Mutex<(@Sendable (UpgradeReport) async throws -> Void)?>(nil)
        let source: @Sendable () -> any ReleaseSource
        var folder: URL { vendor.folder.appending(path: "box") }
        var slots: SlotFolder { SlotFolder(folder.path) }

        init(source: (@Sendable () -> any ReleaseSource)? = nil) async throws {
            vendor = try Vendor()
            let folder = vendor.folder.appending(path: "repository")
            self.source = source ?? { FolderSource(folder) }
            let root = try Array(vendor.repository.folder.file("metadata/1.root.json"))
            let place = UpgradePlace(folder: vendor.folder.appending(path: "box"), slot: "", architecture: "arm64")
            _ = try await place.install("gatehouse/arm64/1.0.0.json", from: vendor.source, root: root, at: Vendor.now)
            time.jumpWall(by: Vendor.now.timeIntervalSince(time.source.now()))
        }

        /// A life of the box, of the release that the launcher starts now.
        func life<Value: Sendable>(_ body: @escaping @Sendable (Upgrader) async throws -> Value) async throws -> Value {
            let slot = try slots.launch()
            let place = UpgradePlace(folder: folder, slot: slot, architecture: "arm64")
            let upgrader = Upgrader(
                .init(
                    place: place, serialNumber: "GH0000000001", version: try #require(place.version), model: "gatehouse", source: source,
                    policy: { [self] in (policy.withLock { $0 }, .gmt) }, isTimeKnown: { true },
                    health: { [self] in health.withLock { $0 } },
                    snapshot: { try Data("what it was".utf8).write(to: $0) }, reservedBytes: { 0 }, restart: { [self] in restarts.add(1) },
                    changed: {}, report: report.withLock { $0 },
                    looksEvery: .seconds(60),
                    time: time.source, logger: Logger(label: "test")))
            return try await withBackgroundWork {
                await upgrader.run()
            } _: {
                #expect(await eventually { await upgrader.state.phase != .starting })
                return try await body(upgrader)
            }
        }

        func offer(_ version: String) throws {
            try vendor.add(version)
            try vendor.publish()
        }

        /// Fetches a release and ends the life, as the box does.
        func upgrade(to version: String) async throws {
            let before = restarts.value
            try await life { [self] upgrader in
                try await upgrader.check()
                try await upgrader.upgrade(to: version, by: "Ada")
                #expect(await eventually { self.restarts.value > before })
            }
        }

        func minute() async {
            _ = await eventually { self.time.sleepers > 0 }
            time.advance(.seconds(60))
        }
    }

    @Test func aReleaseIsTakenAndStaysWhenItProvedItself() async throws {
        let bench = try await Bench()
        try await bench.life { upgrader in
            try await upgrader.check()
            #expect(await upgrader.state.available == nil)
            #expect(await upgrader.state.checkedAt != nil)
        }
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        #expect(bench.slots.trial?.startsLeft == 3)
        try await bench.life { upgrader in
            #expect(await eventually { await upgrader.state.phase == .onTrial(looks: 0, of: 15) })
            await #expect(throws: UpgradeRefusal.self) { try await upgrader.check() }
            for look in 1...14 {
                await bench.minute()
                #expect(await eventually { await upgrader.state.phase == .onTrial(looks: look, of: 15) })
            }
            #expect(bench.slots.trial != nil)
            await bench.minute()
            #expect(await eventually { await upgrader.state.phase == .idle })
            #expect(bench.slots.trial == nil)
            let last = try #require(await upgrader.history.first)
            #expect(last.outcome == .confirmed && last.by == "Ada" && last.from.description == "1.0.0" && last.to.description == "1.1.0")
            #expect(UpgradePlace(folder: bench.folder, slot: "").snapshots.isEmpty)
        }
        #expect(bench.slots.current?.hasPrefix("1.1.0-") == true && bench.restarts.value == 1)
    }

    @Test func whatSomebodyBeforeTheBoxConfirmedIsNotOnTrialAnyMore() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        try await bench.life { upgrader in
            #expect(await eventually { await upgrader.state.phase == .onTrial(looks: 0, of: 15) })
            try bench.slots.confirm(try #require(bench.slots.current))
            await bench.minute()
            #expect(await eventually { await upgrader.state.phase == .idle })
            #expect(await upgrader.history.first?.outcome == .confirmed)
        }
    }

    @Test func aReleaseThatDoesLessGoesBackAndIsNotTakenAgain() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        bench.health.withLock { $0.camerasStreaming = 1 }
        try await bench.life { upgrader in
            for _ in 1...5 { await bench.minute() }
            #expect(await eventually { bench.restarts.value == 2 })
            // The database of before is there until the next upgrade.
            #expect(UpgradePlace(folder: bench.folder, slot: "").snapshots.count == 1)
        }
        #expect(bench.slots.current?.hasPrefix("1.0.0-") == true)
        try await bench.life { upgrader in
            let last = try #require(await upgrader.history.first)
            #expect(last.outcome == .rolledBack && last.reason == "1 of 2 cameras had a picture.")
            try await upgrader.check()
            #expect(await upgrader.state.available?.obstacle == .bad)
            await #expect(throws: UpgradeRefusal.self) { try await upgrader.upgrade(to: "1.1.0", by: "Ada") }
        }
    }

    @Test func aReleaseThatNeverStartsIsGivenUpByTheLauncher() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        for _ in 1...3 { #expect(try bench.slots.launch().hasPrefix("1.1.0-")) }
        try await bench.life { upgrader in
            #expect(await eventually { await upgrader.history.first?.outcome == .rolledBack })
            #expect(await upgrader.history.first?.reason == "It was started 3 times and never ran well.")
        }
        #expect(bench.slots.current?.hasPrefix("1.0.0-") == true)
    }

    @Test func whatThePowerEndedBeforeTheReleaseWasStartedIsSaid() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        // The power goes before the trial was on the disk.
        let first = try #require(bench.slots.previous)
        try FileManager.default.removeItem(at: bench.folder.appending(path: "current"))
        try FileManager.default.createSymbolicLink(
            atPath: bench.folder.appending(path: "current").path, withDestinationPath: "slots/\(first)")
        try await bench.life { upgrader in
            #expect(await eventually { await upgrader.history.first?.outcome == .failed })
            // It is not held against the release.
            try await upgrader.check()
            let available = try #require(await upgrader.state.available)
            #expect(available.version.description == "1.1.0" && available.obstacle == nil)
        }
    }

    @Test func byItselfItTakesReleasesWithinTheWindowAlone() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        let hour = Calendar(identifier: .gregorian).dateComponents(in: .gmt, from: Vendor.now).hour ?? 0
        let from = (hour + 2) % 24 * 60
        bench.policy.withLock { $0 = UpgradePolicy(window: .init(from: from, to: (from + 60) % 1440)) }
        try await bench.life { upgrader in
            for _ in 1...59 { await bench.minute() }
            #expect(await eventually { await upgrader.state.available != nil })
            #expect(await upgrader.history.isEmpty)
            #expect(bench.restarts.value == 0)
            for _ in 1...62 where bench.restarts.value == 0 { await bench.minute() }
            #expect(await eventually { bench.restarts.value == 1 })
            #expect(await upgrader.history.first?.by == nil)
        }
    }

    @Test func aDownloadThatFailsLeavesEverythingAsItIsAndSaysWhy() async throws {
        let broken = Mutex(false)
        let holder = Mutex<URL?>(nil)
        let bench = try await Bench(source: {
            let folder = FolderSource(holder.withLock { $0 } ?? URL(filePath: "/nonexistent"))
            return broken.withLock { $0 } ? CountingSource(folder, breakAfter: 3) : folder
        })
        holder.withLock { $0 = bench.vendor.folder.appending(path: "repository") }
        try bench.offer("1.1.0")
        try await bench.life { upgrader in
            try await upgrader.check()
            broken.withLock { $0 = true }
            try await upgrader.upgrade(to: "1.1.0", by: "Ada")
            await #expect(throws: UpgradeRefusal.self) { try await upgrader.upgrade(to: "1.1.0", by: "Ben") }
            #expect(await eventually { await upgrader.state.phase == .idle })
            #expect(await upgrader.history.first?.outcome == .failed)
            #expect(await upgrader.state.trouble != nil)
            #expect(bench.slots.trial == nil && bench.restarts.value == 0)
            broken.withLock { $0 = false }
            try await upgrader.check()
            try await upgrader.upgrade(to: "1.1.0", by: "Ben")
            #expect(await eventually { bench.restarts.value == 1 })
        }
    }

    @Test func aClockThatNobodySetDoesNotBringExpiredMetadataBack() async throws {
        let bench = try await Bench()
        try await bench.life { upgrader in try await upgrader.check() }
        let memory = UpgradeMemory.read(UpgradePlace(folder: bench.folder, slot: "").memory)
        #expect(memory.knownTime.map { abs($0.timeIntervalSince(Vendor.now)) < 60 } == true)
    }

    @Test func aReleaseGoesBackOnADiskThatTakesNothingMore() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        bench.health.withLock { $0.writes = false }
        // Nothing can be taken down any more.
        let blocked = UpgradePlace(folder: bench.folder, slot: "").memory.path + ".tmp"
        try await bench.life { upgrader in
            #expect(await eventually { await upgrader.state.phase == .onTrial(looks: 0, of: 15) })
            try FileManager.default.createDirectory(atPath: blocked, withIntermediateDirectories: false)
            for _ in 1...2 { await bench.minute() }
            #expect(await eventually { bench.restarts.value == 2 })
        }
        try FileManager.default.removeItem(atPath: blocked)
        try await bench.life { upgrader in
            let last = try #require(await upgrader.history.first)
            #expect(last.outcome == .rolledBack && last.reason == "It could not write its database.")
            #expect(await upgrader.history.count == 1 && UpgradePlace(folder: bench.folder, slot: "").snapshots.isEmpty)
        }
    }

    @Test func aReleaseThatAPackageBroughtIsJudgedByWhatIsKnown() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        let place = UpgradePlace(folder: bench.folder, slot: "", architecture: "arm64")
        _ = try await place.install("gatehouse/arm64/1.1.0.json", from: bench.vendor.source, root: [], at: Vendor.now)
        // As a box is in its first moment: nothing has a picture yet, and little memory is used.
        bench.health.withLock { ($0.camerasStreaming, $0.memoryBytes, $0.descriptors) = (0, 20 << 20, 10) }
        try await bench.life { upgrader in
            for look in 1...15 {
                await bench.minute()
                bench.health.withLock { ($0.camerasStreaming, $0.memoryBytes, $0.descriptors) = (2, 900 << 20, 4000) }
                if look < 15 { #expect(await eventually { await upgrader.state.phase == .onTrial(looks: look, of: 15) }) }
            }
            #expect(await eventually { await upgrader.state.phase == .idle })
            let last = try #require(await upgrader.history.first)
            #expect(last.outcome == .confirmed && last.by == Upgrade.fromOutside && last.from.description == "1.0.0")
        }
        #expect(bench.slots.trial == nil)
    }

    @Test func whatFailsByItselfIsNotTriedEachMinute() async throws {
        let holder = Mutex<URL?>(nil)
        let asked = Counter()
        let bench = try await Bench(source: {
            asked.add(1)
            return CountingSource(
                FolderSource(holder.withLock { $0 } ?? URL(filePath: "/nonexistent")), breakAfter: asked.value > 1 ? 3 : .max)
        })
        holder.withLock { $0 = bench.vendor.folder.appending(path: "repository") }
        try bench.offer("1.1.0")
        bench.policy.withLock { $0 = UpgradePolicy(window: .init(from: 0, to: 0)) }
        try await bench.life { upgrader in
            for _ in 1...12 { await bench.minute() }
            #expect(await eventually { await upgrader.history.first?.outcome == .failed })
            let first = asked.value
            for _ in 1...50 { await bench.minute() }
            #expect(asked.value == first)
            #expect(await upgrader.state.trouble != nil)
        }
    }

    @Test func whatIsKeptOfAnOwnerGoesWithThem() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await bench.upgrade(to: "1.1.0")
        let place = UpgradePlace(folder: bench.folder, slot: "")
        #expect(place.snapshots.count == 1)
        try place.forgetOwner()
        #expect(place.snapshots.isEmpty)
        let kept = try String(contentsOf: place.memory, encoding: .utf8)
        #expect(!kept.contains("Ada") && kept.contains("1.1.0"))
        // The release that is on trial is judged as it would have been.
        #expect(UpgradeMemory.read(place.memory).upgrades.last?.before?.camerasStreaming == 2)
    }

    // MARK: Files

    static let others: [(String, Data, String)] = [
        ("noise", Data((0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 3) }), "This is no release of Gatehouse"),
        ("empty tar", Data(count: 10_240), "nothing in it is signed"),
        ("hikvision", Data("SWKH".utf8) + Data(count: 4000), "firmware of a Hikvision"),
        ("dahua", Data([0x44, 0x48, 0x03, 0x04]) + Data(count: 4000), "firmware of a Dahua"),
        ("backup", Data("age-encryption.org/v1\n-> scrypt".utf8) + Data(count: 400), "backup of a box"),
        ("package", Data("!<arch>\ndebian-binary   ".utf8) + Data(count: 400), "Debian package"),
        ("zip", Data([0x50, 0x4B, 0x03, 0x04]) + Data(count: 400), "ZIP file"),
        ("gzip", Data([0x1F, 0x8B, 8, 0]) + Data(count: 400), "compressed"),
    ]

    @Test(arguments: others) func eachFileThatIsNoReleaseGetsItsSentence(name: String, bytes: Data, words: String) async throws {
        let bench = try await Bench()
        let file = bench.vendor.folder.appending(path: "file")
        try bytes.write(to: file)
        try await bench.life { upgrader in
            let refusal = await #expect(throws: UpgradeRefusal.self) {
                try await upgrader.beginReceiving()
                return try await upgrader.upgrade(fromFile: file, by: "Ada")
            }
            #expect(refusal?.description.contains(words) == true, "\(name): \(refusal?.description ?? "")")
            #expect(await upgrader.state.phase == .idle)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).allSatisfy { !$0.hasPrefix("incoming") })
    }

    private func file(_ version: String, of vendor: Vendor, architecture: String = "arm64") async throws -> URL {
        let file = vendor.folder.appending(path: "\(version).gatehouse")
        try await ReleaseFile.write(
            "gatehouse/\(architecture)/\(version).json", of: vendor.repository.folder,
            root: Array(vendor.repository.folder.file("metadata/1.root.json")), to: file, at: Vendor.now)
        return file
    }

    @Test func aReleaseInAFileIsTaken() async throws {
        let bench = try await Bench(source: { CountingSource(FolderSource(URL(filePath: "/nonexistent")), breakAfter: 0) })
        try bench.offer("1.1.0")
        let file = try await file("1.1.0", of: bench.vendor)
        try await bench.life { upgrader in
            try await upgrader.beginReceiving()
            await #expect(throws: UpgradeRefusal.self) { try await upgrader.beginReceiving() }
            let version = try await upgrader.upgrade(fromFile: file, by: "Ada")
            #expect(version == "1.1.0")
            #expect(await eventually { bench.restarts.value == 1 })
        }
        #expect(bench.slots.current?.hasPrefix("1.1.0-") == true)
    }

    @Test func whatWasWithdrawnIsNotTakenOutOfAFileEither() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try bench.vendor.repository.change("gatehouse/arm64/1.1.0.json", expires: Vendor.later) { $0.rollout = 0 }
        try bench.vendor.publish()
        let file = try await file("1.1.0", of: bench.vendor)
        try await bench.life { upgrader in
            try await upgrader.beginReceiving()
            let refusal = await #expect(throws: UpgradeRefusal.self) { try await upgrader.upgrade(fromFile: file, by: "Ada") }
            #expect(refusal?.description == "Its vendor has stopped version 1.1.0.")
        }
    }

    @Test func filesThatAreNotForThisBoxAreRefused() async throws {
        let bench = try await Bench()
        try bench.vendor.add("1.1.0", architecture: "amd64")
        try bench.vendor.publish()
        let other = try await file("1.1.0", of: bench.vendor, architecture: "amd64")
        let same = try await file("1.0.0", of: bench.vendor)
        let whole = try Data(contentsOf: same)
        let cut = bench.vendor.folder.appending(path: "cut")
        try whole.prefix(whole.count / 2).write(to: cut)
        let altered = bench.vendor.folder.appending(path: "altered")
        var bytes = whole
        let place = try #require(bytes.range(of: Data("\"signatures\"".utf8), options: .backwards))
        bytes[place.upperBound + 40] ^= 1
        try bytes.write(to: altered)
        try await bench.life { upgrader in
            for (file, words) in [(other, "this box is gatehouse (arm64)"), (same, "already"), (cut, "not whole"), (altered, "signed")] {
                let refusal = await #expect(throws: UpgradeRefusal.self) {
                    try await upgrader.beginReceiving()
                    return try await upgrader.upgrade(fromFile: file, by: "Ada")
                }
                #expect(refusal?.description.contains(words) == true, "\(file.lastPathComponent): \(refusal?.description ?? "")")
            }
        }
    }
}
