public import BoxDatabase
import Core
import Foundation
import Logging
import Synchronization

/// The second storage of a box, as it was set.
public struct SecondTarget: Codable, Sendable {
    public var target: StorageTarget
    public var role: SecondRole
    var secrets: StorageTargets.SealedSecrets?
}

/// A storage that clips went to before another took its place: they are played from there and removed there when their time has come.
struct FormerTarget: Codable {
    var target: StorageTarget
    var secrets: StorageTargets.SealedSecrets?
}

extension StorageTargets {
    private static let secondKey = "storage.second"
    private static let formerKey = "storage.former"

    /// The second storage that is set.
    public func second() async throws -> SecondTarget? {
        try await database.read { try $0.setting(Self.secondKey) }
    }

    /// The secrets of the second storage.
    public func secondCredentials() async throws -> S3Credentials? {
        try unseal(try await second()?.secrets)
    }

    /// Sets the second storage and uses it at once; nil for none, whose secrets are forgotten.
    /// - Throws: `StoreError` when it cannot be used.
    public func setSecond(_ target: StorageTarget?, role: SecondRole, credentials: S3Credentials?) async throws {
        let first = try await current()
        if let target {
            guard let first else { throw StoreError(.refused, "No storage is set. Set the first one before a second.") }
            guard first.identity != target.identity else {
                throw StoreError(.refused, "This is the place of the first storage. A second one must be another place.")
            }
        }
        let secrets = try seal(credentials)
        let wanted = target.map { SecondTarget(target: $0, role: role, secrets: secrets) }
        let store = try target.map { try makeStore($0, credentials: credentials) }
        let mirror = role == .mirror ? target?.identity : nil
        let old = try await second()
        try await database.write { database in
            try database.set(Self.secondKey, to: wanted)
            try database.set(FootageIndex.mirrorKey, to: mirror)
        }
        uploader.useSecond(store, role: wanted?.role)
        for id in try await uploader.index.endCopies(except: mirror) { await uploader.spool.free(id) }
        if let old, let target, old.target.identity != target.identity {
            try await keep(FormerTarget(target: old.target, secrets: old.secrets))
        }
        if let target { try await takeBack(target) }
    }

    func useSecond(_ second: SecondTarget) throws {
        uploader.useSecond(try makeStore(second.target, credentials: try unseal(second.secrets)), role: second.role)
    }

    /// Begins to use the second storage and those of before.
    func startOthers(_ logger: Logger) async {
        do {
            if let second = try await second() { try useSecond(second) }
        } catch {
            logger.error("the second storage cannot be used", metadata: ["reason": "\(error)"])
        }
        do {
            for target in try await formerTargets() {
                let store = try makeStore(target.target, credentials: try unseal(target.secrets))
                former.withLock { $0[target.target.identity] = store }
            }
        } catch {
            logger.error("a former storage cannot be used", metadata: ["reason": "\(error)"])
        }
    }

    // MARK: Former storages

    private func formerTargets() async throws -> [FormerTarget] {
        try await database.read { try $0.setting(Self.formerKey) } ?? []
    }

    /// The places that clips went to before.
    public func formerPlaces() async throws -> [String] {
        try await formerTargets().map(\.target.identity)
    }

    /// Goes on reading from a storage that another took the place of.
    func keep(_ replaced: FormerTarget) async throws {
        let place = replaced.target.identity
        let store = try makeStore(replaced.target, credentials: try unseal(replaced.secrets))
        try await database.write { database in
            let others = (try database.setting(Self.formerKey, as: [FormerTarget].self) ?? []).filter { $0.target.identity != place }
            try database.set(Self.formerKey, to: others + [replaced])
        }
        let other = former.withLock { $0.updateValue(store, forKey: place) }
        await other?.shutdown()
    }

    /// A storage of before is used again.
    func takeBack(_ target: StorageTarget) async throws { try await forgetFormer { $0 == target.identity } }

    /// Forgets storages of before, with their secrets; what lies there stays and cannot be played any more.
    public func forgetFormer(where isMeant: @escaping @Sendable (String) -> Bool = { _ in true }) async throws {
        let forgotten = try await database.write { database -> [String] in
            let all = try database.setting(Self.formerKey, as: [FormerTarget].self) ?? []
            let kept = all.filter { !isMeant($0.target.identity) }
            guard kept.count < all.count else { return [] }
            try database.set(Self.formerKey, to: kept.isEmpty ? nil : kept)
            return all.map(\.target.identity).filter(isMeant)
        }
        for place in forgotten { await former.withLock { $0.removeValue(forKey: place) }?.shutdown() }
    }

    /// Forgets storages of before that have nothing of ours any more.
    func forgetEmptyFormer() async throws {
        let totals = try await uploader.index.placeTotals()
        try await forgetFormer { totals[$0] == nil }
    }

    // MARK: Where clips are

    /// The store at `place`; the first for clips of before a box knew more than one. Nil where it is not set any more.
    public func store(at place: String?) -> (any ObjectStore)? {
        let first = uploader.store
        guard let place, place != first?.identity else { return first }
        if let second = uploader.secondStore, second.identity == place { return second }
        return former.withLock { $0[place] }
    }

    /// The store to read a clip from: of two that have it, one that works.
    public func store(of clip: ClipRecord) -> (any ObjectStore)? {
        let own = store(at: clip.place)
        guard clip.otherCopy == .stored, let other = store(at: clip.otherPlace) else { return own }
        let ownFails = own == nil || own?.identity == uploader.store?.identity && uploader.failure != nil
        return ownFails ? other : own
    }

    /// Where addresses in the stores lie, as a browser names it.
    public var origins: [String] {
        let stores = [uploader.store, uploader.secondStore].compactMap(\.self) + former.withLock { Array($0.values) }
        return Set(stores.compactMap(\.origin)).sorted()
    }
}
