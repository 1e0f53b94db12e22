public import BoxDatabase
import Core
import Foundation
import GRDB
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
            guard !first.isPlace(of: target) else {
                throw StoreError(.refused, "This is the place of the first storage. A second one must be another place.")
            }
        }
        let secrets = try seal(credentials)
        let wanted = target.map { SecondTarget(target: $0, role: role, secrets: secrets) }
        try prepare(target)
        let store = try target.map { try makeStore($0, credentials: credentials) }
        let mirror = role == .mirror ? target?.identity : nil
        let (replaced, freed) = try await database.write { database -> (FormerTarget?, [ClipID]) in
            let old = try database.setting(Self.secondKey, as: SecondTarget.self)
            try database.set(Self.secondKey, to: wanted)
            try database.set(FootageIndex.mirrorKey, to: mirror)
            try FootageIndex.retryUnobtainable(database)
            let freed = try FootageIndex.endCopies(except: mirror, database)
            guard let target else { return (nil, freed) }
            let replaced = old.flatMap {
                $0.target.identity == target.identity ? nil : FormerTarget(target: $0.target, secrets: $0.secrets)
            }
            try Self.keepFormer(replaced, instead: target, database)
            return (replaced, freed)
        }
        uploader.useSecond(store, role: wanted?.role)
        for id in freed { await uploader.spool.free(id) }
        await followFormer(replaced, instead: target)
        try await wantCopies()
    }

    /// Lets the mirror get what it lacks of the clips in the first storage, when the line has nothing else to do.
    func wantCopies() async throws {
        let second = try await second()
        let mirror = second?.role == .mirror ? second?.target.identity : nil
        let added = try await uploader.index.want(copiesOf: uploader.store?.identity, in: mirror, at: time.now())
        if added > 0 { uploader.spool.queued.raise() }
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
        for target in (try? await formerTargets()) ?? [] {
            do {
                try open(target)
            } catch {
                logger.error("a former storage cannot be used", metadata: ["reason": "\(error)"])
            }
        }
    }

    // MARK: Former storages

    private func formerTargets() async throws -> [FormerTarget] {
        try await database.read { try $0.setting(Self.formerKey) } ?? []
    }

    /// The stores that clips went to before.
    public var formerStores: [any ObjectStore] { former.withLock { Array($0.values) } }

    /// The places that clips went to before.
    public func formerPlaces() async throws -> [String] {
        try await formerTargets().map(\.target.identity)
    }

    /// Takes down that a storage was replaced by `target`, which is no former one any more.
    static func keepFormer(_ replaced: FormerTarget?, instead target: StorageTarget, _ database: Database) throws {
        let all = try database.setting(formerKey, as: [FormerTarget].self) ?? []
        let others = all.filter { $0.target.identity != target.identity && $0.target.identity != replaced?.target.identity }
        let kept = others + [replaced].compactMap(\.self)
        if !kept.isEmpty || !all.isEmpty { try database.set(formerKey, to: kept.isEmpty ? nil : kept) }
    }

    /// Goes on reading from a storage that another took the place of. One that cannot be opened now is tried again at the next start.
    func followFormer(_ replaced: FormerTarget?, instead target: StorageTarget?) async {
        if let replaced { try? open(replaced) }
        guard let target else { return }
        await former.withLock { $0.removeValue(forKey: target.identity) }?.shutdown()
    }

    private func open(_ target: FormerTarget) throws {
        let store = try makeStore(target.target, credentials: try unseal(target.secrets))
        former.withLock { $0[target.target.identity] = store }
    }

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
        let places = try await uploader.index.placesInUse()
        try await forgetFormer { !places.contains($0) }
    }

    // MARK: Where clips are

    /// The store at `place`; the first for clips of before a box knew more than one. Nil where it is not set any more.
    public func store(at place: String?) -> (any ObjectStore)? {
        let first = uploader.store
        guard let place, place != first?.identity else { return first }
        if let second = uploader.secondStore, second.identity == place { return second }
        return former.withLock { $0[place] }
    }

    /// The stores to read a clip from, the likeliest to work first.
    public func stores(of clip: ClipRecord) -> [any ObjectStore] {
        let both = [store(at: clip.place), clip.otherCopy == .stored ? store(at: clip.otherPlace) : nil].compactMap(\.self)
        guard both.count == 2 else { return both }
        return doubt(of: both[0]) > doubt(of: both[1]) ? both.reversed() : both
    }

    /// One that is in use and works is the surest, one that is known to fail the least sure.
    private func doubt(of store: any ObjectStore) -> Int {
        switch store.identity {
        case uploader.store?.identity: uploader.failure == nil ? 0 : 2
        case uploader.secondStore?.identity: uploader.secondFailure == nil ? 0 : 2
        default: 1
        }
    }

    /// Where addresses in the stores lie, as a browser names it.
    public var origins: [String] {
        let stores = [uploader.store, uploader.secondStore].compactMap(\.self) + former.withLock { Array($0.values) }
        return Set(stores.compactMap(\.origin)).sorted()
    }
}
