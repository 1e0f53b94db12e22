import BoxDatabase
import Core
import Foundation
import Synchronization

@testable import CloudStorage

/// One life of the box's process: the product's own spool, index, uploader and publisher, from a start to a crash or the end of the run.
///
/// After its end nothing that it did not finish counts: what lay on its disk at that moment is the disk of the next life.
final class SimulatedLife: Sendable {
    private struct State {
        var hasEnded = false
        var crashed = false
        var passings = 0
    }

    private let world: SimulatedWorld
    private let root: String
    private let crash: SimulatedPlan.Crash?
    private let state = Mutex(State())
    private let ending = Signal()
    let spool: Spool
    let index: FootageIndex
    private let uploader: Uploader
    private let publisher: ChainPublisher

    /// Opens what lies in `root`.
    init(_ world: SimulatedWorld, root: String, crash: SimulatedPlan.Crash?) throws {
        self.world = world
        self.root = root
        self.crash = crash
        let machine = world.machine
        index = FootageIndex(database: try world.database(in: root))
        spool = try Spool(
            path: root + "/spool", limits: SpoolLimits(bytes: 1 << 30, freeBytes: 0), index: index, time: machine.time,
            logger: SimulatedWorld.logger)
        let governor = UplinkGovernor(time: machine.time)
        if let cap = world.plan.cap { governor.use(UplinkSettings(cap: .bitsPerSecond(cap)), zone: .gmt) }
        uploader = Uploader(
            spool: spool, governor: governor, looksEvery: world.plan.looksEvery, time: machine.time, chance: machine.chance,
            logger: SimulatedWorld.logger)
        publisher = ChainPublisher(
            box: SimulatedWorld.box, key: SimulatedWorld.key, uploader: uploader, every: .seconds(world.plan.publishes ? 40 : 100_000_000),
            time: machine.time, logger: SimulatedWorld.logger)
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Brings the last links up, when nothing goes wrong any more.
    func publish() async throws { try await publisher.publish(to: world.store) }

    // MARK: The machine under it

    private var rehearsal: Rehearsal {
        Rehearsal(
            block: { [self] in
                if hasEnded { throw CancellationError() }
                // A call takes its time, or not.
                if world.machine.draw({ $0.happens(0.5) }) { await world.machine.park() }
                if hasEnded { throw CancellationError() }
            },
            write: { [self] _ in world.diskError() },
            reach: { [self] point in
                guard case .point(let name, let passing) = crash, name == point, !world.isCalm else { return }
                let isNow = state.withLock { state in
                    state.passings += 1
                    return state.passings == passing
                }
                if isNow { die(at: point) }
            })
    }

    /// Ends at once.
    private func die(at place: String) {
        let isFirst = state.withLock { state in
            defer { (state.hasEnded, state.crashed) = (true, true) }
            return !state.hasEnded
        }
        guard isFirst else { return }
        world.takeOver(from: root, at: place)
        ending.raise()
    }

    // MARK: Living

    /// Lives until a crash, or until everything is where it belongs; answers false after a crash.
    func live() async throws -> Bool {
        if case .step(let steps) = crash, !world.isCalm {
            world.machine.interrupt(after: steps) { [self] in if !world.isCalm { die(at: "any step") } }
        }
        try await Rehearsal.$current.withValue(rehearsal) { try await start() }
        return !state.withLock { $0.crashed }
    }

    private func start() async throws {
        do {
            _ = try await spool.recover()
        } catch {
            // A box that cannot start is started again.
            guard !hasEnded else { return }
            try await world.machine.sleep(.seconds(30))
            die(at: "start: \(error)")
            return
        }
        await withDiscardingTaskGroup { group in
            uploader.use(world.store)
            group.addTask { await self.uploader.run() }
            group.addTask { await self.spool.run() }
            group.addTask { await self.publisher.run() }
            group.addTask { await self.transcode() }
            group.addTask { await self.replaceStore() }
            group.addTask { await self.watch() }
            for clip in world.unrecorded() { group.addTask { await self.record(clip) } }
            await ending.wait()
            group.cancelAll()
        }
    }

    /// Ends the life when all is done.
    private func watch() async {
        let machine = world.machine
        do {
            try await machine.sleep(world.calmIn)
            var wait = Duration.seconds(1)
            while !Task.isCancelled {
                if world.isRecorded, spool.isEmpty, try await index.unfinished().isEmpty {
                    state.withLock { $0.hasEnded = true }
                    return ending.raise()
                }
                guard !world.isOverdue else {
                    world.complain("clips are left in the spool: \(try await index.unfinished()), \(String(describing: uploader.failure))")
                    state.withLock { $0.hasEnded = true }
                    return ending.raise()
                }
                try await machine.sleep(wait)
                wait = min(wait * 2, .seconds(600))
            }
        } catch {}
    }

    private func replaceStore() async {
        guard let wait = world.replacedIn, (try? await world.machine.sleep(wait)) != nil else { return }
        uploader.use(world.store)
    }

    /// Records a clip as the recorder does.
    private func record(_ planned: Int) async {
        let machine = world.machine
        let plan = world.plan.clips[planned]
        guard (try? await machine.sleep(world.start + plan.at - machine.uptime)) != nil, !hasEnded else { return }
        // What keeps it from beginning is on record as an issue of the test.
        guard let manifest = try? world.begin(planned) else { return }
        var durable = 0
        do {
            let file = try await spool.begin(manifest)
            do {
                for bytes in plan.fragments {
                    try await file.append(SpoolBench.fragment(bytes))
                    try await file.synchronize()
                    durable += 1
                    try await machine.sleep(.seconds(2))
                }
            } catch  where durable > 0 && !hasEnded {}
            guard durable > 0 else { throw SpoolRefusal.full("nothing was written") }
        } catch {
            guard !hasEnded else { return }
            await spool.abandon(manifest.id)
            return world.noteRefused(planned)
        }
        try? await spool.capture(manifest)
        guard !hasEnded else { return }
        world.noteCaptured(planned, in: root)
    }

    /// Makes cloud copies as the workers' queue does.
    private func transcode() async {
        while !Task.isCancelled, !hasEnded {
            guard let manifest = try? await spool.nextToTranscode(excluding: [], followRecording: false) else {
                await spool.captured.wait(atMost: world.plan.looksEvery, time: world.machine.time)
                continue
            }
            do {
                if let plan = world.planned(manifest.id), plan.asItCame {
                    try await spool.readyAsItCame(manifest)
                } else {
                    try await copy(manifest)
                }
            } catch {
                try? await world.machine.sleep(.seconds(3))
            }
        }
    }

    private func copy(_ manifest: ClipManifest) async throws {
        let clip = try await spool.beginClip(manifest.id)
        try await clip.append(SimulatedWorld.copy(of: manifest.id))
        try await clip.synchronize()
        var done = manifest
        done.footage = .init(width: 1, height: 1, frameRate: 10, videoCodec: "h264", audioCodec: nil, duration: 30)
        try await spool.ready(done, thumbnail: world.planned(manifest.id)?.hasPicture == true ? [0xFF, 0xD8] : nil)
    }
}

extension Spool {
    /// Nothing lies in it.
    var isEmpty: Bool { (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? false }
}
