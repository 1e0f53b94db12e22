public import Core
import Foundation
public import Logging
import Media
public import MediaWorker
import Synchronization

/// Makes the cloud copies of captured clips, a few worker processes at a time; bursts wait, nothing is lost.
///
/// While workers are free they follow recordings that are still going on, so that a lone event's clip is ready when the event is.
public final class TranscodeQueue: Sendable {
    private struct State {
        var inHand: Set<ClipID> = []
        var following = 0
        /// Workers that died or gave up, by clip.
        var failures: [ClipID: Int] = [:]
        /// Processor seconds a second for a megapixel of source, lately.
        var cost = TranscodePlanner.Load.assumedCost
        var encoders: [EncoderProof] = []
        var startedWorkers = 0
        var failedWorkers = 0
    }

    private let spool: any FootageSpool
    private let worker: TranscodeWorker
    private let definitions: Definitions
    private let processes: Int
    private let protection: (any FootageProtection)?
    private let time: TimeSource
    private let logger: Logger
    private let wake: Signal
    private let linkedChannels: @Sendable () -> Int
    private let state = Mutex(State())

    /// A queue with at most `processes` workers for captured clips and as many that follow recordings; `wake` tells of new clips.
    public init(
        spool: any FootageSpool, worker: TranscodeWorker, definitions: Definitions, processes: Int,
        protection: (any FootageProtection)? = nil, wake: Signal, time: TimeSource, logger: Logger,
        linkedChannels: @escaping @Sendable () -> Int
    ) {
        self.spool = spool
        self.worker = worker
        self.definitions = definitions
        self.processes = max(1, processes)
        self.protection = protection
        self.wake = wake
        self.time = time
        self.logger = logger
        self.linkedChannels = linkedChannels
    }

    /// What was tried at start, best first; empty until then.
    public var encoders: [EncoderProof] { state.withLock { $0.encoders } }

    /// Tries the encoders of the profile; until it is done, clips wait.
    private func prove() async {
        var proofs: [EncoderProof] = []
        for name in definitions.hardwareEncoders + ["libx264"] { proofs.append(await worker.prove(encoder: name)) }
        for proof in proofs {
            logger.info(
                "encoder tried", metadata: ["encoder": "\(proof.encoder)", "proven": "\(proof.proven)", "reason": "\(proof.reason)"])
        }
        state.withLock { $0.encoders = proofs }
    }

    /// The planner with what this machine was measured to carry.
    public var planner: TranscodePlanner {
        TranscodePlanner(definitions: definitions, encoders: encoders, processorBudget: Double(processes) * 0.8)
    }

    /// What is going on now.
    public var load: TranscodePlanner.Load {
        let (active, cost) = state.withLock { ($0.inHand.count, $0.cost) }
        return TranscodePlanner.Load(linkedChannels: linkedChannels(), activeEvents: max(1, active), costPerMegapixel: cost)
    }

    /// Counters for the metrics page.
    public var workers: (started: Int, failed: Int, running: Int) {
        state.withLock { ($0.startedWorkers, $0.failedWorkers, $0.inHand.count) }
    }

    /// Works until cancelled.
    public func run() async {
        await prove()
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                guard let (manifest, follows) = await take() else {
                    await wake.wait(atMost: .seconds(2), time: time)
                    continue
                }
                group.addTask { await self.work(on: manifest, follows: follows) }
            }
        }
    }

    private func take() async -> (ClipManifest, Bool)? {
        let (excluded, working, following) = state.withLock { ($0.inHand, $0.inHand.count - $0.following, $0.following) }
        let mayFollow = working == 0 && following < processes
        guard working < processes || mayFollow else { return nil }
        guard let manifest = try? await spool.nextToTranscode(excluding: excluded, followRecording: mayFollow) else { return nil }
        let follows = manifest.stage == .recording
        return state.withLock { state in
            guard follows || working < processes else { return nil }
            // A clip on which a worker failed while it was recorded waits for its end.
            guard !follows || state.failures[manifest.id] == nil else { return nil }
            state.inHand.insert(manifest.id)
            if follows { state.following += 1 }
            return (manifest, follows)
        }
    }

    private func work(on manifest: ClipManifest, follows: Bool) async {
        let id = manifest.id
        do {
            try await transcode(manifest)
            state.withLock { _ = $0.failures.removeValue(forKey: id) }
        } catch let failure as WorkerFailure {
            await note(failure, of: id)
        } catch is CancellationError {
        } catch {
            logger.error("clip waits for its cloud copy", metadata: ["clip": "\(id)", "error": "\(error)"])
            try? await time.sleep(.seconds(3))
        }
        state.withLock { state in
            state.inHand.remove(id)
            if follows { state.following -= 1 }
        }
        wake.raise()
    }

    /// Retried once; then the source goes up as it came.
    private func note(_ failure: WorkerFailure, of id: ClipID) async {
        guard !Task.isCancelled else { return }
        let count = state.withLock { state in
            state.failures[id, default: 0] += 1
            state.failedWorkers += 1
            return state.failures[id, default: 0]
        }
        logger.warning(
            "worker failed", metadata: ["clip": "\(id)", "kind": "\(failure.kind.rawValue)", "reason": "\(failure)", "count": "\(count)"])
        guard count >= 2, let manifest = try? await spool.manifest(of: id), manifest.stage == .captured else { return }
        do {
            try await keepAsItCame(manifest)
            state.withLock { _ = $0.failures.removeValue(forKey: id) }
        } catch {
            logger.error("clip could not be queued as it came", metadata: ["clip": "\(id)", "error": "\(error)"])
        }
    }

    private func keepAsItCame(_ manifest: ClipManifest) async throws {
        guard let issued = try protection?.issueKey(for: manifest.id, of: manifest.site) else {
            return try await spool.readyAsItCame(manifest)
        }
        try await EncryptedSource(spool: spool, issued: issued).make(of: manifest)
    }

    private func transcode(_ manifest: ClipManifest) async throws {
        let plan = finalPlan(manifest, active: await spool.activeClips())
        state.withLock { $0.startedWorkers += 1 }
        let file = try await spool.beginClip(manifest.id)
        let length = manifest.footage?.duration ?? 30
        let writer = ClipFileWriter(file: file) { [spool] seconds in
            await spool.transcoding(manifest.id, progress: min(1, seconds / max(1, length)))
        }
        let source = SpooledSource(source: try await spool.source(of: manifest.id))
        let issued = try protection?.issueKey(for: manifest.id, of: manifest.site)
        var job = Self.job(for: manifest, plan: plan)
        job.key = issued?.key
        await spool.transcoding(manifest.id, progress: 0)
        let result = try await worker.run(job, source: source, output: writer)
        try await writer.finish()
        guard var done = try await spool.manifest(of: manifest.id), done.stage == .captured else { return }
        learn(result, of: done, plan: plan)
        done.plan = plan
        done.footage = result.footage
        if plan.way == .copyMain || plan.way == .copySub {
            done.startsAt = done.startsAt.addingTimeInterval(result.startsLate)
        }
        done.encryption = issued?.encryption
        try await spool.ready(done, thumbnail: try sealed(writer.thumbnail, of: done, issued))
        logger.info(
            "cloud copy made",
            metadata: [
                "clip": "\(manifest.id)", "way": "\(plan.way.rawValue)", "cpu": "\(result.cpuSeconds)", "damaged": "\(result.damaged)",
            ])
    }

    /// The picture shows what the footage shows, and is sealed with it.
    private func sealed(_ thumbnail: [UInt8]?, of manifest: ClipManifest, _ issued: IssuedClipKey?) throws -> [UInt8]? {
        guard let thumbnail, !thumbnail.isEmpty, let issued, let protection else { return thumbnail }
        return try protection.sealPicture(thumbnail, of: manifest.id, with: issued.key)
    }

    /// The frame rate is settled when the work begins: by then it is known what else is going on.
    private func finalPlan(_ manifest: ClipManifest, active: Int) -> TranscodePlan {
        let plan = softwareAfterFailure(manifest)
        guard plan.way == .software || plan.way == .hardware else { return plan }
        let full = definitions.fullFrameRate
        let megapixels = manifest.footage.map { Double($0.width * $0.height) / 1_000_000 } ?? 2.1
        let (count, cost) = state.withLock { (max($0.inHand.count, active), $0.cost) }
        let need = Double(count) * cost * megapixels
        let rate = need <= Double(processes) * 0.8 ? full : definitions.ladderFrameRate(linkedChannels: linkedChannels())
        guard rate != plan.frameRate else { return plan }
        return TranscodePlan(
            way: plan.way, reason: plan.reason + " At its turn \(count) clips were active: \(rate) frames a second.", width: plan.width,
            height: plan.height, frameRate: rate, bitRate: plan.bitRate, encoder: plan.encoder)
    }

    /// A hardware encoder that failed on a clip is not asked again for it.
    private func softwareAfterFailure(_ manifest: ClipManifest) -> TranscodePlan {
        let plan = manifest.plan
        guard plan.way == .hardware, state.withLock({ $0.failures[manifest.id] }) != nil else { return plan }
        return TranscodePlan(
            way: .software, reason: plan.reason + " It failed on this clip, so libx264 encodes.", width: plan.width, height: plan.height,
            frameRate: plan.frameRate, bitRate: plan.bitRate, encoder: "libx264")
    }

    private static func job(for manifest: ClipManifest, plan: TranscodePlan) -> TranscodeJob {
        let start = MediaTime(microseconds: manifest.sourceStart)
        let event = manifest.events.first?.startedAt ?? manifest.startsAt
        let thumbnailAt = start + .seconds(max(0, event.timeIntervalSince(manifest.startsAt)))
        switch plan.way {
        case .copySub, .copyMain: return TranscodeJob(video: .copy, start: start, thumbnailAt: thumbnailAt)
        case .software, .hardware:
            // Software follows the picture, should its size have changed; a hardware encoder is opened before the first picture.
            let bounds = plan.way == .hardware ? (plan.width, plan.height) : (manifest.definition.width, manifest.definition.height)
            let settings = VideoEncoderSettings(
                encoder: plan.encoder ?? "libx264", width: bounds.0, height: bounds.1, frameRate: plan.frameRate, bitRate: plan.bitRate)
            return TranscodeJob(video: .encode(settings), start: start, thumbnailAt: thumbnailAt)
        }
    }

    /// `manifest` still describes the source.
    private func learn(_ result: TranscodeResult, of manifest: ClipManifest, plan: TranscodePlan) {
        guard plan.way == .software, result.footage.duration > 2, let source = manifest.footage else { return }
        let megapixels = max(0.1, Double(source.width * source.height) / 1_000_000)
        let cost = result.cpuSeconds / result.footage.duration / megapixels
        state.withLock { $0.cost = $0.cost * 0.7 + cost * 0.3 }
    }
}

/// A spool's source as a worker's.
private struct SpooledSource: TranscodeSource {
    let source: any FootageSource

    func next() async throws -> [UInt8]? { try await source.next() }
}
