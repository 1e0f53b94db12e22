import BoxDatabase
public import Core
public import Foundation
public import Logging
import Synchronization

/// The clip's file is not in the spool any more; its row says so.
private struct ClipGone: Error {}

/// Brings queued clips into the store: each exactly once, verified before the spool lets go of it.
public final class Uploader: Sendable {
    private struct State {
        var store: (any ObjectStore)?
        /// Grows with each change of the store.
        var generation = 0
        /// Stores that were replaced and may still have uploads under way.
        var retired: [any ObjectStore] = []
        var breaker: CircuitBreaker
        var inHand: Set<ClipID> = []
        /// Clips that the store refused one by one, and when they may be tried again.
        var notBefore: [ClipID: Duration] = [:]
        var turn = 0
        var bytesPerSecond: Double?
    }

    /// Clips under way at a time.
    private static let parallel = 2
    /// Every so many clips the oldest goes before the newest, so that the backlog drains whatever happens.
    private static let backlogTurn = 5

    private let spool: Spool
    private let longestWait: Duration
    private let index: FootageIndex
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>

    /// `longestWait` bounds the time between attempts to reach a store that does not work.
    public init(spool: Spool, longestWait: Duration = .seconds(300), time: TimeSource, logger: Logger) {
        self.longestWait = longestWait
        self.spool = spool
        self.index = spool.index
        self.time = time
        self.logger = logger
        state = Mutex(State(breaker: CircuitBreaker(longest: longestWait)))
    }

    /// Uploads go to `store` from now on; nil keeps everything in the spool. Old failures are forgotten.
    public func use(_ store: (any ObjectStore)?) {
        state.withLock { state in
            if let old = state.store { state.retired.append(old) }
            state.store = store
            state.generation += 1
            state.breaker = CircuitBreaker(longest: longestWait)
            state.notBefore = [:]
        }
        spool.queued.raise()
    }

    /// The store in use.
    public var store: (any ObjectStore)? { state.withLock { $0.store } }
    /// What keeps uploads from succeeding, and since when.
    public var failure: (error: StoreError, since: Date)? {
        state.withLock { state in
            guard let error = state.breaker.failure, let since = state.breaker.failingSince else { return nil }
            return (error, since)
        }
    }
    /// Bytes a second that lately went up.
    public var bytesPerSecond: Double? { state.withLock { $0.bytesPerSecond } }

    /// Uploads until cancelled, then ends the store's connections.
    public func run() async {
        await upload()
        use(nil)
        await endRetired()
    }

    /// Ends the connections of replaced stores once nothing uses them any more.
    private func endRetired() async {
        let ended = state.withLock { state in
            guard state.inHand.isEmpty else { return [any ObjectStore]() }
            defer { state.retired = [] }
            return state.retired
        }
        for store in ended { await store.shutdown() }
    }

    private func upload() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            while !Task.isCancelled {
                await endRetired()
                if running < Self.parallel, let clip = await take() {
                    running += 1
                    group.addTask { await self.bring(clip) }
                    continue
                }
                if running > 0 {
                    await group.next()
                    running -= 1
                } else {
                    await spool.queued.wait(atMost: waitingTime(), time: time)
                }
            }
        }
    }

    private func waitingTime() -> Duration {
        let now = time.uptime()
        return state.withLock { state in
            // Looking is not asking: only `ask` hands out the trial.
            let soonest = state.notBefore.values.min().map { max(.milliseconds(100), $0 - now) } ?? .seconds(5)
            return min(soonest, .seconds(1))
        }
    }

    private func take() async -> ClipRecord? {
        let now = time.uptime()
        let choice: (excluded: Set<ClipID>, oldestFirst: Bool)? = state.withLock { state in
            guard state.store != nil else { return nil }
            state.notBefore = state.notBefore.filter { $0.value > now }
            return (state.inHand.union(state.notBefore.keys), state.turn % Self.backlogTurn == Self.backlogTurn - 1)
        }
        guard let choice else { return nil }
        guard let clip = try? await index.nextQueued(excluding: choice.excluded, oldestFirst: choice.oldestFirst) else { return nil }
        return state.withLock { state in
            guard case .go = state.breaker.ask(at: now) else { return nil }
            state.turn += 1
            state.inHand.insert(clip.id)
            return clip
        }
    }

    private func bring(_ clip: ClipRecord) async {
        defer { state.withLock { _ = $0.inHand.remove(clip.id) } }
        let (current, generation) = state.withLock { ($0.store, $0.generation) }
        guard let store = current else { return }
        do {
            try await index.move(clip.id, to: .sending)
            try await upload(clip, to: store)
            CrashPoint.reach("upload.verified")
            try await index.noteStored(clip.id, at: time.now())
            CrashPoint.reach("upload.row-stored")
            await spool.free(clip.id)
            state.withLock { $0.breaker.succeeded() }
        } catch let error as StoreError {
            await note(error, of: clip, generation: generation)
        } catch is ClipGone {
            state.withLock { $0.breaker.abandoned() }
        } catch is CancellationError {
            state.withLock { $0.breaker.abandoned() }
            try? await index.move(clip.id, to: .queued)
        } catch {
            state.withLock { $0.breaker.abandoned() }
            await postpone(clip, sentence: "The clip could not be read or its row not written: \(error)")
        }
    }

    private func upload(_ clip: ClipRecord, to store: any ObjectStore) async throws {
        let manifest = clip.manifest
        guard let file = manifest.clip, let path = spool.localFile(manifest, file) else {
            try await index.noteDropped(clip.id, reason: "The clip's file is missing or cut; the disk may be failing.")
            await spool.free(clip.id)
            throw ClipGone()
        }
        if let thumbnail = manifest.thumbnail, let path = spool.localFile(manifest, thumbnail) {
            try await put(
                ObjectUpload(
                    key: manifest.thumbnailKey, content: .file(path), bytes: thumbnail.bytes, sha256: thumbnail.sha256,
                    contentType: "image/jpeg"), to: store)
        }
        let started = time.uptime()
        try await put(
            ObjectUpload(key: manifest.objectKey, content: .file(path), bytes: file.bytes, sha256: file.sha256, contentType: "video/mp4"),
            to: store
        ) { [index] sent in index.setProgress(Double(sent) / Double(max(1, file.bytes)), of: clip.id) }
        measure(file.bytes, since: started)
        // The bytes on disk, not a new rendering: an attempt that was taken without our knowing must compare equal.
        let sidecar = try await spool.manifestData(of: clip.id)
        let digest = Sidecar.sha256(sidecar)
        try await put(
            ObjectUpload(
                key: manifest.sidecarKey, content: .data(sidecar), bytes: sidecar.count, sha256: digest, contentType: "application/json"),
            to: store)
    }

    /// Puts one object and looks whether it is there as it should be; a key that is taken is compared, not trusted.
    private func put(
        _ upload: ObjectUpload, to store: any ObjectStore, progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws {
        do {
            try await store.put(upload, progress: progress)
            CrashPoint.reach("upload.put")
        } catch let error as StoreError where error.kind == .exists {
            logger.info("object is there already; comparing", metadata: ["key": "\(upload.key)"])
        }
        guard let info = try await store.head(upload.key) else {
            throw StoreError(.nonsense, "The storage took an object and does not have it. Is it really S3-compatible?")
        }
        guard info.bytes == upload.bytes, info.sha256 == nil || info.sha256 == upload.sha256 else {
            throw StoreError(.exists, "Another object lies under this clip's key in the storage.")
        }
    }

    private func measure(_ bytes: Int, since started: Duration) {
        let seconds = (time.uptime() - started).seconds
        guard seconds > 0.001 else { return }
        let rate = Double(bytes) / seconds
        state.withLock { state in state.bytesPerSecond = state.bytesPerSecond.map { $0 * 0.7 + rate * 0.3 } ?? rate }
    }

    private func note(_ error: StoreError, of clip: ClipRecord, generation: Int) async {
        guard generation == state.withLock({ $0.generation }) else {
            // The store was replaced meanwhile: its failure tells nothing about the new one.
            try? await index.move(clip.id, to: .queued)
            return
        }
        switch error.kind {
        case .exists, .corrupted:
            // This clip's own trouble: others go on.
            state.withLock { $0.breaker.succeeded() }
            await postpone(clip, sentence: error.sentence)
        default:
            let (first, now, wall) = (failure == nil, time.uptime(), time.now())
            state.withLock { state in
                var generator = SystemRandomNumberGenerator()
                state.breaker.failed(error, at: now, wall: wall, using: &generator)
            }
            if first { logger.warning("uploads wait", metadata: ["reason": "\(error.sentence)"]) }
            try? await index.noteAttempt(clip.id, error: error.sentence)
        }
    }

    private func postpone(_ clip: ClipRecord, sentence: String) async {
        var backOff = BackOff(first: .seconds(5), longest: longestWait, shortest: .seconds(1))
        for _ in 0..<min(clip.attempts, 10) { _ = backOff.failed() }
        let until = time.uptime() + backOff.failed()
        state.withLock { $0.notBefore[clip.id] = until }
        try? await index.noteAttempt(clip.id, error: sentence)
    }

    /// When the next attempt at anything may be made; nil when nothing keeps it.
    public func nextAttempt(of id: ClipID) -> Date? {
        let now = time.uptime()
        let until = state.withLock { $0.notBefore[id] }
        return until.map { time.now().addingTimeInterval(($0 - now).seconds) }
    }
}
