import BoxDatabase
import Core
import Foundation
import GRDB
import Logging
import Synchronization

/// What time brings: renewals, ends, vouchers in the store.
extension PlanLedger {
    private static let dayBefore: TimeInterval = 86_400

    /// Looks every minute for plans that end, and every hour for a voucher in the store, until cancelled.
    public func run() async {
        var fetchAt = time.uptime()
        while !Task.isCancelled {
            if isEnforced {
                if time.uptime() >= fetchAt {
                    await fetchVoucher()
                    fetchAt = time.uptime() + .seconds(3600)
                }
                await sweep()
            }
            do { try await time.sleep(.seconds(60)) } catch { return }
        }
    }

    /// Renews what ends within a day and is to renew itself; takes down and tells what has ended.
    public func sweep() async {
        do {
            try await load()
            for plan in state.withLock({ Array($0.plans.values) }) { try await keepUp(plan) }
        } catch {
            logger.warning("plans could not be looked after yet", metadata: ["reason": "\(error)"])
        }
    }

    private func keepUp(_ plan: ChannelPlan) async throws {
        let now = time.now()
        guard let until = plan.until, let package = plan.periods.last?.package, !plan.expiryTold else { return }
        guard now >= until || plan.automaticRenewal && now >= until.addingTimeInterval(-Self.dayBefore) else { return }
        if plan.automaticRenewal, try await renew(plan.channel, package, until: until) { return }
        if now >= until { try await expire(plan.channel, until: until) }
    }

    private func renew(_ id: ChannelID, _ package: PlanPackage, until: Date) async throws -> Bool {
        let now = time.now()
        let renewed = try await database.write { database in
            // A person may have renewed, moved or ended it a moment ago, and unlinked channels need none.
            guard try Self.plan(of: id, database).until == until, let channel = try ChannelRecord.fetchOne(database, key: id),
                channel.definition != nil
            else { return false }
            return try Self.addFromStock(package, to: channel, at: now, source: .automatic, database)
        }
        guard renewed else { return false }
        logger.notice("plan renewed itself", metadata: ["channel": "\(id)", "package": "\(package.rawValue)"])
        try await reload([id])
        return true
    }

    private func expire(_ id: ChannelID, until: Date) async throws {
        try await change([id]) { database, now in
            let plan = try Self.plan(of: id, database)
            guard plan.until == until, !plan.expiryTold, let last = plan.periods.last else { return }
            try PlanSettingRecord(channelId: id, automaticRenewal: plan.automaticRenewal, expiryTold: true).upsert(database)
            let name = try ChannelRecord.fetchOne(database, key: id)?.name ?? ""
            var entry = PlanHistoryRecord(
                at: until, kind: .expired, channelId: id, channelName: name, package: last.package, until: until)
            try entry.insert(database)
        }
        logger.warning("plan expired; the channel is not recorded any more", metadata: ["channel": "\(id)", "until": "\(until)"])
    }
}
