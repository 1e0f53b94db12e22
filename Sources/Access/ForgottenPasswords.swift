public import BoxDatabase
public import Core
import Foundation
import GRDB
import Synchronization

/// Passwords that people have forgotten who gave an e-mail address for it: a code goes there, with which they set a new one.
///
/// No link is sent: by whose name the box is reached whoever asks could choose. Codes are kept in memory alone.
public final class ForgottenPasswords: Sendable {
    private struct Asked {
        let code: SetupCode
        let at: Duration
        var sentAt: Duration
        var tries = 0
    }

    /// A code is good for so long,
    public static let lasts = Duration.seconds(1800)
    /// and is sent again no sooner.
    private static let pause = Duration.seconds(120)
    private static let mostTries = 5
    private static let most = 1000

    private let signIns: SignIns
    private let asked = Mutex<[PersonID: Asked]>([:])
    /// Codes that are to be sent.
    public let news = Broadcast<(code: String, person: PersonRecord)>(capacity: 64)

    init(_ signIns: SignIns) {
        self.signIns = signIns
    }

    /// Who asks in another's name does not keep them from entering their code.
    private static func keys(_ what: String, _ address: String, _ account: String) -> [String] {
        ["\(what) at \(Attempts.network(of: address))", "\(what) by \(account.lowercased())"]
    }

    private func person(_ userName: String) async throws -> PersonRecord? {
        try await signIns.database.read { try PersonRecord.filter(Column("userName") == userName).fetchOne($0) }
    }

    /// Sends a code where there is such an account with an address; what is answered does not tell.
    /// - Throws: `AccessDenied.tooManyAttempts`.
    public func ask(for userName: String, from address: String) async throws {
        try signIns.attempts.begin(Self.keys("asked", address, userName))
        guard let person = try await person(userName), person.disabledAt == nil, person.email != nil, person.recoversByEmail
        else { return }
        let now = signIns.time.uptime()
        let code = asked.withLock { asked -> SetupCode? in
            asked = asked.filter { now - $0.value.at < Self.lasts }
            // The same again, or who asks in another's name would void what is on its way.
            if let known = asked[person.id] {
                guard now - known.sentAt >= Self.pause else { return nil }
                asked[person.id]?.sentAt = now
                return known.code
            }
            guard asked.count < Self.most else { return nil }
            let made = Asked(code: SetupCode(), at: now, sentAt: now)
            asked[person.id] = made
            return made.code
        }
        if let code { news.send((code.text, person)) }
    }

    /// Sets the password anew of who has the code; all their sign-ins and keys for programs end, a second factor stays.
    /// - Throws: `AccessDenied`; `PeopleRefusal` for a weak password.
    public func reset(_ userName: String, code: String, password: String, from address: String) async throws {
        let keys = Self.keys("entered", address, userName)
        try signIns.attempts.begin(keys)
        let person = try await person(userName)
        // First, so that a wrong code takes as long.
        let hash = try await signIns.hash(password, names: [userName])
        let now = signIns.time.uptime()
        let isRight = asked.withLock { asked in
            guard let id = person?.id, var known = asked[id], now - known.at < Self.lasts else { return false }
            known.tries += 1
            let isRight = known.code.matches(code)
            asked[id] = isRight || known.tries >= Self.mostTries ? nil : known
            return isRight
        }
        guard isRight, let id = person?.id else { throw AccessDenied.wrongResetCode }
        signIns.attempts.succeeded(keys)
        let wall = signIns.time.now()
        try await signIns.database.write { database in
            guard var record = try PersonRecord.fetchOne(database, key: id), record.disabledAt == nil else {
                throw AccessDenied.wrongResetCode
            }
            (record.passwordHash, record.passwordSetAt) = (hash, wall)
            try record.update(database)
            try SignInRecord.filter(Column("personId") == id).deleteAll(database)
            try ProgramKeyRecord.filter(Column("personId") == id).deleteAll(database)
        }
    }
}
