public import BoxDatabase
public import Core
public import Foundation
public import GRDB
public import Logging
import Synchronization

/// The plans of the box: what was bought, which channels it pays for, and what happened to it.
///
/// Where no issuer is set, plans are not enforced: every linked channel is recorded, as long as it is set for it.
public final class PlanLedger: Sendable {
    struct State {
        var plans: [ChannelID: ChannelPlan] = [:]
        var zone = TimeZone.gmt
        /// What was last wrong with the voucher in the store, so that it is told once.
        var voucherTrouble: String?
    }

    /// The box's serial number.
    let box: String
    /// Ed25519 public keys, base64, whose vouchers are believed.
    let issuers: [String]
    let database: BoxDatabase
    let store: @Sendable () -> (any ObjectStore)?
    let time: TimeSource
    let logger: Logger
    private let changed: @Sendable ([ChannelID]) -> Void
    let state = Mutex(State())

    /// `store` is where keys that any box may use are claimed; `changed` is called with the channels whose plan changed.
    public init(
        box: String, issuers: [String], database: BoxDatabase, store: @escaping @Sendable () -> (any ObjectStore)?, time: TimeSource,
        logger: Logger, changed: @escaping @Sendable ([ChannelID]) -> Void
    ) {
        self.box = box
        self.issuers = issuers
        self.database = database
        self.store = store
        self.time = time
        self.logger = logger
        self.changed = changed
    }

    /// Footage is recorded only under an active plan.
    public var isEnforced: Bool { !issuers.isEmpty }

    func requireEnforced() throws {
        guard isEnforced else {
            throw PlanRefusal(.notEnforced, "This box needs no plans: every linked channel is recorded. Set plans.issuers to use them.")
        }
    }

    /// Reads the plans as they were left. Call it before channels are set to work.
    public func load() async throws {
        let (plans, zone) = try await database.read { (try Self.plans($0), try Self.zone($0)) }
        state.withLock { state in
            state.plans = plans
            state.zone = zone
        }
    }

    // MARK: Asking

    /// What may be recorded of a channel now.
    public func cover(of channel: ChannelID) -> PlanCover {
        guard isEnforced else { return .notNeeded }
        let now = time.now()
        return state.withLock { ($0.plans[channel] ?? ChannelPlan(channel: channel)).cover(at: now, in: $0.zone) }
    }

    /// For how many days footage of a channel is kept: as its plan says, or as is set where it has none.
    public func retentionDays(of channel: ChannelRecord) -> Int {
        if case .active(let days) = cover(of: channel.id) { days } else { channel.retentionDays }
    }

    /// The plan of a channel, which may be none.
    public func plan(of channel: ChannelID) -> ChannelPlan { state.withLock { $0.plans[channel] } ?? ChannelPlan(channel: channel) }

    /// The site's time zone, in which plans begin and end.
    public var zone: TimeZone { state.withLock { $0.zone } }

    /// Throws where the channel must not be unlinked, or its device removed, because its plan is active.
    public func admitUnlinking(_ channel: ChannelRecord) throws {
        let plan = plan(of: channel.id)
        guard isEnforced, plan.period(at: time.now()) != nil, let until = plan.until else { return }
        throw PlanRefusal(
            .hasPlan,
            "\(channel.name) has an active plan until \(ChannelPlan.lastDay(until, in: zone).words). Move the plan to another channel, or end it, first."
        )
    }

    /// What is in stock, and what happened lately.
    public struct Books: Sendable {
        public let stock: [PlanPackage: Int]
        /// Newest first, at most 200.
        public let history: [PlanHistoryRecord]
    }

    public func books() async throws -> Books {
        try await database.read { database in
            let rows = try StockedPackageRecord.filter(Column("usedAt") == nil).fetchAll(database)
            return Books(
                stock: Dictionary(rows.map { ($0.package, 1) }, uniquingKeysWith: +),
                history: try PlanHistoryRecord.order(Column("id").desc).limit(200).fetchAll(database))
        }
    }

    // MARK: Changing

    /// Renews the plan by itself when it ends, as long as a package of its kind is in stock.
    public func setAutomaticRenewal(_ on: Bool, of channel: ChannelID) async throws {
        try await change([channel]) { database, now in
            let plan = try Self.activePlan(of: try Self.channel(channel, database), at: now, database)
            try PlanSettingRecord(channelId: channel, automaticRenewal: on, expiryTold: plan.expiryTold).upsert(database)
        }
    }

    /// Moves what is left of a plan to another channel, which must be linked and have none.
    public func transfer(from: ChannelID, to: ChannelID) async throws {
        guard from != to else { throw PlanRefusal(.sameChannel, "Choose another channel to move the plan to.") }
        try await change([from, to]) { database, now in
            let giver = try Self.channel(from, database)
            let plan = try Self.activePlan(of: giver, at: now, database)
            let taker = try Self.linkedChannel(to, database)
            guard try Self.plan(of: to, database).period(at: now) == nil else {
                throw PlanRefusal(.hasPlan, "\(taker.name) has an active plan already. Choose a channel without one.")
            }
            for var period in plan.remaining(at: now) {
                period.channelId = to
                try period.update(database)
            }
            try PlanSettingRecord(channelId: to, automaticRenewal: plan.automaticRenewal).upsert(database)
            // What it had before has been told; it has no plan that could end.
            try PlanSettingRecord(channelId: from, expiryTold: true).upsert(database)
            var entry = try Self.entry(.transferred, of: giver, plan, at: now)
            entry.toChannelId = to
            entry.toChannelName = taker.name
            try entry.insert(database)
        }
    }

    /// Ends a plan before its time; what is left of it is lost.
    public func end(_ channel: ChannelID) async throws {
        try await change([channel]) { database, now in
            let record = try Self.channel(channel, database)
            try Self.end(record, try Self.activePlan(of: record, at: now, database), at: now, database)
        }
    }

    /// Ends the plan that a channel has, if it has one, together with other changes; `reload` has to follow.
    public static func void(_ channel: ChannelID, at now: Date, _ database: Database) throws {
        let plan = try plan(of: channel, database)
        if plan.period(at: now) != nil { try end(try Self.channel(channel, database), plan, at: now, database) }
    }

    private static func end(_ channel: ChannelRecord, _ plan: ChannelPlan, at now: Date, _ database: Database) throws {
        for (index, var period) in plan.remaining(at: now).enumerated() {
            period.until = now
            if index == 0 { try period.update(database) } else { try period.delete(database) }
        }
        try PlanSettingRecord(channelId: channel.id, expiryTold: true).upsert(database)
        var entry = try Self.entry(.ended, of: channel, plan, at: now)
        try entry.insert(database)
    }

    /// Changes rows in one transaction, then tells who watches the channels.
    func change(_ channels: [ChannelID], _ body: @escaping @Sendable (Database, Date) throws -> Void) async throws {
        try requireEnforced()
        let now = time.now()
        try await database.write { try body($0, now) }
        try await reload(channels)
    }

    /// Reads the plans anew and tells who watches the channels, or only the books.
    public func reload(_ channels: [ChannelID]) async throws {
        try await load()
        changed(channels)
    }
}

/// Rows of plans, within a transaction.
extension PlanLedger {
    /// The time zone of a channel's site; that of the box's first site without one.
    static func zone(_ database: Database, of channel: ChannelID? = nil) throws -> TimeZone {
        let site = try channel.flatMap { try ChannelRecord.fetchOne(database, key: $0)?.siteId }
        let record = try site.map { try SiteRecord.fetchOne(database, key: $0) } ?? SiteRecord.fetchOne(database)
        return record.flatMap { TimeZone(identifier: $0.timeZone) } ?? .gmt
    }

    static func plans(_ database: Database) throws -> [ChannelID: ChannelPlan] {
        let settings = Dictionary(try PlanSettingRecord.fetchAll(database).map { ($0.channelId, $0) }) { first, _ in first }
        return Dictionary(grouping: try PlanPeriodRecord.fetchAll(database), by: \.channelId).reduce(into: [:]) { plans, entry in
            plans[entry.key] = ChannelPlan(channel: entry.key, periods: entry.value, setting: settings[entry.key])
        }
    }

    static func plan(of channel: ChannelID, _ database: Database) throws -> ChannelPlan {
        ChannelPlan(
            channel: channel, periods: try PlanPeriodRecord.filter(Column("channelId") == channel).fetchAll(database),
            setting: try PlanSettingRecord.fetchOne(database, key: channel))
    }

    static func channel(_ id: ChannelID, _ database: Database) throws -> ChannelRecord {
        guard let channel = try ChannelRecord.fetchOne(database, key: id) else {
            throw PlanRefusal(.noSuchChannel, "There is no such channel. It may have been removed.")
        }
        return channel
    }

    static func linkedChannel(_ id: ChannelID, _ database: Database) throws -> ChannelRecord {
        let channel = try channel(id, database)
        guard channel.definition != nil else {
            throw PlanRefusal(.notLinked, "\(channel.name) is not linked to the cloud. Link it first; then its plan can begin.")
        }
        return channel
    }

    static func activePlan(of channel: ChannelRecord, at now: Date, _ database: Database) throws -> ChannelPlan {
        let plan = try plan(of: channel.id, database)
        guard plan.period(at: now) != nil else {
            throw PlanRefusal(.noPlan, "\(channel.name) has no active plan. Activate one first.")
        }
        return plan
    }

    /// A line of the history about the last period of a plan.
    static func entry(
        _ kind: PlanHistoryRecord.Kind, of channel: ChannelRecord, _ plan: ChannelPlan, at time: Date
    ) throws -> PlanHistoryRecord {
        guard let last = plan.periods.last else { throw PlanRefusal(.noPlan, "\(channel.name) has no plan.") }
        return PlanHistoryRecord(
            at: time, kind: kind, channelId: channel.id, channelName: channel.name, package: last.package, until: last.until)
    }
}
