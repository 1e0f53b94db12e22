import BoxDatabase
public import Core
public import Foundation
public import Logging
import Synchronization

/// Brings queued clips into the store: each exactly once, verified before the spool lets go of it.
///
/// What goes when is the governor's word: live clips first, then pictures of what waits, then the backlog, then bulk.
public final class Uploader: Sendable {
    struct State {
        var store: (any ObjectStore)?
        /// Grows with each change of the store.
        var generation = 0
        /// Stores that were replaced and may still have uploads under way.
        var retired: [any ObjectStore] = []
        var breaker: CircuitBreaker
        var retries = RetryBudget()
        var inHand: Set<ClipID> = []
        /// Clips that the store refused one by one, and when they may be tried again.
        var notBefore: [ClipID: Duration] = [:]
        var turn = 0
    }

    /// One thing to do for a clip.
    struct Job: Sendable {
        let clip: ClipRecord
        let kind: UplinkClass
    }

    /// Every so many clips of the backlog the oldest goes before the newest, so that it drains from both ends.
    private static let oldestTurn = 5
    /// A clip is live for so long.
    private static let liveSeconds = 600.0
    /// Clips that are kept from the queue one by one; beyond that the one that would be next anyway is let go.
    private static let mostPostponed = 500

    let spool: Spool
    let longestWait: Duration
    let index: FootageIndex
    public let governor: UplinkGovernor
    /// The queue is looked at so often where nothing tells that it should be.
    private let looksEvery: Duration
    private let chance: Chance
    let time: TimeSource
    let logger: Logger
    let state: Mutex<State>

    /// `longestWait` bounds the time between attempts to reach a store that does not work.
    public init(
        spool: Spool, governor: UplinkGovernor? = nil, longestWait: Duration = .seconds(300), looksEvery: Duration = .seconds(1),
        time: TimeSource, chance: Chance = .system, logger: Logger
    ) {
        self.longestWait = longestWait
        self.looksEvery = looksEvery
        self.chance = chance
        self.spool = spool
        self.index = spool.index
        self.governor = governor ?? UplinkGovernor(time: time)
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

    /// Uploads until cancelled, then ends the store's connections.
    public func run() async {
        await withDiscardingTaskGroup { group in
            var looked = time.uptime()
            while !Task.isCancelled {
                await endRetired()
                // A row that could not be moved back, on a full disk for instance, would never have its turn again.
                if time.uptime() - looked > .seconds(60) {
                    looked = time.uptime()
                    try? await index.requeue(except: state.withLock { $0.inHand })
                }
                if let job = await take() {
                    group.addTask {
                        await self.work(on: job)
                        self.spool.queued.raise()
                    }
                } else {
                    await spool.queued.wait(atMost: waitingTime(), time: time)
                }
            }
        }
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

    private func waitingTime() -> Duration {
        let now = time.uptime()
        return state.withLock { state in
            if let kept = state.breaker.keeps(at: now) { return max(.milliseconds(100), kept) }
            let soonest = state.notBefore.values.min().map { max(.milliseconds(100), $0 - now) } ?? looksEvery
            return min(soonest, governor.returnsIn ?? looksEvery, looksEvery)
        }
    }

    // MARK: Choosing

    /// The next thing to do, which counts as under way from then on.
    private func take() async -> Job? {
        let now = time.uptime()
        let excluded: Set<ClipID>? = state.withLock { state in
            // Looking is not asking: only `ask` hands out the trial.
            guard state.store != nil, state.breaker.keeps(at: now) == nil else { return nil }
            state.notBefore = state.notBefore.filter { $0.value > now }
            return state.inHand.union(state.notBefore.keys)
        }
        guard let excluded, let job = await choose(excluding: excluded) else { return nil }
        return state.withLock { state in
            guard case .go = state.breaker.ask(at: now) else { return nil }
            if job.kind == .backlog { state.turn += 1 }
            state.inHand.insert(job.clip.id)
            governor.began(job.kind)
            return job
        }
    }

    private func choose(excluding excluded: Set<ClipID>) async -> Job? {
        let live = time.now().addingTimeInterval(-Self.liveSeconds)
        let oldestFirst = state.withLock { $0.turn % Self.oldestTurn == Self.oldestTurn - 1 }
        let order: [(UplinkClass, FootageIndex.Turn)] = [
            (.live, .live(since: live)), (.metadata, .preview(before: live)), (.backlog, .backlog(before: live, oldestFirst: oldestFirst)),
            (.bulk, .bulk),
        ]
        for (kind, turn) in order where governor.mayBegin(kind) {
            do {
                if let clip = try await index.next(turn, excluding: excluded) { return Job(clip: clip, kind: kind) }
            } catch let unreadable as UnreadableClip {
                await restore(unreadable)
            } catch {
                logger.error("the next clip could not be looked for", metadata: ["error": "\(error)"])
                return nil
            }
        }
        return nil
    }

    /// Makes the row of a clip anew from its directory.
    private func restore(_ clip: UnreadableClip) async {
        logger.error("a clip's row cannot be read; it is made anew from the clip's directory", metadata: ["clip": "\(clip.id)"])
        do {
            try await index.removeUnreadable(clip)
            guard let id = ClipID(clip.id), let manifest = try await spool.manifest(of: id) else { return }
            try await spool.takeUpAnew(manifest)
        } catch {
            logger.error("a clip's row could not be made anew", metadata: ["clip": "\(clip.id)", "error": "\(error)"])
        }
    }

    // MARK: Failures

    func note(_ error: StoreError, of clip: ClipRecord, generation: Int) async {
        guard generation == state.withLock({ $0.generation }) else {
            // The store was replaced meanwhile: its failure tells nothing about the new one.
            try? await index.move(clip.id, to: .queued)
            return
        }
        switch error.kind {
        case .exists, .corrupted, .gone:
            // This clip's own trouble: others go on.
            succeeded()
            await postpone(clip, sentence: error.sentence)
        default:
            let (first, now, wall) = (failure == nil, time.uptime(), time.now())
            state.withLock { state in
                var generator = chance
                state.breaker.failed(error, at: now, wall: wall, using: &generator)
            }
            if first { logger.warning("uploads wait", metadata: ["reason": "\(error.sentence)"]) }
            try? await index.noteAttempt(clip.id, error: error.sentence)
        }
    }

    /// The store did as asked; after an outage the line is taken into use again bit by bit.
    func succeeded() {
        let now = time.uptime()
        let outage = state.withLock { state -> Duration? in
            state.retries.earn()
            defer { state.breaker.succeeded() }
            return state.breaker.failingFrom.map { now - $0 }
        }
        guard let outage else { return }
        var generator = chance
        governor.returned(after: outage, using: &generator)
        logger.info("uploads go on", metadata: ["outage": "\(Int(outage.seconds)) s"])
    }

    func postpone(_ clip: ClipRecord, sentence: String) async {
        var backOff = BackOff(first: .seconds(5), longest: longestWait, shortest: .seconds(1))
        var generator = chance
        for _ in 0..<min(clip.attempts, 10) { _ = backOff.failed(using: &generator) }
        let now = time.uptime()
        let wait = backOff.failed(using: &generator)
        state.withLock { state in
            // Beyond the budget a clip waits as long as it may.
            let until = now + (state.retries.spend(at: now) ? wait : longestWait)
            if state.notBefore.count >= Self.mostPostponed, let soonest = state.notBefore.min(by: { $0.value < $1.value }) {
                state.notBefore[soonest.key] = nil
            }
            state.notBefore[clip.id] = until
        }
        try? await index.noteAttempt(clip.id, error: sentence)
    }

    /// When the next attempt at anything may be made; nil when nothing keeps it.
    public func nextAttempt(of id: ClipID) -> Date? {
        let now = time.uptime()
        let until = state.withLock { $0.notBefore[id] }
        return until.map { time.now().addingTimeInterval(($0 - now).seconds) }
    }
}
