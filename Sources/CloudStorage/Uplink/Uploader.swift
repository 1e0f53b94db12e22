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
        var first: Destination
        var second: Destination
        var role: SecondRole?
        /// Since when no clip came into the first store; pictures do not count.
        var clipsFailFrom: Duration?
        /// Stores that were replaced and may still have uploads under way.
        var retired: [any ObjectStore] = []
        var retries = RetryBudget()
        var inHand: Set<ClipID> = []
        /// A clip is brought back for its second copy: one at a time.
        var isFetching = false
        /// Clips that the store refused one by one, and when they may be tried again.
        var notBefore: [ClipID: Duration] = [:]
        var turn = 0

        subscript(rank: Destination.Rank) -> Destination {
            get { rank == .first ? first : second }
            set { if rank == .first { first = newValue } else { second = newValue } }
        }

        /// The stores that have something to do at `now`, those before others that are asked first.
        func ranks(at now: Duration) -> [Destination.Rank] {
            guard first.store != nil else { return [] }
            guard second.store != nil, let role else { return [.first] }
            switch role {
            case .mirror: return [.first, .second]
            case .fallback:
                guard clipsFailFrom != nil, fallsBackIn(now) == nil else { return [.first] }
                return [.first, .second]
            }
        }

        /// When clips go to the second store, where the first goes on failing; nil where that is not waited for.
        func fallsBackIn(_ now: Duration) -> Duration? {
            guard case .fallback(let after)? = role, second.store != nil, let from = clipsFailFrom, now - from < after else {
                return nil
            }
            return from + after - now
        }
    }

    /// One thing to do for a clip.
    struct Job: Sendable {
        let clip: ClipRecord
        let kind: UplinkClass
        let rank: Destination.Rank
        /// The store does not work as far as is known; this finds out whether it does again.
        var isTrial = false
        /// The clip is in the first store; this is for its copy in the second.
        var isCopy: Bool { clip.state == .stored }
        /// The spool does not have it any more.
        var isFetch: Bool { clip.otherCopy == .wanted }
    }

    /// Every so many clips of the backlog the oldest goes before the newest, so that it drains from both ends.
    private static let oldestTurn = 5
    /// A clip is live for so long.
    private static let liveSeconds = 600.0
    /// Clips that are kept from the queue one by one; beyond that the one that would be next anyway is let go.
    private static let mostPostponed = 500

    let spool: Spool
    let protection: (any UploadProtection)?
    let longestWait: Duration
    let index: FootageIndex
    public let governor: UplinkGovernor
    /// The queue is looked at so often where nothing tells that it should be.
    private let looksEvery: Duration
    private let chance: Chance
    let time: TimeSource
    let logger: Logger
    let state: Mutex<State>
    /// Raised when another store is used.
    let storesChanged = Signal()

    /// `longestWait` bounds the time between attempts to reach a store that does not work.
    public init(
        spool: Spool, protection: (any UploadProtection)? = nil, governor: UplinkGovernor? = nil, longestWait: Duration = .seconds(300),
        looksEvery: Duration = .seconds(1),
        time: TimeSource, chance: Chance = .system, logger: Logger
    ) {
        self.longestWait = longestWait
        self.looksEvery = looksEvery
        self.chance = chance
        self.spool = spool
        self.protection = protection
        self.index = spool.index
        self.governor = governor ?? UplinkGovernor(time: time)
        self.time = time
        self.logger = logger
        let destination = Destination(breaker: CircuitBreaker(longest: longestWait))
        state = Mutex(State(first: destination, second: destination))
    }

    /// Uploads go to `store` from now on; nil keeps everything in the spool. Old failures are forgotten.
    public func use(_ store: (any ObjectStore)?) { use(store, as: .first) }

    /// The second store from now on, and what it is for; nil for none.
    public func useSecond(_ store: (any ObjectStore)?, role: SecondRole?) {
        use(store, as: .second, role: role)
    }

    private func use(_ store: (any ObjectStore)?, as rank: Destination.Rank, role: SecondRole? = nil) {
        state.withLock { state in
            if rank == .second { state.role = role } else { state.clipsFailFrom = nil }
            if let old = state[rank].store { state.retired.append(old) }
            state[rank].store = store
            state[rank].generation += 1
            state[rank].breaker = CircuitBreaker(longest: longestWait)
            state.notBefore = [:]
        }
        spool.queued.raise()
        storesChanged.raise()
    }

    /// The store in use, or the first of two.
    public var store: (any ObjectStore)? { state.withLock { $0.first.store } }
    /// The second store in use.
    public var secondStore: (any ObjectStore)? { state.withLock { $0.second.store } }
    /// Whether anything goes over the line: not where clips go to folders alone.
    public var usesUplink: Bool { [store, secondStore].contains { $0?.usesUplink ?? false } }
    /// What keeps uploads to the first store from succeeding, and since when.
    public var failure: (error: StoreError, since: Date)? { failure(of: .first) }
    /// The same of the second.
    public var secondFailure: (error: StoreError, since: Date)? { failure(of: .second) }
    /// Whether the first store has done as asked since it is used.
    public var hasWorked: Bool { state.withLock { $0.first.breaker.hasWorked } }
    /// The same of the second.
    public var secondHasWorked: Bool { state.withLock { $0.second.breaker.hasWorked } }
    /// Clips go to the second store now, for the first does not work.
    public var fallsBack: Bool {
        let now = time.uptime()
        return state.withLock { state in
            guard case .fallback? = state.role else { return false }
            return state.ranks(at: now).count == 2
        }
    }

    private func failure(of rank: Destination.Rank) -> (error: StoreError, since: Date)? {
        state.withLock { state in
            guard let error = state[rank].breaker.failure, let since = state[rank].breaker.failingSince else { return nil }
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
                    await makeRoom()
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
        useSecond(nil, role: nil)
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
            let kept = state.ranks(at: now).map { state[$0].breaker.keeps(at: now) }
            if !kept.isEmpty, !kept.contains(nil) {
                let soonest = (kept.compactMap(\.self) + [state.fallsBackIn(now)].compactMap(\.self)).min() ?? looksEvery
                return max(.milliseconds(100), soonest)
            }
            let soonest = state.notBefore.values.min().map { max(.milliseconds(100), $0 - now) } ?? looksEvery
            return min(soonest, governor.returnsIn ?? looksEvery, looksEvery)
        }
    }

    // MARK: Choosing

    /// The next thing to do, which counts as under way from then on.
    private func take() async -> Job? {
        let now = time.uptime()
        let (ranks, excluded) = state.withLock { state in
            state.notBefore = state.notBefore.filter { $0.value > now }
            // Looking is not asking: only `ask` hands out the trial.
            let ranks = state.ranks(at: now).filter { state[$0].breaker.keeps(at: now) == nil }
            return (ranks, state.inHand.union(state.notBefore.keys))
        }
        for rank in ranks {
            guard let chosen = await choose(for: rank, excluding: excluded) else { continue }
            let taken = state.withLock { state -> Job? in
                guard case .go = state[rank].breaker.ask(at: now) else { return nil }
                var job = chosen
                job.isTrial = state[rank].breaker.failure != nil
                if job.kind == .backlog { state.turn += 1 }
                state.inHand.insert(job.clip.id)
                if job.isFetch { state.isFetching = true }
                governor.began(job.kind)
                return job
            }
            if let taken { return taken }
        }
        return nil
    }

    private func choose(for rank: Destination.Rank, excluding excluded: Set<ClipID>) async -> Job? {
        for (kind, turn) in order(for: rank) where governor.mayBegin(kind) {
            do {
                if let clip = try await index.next(turn, excluding: excluded) { return Job(clip: clip, kind: kind, rank: rank) }
            } catch let unreadable as UnreadableClip {
                await restore(unreadable)
            } catch {
                logger.error("the next clip could not be looked for", metadata: ["error": "\(error)"])
                return nil
            }
        }
        return nil
    }

    private func order(for rank: Destination.Rank) -> [(UplinkClass, FootageIndex.Turn)] {
        let live = time.now().addingTimeInterval(-Self.liveSeconds)
        let (oldestFirst, role) = state.withLock { ($0.turn % Self.oldestTurn == Self.oldestTurn - 1, $0.role) }
        if rank == .second, role == .mirror { return [(.bulk, .copy)] + fetchTurns }
        let clips: [(UplinkClass, FootageIndex.Turn)] = [
            (.live, .live(since: live)), (.backlog, .backlog(before: live, oldestFirst: oldestFirst)), (.bulk, .bulk),
        ]
        // Pictures ahead of their clips go to the first store alone: where the clip will be is not known yet.
        return rank == .second ? clips : [clips[0], (.metadata, .preview(before: live))] + clips.dropFirst()
    }

    /// What the mirror lacks of before is brought back while there is room to spare and nothing that the spool has waits for it.
    private var fetchTurns: [(UplinkClass, FootageIndex.Turn)] {
        let place = state.withLock { $0.isFetching || $0.first.breaker.failure != nil ? nil : $0.first.store?.identity }
        return place.flatMap { spool.hasRoomToSpare ? [(.bulk, .fetch(from: $0))] : nil } ?? []
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

    func note(_ error: StoreError, of job: Job, generation: Int) async {
        let clip = job.clip
        guard generation == state.withLock({ $0[job.rank].generation }) else {
            // The store was replaced meanwhile: its failure tells nothing about the new one.
            if !job.isCopy { try? await index.takeBack(clip.id) }
            return
        }
        switch error.kind {
        case .exists, .corrupted, .gone:
            // This clip's own trouble: others go on.
            succeeded(job.rank)
            await postpone(clip, sentence: error.sentence)
        default:
            let (first, now, wall) = (failure(of: job.rank) == nil, time.uptime(), time.now())
            state.withLock { state in
                var generator = chance
                state[job.rank].breaker.failed(error, at: now, wall: wall, using: &generator)
                if job.rank == .first, job.kind != .metadata { state.clipsFailFrom = state.clipsFailFrom ?? now }
            }
            if first {
                let store = job.rank == .first ? "first" : "second"
                logger.warning("uploads wait", metadata: ["reason": "\(error.sentence)", "store": "\(store)"])
            }
            try? await index.noteAttempt(clip.id, error: error.sentence)
        }
    }

    /// How a store did what was asked of it besides uploads.
    func note(_ error: (any Error)?, of store: any ObjectStore) {
        let (now, wall) = (time.uptime(), time.now())
        state.withLock { state in
            for rank in Destination.Rank.allCases where state[rank].store?.identity == store.identity {
                if error == nil {
                    state[rank].breaker.succeeded()
                } else if let error = error as? StoreError, ![.exists, .corrupted, .gone].contains(error.kind) {
                    var generator = chance
                    state[rank].breaker.failed(error, at: now, wall: wall, using: &generator)
                }
            }
        }
    }

    /// The clips that something is being done for.
    var inHand: Set<ClipID> { state.withLock { $0.inHand } }

    /// The store did as asked; after an outage the line is taken into use again bit by bit.
    func succeeded(_ rank: Destination.Rank) {
        let now = time.uptime()
        let outage = state.withLock { state -> Duration? in
            state.retries.earn()
            defer { state[rank].breaker.succeeded() }
            return state[rank].breaker.failingFrom.map { now - $0 }
        }
        guard let outage else { return }
        logger.info("uploads go on", metadata: ["outage": "\(Int(outage.seconds)) s", "store": "\(rank == .first ? "first" : "second")"])
        guard rank == .first else { return }
        var generator = chance
        governor.returned(after: outage, using: &generator)
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
