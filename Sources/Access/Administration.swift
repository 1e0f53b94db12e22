public import BoxDatabase
public import Core
import Crypto
public import Foundation
import GRDB
import Synchronization

/// Why access is not given.
public enum AccessDenied: Error, Sendable, Equatable {
    case notClaimed
    case alreadyClaimed
    case wrongSetupCode
    case wrongPassword
    /// Too many failures; try again after so many seconds.
    case tooManyAttempts(retryAfter: Int)
    case notSignedIn
}

/// A caller who has proved who they are.
public struct Caller: Sendable, Equatable {
    public let name: String
    public let expiresAt: Date
}

/// A new sign-in: the token is shown once and not stored.
public struct SignIn: Sendable {
    public let token: String
    public let caller: Caller
}

/// The box's one administrator: first-run claim, signing in and out.
public final class Administration: Sendable {
    /// A sign-in lasts this long.
    public static let lifetime: TimeInterval = 30 * 24 * 3600
    private static let tolerated = 10
    private static let window: TimeInterval = 600

    private let database: BoxDatabase
    private let setupCode: SetupCode
    private let time: TimeSource
    private let hashing = BlockingQueue(name: "password")
    /// Times of failures by address; bounded by `prune`.
    private let failures = Mutex<[String: [Date]]>([:])

    public init(database: BoxDatabase, setupCode: SetupCode, time: TimeSource) {
        self.database = database
        self.setupCode = setupCode
        self.time = time
    }

    /// Whether somebody has claimed the box.
    public func isClaimed() async throws -> Bool {
        try await database.read { try AdministratorRecord.fetchCount($0) > 0 }
    }

    /// Makes the first administrator and the first site, if `code` is the box's and nobody was first.
    /// - Throws: `AccessDenied`.
    public func claim(
        code: String, userName: String, password: String, siteName: String, timeZone: String, from address: String
    ) async throws -> SignIn {
        if try await isClaimed() { throw AccessDenied.alreadyClaimed }
        try admit(address)
        guard setupCode.matches(code) else {
            recordFailure(address)
            throw AccessDenied.wrongSetupCode
        }
        let hash = try await hashing.run { try PasswordHash(hashing: password) }
        let now = time.now()
        try await database.write { database in
            guard try AdministratorRecord.fetchCount(database) == 0 else { throw AccessDenied.alreadyClaimed }
            try AdministratorRecord(name: userName, passwordHash: hash.text, createdAt: now).insert(database)
            if var site = try SiteRecord.fetchOne(database) {
                site.name = siteName
                site.timeZone = timeZone
                try site.update(database)
            } else {
                try SiteRecord(id: .timeOrdered(at: now), name: siteName, timeZone: timeZone, createdAt: now).insert(database)
            }
        }
        return try await makeSignIn(for: userName)
    }

    /// Signs in; a wrong name takes as long as a wrong password.
    /// - Throws: `AccessDenied`.
    public func signIn(userName: String, password: String, from address: String) async throws -> SignIn {
        try await confirm(userName: userName, password: password, from: address)
        return try await makeSignIn(for: userName)
    }

    /// Checks a password, of somebody who may be signed in already; counted like signing in.
    /// - Throws: `AccessDenied`.
    public func confirm(userName: String, password: String, from address: String) async throws {
        try await guess(from: address) {
            let record = try await database.read { try AdministratorRecord.fetchOne($0, key: userName) }
            let stored = PasswordHash(stored: record?.passwordHash ?? Self.nobody)
            let matches = await hashing.run { stored.matches(password) }
            return matches && record != nil
        }
    }

    /// Lets `isRight` look at a password of whatever kind, and counts those that are wrong; nobody may try many.
    /// - Throws: `AccessDenied`, and what `isRight` throws.
    public func guess(from address: String, _ isRight: () async throws -> Bool) async throws {
        try admit(address)
        // Counted before the password is looked at, so that guesses sent at once are counted as well.
        recordFailure(address)
        guard try await isRight() else { throw AccessDenied.wrongPassword }
        forgetFailure(address)
    }

    /// Who holds `token`.
    /// - Throws: `AccessDenied.notSignedIn`.
    public func authenticate(token: String) async throws -> Caller {
        let hash = Self.hash(token)
        let now = time.now()
        guard let record = try await database.read({ try SignInRecord.fetchOne($0, key: hash) }), record.expiresAt > now else {
            throw AccessDenied.notSignedIn
        }
        return Caller(name: record.administrator, expiresAt: record.expiresAt)
    }

    /// Ends the sign-in of `token`.
    public func signOut(token: String) async throws {
        let hash = Self.hash(token)
        try await database.write { _ = try SignInRecord.deleteOne($0, key: hash) }
    }

    private func makeSignIn(for name: String) async throws -> SignIn {
        let token = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let now = time.now()
        let record = SignInRecord(
            tokenHash: Self.hash(token), administrator: name, createdAt: now, expiresAt: now.addingTimeInterval(Self.lifetime))
        try await database.write { database in
            try SignInRecord.filter(Column("expiresAt") <= now).deleteAll(database)
            try record.insert(database)
        }
        return SignIn(token: token, caller: Caller(name: name, expiresAt: record.expiresAt))
    }

    private static func hash(_ token: String) -> String {
        SHA256.hash(data: Data(token.utf8)).map { byte in
            let text = String(byte, radix: 16)
            return text.count < 2 ? "0" + text : text
        }.joined()
    }

    /// A hash that no password has, so that an unknown name costs the same time.
    private static let nobody = "scrypt$32768$8$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

    private func admit(_ address: String) throws(AccessDenied) {
        let now = time.now()
        let recent = failures.withLock { failures in
            failures[address, default: []].filter { now.timeIntervalSince($0) < Self.window }
        }
        guard recent.count >= Self.tolerated, let first = recent.first else { return }
        throw .tooManyAttempts(retryAfter: max(1, Int(Self.window - now.timeIntervalSince(first))))
    }

    private func forgetFailure(_ address: String) {
        failures.withLock { failures in
            if failures[address]?.popLast() != nil, failures[address]?.isEmpty ?? false { failures[address] = nil }
        }
    }

    private func recordFailure(_ address: String) {
        let now = time.now()
        failures.withLock { failures in
            failures = failures.compactMapValues { times in
                let recent = times.filter { now.timeIntervalSince($0) < Self.window }
                return recent.isEmpty ? nil : recent
            }
            failures[address, default: []].append(now)
        }
    }
}
