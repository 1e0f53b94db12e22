import BoxDatabase
public import Core
import Foundation
import GRDB

/// Activating and renewing: by a service key, or by a package in stock.
extension PlanLedger {
    /// Activates the channel's plan with the key that a person typed, or renews it where it is active.
    /// - Throws: `PlanRefusal`.
    public func activate(_ channel: ChannelID, serviceKey text: String) async throws {
        try requireEnforced()
        let hash: String
        do { hash = try ServiceKey(entered: text).sha256 } catch { throw PlanRefusal(.mistypedKey, error.sentence) }
        let key = try await known(hash)
        try await database.read { [box] database in
            try Self.admit(key, on: box, today: CalendarDay(self.time.now(), in: try Self.zone(database)))
            // Asked before the key is claimed, so that none is lost to a channel that cannot have it.
            _ = try Self.linkedChannel(channel, database)
        }
        if key.box == nil { try await claim(hash) }
        try await change([channel]) { [box] database, now in
            guard var key = try ServiceKeyRecord.fetchOne(database, key: hash) else { throw Self.unknownKey }
            try Self.admit(key, on: box, today: CalendarDay(now, in: try Self.zone(database)))
            let record = try Self.linkedChannel(channel, database)
            try Self.add(key.package, to: record, at: now, source: .serviceKey, voucher: key.voucherId, database)
            key.usedAt = now
            key.usedFor = record.name
            try key.update(database)
        }
    }

    /// Activates or renews the channel's plan with a package from stock.
    /// - Throws: `PlanRefusal`.
    public func activate(_ channel: ChannelID, package: PlanPackage) async throws {
        try await change([channel]) { database, now in
            let record = try Self.linkedChannel(channel, database)
            guard try Self.addFromStock(package, to: record, at: now, source: .stock, database) else {
                throw PlanRefusal(
                    .nothingInStock, "No package of this kind is in stock. Import a voucher with some, or enter a service key.")
            }
        }
    }

    /// Takes the oldest package of a kind out of the stock and gives it to the channel; false where there is none.
    static func addFromStock(
        _ package: PlanPackage, to channel: ChannelRecord, at now: Date, source: PlanHistoryRecord.Source, _ database: Database
    ) throws -> Bool {
        let waiting = StockedPackageRecord.filter(Column("package") == package.rawValue && Column("usedAt") == nil)
        guard var item = try waiting.order(Column("id")).fetchOne(database) else { return false }
        try add(package, to: channel, at: now, source: source, voucher: item.voucherId, database)
        item.usedAt = now
        try item.update(database)
        return true
    }

    private static func add(
        _ package: PlanPackage, to channel: ChannelRecord, at now: Date, source: PlanHistoryRecord.Source, voucher: String,
        _ database: Database
    ) throws {
        let plan = try plan(of: channel.id, database)
        var period = plan.next(package, at: now, in: try zone(database, of: channel.id))
        try period.insert(database)
        try PlanSettingRecord(channelId: channel.id, automaticRenewal: plan.automaticRenewal).upsert(database)
        var entry = PlanHistoryRecord(
            at: now, kind: plan.period(at: now) == nil ? .activated : .renewed, channelId: channel.id, channelName: channel.name,
            package: package, until: period.until)
        entry.source = source
        entry.voucherId = voucher
        try entry.insert(database)
    }

    // MARK: Keys

    private static let unknownKey = PlanRefusal(
        .unknownKey,
        "The key is typed correctly, but this box has not been told of it. Import the voucher file that came with the key, then enter it again."
    )

    /// The row of a key; where it is not known, a new voucher may wait in the store.
    private func known(_ hash: String) async throws -> ServiceKeyRecord {
        let look = { try await self.database.read { try ServiceKeyRecord.fetchOne($0, key: hash) } }
        if let key = try await look() { return key }
        await fetchVoucher()
        guard let key = try await look() else { throw Self.unknownKey }
        return key
    }

    private static func admit(_ key: ServiceKeyRecord, on box: String, today: CalendarDay) throws {
        if let other = key.box, other != box {
            throw PlanRefusal(.otherBoxKey, "This key is for another box, \(other). This box is \(box).")
        }
        if key.usedAt != nil {
            throw PlanRefusal(.usedKey, "This key was used already\(key.usedFor.map { ", for \($0)" } ?? ""). Each key can be used once.")
        }
        if let last = key.redeemUntil.flatMap(CalendarDay.init), last < today {
            throw PlanRefusal(.expiredKey, "This key expired: it had to be used by \(last.words). Ask whoever sold it for a new one.")
        }
    }

    private struct Claim: Codable {
        let format: Int
        let box: String
        let sha256: String
        let claimedAt: Date
    }

    /// Makes a key that any box may use this box's own: what lies under the key's name in the store says whose it is.
    private func claim(_ hash: String) async throws {
        guard let store = store() else {
            throw PlanRefusal(
                .storeNeeded,
                "Whether another box has used this key is known in the cloud storage, and none is set. Set the storage, then enter the key again."
            )
        }
        let name = "vouchers/claims/\(hash).json"
        let data = try GatehouseJSON.encoder.encode(Claim(format: 1, box: box, sha256: hash, claimedAt: time.now()))
        do {
            do {
                try await store.put(
                    ObjectUpload(
                        key: name, content: .data(data), bytes: data.count, sha256: Sidecar.sha256(data), contentType: "application/json"),
                    progress: { _ in })
            } catch let error as StoreError where error.kind == .exists {
                let claim = try await store.content(of: name, limit: 4096).flatMap {
                    try? GatehouseJSON.decoder.decode(Claim.self, from: $0)
                }
                // Ours: the power went, or the answer was lost, after the store had it.
                guard claim?.box == box else {
                    throw PlanRefusal(
                        .usedKey,
                        "This key was used already, on \(claim.map { "the box \($0.box)" } ?? "another box"). Each key can be used once.")
                }
            }
        } catch let error as StoreError {
            throw PlanRefusal(
                .storeNeeded,
                "Whether another box has used this key cannot be found out now. \(error.sentence) Enter the key again when the storage answers."
            )
        }
    }
}
