public import BoxDatabase
public import Core
import Foundation
import GRDB
public import Logging
public import Outbound
import Synchronization

/// The store that footage goes to, as it was set: remembered with its secrets sealed, and given to the uploader.
public final class StorageTargets: Sendable {
    private static let targetKey = "storage.target"
    private static let secretsKey = "storage.secrets"
    private static let abilitiesKey = "storage.abilities"

    struct SealedSecrets: Codable {
        var secretAccessKey: Data
        var sessionToken: Data?
    }

    let database: BoxDatabase
    private let sealer: SecretSealer
    let uploader: Uploader
    /// Stores that clips went to before, by their places: for reading and removing.
    let former = Mutex<[String: any ObjectStore]>([:])
    private let profiles: StorageProfiles
    let time: TimeSource
    /// By what was tried, for each place.
    private let abilities = Mutex<[String: StoreAbilities]>([:])
    /// Where buckets may be.
    private let servers: AddressPolicy
    /// Endpoints without TLS are taken.
    public let allowsHTTP: Bool

    public init(
        database: BoxDatabase, sealer: SecretSealer, uploader: Uploader, profiles: StorageProfiles = StorageProfiles(),
        servers: AddressPolicy, time: TimeSource, allowsHTTP: Bool
    ) {
        self.profiles = profiles
        self.database = database
        self.sealer = sealer
        self.uploader = uploader
        self.servers = servers
        self.time = time
        self.allowsHTTP = allowsHTTP
    }

    /// The target that is set.
    public func current() async throws -> StorageTarget? {
        try await database.read { try $0.setting(Self.targetKey) }
    }

    /// The secrets of the target that is set.
    public func credentials() async throws -> S3Credentials? {
        try unseal(try await database.read { try $0.setting(Self.secretsKey, as: SealedSecrets.self) })
    }

    func unseal(_ sealed: SealedSecrets?) throws -> S3Credentials? {
        try sealed.map { sealed in
            S3Credentials(
                secretAccessKey: try sealer.unseal(sealed.secretAccessKey, context: Self.secretsKey),
                sessionToken: try sealed.sessionToken.map { try sealer.unseal($0, context: Self.secretsKey) })
        }
    }

    func seal(_ credentials: S3Credentials?) throws -> SealedSecrets? {
        try credentials.map { credentials in
            SealedSecrets(
                secretAccessKey: try sealer.seal(credentials.secretAccessKey, context: Self.secretsKey),
                sessionToken: try credentials.sessionToken.map { try sealer.seal($0, context: Self.secretsKey) })
        }
    }

    /// Begins to use what was set, or `first` where nothing ever was.
    public func start(first: StorageTarget?, logger: Logger) async throws {
        let known = try await database.read { try $0.setting(Self.abilitiesKey, as: [String: StoreAbilities].self) }
        abilities.withLock { $0 = known ?? [:] }
        if try await current() == nil, let first { try await set(first, credentials: nil) }
        await startOthers(logger)
        guard let target = try await current() else { return }
        do {
            uploader.use(try makeStore(target, credentials: try await credentials()))
        } catch {
            logger.error("the storage target cannot be used", metadata: ["reason": "\(error)"])
        }
    }

    /// Sets the target and uses it at once; nil keeps everything in the spool from now on.
    /// - Throws: `StoreError` when the target cannot be used.
    public func set(_ target: StorageTarget?, credentials: S3Credentials?) async throws {
        try prepare(target)
        let store = try target.map { try makeStore($0, credentials: credentials) }
        if let target, let second = try await second(), second.target.isPlace(of: target) {
            throw StoreError(.refused, "The second storage is this very place. Enter another, or remove the second storage first.")
        }
        let sealed = try seal(credentials)
        let replaced = try await database.write { database -> FormerTarget? in
            let old = try database.setting(Self.targetKey, as: StorageTarget.self)
            let secrets = try database.setting(Self.secretsKey, as: SealedSecrets.self)
            try database.set(Self.targetKey, to: target)
            try database.set(Self.secretsKey, to: sealed)
            try FootageIndex.retryUnobtainable(database)
            if let old {
                // What was stored before a box knew more than one place lies there.
                try database.execute(
                    sql: "UPDATE clip SET place = ? WHERE state = 'stored' AND place IS NULL", arguments: [old.identity])
            }
            let former = try database.setting(FootageIndex.placeKey, as: String.self)
            if let target, target.identity != former {
                try database.set(FootageIndex.placeKey, to: target.identity)
                // The new store has no pictures of what waits.
                try database.execute(sql: "UPDATE clip SET previewed = 0 WHERE state IN ('queued', 'sending')")
            }
            guard let target else { return nil }
            let replaced = old.flatMap { $0.identity == target.identity ? nil : FormerTarget(target: $0, secrets: secrets) }
            try Self.keepFormer(replaced, instead: target, database)
            return replaced
        }
        uploader.use(store)
        await followFormer(replaced, instead: target)
        try await wantCopies()
    }

    /// Makes what a target that was entered needs.
    func prepare(_ target: StorageTarget?) throws {
        if case .folder(let path)? = target { try FolderStore.prepare(root: path) }
    }

    /// A store at `target`, not yet used.
    /// - Throws: `StoreError`.
    public func makeStore(_ target: StorageTarget, credentials: S3Credentials?) throws -> any ObjectStore {
        switch target {
        case .folder(let path): return FolderStore(root: path)
        case .s3(let s3):
            guard allowsHTTP || s3.endpoint.lowercased().hasPrefix("https://") else {
                throw StoreError(.refused, "The endpoint must begin with https://, so that nobody on the way can read the footage.")
            }
            return try S3Store(
                target: s3, credentials: credentials, abilities: abilities(of: s3), uploads: MultipartUploads(database: database),
                line: uploader.governor.line, servers: servers, time: time)
        }
    }

    // MARK: Abilities

    /// What a bucket can do: as it was tried, else as its provider's buckets can.
    public func abilities(of target: S3Target) -> StoreAbilities {
        abilities.withLock { $0[target.identity] } ?? profiles.profile(of: target)?.abilities ?? StoreAbilities()
    }

    /// The provider's profile, where the endpoint tells it.
    public func profile(of target: S3Target) -> StorageProfile? { profiles.profile(of: target) }

    /// Tries a store: a small object, then, where that went well and it is a bucket, all that it can. What was found is kept, and holds at once
    /// where the target is the one in use.
    /// - Throws: `StoreError` when the target cannot be used.
    public func test(_ target: StorageTarget, credentials: S3Credentials?, box: String) async throws -> StorageTrial {
        guard case .s3(let s3) = target else {
            let (first, second) = (try await current(), try await second()?.target)
            if target != first, target != second { try prepare(target) }
            return try await run(target, credentials: credentials, box: box)
        }
        let before = abilities(of: s3)
        let trial = try await run(target, credentials: credentials, box: box)
        // A bucket that refuses a header of ours fails the trial; without the header it may be well.
        guard let found = trial.abilities, !trial.ok, found.differsInHeaders(from: before) else { return trial }
        var again = try await run(target, credentials: credentials, box: box, probes: false)
        (again.abilities, again.notes) = (trial.abilities, trial.notes)
        return again
    }

    private func run(_ target: StorageTarget, credentials: S3Credentials?, box: String, probes: Bool = true) async throws -> StorageTrial {
        let store = try makeStore(target, credentials: credentials)
        var trial = await StorageTrial.run(store, box: box, time: time)
        if probes, let bucket = store as? S3Store, case .s3(let s3) = target {
            do {
                let probe = try await bucket.probe(under: "\(box)/trial")
                trial.abilities = probe.abilities
                trial.notes = probe.steps
                try await remember(probe.abilities, of: s3)
            } catch {
                trial.notes = [.init(name: "abilities", ok: false, sentence: (error as? StoreError)?.sentence ?? "\(error)")]
            }
        }
        await store.shutdown()
        return trial
    }

    private func remember(_ found: StoreAbilities, of target: S3Target) async throws {
        let (all, isNew) = abilities.withLock { known in
            // Each look at the clock finds a little another difference.
            var former = known[target.identity]
            former?.clockOffset = found.clockOffset
            let isNew = former != found
            known[target.identity] = found
            return (known, isNew)
        }
        try await database.write { try $0.set(Self.abilitiesKey, to: all) }
        guard isNew else { return }
        if try await current() == .s3(target) { uploader.use(try makeStore(.s3(target), credentials: try await credentials())) }
        if let second = try await second(), second.target == .s3(target) { try useSecond(second) }
    }
}
