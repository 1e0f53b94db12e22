// The upgrader brings newer releases onto the box, starts them, and decides whether they stay. What is started, the launcher decides.

public import Core
public import Foundation
public import Logging
import Slots
import Synchronization

/// Takes releases as the box's policy says, or as a person does.
///
/// Once a release is being fetched nothing stops it but a failure: half of it is never started, and what is there of it is used the next time.
public actor Upgrader {
    /// The box, as the upgrader needs it.
    public struct Environment: Sendable {
        /// Where the launcher has its releases, and which of them runs; nil where the box was not started by a launcher.
        public var place: UpgradePlace?
        public var serialNumber: String
        public var version: ReleaseVersion
        public var model: String
        /// Where releases come from; nil where none was named.
        public var source: (@Sendable () -> any ReleaseSource)?
        /// The same, for the updater; nil where it is not to be told.
        public var server: @Sendable () -> UpdaterBrief.Server?
        public var policy: @Sendable () async throws -> (UpgradePolicy, TimeZone)
        /// Whether the machine's time is to be believed.
        public var isTimeKnown: @Sendable () -> Bool
        /// How the box does, now.
        public var health: @Sendable () async -> BoxHealth
        /// Keeps what a failed release might spoil, at a place.
        public var snapshot: @Sendable (URL) async throws -> Void
        /// Bytes of the disk that are not an upgrade's: recording goes on meanwhile.
        public var reservedBytes: @Sendable () -> Int
        /// Ends the box in order; it begins with what the launcher starts then.
        public var restart: @Sendable () -> Void
        public var changed: @Sendable () -> Void
        /// Tells the vendor what became of an upgrade; nil where nobody wants to know.
        public var report: (@Sendable (UpgradeReport) async throws -> Void)?
        /// How long it is from one look at a release that is on trial to the next.
        public var looksEvery: Duration
        public var time: TimeSource
        public var logger: Logger

        public init(
            place: UpgradePlace?, serialNumber: String, version: ReleaseVersion, model: String,
            source: (@Sendable () -> any ReleaseSource)?, server: @escaping @Sendable () -> UpdaterBrief.Server? = { nil },
            policy: @escaping @Sendable () async throws -> (UpgradePolicy, TimeZone),
            isTimeKnown: @escaping @Sendable () -> Bool, health: @escaping @Sendable () async -> BoxHealth,
            snapshot: @escaping @Sendable (URL) async throws -> Void, reservedBytes: @escaping @Sendable () -> Int,
            restart: @escaping @Sendable () -> Void,
            changed: @escaping @Sendable () -> Void, report: (@Sendable (UpgradeReport) async throws -> Void)? = nil, looksEvery: Duration,
            time: TimeSource, logger: Logger
        ) {
            self.place = place
            self.serialNumber = serialNumber
            self.version = version
            self.model = model
            self.source = source
            self.server = server
            self.policy = policy
            self.isTimeKnown = isTimeKnown
            self.health = health
            self.snapshot = snapshot
            self.reservedBytes = reservedBytes
            self.restart = restart
            self.changed = changed
            self.report = report
            self.looksEvery = looksEvery
            self.time = time
            self.logger = logger
        }
    }

    /// What a person asked for.
    struct Wish: Sendable {
        let slot: String
        let by: String
        /// A repository in a folder, which goes afterwards.
        let folder: URL?
    }

    static let disk = BlockingQueue(name: "upgrades", background: true)
    static let incoming = "incoming-"
    private static let tick = Duration.seconds(60)
    private static let checksEvery: TimeInterval = 86_400
    private static let retriesAfter: TimeInterval = 3600

    let environment: Environment
    var memory = UpgradeMemory()
    private(set) var condition: UpgradeCondition
    private var wish: Wish?
    /// Why the server could not be asked.
    private var lookTrouble: String?
    /// What is newer than the release of now, as it was found last.
    private var found: ReleaseChoice = .upToDate
    private var nextCheck: Date?
    private var lastChange: Task<Void, any Error>?
    /// Goes up whenever what was found may not be right any more.
    private var generation = 0
    private let wake = Signal()
    /// The updater is to be told now that the box lives.
    let provedItself = Signal()
    /// An upgrade may have ended: the vendor is to be told.
    let ended = Signal()
    /// Bytes of the release that is fetched.
    nonisolated let progress = Mutex((done: 0, total: 0))
    /// When the upgrades went on last; a box in which they stand still cannot be upgraded by itself.
    nonisolated let lastStep: Mutex<Duration>

    public init(_ environment: Environment) {
        self.environment = environment
        lastStep = Mutex(environment.time.uptime())
        condition = UpgradeCondition(phase: environment.place == nil ? .unmanaged : .starting)
        if let place = environment.place { memory = UpgradeMemory.read(place.memory) }
    }

    // MARK: What there is

    /// Bytes of the disk that are not an upgrade's.
    public nonisolated var reservedBytes: Int { environment.reservedBytes() }
    public nonisolated var model: String { environment.model }
    /// Whether a server of releases was named.
    public nonisolated var hasSource: Bool { environment.source != nil }
    public var state: UpgradeCondition {
        var condition = condition
        condition.trouble = condition.trouble ?? lookTrouble
        if case .fetching = condition.phase { condition.phase = progress.withLock { .fetching(done: $0.done, of: $0.total) } }
        return condition
    }
    /// The newest first.
    public var history: [Upgrade] { memory.upgrades.reversed() }
    var time: TimeSource { environment.time }

    func set(_ phase: UpgradeCondition.Phase) {
        guard condition.phase != phase else { return }
        condition.phase = phase
        environment.changed()
    }

    /// Nothing is told that is not on the disk: one change after the other.
    func remember(_ change: @escaping @Sendable (inout UpgradeMemory) -> Void) async throws {
        guard let place = environment.place else { return }
        let before = lastChange
        let task = Task {
            _ = await before?.result
            try await self.write(change, to: place.memory)
        }
        lastChange = task
        try await task.value
        ended.raise()
        environment.changed()
    }

    private func write(_ change: @escaping @Sendable (inout UpgradeMemory) -> Void, to place: URL) async throws {
        memory = try await Self.disk.run { try UpgradeMemory.change(place, change) }
    }

    // MARK: Work

    /// Ends what an earlier life began, and takes releases until cancelled.
    public func run() async {
        guard let place = environment.place else {
            while !Task.isCancelled { await wake.wait() }
            return
        }
        await withTaskGroup { group in
            group.addTask { await self.tellUpdater(place) }
            group.addTask { await self.reportUpgrades(place) }
            await work(place)
            group.cancelAll()
        }
    }

    nonisolated func noteStep() {
        let now = environment.time.uptime()
        lastStep.withLock { $0 = now }
    }

    private func work(_ place: UpgradePlace) async {
        await removeLeftovers(place)
        await judgeLast(place)
        await watchTrial(place)
        set(.idle)
        // Boxes that were switched on together do not ask together.
        nextCheck = time.now().addingTimeInterval(.random(in: 60...600))
        while !Task.isCancelled {
            noteStep()
            if let wish = takeWish() {
                await take(wish, place)
            } else {
                await followPolicy(place)
            }
            await wake.wait(atMost: Self.tick, time: time)
        }
    }

    /// Files of an earlier life that were taken apart.
    private func removeLeftovers(_ place: UpgradePlace) async {
        await Self.disk.run {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place.folder.path)) ?? []
            for name in names where name.hasPrefix(Self.incoming) {
                try? FileManager.default.removeItem(at: place.folder.appending(path: name))
            }
        }
    }

    private func followPolicy(_ place: UpgradePlace) async {
        guard environment.source != nil, condition.phase == .idle else { return }
        if nextCheck.map({ $0 <= time.now() }) ?? true { await look(place) }
        guard let (policy, zone) = try? await environment.policy(), policy.isAutomatic, case .take(let release) = found,
            policy.window.contains(time.now(), zone: zone), condition.phase == .idle
        else { return }
        await take(Wish(slot: release.slot, by: "", folder: nil), place)
    }

    /// The policy changed: what was found may not be for this box any more.
    public func followNow() {
        forgetFound()
        wake.raise()
    }

    private func takeWish() -> Wish? {
        defer { wish = nil }
        return wish
    }

    // MARK: Learning what there is

    /// Asks the server now.
    /// - Throws: `UpgradeRefusal` where that is not possible now.
    public func check() async throws(UpgradeRefusal) {
        let place = try self.place()
        guard environment.source != nil else {
            throw UpgradeRefusal(description: "This box knows no server of releases. Name one in its configuration (firmware.source).")
        }
        try mayBegin()
        condition.trouble = nil
        await look(place)
    }

    func place() throws(UpgradeRefusal) -> UpgradePlace {
        guard let place = environment.place else {
            throw UpgradeRefusal(
                description: "This box was not started by gatehouse-launcher, and is upgraded as it was installed: by its package.")
        }
        return place
    }

    func mayBegin() throws(UpgradeRefusal) {
        switch condition.phase {
        case .idle: return
        case .starting: throw UpgradeRefusal(description: "The box has just started. Try again in a moment.")
        case .onTrial:
            throw UpgradeRefusal(
                description: "The release of now is on trial. Wait until it has proved itself, a quarter of an hour at most.")
        default: throw UpgradeRefusal(description: "An upgrade goes on already.")
        }
    }

    private func look(_ place: UpgradePlace) async {
        guard condition.phase == .idle, let source = environment.source?() else { return }
        set(.checking)
        lookTrouble = nil
        do {
            let releases = try await releases(of: source, place)
            let isCurrent = try await choose(among: releases, source, place)
            condition.checkedAt = time.now()
            nextCheck = isCurrent ? time.now().addingTimeInterval(Self.checksEvery + .random(in: -1800...1800)) : nil
        } catch {
            lookTrouble = Self.sentence(error)
            environment.logger.warning("releases could not be learnt", metadata: ["reason": "\(error)"])
            nextCheck = time.now().addingTimeInterval(Self.retriesAfter + .random(in: 0...600))
        }
        await source.close()
        set(.idle)
    }

    /// What a source has, verified.
    func releases(of source: any ReleaseSource, _ place: UpgradePlace) async throws -> [ListedRelease] {
        let isKnown = environment.isTimeKnown()
        let now = time.now()
        let moment = memory.moment(now, isKnown: isKnown)
        let releases = try await MetadataUpdate(from: source, into: MetadataFolder(place.trusted)).refresh(at: moment)
        if isKnown { try await remember { $0.knownTime = now } }
        return releases
    }

    /// Whether the choice is one for the policy of now.
    private func choose(among releases: [ListedRelease], _ source: any ReleaseSource, _ place: UpgradePlace) async throws -> Bool {
        let started = generation
        let chosen = ReleaseChoice.next(for: try await box(place), of: releases)
        found = .upToDate
        condition.available = nil
        let (release, obstacle): (ListedRelease, ReleaseChoice.Obstacle?)
        switch chosen {
        case .upToDate: return generation == started
        case .take(let taken): (release, obstacle) = (taken, nil)
        case .wait(let waiting, let why): (release, obstacle) = (waiting, why)
        }
        let manifest = try await release.manifest(from: source)
        let missing = await Self.disk.run { ReleaseInstalling(from: source, into: place.folder, reserve: 0).missing(of: manifest) }
        // Somebody set meanwhile which releases are taken.
        guard generation == started else { return false }
        found = chosen
        condition.available = .init(
            version: release.offer.version, channel: release.offer.channel, notes: manifest.notes, size: manifest.size, missing: missing,
            obstacle: obstacle)
        return true
    }

    /// This box, as a choice needs it.
    func box(_ place: UpgradePlace) async throws -> ReleaseChoice.Box {
        let (policy, _) = try await environment.policy()
        return ReleaseChoice.Box(
            serialNumber: environment.serialNumber, version: environment.version, architecture: place.architecture,
            model: environment.model, epoch: memory.epoch, channel: policy.channel, bad: place.bad)
    }

    // MARK: What people ask for

    /// Takes the release that was found, now. It is begun when this returns, and goes on by itself.
    /// - Throws: `UpgradeRefusal` where there is none of that version, or that is not possible now.
    public func upgrade(to version: String, by person: String) throws(UpgradeRefusal) {
        _ = try place()
        try mayBegin()
        let release: ListedRelease
        switch found {
        case .take(let taken): release = taken
        // Whoever stands for the box may go before the others; a release that was withdrawn nobody takes.
        case .wait(let waiting, .rollout(let share)) where share > 0: release = waiting
        case .wait(_, .bad): throw UpgradeRefusal(description: "That release was tried on this box, and was bad.")
        default: throw UpgradeRefusal(description: "There is no newer release for this box.")
        }
        guard release.offer.version.description == version else {
            throw UpgradeRefusal(description: "The newest release for this box is \(release.offer.version), not \(version).")
        }
        begin(Wish(slot: release.slot, by: person, folder: nil))
    }

    func begin(_ wish: Wish) {
        self.wish = wish
        condition.trouble = nil
        set(.fetching(done: 0, of: 0))
        wake.raise()
    }

    /// What went wrong, for people.
    static func sentence(_ error: any Error) -> String { (error as? SlotError)?.description ?? UpgradeTrouble.sentence(error) }

    /// What was found is not taken, and looked for again after a while.
    func rest(because trouble: String) {
        forgetFound()
        condition.trouble = trouble
        nextCheck = time.now().addingTimeInterval(Self.retriesAfter + .random(in: 0...600))
        environment.changed()
    }

    func forgetFound() {
        generation += 1
        found = .upToDate
        condition.available = nil
        nextCheck = nil
    }
}
