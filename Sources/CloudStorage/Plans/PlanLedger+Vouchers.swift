import BoxDatabase
import Core
import Foundation
import GRDB
import Logging
import NIOCore
import Synchronization

/// What an import brought.
public struct VoucherImport: Sendable, Equatable {
    public var keys = 0
    /// Of them, how many another box alone may use.
    public var keysOfOthers = 0
    public var packages = 0

    /// Says what is new.
    public var sentence: String {
        guard keys + packages > 0 else { return "This voucher was imported before, so nothing is new." }
        var parts: [String] = []
        if keys > 0 { parts.append(keys == 1 ? "1 service key is known now" : "\(keys) service keys are known now") }
        if packages > 0 { parts.append(packages == 1 ? "1 package is in stock now" : "\(packages) packages are in stock now") }
        let others = keysOfOthers == 0 ? "" : " \(keysOfOthers) of the keys \(keysOfOthers == 1 ? "is" : "are") for another box."
        return parts.joined(separator: ", and ") + "." + others
    }
}

/// Vouchers: imported by a person, or fetched from the store.
extension PlanLedger {
    private static let largestVoucher = 1 << 20

    /// Takes down the keys and packages of a voucher, each once however often it is imported.
    /// - Throws: `VoucherMistake`, `PlanRefusal`.
    @discardableResult
    public func take(_ voucher: Voucher) async throws -> VoucherImport {
        try requireEnforced()
        guard voucher.isWellFormed else {
            throw VoucherMistake(.malformed, "The voucher has entries that are not right. Ask its issuer for a new one.")
        }
        try voucher.verify(issuers: issuers)
        let now = time.now()
        let found = try await database.write { [box] database in
            var found = VoucherImport()
            let isNew = try !VoucherRecord.exists(database, key: voucher.id)
            if isNew { try VoucherRecord(id: voucher.id, issuer: voucher.issuer, importedAt: now).insert(database) }
            for key in voucher.keys where try !ServiceKeyRecord.exists(database, key: key.sha256) {
                try ServiceKeyRecord(
                    sha256: key.sha256, voucherId: voucher.id, package: key.package, redeemUntil: key.redeemUntil?.text, box: key.box
                ).insert(database)
                found.keys += 1
                if let other = key.box, other != box { found.keysOfOthers += 1 }
            }
            for stock in voucher.packages where isNew && stock.box == box {
                for _ in 0..<stock.count {
                    var item = StockedPackageRecord(voucherId: voucher.id, package: stock.package)
                    try item.insert(database)
                }
                found.packages += stock.count
            }
            return found
        }
        if found != VoucherImport() {
            logger.notice("voucher imported", metadata: ["id": "\(voucher.id)", "keys": "\(found.keys)", "packages": "\(found.packages)"])
            try await reload([])
        }
        return found
    }

    /// Where the issuer may leave a voucher for this box.
    var voucherName: String { "\(box)/vouchers/current.json" }

    /// Takes the voucher that lies in the store, where there is one; what is wrong with it is told once.
    func fetchVoucher() async {
        guard isEnforced, let store = store() else { return }
        do {
            guard let data = try await store.content(of: voucherName, limit: Self.largestVoucher) else { return }
            try await take(try Voucher.read(data))
            state.withLock { $0.voucherTrouble = nil }
        } catch {
            let trouble = "\(error)"
            let isNew = state.withLock { state in
                defer { state.voucherTrouble = trouble }
                return state.voucherTrouble != trouble
            }
            if isNew { logger.warning("the voucher in the storage was not taken", metadata: ["reason": "\(trouble)"]) }
        }
    }
}

extension ObjectStore {
    /// A small object's bytes, or nil where there is none or it is too large.
    func content(of key: String, limit: Int) async throws -> Data? {
        guard let info = try await head(key), (1...limit).contains(info.bytes) else { return nil }
        let collected = Mutex(Data())
        try await read(key, range: 0..<info.bytes) { piece in collected.withLock { $0.append(contentsOf: piece.readableBytesView) } }
        return collected.withLock { $0 }
    }
}
