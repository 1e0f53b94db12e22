import Core
import Foundation
import Logging
import Slots
import Synchronization
import TestSupport
import Testing

@testable import Firmware

/// A box that cannot upgrade itself any more, and the updater that is apart from it.
@Suite(.timeLimit(.minutes(2))) struct RescueTests {
    /// A server that never answers.
    struct StuckSource: ReleaseSource {
        let asked = Counter()
        private let never = Signal()

        func file(_ path: String, atMost limit: Int) async throws -> [UInt8] {
            asked.add(1)
            await never.wait()
            throw CancellationError()
        }

        func close() async {}
    }

    struct WatchedSource: ReleaseSource {
        let inner: FolderSource
        let meanwhile: @Sendable (String) throws -> Void

        func file(_ path: String, atMost limit: Int) async throws -> [UInt8] {
            try meanwhile(path)
            return try await inner.file(path, atMost: limit)
        }

        func close() async { await inner.close() }
    }

    /// A box with release 1.0.0, confirmed, that said when it lived last.
    final class Bench: Sendable {
        let vendor: Vendor
        let time = ManualTime()
        let channel = Mutex(ReleaseOffer.Channel.stable)
        let limit = Mutex<Double?>(nil)
        let now = Mutex(MachineMoment(boot: "boot", seconds: 10_000))
        var folder: URL { vendor.folder.appending(path: "box") }
        var slots: SlotFolder { SlotFolder(folder.path) }
        var memory: UpgradeMemory { UpgradeMemory.read(folder.appending(path: "upgrades.json")) }

        init(livedBefore seconds: Double = 3601, process: ProcessIdentity? = nil) async throws {
            vendor = try Vendor()
            let root = try Array(vendor.repository.folder.file("metadata/1.root.json"))
            let place = UpgradePlace(folder: vendor.folder.appending(path: "box"), slot: "", architecture: "arm64")
            _ = try await place.install("gatehouse/arm64/1.0.0.json", from: vendor.source, root: root, at: Vendor.now)
            time.jumpWall(by: Vendor.now.timeIntervalSince(time.source.now()))
            // Where nothing else is said, of a process that is long gone.
            try brief(livedBefore: seconds, process: process ?? Self.gone()).write(to: folder)
        }

        static func gone() throws -> ProcessIdentity {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sleep")
            process.arguments = ["60"]
            try process.run()
            let identity = try #require(ProcessIdentity(process.processIdentifier))
            kill(identity.number, SIGKILL)
            process.waitUntilExit()
            return identity
        }

        func brief(livedBefore seconds: Double, process: ProcessIdentity) -> UpdaterBrief {
            var lived = now.withLock { $0 }
            lived.seconds -= seconds
            return UpdaterBrief(
                server: .init(.init(url: "https://releases.example.com"), allowsLocal: false, bytesPerSecond: limit.withLock { $0 }),
                serialNumber: "GH0000000001",
                model: "gatehouse", channel: .stable, process: process, lived: lived)
        }

        func offer(_ version: String, rollout: Int = 100) throws {
            try vendor.add(version)
            try vendor.repository.change("gatehouse/arm64/\(version).json", expires: Vendor.later) { $0.rollout = rollout }
            try vendor.publish()
        }

        /// - Parameter meanwhile: Called with the path of each file that is fetched.
        func look(
            evenIfItLives: Bool = false, source: (any ReleaseSource)? = nil,
            meanwhile: @escaping @Sendable (String) throws -> Void = { _ in }
        ) async throws -> Rescue.Outcome {
            let source = source ?? WatchedSource(inner: vendor.source, meanwhile: meanwhile)
            return try await Rescue(
                folder, architecture: "arm64", isTimeKnown: { true }, moment: { [self] in now.withLock { $0 } }, source: { _ in source },
                time: time.source
            ).run(evenIfItLives: evenIfItLives)
        }

        /// Whoever is ended needs a moment.
        func whileTimePasses<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
            try await withBackgroundWork { [time] in
                while !Task.isCancelled {
                    _ = await eventually { time.sleepers > 0 || Task.isCancelled }
                    time.advance(.milliseconds(100))
                }
            } _: {
                try await body()
            }
        }

        /// The box's own upgrader.
        func upgrader(_ slot: String, source: (any ReleaseSource)? = nil) throws -> Upgrader {
            let place = UpgradePlace(folder: folder, slot: slot, architecture: "arm64")
            let source = source ?? vendor.source
            return Upgrader(
                .init(
                    place: place, serialNumber: "GH0000000001", version: try #require(place.version), model: "gatehouse",
                    source: { source },
                    server: { [self] in
                        .init(.init(url: "https://releases.example.com"), allowsLocal: false, bytesPerSecond: limit.withLock { $0 })
                    },
                    policy: { [self] in (UpgradePolicy(channel: channel.withLock { $0 }, isAutomatic: false), .gmt) },
                    isTimeKnown: { true }, health: { .unknown }, snapshot: { _ in }, reservedBytes: { 0 }, restart: {}, changed: {},
                    looksEvery: .seconds(60), time: time.source, logger: Logger(label: "test")))
        }
    }

    private let newer = ReleaseVersion("1.1.0") ?? .unknown

    @Test func aBoxThatSaysNothingIsStartedWithWhatIsNewer() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        #expect(try await bench.look() == .begun(newer))
        #expect(bench.slots.current?.hasPrefix("1.1.0-") == true && bench.slots.previous?.hasPrefix("1.0.0-") == true)
        #expect(bench.slots.trial?.startsLeft == 3)
        let last = try #require(bench.memory.upgrades.last)
        #expect(last.outcome == .running && last.by == Upgrade.byUpdater && last.to == newer)
        // On trial it is the launcher's.
        #expect(try await bench.look() == .onTrial)
    }

    @Test(arguments: [0, 900, 3599]) func aBoxThatLivesIsLeftAlone(seconds: Double) async throws {
        let bench = try await Bench(livedBefore: seconds)
        try bench.offer("1.1.0")
        #expect(try await bench.look() == .lives)
        #expect(bench.slots.current?.hasPrefix("1.0.0-") == true && bench.slots.trial == nil)
        // A person before it knows better.
        #expect(try await bench.look(evenIfItLives: true) == .begun(newer))
    }

    @Test func afterTheMachineStartedTheBoxHasAnHour() async throws {
        let bench = try await Bench(livedBefore: 9000)
        try bench.offer("1.1.0")
        bench.now.withLock { $0 = MachineMoment(boot: "the next", seconds: 3599) }
        #expect(try await bench.look() == .lives)
        bench.now.withLock { $0.seconds = 3600 }
        #expect(try await bench.look() == .begun(newer))
    }

    @Test func whatWasBadIsNotBroughtAgainAndWhatIsNewerIs() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        _ = try await bench.look()
        for _ in 0..<3 { _ = try bench.slots.launch() }
        #expect(try bench.slots.launch().hasPrefix("1.0.0-"))
        #expect(try await bench.look() == .nothingNewer(than: try #require(ReleaseVersion("1.0.0"))))
        #expect(bench.memory.upgrades.last?.outcome == .rolledBack)
        try bench.offer("1.2.0")
        #expect(try await bench.look() == .begun(try #require(ReleaseVersion("1.2.0"))))
    }

    @Test func itGoesBeforeTheOthersButTakesNothingThatWasWithdrawn() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0", rollout: 0)
        #expect(try await bench.look() == .nothingNewer(than: try #require(ReleaseVersion("1.0.0"))))
        try bench.vendor.repository.change("gatehouse/arm64/1.1.0.json", expires: Vendor.later) { $0.rollout = 1 }
        try bench.vendor.publish()
        #expect(try await bench.look() == .begun(newer))
    }

    @Test func aReleaseThatDoesNotArriveIsTriedAgainAndToldOnce() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        let pieces = bench.vendor.folder.appending(path: "repository/chunks")
        try FileManager.default.moveItem(at: pieces, to: bench.vendor.folder.appending(path: "elsewhere"))
        for _ in 0..<2 { await #expect(throws: ReleaseRefusal.self) { try await bench.look() } }
        #expect(bench.memory.upgrades.map(\.outcome) == [.failed])
        #expect(bench.slots.current?.hasPrefix("1.0.0-") == true && bench.slots.trial == nil)
        try FileManager.default.moveItem(at: bench.vendor.folder.appending(path: "elsewhere"), to: pieces)
        #expect(try await bench.look() == .begun(newer))
    }

    @Test func nobodyBringsAReleaseWhileSomebodyElseDoes() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try await UpgradePlace(folder: bench.folder, slot: "").locked { () -> Void in
            await #expect(throws: UpgradeRefusal.self) { try await bench.look() }
        }
        #expect(try await bench.look() == .begun(newer))
    }

    @Test func aBoxThatNeverRanIsNoneItKnows() async throws {
        let bench = try await Bench()
        UpdaterBrief.remove(bench.folder)
        await #expect(throws: UpgradeRefusal.self) { try await bench.look(evenIfItLives: true) }
    }

    @Test func theNewestThatWasNotTriedIsTaken() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        try bench.offer("1.2.0", rollout: 1)
        #expect(try await bench.look() == .begun(try #require(ReleaseVersion("1.2.0"))))
        for _ in 0..<3 { _ = try bench.slots.launch() }
        #expect(try bench.slots.launch().hasPrefix("1.0.0-"))
        #expect(try await bench.look() == .begun(newer))
    }

    @Test func aBoxThatIsWellAgainMeanwhileIsLeftAlone() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        let process = try #require(ProcessIdentity(getpid()))
        let outcome = try await bench.look { path in
            if path.hasPrefix("chunks/") { try bench.brief(livedBefore: 0, process: process).write(to: bench.folder) }
        }
        #expect(outcome == .lives && bench.slots.trial == nil && bench.memory.upgrades.isEmpty)
    }

    @Test func anOldLifeThatStillStartsDoesNotCondemnWhatTheUpdaterBrought() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        let old = try bench.slots.launch()
        #expect(try await bench.look() == .begun(newer))
        let upgrader = try bench.upgrader(old)
        await withBackgroundWork {
            await upgrader.run()
        } _: {
            #expect(await eventually { await upgrader.state.phase == .idle })
        }
        #expect(bench.slots.trial?.startsLeft == 3 && bench.memory.upgrades.last?.outcome == .running)
        #expect(try bench.slots.launch().hasPrefix("1.1.0-"))
    }

    @Test func aTrialThatStandsStillLosesAStart() async throws {
        let process = try Self.sleeper("sleep 60")
        defer { kill(process.processIdentifier, SIGKILL) }
        let identity = try #require(ProcessIdentity(process.processIdentifier))
        let bench = try await Bench(process: identity)
        try bench.offer("1.1.0")
        try bench.brief(livedBefore: 3601, process: try Bench.gone()).write(to: bench.folder)
        _ = try await bench.look()
        _ = try bench.slots.launch()
        try bench.brief(livedBefore: 3599, process: identity).write(to: bench.folder)
        #expect(try await bench.look() == .onTrial && identity.runs)
        try bench.brief(livedBefore: 3600, process: identity).write(to: bench.folder)
        #expect(try await bench.whileTimePasses { try await bench.look() } == .ended)
        #expect(!identity.runs)
    }

    @Test func aBoxThatStandsStillInAnUpgradeIsEndedForItsLock() async throws {
        let bench = try await Bench()
        try bench.offer("1.1.0")
        let lock = bench.folder.appending(path: "lock").path
        let process = try Self.sleeper("exec flock --no-fork '\(lock)' sleep 60")
        defer { kill(process.processIdentifier, SIGKILL) }
        #expect(await eventually { Self.isHeld(lock) })
        try bench.brief(livedBefore: 3601, process: try #require(ProcessIdentity(process.processIdentifier))).write(to: bench.folder)
        #expect(try await bench.whileTimePasses { try await bench.look() } == .begun(newer))
    }

    /// A box that died 1,000 seconds ago and lives again: the upgrader, and when it lived as the updater knows it.
    private func revived(_ bench: Bench, source: (any ReleaseSource)? = nil) throws -> (upgrader: Upgrader, lived: MachineMoment) {
        var died = bench.brief(livedBefore: 0, process: try Bench.gone())
        died.lived = .now
        died.lived.seconds -= 1000
        try died.write(to: bench.folder)
        return (try bench.upgrader(bench.slots.launch(), source: source), try #require(UpdaterBrief.read(bench.folder)?.lived))
    }

    @Test func aBoxThatGoesOnSaysThatItLives() async throws {
        let bench = try await Bench()
        let (upgrader, start) = try revived(bench)
        let read = { @Sendable in UpdaterBrief.read(bench.folder) }
        await withBackgroundWork {
            await upgrader.run()
        } _: {
            #expect(await eventually { read()?.process.number == getpid() })
            #expect(read()?.lived == start && read()?.server.bytesPerSecond == nil)
            bench.limit.withLock { $0 = 250_000 }
            for _ in 0..<15 {
                // The updater is told, and releases are looked for.
                #expect(await eventually { bench.time.sleepers > 1 })
                bench.time.advance(.seconds(60))
            }
            #expect(await eventually { read()?.lived != start })
            #expect(read()?.server.bytesPerSecond == 250_000)
        }
        #expect(read()?.silenceAtEnd != nil)
    }

    @Test func aBoxWhoseUpgradesStandStillDoesNotSayThatItLives() async throws {
        let bench = try await Bench()
        let source = StuckSource()
        let (upgrader, start) = try revived(bench, source: source)
        let read = { @Sendable in UpdaterBrief.read(bench.folder) }
        await withBackgroundWork {
            await upgrader.run()
        } _: {
            while source.asked.value == 0 {
                #expect(await eventually { bench.time.sleepers > 1 || source.asked.value > 0 })
                bench.time.advance(.seconds(60))
            }
            bench.channel.withLock { $0 = .candidate }
            #expect(await eventually { bench.time.sleepers == 1 })
            bench.time.advance(.seconds(900))
            // It told the updater something, and nothing of a life.
            #expect(await eventually { read()?.channel == .candidate })
            #expect(read()?.lived == start)
        }
    }

    private static func isHeld(_ path: String) -> Bool {
        guard let lock = try? FileLock(ifFree: path) else { return true }
        lock.release()
        return false
    }

    private static func sleeper(_ script: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        try process.run()
        return process
    }

    @Test func aProcessThatHangsIsEnded() async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        // What asks it to end it does not hear.
        process.arguments = ["-c", "trap '' TERM; while :; do read -r line < /dev/zero; done"]
        try process.run()
        defer { kill(process.processIdentifier, SIGKILL) }
        let identity = try #require(ProcessIdentity(process.processIdentifier))
        #expect(identity.runs)
        let time = ManualTime()
        let ending = Task { try await identity.end(patience: .seconds(30), time: time.source) }
        for _ in 0..<310 {
            guard identity.runs else { break }
            _ = await eventually { time.sleepers > 0 || !identity.runs }
            time.advance(.milliseconds(100))
        }
        #expect(await eventually { !process.isRunning })
        #expect(!identity.runs)
        time.advance(.seconds(10))
        try await ending.value
    }

    @Test func aLifeAfterADeathHasNotLivedYet() throws {
        let (old, new) = (MachineMoment(boot: "boot", seconds: 100), MachineMoment(boot: "boot", seconds: 9000))
        let process = try #require(ProcessIdentity(getpid()))
        func brief(_ moment: MachineMoment) -> UpdaterBrief {
            UpdaterBrief(
                server: .init(.init(url: "https://releases.example.com"), allowsLocal: false), serialNumber: "GH", model: "gatehouse",
                channel: .stable, process: process, lived: moment)
        }
        func begun(after last: MachineMoment, endedAt end: MachineMoment? = nil) -> MachineMoment {
            var (before, now) = (brief(last), brief(new))
            if let end { before.end(at: end) }
            now.begin(after: before)
            return now.lived
        }
        #expect(begun(after: old) == old)
        // What somebody ended, after five minutes without a word, has been silent for five minutes, however long it lay.
        #expect(begun(after: old, endedAt: MachineMoment(boot: "boot", seconds: 400)) == MachineMoment(boot: "boot", seconds: 8700))
        // The power was away.
        #expect(begun(after: MachineMoment(boot: "before", seconds: 100)) == new)
    }
}
