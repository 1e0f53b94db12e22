public import BoxDatabase
public import Core
public import Foundation
import GRDB

/// What people do with their own account: another password, the second factor, keys for programs.
public struct OwnAccount: Sendable {
    /// A key for a program lasts at most so long.
    public static let longestKey: TimeInterval = 366 * 86_400
    static let mostKeys = 50

    private let signIns: SignIns
    private var database: BoxDatabase { signIns.database }

    public init(_ signIns: SignIns) {
        self.signIns = signIns
    }

    public func record(of person: PersonID) async throws -> PersonRecord {
        guard let record = try await database.read({ try PersonRecord.fetchOne($0, key: person) }) else { throw AccessDenied.notSignedIn }
        return record
    }

    /// Takes another password; all other sign-ins end, and keys for programs.
    /// - Throws: `AccessDenied.wrongPassword`, `.tooManyAttempts`; `PeopleRefusal` for a weak one.
    public func changePassword(of caller: Caller, from current: String, to new: String, address: String) async throws {
        try await signIns.confirm(caller.id, password: current, from: address)
        let hash: String
        do { hash = try await signIns.hash(new, names: [caller.name]) } catch let refusal as PeopleRefusal {
            throw PeopleRefusal(refusal.kind, refusal.sentence, field: "/newPassword")
        }
        let now = signIns.time.now()
        try await database.write { database in
            guard var record = try PersonRecord.fetchOne(database, key: caller.id),
                try SignInRecord.filter(Column("id") == caller.signIn).fetchCount(database) > 0
            else { throw AccessDenied.notSignedIn }
            record.passwordHash = hash
            record.passwordSetAt = now
            try record.update(database)
            try SignInRecord.filter(Column("personId") == caller.id && Column("id") != caller.signIn).deleteAll(database)
            try ProgramKeyRecord.filter(Column("personId") == caller.id).deleteAll(database)
        }
    }

    // MARK: The second factor

    /// Draws a secret, which is asked for once it was confirmed by a one-time password of it.
    /// - Throws: `PeopleRefusal` when there is one; `AccessDenied`.
    public func beginOneTimePasswords(of caller: Caller, password: String, address: String) async throws -> OneTimePassword {
        try await signIns.confirm(caller.id, password: password, from: address)
        let secret = OneTimePassword()
        let sealed = try signIns.seal(secret.text, of: caller.id)
        try await database.write { database in
            guard var record = try PersonRecord.fetchOne(database, key: caller.id) else { throw AccessDenied.notSignedIn }
            guard record.oneTimeConfirmedAt == nil else {
                throw PeopleRefusal(.notPossible, "One-time passwords are asked for already; switch them off first.")
            }
            record.sealedOneTimeSecret = sealed
            try record.update(database)
        }
        return secret
    }

    /// From now on a one-time password is asked for.
    /// - Throws: `AccessDenied.wrongOneTimePassword`, `.tooManyAttempts`.
    public func confirmOneTimePasswords(of caller: Caller, _ oneTimePassword: String, address: String) async throws {
        let record = try await record(of: caller.id)
        guard record.oneTimeConfirmedAt == nil, record.sealedOneTimeSecret != nil else {
            throw PeopleRefusal(.notPossible, "There is nothing to confirm; begin anew.")
        }
        do {
            try await signIns.guess(from: address, account: caller.name) {
                do { try await signIns.use(oneTimePassword, of: record) } catch AccessDenied.wrongOneTimePassword { return false }
                return true
            }
        } catch AccessDenied.wrongPassword {
            throw AccessDenied.wrongOneTimePassword
        }
        let now = signIns.time.now()
        try await database.write { database in
            guard var current = try PersonRecord.fetchOne(database, key: caller.id),
                current.sealedOneTimeSecret == record.sealedOneTimeSecret
            else { throw AccessDenied.wrongOneTimePassword }
            current.oneTimeConfirmedAt = now
            try current.update(database)
        }
    }

    /// No more one-time passwords.
    /// - Throws: `AccessDenied`.
    public func endOneTimePasswords(of caller: Caller, password: String, address: String) async throws {
        try await signIns.confirm(caller.id, password: password, from: address)
        try await database.write { database in
            guard var record = try PersonRecord.fetchOne(database, key: caller.id) else { throw AccessDenied.notSignedIn }
            (record.sealedOneTimeSecret, record.oneTimeConfirmedAt) = (nil, nil)
            try record.update(database)
        }
    }

    // MARK: Keys for programs

    /// Somebody's keys that are still good, the newest first.
    public func keys(of person: PersonID) async throws -> [ProgramKeyRecord] {
        let now = signIns.time.now()
        return try await database.read { database in
            try ProgramKeyRecord.filter(Column("personId") == person && Column("expiresAt") > now)
                .order(Column("createdAt").desc).fetchAll(database)
        }
    }

    /// Makes a key, which is shown once, for whoever knows the person's password.
    /// - Throws: `PeopleRefusal`, `AccessDenied`.
    public func makeKey(
        of person: PersonID, name: String, actions: Set<Action>, lasts: TimeInterval, password: String, address: String
    ) async throws -> (record: ProgramKeyRecord, key: String) {
        try await signIns.confirm(person, password: password, from: address)
        let (key, now) = (AccessToken.make(), signIns.time.now())
        let record = ProgramKeyRecord(
            keyHash: AccessToken.hash(key), id: .timeOrdered(at: now), personId: person, name: name,
            actions: Set(actions.map(\.rawValue)), createdAt: now, expiresAt: now.addingTimeInterval(min(lasts, Self.longestKey)))
        try await database.write { database in
            try ProgramKeyRecord.filter(Column("expiresAt") <= now).deleteAll(database)
            guard try ProgramKeyRecord.filter(Column("personId") == person).fetchCount(database) < Self.mostKeys else {
                throw PeopleRefusal(.tooMany, "There are \(Self.mostKeys) keys already; remove one first.")
            }
            try record.insert(database)
        }
        return (record, key)
    }

    /// Removes a key; false when there is none.
    public func removeKey(_ id: ProgramKeyID, of person: PersonID) async throws -> Bool {
        try await database.write { database in
            try ProgramKeyRecord.filter(Column("id") == id && Column("personId") == person).deleteAll(database) > 0
        }
    }
}
