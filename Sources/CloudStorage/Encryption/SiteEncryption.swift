public import BoxDatabase
public import Core
import Crypto
public import Foundation
import GRDB
import Synchronization

/// Why the encryption of a site does not do what was asked.
public enum EncryptionRefusal: Error, Sendable, Equatable {
    case noSite
    /// Nothing of the site was ever encrypted.
    case notSet
    case weakCode(String)
    case key(FootageKeyError)
    /// Another code needs the present one.
    case presentCodeMissing
    case presentCodeWrong
    /// Too many wrong codes; try again after so many seconds.
    case tooManyAttempts(retryAfter: Int)
}

/// Whether a site's footage is encrypted, its key, and who may have the key of a clip.
public final class SiteEncryption: FootageProtection, Sendable {
    /// How the encryption of a site is.
    public struct View: Sendable, Equatable {
        public let enabled: Bool
        /// The key's name; nil until encryption is first switched on.
        public let siteKey: String?
        public let codeSetAt: Date?
    }

    struct State {
        /// What is in force, out of memory: it is asked for with each clip. Nil where it could not be read.
        var records: [SiteID: SiteEncryptionRecord]?
        /// Keys that came with recovery files, by name.
        var imported: [String: ImportedKey] = [:]
        /// By the key's name.
        var guesses: [String: CodeGuesses] = [:]
    }

    /// A private key under a verification code.
    struct Lock {
        let name: String
        /// `LockedSiteKey` as JSON.
        let text: String

        init(name: String, text: String) {
            self.name = name
            self.text = text
        }

        init(_ record: SiteEncryptionRecord) {
            self.init(name: SiteKey.name(of: record.publicKey), text: record.lockedKey)
        }
    }

    /// By what right a code takes the place of another, which opens all footage that is there.
    public enum Right: Sendable {
        case presentCode(VerificationCode)
        /// The administrator has proved again who they are; the code may be lost.
        case administrator
    }

    private let box: String
    let database: BoxDatabase
    private let sealer: SecretSealer
    private let time: TimeSource
    private let rounds: Int
    private let queue = BlockingQueue(name: "verification-code")
    let changing = Turns(1)
    private let salt = SymmetricKey(size: .bits256)
    let state = Mutex(State())

    /// `rounds` is the cost of a guess (scrypt's N).
    public init(box: String, database: BoxDatabase, sealer: SecretSealer, time: TimeSource, rounds: Int = LockedSiteKey.rounds) {
        self.box = box
        self.database = database
        self.sealer = sealer
        self.time = time
        self.rounds = rounds
    }

    /// Reads what is in force; until then no clip is made.
    public func load() async throws {
        let (records, imported) = try await database.read { database in
            (try SiteEncryptionRecord.fetchAll(database), try database.setting(Self.importedKey, as: [ImportedKey].self) ?? [])
        }
        state.withLock { state in
            state.records = Dictionary(uniqueKeysWithValues: records.map { ($0.siteId, $0) })
            state.imported = Dictionary(imported.map { ($0.siteKey, $0) }) { first, _ in first }
        }
    }

    func record(of site: SiteID) -> SiteEncryptionRecord? { state.withLock { $0.records?[site] } }

    public func view(of site: SiteID) -> View {
        let record = record(of: site)
        return View(
            enabled: record?.enabled ?? false, siteKey: record.map { SiteKey.name(of: $0.publicKey) }, codeSetAt: record?.codeSetAt)
    }

    // MARK: Setting

    /// Switches encryption on or off, and sets the verification code where one is given.
    ///
    /// The first time a key is made, and a code where none was given; that code is answered, once. A new code locks the site's key anew
    /// and touches no clip; it needs a `right`. Switched off, the key stays: it opens the footage that is there.
    public func set(enabled: Bool, code: VerificationCode?, by right: Right? = nil, of site: SiteID) async throws -> VerificationCode? {
        if let code {
            do throws(VerificationCode.Weakness) { try code.check() } catch { throw EncryptionRefusal.weakCode(error.sentence) }
        }
        return try await changing.run { [self] in
            let old = record(of: site)
            if old == nil, !enabled { throw EncryptionRefusal.notSet }
            var drawn: VerificationCode?
            var record: SiteEncryptionRecord
            if var known = old {
                known.enabled = enabled
                if let code {
                    try await check(right, known)
                    known.lockedKey = try await lock(try key(of: known), with: code)
                    known.codeSetAt = time.now()
                }
                record = known
            } else {
                var generator = SystemRandomNumberGenerator()
                let chosen = code ?? VerificationCode(using: &generator)
                drawn = code == nil ? chosen : nil
                record = try await newRecord(site, code: chosen)
            }
            let saved = record
            // Never in place of a key that is not known here.
            try await database.write { old == nil ? try saved.insert($0) : try saved.update($0) }
            state.withLock { state in
                state.records?[site] = saved
                if code != nil { state.guesses[SiteKey.name(of: saved.publicKey)]?.forgetKey() }
            }
            return drawn
        }
    }

    private func check(_ right: Right?, _ record: SiteEncryptionRecord) async throws {
        switch right {
        case nil: throw EncryptionRefusal.presentCodeMissing
        case .administrator: return
        case .presentCode(let code):
            switch try await open(Lock(record), code) {
            case .success: return
            case .failure(.wrongCode): throw EncryptionRefusal.presentCodeWrong
            case .failure(let error): throw EncryptionRefusal.key(error)
            }
        }
    }

    private func newRecord(_ site: SiteID, code: VerificationCode) async throws -> SiteEncryptionRecord {
        let key = SiteKey()
        let now = time.now()
        return SiteEncryptionRecord(
            siteId: site, enabled: true, publicKey: key.publicKey,
            sealedPrivateKey: try sealer.seal(key.secret.base64EncodedString(), context: Self.context(site)),
            lockedKey: try await lock(key, with: code), createdAt: now, codeSetAt: now)
    }

    /// The site has no key; this one is its key from now on, under the code that opened it.
    func adopt(_ key: SiteKey, lockedKey: String, codeSetAt: Date, by site: SiteID) async throws {
        let record = SiteEncryptionRecord(
            siteId: site, enabled: true, publicKey: key.publicKey,
            sealedPrivateKey: try sealer.seal(key.secret.base64EncodedString(), context: Self.context(site)), lockedKey: lockedKey,
            createdAt: time.now(), codeSetAt: codeSetAt)
        try await database.write { try record.insert($0) }
        state.withLock { $0.records?[site] = record }
    }

    private static func context(_ site: SiteID) -> String { "site key \(site.text)" }

    private func lock(_ key: SiteKey, with code: VerificationCode) async throws -> String {
        let rounds = rounds
        let locked = try await queue.run { try LockedSiteKey(key, code: code, rounds: rounds) }
        return String(decoding: try GatehouseJSON.encoder.encode(locked), as: UTF8.self)
    }

    /// The private key, by the box's own key.
    private func key(of record: SiteEncryptionRecord) throws -> SiteKey {
        guard let text = try? sealer.unseal(record.sealedPrivateKey, context: Self.context(record.siteId)),
            let secret = Data(base64Encoded: text), let key = try? SiteKey(secret: secret), key.publicKey == record.publicKey
        else { throw EncryptionRefusal.key(.damaged("site's key")) }
        return key
    }

    /// The owner's recovery file.
    public func recoveryFile(of site: SiteID) async throws -> RecoveryFile {
        guard let record = record(of: site) else { throw EncryptionRefusal.notSet }
        let name = try await database.read { try SiteRecord.fetchOne($0, key: site)?.name } ?? ""
        return RecoveryFile(box: box, siteName: name, codeSetAt: record.codeSetAt, key: try Self.locked(record.lockedKey))
    }

    private static func locked(_ text: String) throws -> LockedSiteKey {
        guard let locked = try? GatehouseJSON.decoder.decode(LockedSiteKey.self, from: Data(text.utf8)) else {
            throw EncryptionRefusal.key(.damaged("site's key"))
        }
        return locked
    }

    // MARK: Clips

    public func issueKey(for clip: ClipID, of site: SiteID) throws -> IssuedClipKey? {
        guard let records = state.withLock({ $0.records }) else { throw EncryptionRefusal.notSet }
        guard let record = records[site], record.enabled else { return nil }
        var generator = SystemRandomNumberGenerator()
        let key = ClipKey(using: &generator)
        return IssuedClipKey(key: key, encryption: try SiteKey.wrap(key, of: clip, for: record.publicKey))
    }

    public func isEncrypted(_ site: SiteID) throws -> Bool {
        guard let records = state.withLock({ $0.records }) else { throw EncryptionRefusal.notSet }
        return records[site]?.enabled ?? false
    }

    public func sealPicture(_ jpeg: [UInt8], of clip: ClipID, with key: ClipKey) throws -> [UInt8] {
        try key.sealPicture(jpeg, of: clip)
    }

    /// The key of a clip, for whoever knows the verification code; wrong codes are counted and answered ever more slowly.
    public func key(of clip: ClipID, _ encryption: ClipEncryption, code: VerificationCode) async throws -> ClipKey {
        guard let lock = try lock(named: encryption.siteKey) else { throw EncryptionRefusal.key(.otherSiteKey(encryption.siteKey)) }
        let opened = try await open(lock, code)
        do throws(FootageKeyError) {
            return try opened.get().open(encryption, of: clip)
        } catch {
            throw EncryptionRefusal.key(error)
        }
    }

    func open(_ lock: Lock, _ code: VerificationCode) async throws -> Result<SiteKey, FootageKeyError> {
        let name = lock.name
        let locked = try Self.locked(lock.text)
        // With the lock in it: after a change of the code nothing that was found about a code before holds.
        let digest = SHA256.hash(data: salt.withUnsafeBytes { Data($0) } + Data((lock.text + code.text).utf8))
        let now = time.uptime()
        let answer = try state.withLock { state -> Task<Result<SiteKey, FootageKeyError>, Never> in
            switch try state.guesses[name, default: CodeGuesses()].look(digest, at: now) {
            case .opened(let key): return Task { .success(key) }
            case .wrong: return Task { .failure(.wrongCode) }
            case .underWay(let task): return task
            case .new(let count):
                // Not the request's own task: others wait for it as well.
                let task = Task { await self.attempt(locked, code, digest, count: count, of: name) }
                state.guesses[name]?.begin(digest, task)
                return task
            }
        }
        return await answer.value
    }

    private func attempt(
        _ locked: LockedSiteKey, _ code: VerificationCode, _ digest: SHA256Digest, count: Int, of name: String
    ) async -> Result<SiteKey, FootageKeyError> {
        let result = await queue.run { () -> Result<SiteKey, FootageKeyError> in
            do throws(FootageKeyError) { return .success(try locked.open(code)) } catch { return .failure(error) }
        }
        if case .failure(.wrongCode) = result { try? await time.sleep(.milliseconds(250 * min(count, 12))) }
        let now = time.uptime()
        state.withLock { $0.guesses[name]?.settle(digest, result, at: now) }
        return result
    }
}
