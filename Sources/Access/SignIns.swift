public import BoxDatabase
public import Core
public import Foundation
import GRDB
import Synchronization

/// A caller who has proved who they are.
public struct Caller: Sendable, Equatable {
    public let id: PersonID
    /// The user name.
    public let name: String
    public let expiresAt: Date
    /// Of a browser or a program that signed in; nil where a program's key is used.
    public let signIn: SignInID?
    /// Of what the person may do, what this caller is for; nil for all of it.
    public let actions: Set<Action>?
    /// The name of the program's key.
    public var key: String?
}

/// A new sign-in: the token is shown once and not stored.
public struct SignIn: Sendable {
    public let token: String
    public let caller: Caller
}

/// Claiming the box, signing in and out, and who holds a token.
public final class SignIns: Sendable {
    /// A sign-in lasts this long,
    public static let lifetime: TimeInterval = 30 * 24 * 3600
    /// and ends sooner when it was not used for so long.
    public static let idle: TimeInterval = 7 * 24 * 3600
    /// How often it is written down that one is used.
    private static let noted: TimeInterval = 600
    private static let clientLength = 200

    let database: BoxDatabase
    let sealer: SecretSealer
    let time: TimeSource
    let attempts: Attempts
    private let setupCode: SetupCode
    private let rounds: Int
    private let hashing = BlockingQueue(name: "password")
    private let holders: CachedRead<[String: Holder]>

    private struct Holder: Sendable {
        let caller: Caller
        let lastUsedAt: Date
    }

    /// `rounds` are those of new hashes.
    public init(
        database: BoxDatabase, sealer: SecretSealer, setupCode: SetupCode, time: TimeSource, rounds: Int = PasswordHash.usualRounds
    ) {
        self.rounds = rounds
        self.database = database
        self.sealer = sealer
        self.setupCode = setupCode
        self.time = time
        attempts = Attempts(time: time)
        holders = CachedRead(database, tables: ["signIn", "programKey", "person"], Self.holders)
    }

    /// Of whom an address is, where clients are counted: of IPv6 the network.
    public static func network(of address: String) -> String { Attempts.network(of: address) }

    /// Whether somebody has claimed the box.
    public func isClaimed() async throws -> Bool { try await database.read { try PersonRecord.fetchCount($0) > 0 } }

    /// From where somebody signs in, and with what.
    public struct Origin: Sendable {
        public let address: String
        public let client: String

        public init(address: String, client: String) {
            self.address = address
            self.client = client
        }
    }

    /// Makes the installer admin and the first site, if `code` is the box's and nobody was first.
    /// - Throws: `AccessDenied`; `PeopleRefusal` for a weak password.
    public func claim(
        code: String, userName: String, password: String, siteName: String, timeZone: String, from origin: Origin
    ) async throws -> SignIn {
        try await checkSetupCode(code, from: origin.address)
        let hash = try await hash(password, names: [userName, siteName])
        let now = time.now()
        let person = try await database.write { database in
            try Self.checkIsFree(database)
            let role = try CompanyRecord.found(in: database, at: now)
            let person = PersonRecord(
                id: .timeOrdered(at: now), companyId: role.companyId, roleId: role.id, isInstallerAdmin: true, userName: userName,
                passwordHash: hash, createdAt: now)
            try person.insert(database)
            if var site = try SiteRecord.fetchOne(database) {
                site.name = siteName
                site.timeZone = timeZone
                site.companyId = role.companyId
                try site.update(database)
            } else {
                let site = SiteRecord(
                    id: .timeOrdered(at: now), name: siteName, timeZone: timeZone, companyId: role.companyId, createdAt: now)
                try site.insert(database)
            }
            return person
        }
        return try await begin(for: person, origin)
    }

    /// Set while the box is about to begin with another one's backup.
    private static let givenAwayKey = "box.given-away"

    private static func checkIsFree(_ database: Database) throws {
        guard try PersonRecord.fetchCount(database) == 0, try database.setting(givenAwayKey, as: Bool.self) != true else {
            throw AccessDenied.alreadyClaimed
        }
    }

    /// Nobody claims the box from now on: its next start begins with another one's backup.
    /// - Throws: `AccessDenied.alreadyClaimed` where somebody was quicker.
    public func giveAway() async throws {
        try await database.write { database in
            try Self.checkIsFree(database)
            try database.set(Self.givenAwayKey, to: true)
        }
    }

    /// The box is not given away, or not any more.
    public func keep() async throws {
        guard try await database.read({ try $0.setting(Self.givenAwayKey, as: Bool.self) }) == true else { return }
        try await database.write { try $0.set(Self.givenAwayKey, to: false) }
    }

    /// Lets whoever has the set-up code of a box that is nobody's yet go on; wrong ones count as guesses from `address`.
    /// - Throws: `AccessDenied`.
    public func checkSetupCode(_ code: String, from address: String) async throws {
        let keys = Self.keys(address)
        try attempts.begin(keys)
        try await checkIsFree()
        guard setupCode.matches(code) else { throw AccessDenied.wrongSetupCode }
        attempts.succeeded(keys)
    }

    /// Whether the box is nobody's yet, and not given away.
    /// - Throws: `AccessDenied.alreadyClaimed`.
    public func checkIsFree() async throws { try await database.read { try Self.checkIsFree($0) } }

    /// Sets the password of the installer admin, or of `userName`, anew, if `code` is the box's and `permit` was given for them; the second
    /// factor and all their sign-ins end.
    /// - Throws: `AccessDenied`; `PeopleRefusal` for a weak password.
    public func reset(
        _ userName: String? = nil, code: String, password: String, permit: ResetPermit, from origin: Origin
    ) async throws -> SignIn {
        let keys = Self.keys(origin.address)
        try attempts.begin(keys)
        guard permit.isGiven(for: userName) else { throw AccessDenied.noResetPermit }
        guard setupCode.matches(code) else { throw AccessDenied.wrongSetupCode }
        attempts.succeeded(keys)
        let wanted = userName.map { Column("userName") == $0 } ?? (Column("isInstallerAdmin") == true)
        guard let found = try await database.read({ try PersonRecord.filter(wanted).fetchOne($0) }) else {
            throw userName == nil ? AccessDenied.notClaimed : .noResetPermit
        }
        let hash = try await hash(password, names: [found.userName])
        let now = time.now()
        let person = try await database.write { database in
            guard var person = try PersonRecord.fetchOne(database, key: found.id) else { throw AccessDenied.noResetPermit }
            (person.passwordHash, person.passwordSetAt) = (hash, now)
            (person.sealedOneTimeSecret, person.oneTimeConfirmedAt) = (nil, nil)
            try person.update(database)
            try SignInRecord.filter(Column("personId") == person.id).deleteAll(database)
            try ProgramKeyRecord.filter(Column("personId") == person.id).deleteAll(database)
            return person
        }
        permit.take(for: userName)
        return try await begin(for: person, origin)
    }

    /// Signs in. A wrong name takes as long as a wrong password, and so does a disabled account.
    /// - Throws: `AccessDenied`.
    public func signIn(userName: String, password: String, oneTimePassword: String?, from origin: Origin) async throws -> SignIn {
        let person = try await proved(userName: userName, password: password, oneTimePassword: oneTimePassword, from: origin.address)
        return try await begin(for: person, origin)
    }

    /// Checks the password of somebody who is signed in already; counted like signing in.
    /// - Throws: `AccessDenied`.
    public func confirm(_ person: PersonID, password: String, from address: String) async throws {
        let record = try await database.read { try PersonRecord.fetchOne($0, key: person) }
        // What others try under the same name does not keep somebody out who is in.
        try await guess(from: address, account: "confirmed \(person)") { await matches(record, password) }
    }

    /// Lets `isRight` look at a password of whatever kind, and counts those that are wrong; nobody may try many.
    /// - Throws: `AccessDenied`, and what `isRight` throws.
    public func guess(
        of what: String? = nil, from address: String, account: String? = nil, _ isRight: () async throws -> Bool
    ) async throws {
        let keys = Self.keys(address, account: account).map { key in what.map { "\($0) \(key)" } ?? key }
        // Counted before the password is looked at, so that guesses sent at once are counted as well.
        try attempts.begin(keys)
        guard try await isRight() else { throw AccessDenied.wrongPassword }
        attempts.succeeded(keys)
    }

    /// Who holds `token`.
    /// - Throws: `AccessDenied.notSignedIn`.
    public func authenticate(token: String) async throws -> Caller {
        let (hash, now) = (AccessToken.hash(token), time.now())
        guard let known = try await holders.value()[hash], known.caller.expiresAt > now,
            known.caller.signIn == nil || now.timeIntervalSince(known.lastUsedAt) < Self.idle
        else { throw AccessDenied.notSignedIn }
        let (caller, used) = (known.caller, known.lastUsedAt)
        // A clock that was set back has nothing to note either.
        if abs(now.timeIntervalSince(used)) > Self.noted { try await note(hash, isKey: caller.signIn == nil, at: now) }
        return caller
    }

    private static func able(_ id: PersonID, _ database: Database) throws -> PersonRecord? {
        try PersonRecord.fetchOne(database, key: id).flatMap { $0.disabledAt == nil ? $0 : nil }
    }

    /// Who holds which token or key, by its hash; of people who may sign in.
    private static func holders(_ database: Database) throws -> [String: Holder] {
        let people = try PersonRecord.filter(Column("disabledAt") == nil).fetchAll(database)
        let names = Dictionary(uniqueKeysWithValues: people.map { ($0.id, $0.userName) })
        var found: [String: Holder] = [:]
        for record in try ProgramKeyRecord.fetchAll(database) {
            guard let name = names[record.personId] else { continue }
            let actions = Set(record.actions.compactMap { Action(rawValue: $0) })
            found[record.keyHash] = Holder(
                caller: Caller(
                    id: record.personId, name: name, expiresAt: record.expiresAt, signIn: nil, actions: actions, key: record.name),
                lastUsedAt: record.lastUsedAt ?? .distantPast)
        }
        for record in try SignInRecord.fetchAll(database) {
            guard let name = names[record.personId] else { continue }
            found[record.tokenHash] = Holder(
                caller: Caller(id: record.personId, name: name, expiresAt: record.expiresAt, signIn: record.id, actions: nil),
                lastUsedAt: record.lastUsedAt)
        }
        return found
    }

    private func note(_ hash: String, isKey: Bool, at now: Date) async throws {
        try await database.write { database in
            try database.execute(
                sql: "UPDATE \(isKey ? "programKey" : "signIn") SET lastUsedAt = ? WHERE \(isKey ? "keyHash" : "tokenHash") = ?",
                arguments: [now, hash])
        }
    }

    /// Ends the sign-in of `token`.
    public func signOut(token: String) async throws {
        let hash = AccessToken.hash(token)
        try await database.write { _ = try SignInRecord.deleteOne($0, key: hash) }
    }

    // MARK: What a person sees of their own

    /// Somebody's sign-ins, the last begun first.
    public func signIns(of person: PersonID) async throws -> [SignInRecord] {
        let now = time.now()
        return try await database.read { database in
            try SignInRecord.filter(Column("personId") == person && Column("expiresAt") > now)
                .order(Column("createdAt").desc).fetchAll(database)
        }.filter { now.timeIntervalSince($0.lastUsedAt) < Self.idle }
    }

    /// Ends one of somebody's sign-ins; false when there is none.
    public func revoke(_ id: SignInID, of person: PersonID) async throws -> Bool {
        try await database.write { database in
            try SignInRecord.filter(Column("id") == id && Column("personId") == person).deleteAll(database) > 0
        }
    }

    // MARK: Proving

    func proved(userName: String, password: String, oneTimePassword: String?, from address: String) async throws -> PersonRecord {
        let record = try await database.read { try PersonRecord.filter(Column("userName") == userName).fetchOne($0) }
        // Whoever was here before from this address is not kept out by what others try.
        let isKnown = try await wasHere(record?.id, address)
        let keys = Self.keys(address, account: isKnown ? "\(userName)@\(address)" : userName)
        try attempts.begin(keys)
        guard await matches(record, password), let record else { throw AccessDenied.wrongPassword }
        if record.oneTimeConfirmedAt != nil {
            guard let oneTimePassword else {
                attempts.succeeded(keys)
                throw AccessDenied.oneTimePasswordNeeded
            }
            try await use(oneTimePassword, of: record)
        }
        attempts.succeeded(keys)
        return record
    }

    /// Takes a one-time password, once.
    func use(_ oneTimePassword: String, of person: PersonRecord) async throws {
        guard let sealed = person.sealedOneTimeSecret, let secret = OneTimePassword(text: try unseal(sealed, of: person.id)) else {
            throw AccessDenied.wrongOneTimePassword
        }
        let now = time.now()
        try await database.write { database in
            guard var record = try PersonRecord.fetchOne(database, key: person.id),
                let step = secret.step(of: oneTimePassword, at: now, after: record.oneTimeStep)
            else { throw AccessDenied.wrongOneTimePassword }
            record.oneTimeStep = step
            try record.update(database)
        }
    }

    func unseal(_ sealed: Data, of person: PersonID) throws -> String { try sealer.unseal(sealed, context: "one-time secret \(person)") }

    func seal(_ secret: String, of person: PersonID) throws -> Data { try sealer.seal(secret, context: "one-time secret \(person)") }

    /// Hashes a new password; refuses one that is among the first to be guessed.
    func hash(_ password: String, names: [String]) async throws -> String {
        if let sentence = PasswordRules.refusal(of: password, names: names) {
            throw PeopleRefusal(.weakPassword, sentence, field: "/password")
        }
        return try await hashing.run { [rounds] in try PasswordHash(hashing: password, rounds: rounds) }.text
    }

    func matches(_ record: PersonRecord?, _ password: String) async -> Bool {
        let stored = record.map { PasswordHash(stored: $0.passwordHash) } ?? .ofNobody(rounds: rounds)
        let matches = await hashing.run { stored.matches(password) }
        return matches && record != nil && record?.disabledAt == nil
    }

    func begin(for person: PersonRecord, _ origin: Origin) async throws -> SignIn {
        let (token, now) = (AccessToken.make(), time.now())
        let record = SignInRecord(
            tokenHash: AccessToken.hash(token), id: .timeOrdered(at: now), personId: person.id, createdAt: now, lastUsedAt: now,
            expiresAt: now.addingTimeInterval(Self.lifetime), address: origin.address,
            client: String(origin.client.prefix(Self.clientLength)))
        try await database.write { database in
            // The password may have changed, or the account been disabled, while this one was looked at.
            guard let current = try Self.able(person.id, database), current.passwordHash == person.passwordHash else {
                throw AccessDenied.wrongPassword
            }
            try SignInRecord.filter(Column("expiresAt") <= now).deleteAll(database)
            try record.insert(database)
            try KnownAddressRecord(personId: person.id, address: origin.address, seenAt: now).upsert(database)
            try KnownAddressRecord.forgetOld(of: person.id, database)
        }
        let caller = Caller(id: person.id, name: person.userName, expiresAt: record.expiresAt, signIn: record.id, actions: nil)
        return SignIn(token: token, caller: caller)
    }

    private func wasHere(_ person: PersonID?, _ address: String) async throws -> Bool {
        guard let person else { return false }
        return try await database.read { database in
            try KnownAddressRecord.fetchOne(database, key: ["personId": person, "address": address]) != nil
        }
    }

    private static func keys(_ address: String, account: String? = nil) -> [String] {
        ["address \(Attempts.network(of: address))"] + (account.map { ["account \($0.lowercased())"] } ?? [])
    }
}
