import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// A password that is set anew with a code that went to the account's e-mail address.
struct ForgottenPasswordTests {
    private static let new = "three green boats on land"

    private let house: AccessHouse
    private let codes: AsyncStream<(code: String, person: PersonRecord)>

    init() throws {
        house = try AccessHouse()
        codes = house.services.forgotten.news.listen()
    }

    private func owner(email: String? = "mail@example.com") async throws {
        _ = try await house.claim()
        try await house.database.write { database in
            guard var person = try PersonRecord.fetchOne(database) else { return }
            (person.email, person.recoversByEmail) = (email, true)
            try person.update(database)
        }
    }

    private func code() async -> String? {
        var codes = codes.makeAsyncIterator()
        return await codes.next()?.code
    }

    private func ask(_ name: String = "anna", from address: String = "10.0.0.9") async throws {
        try await house.services.forgotten.ask(for: name, from: address)
    }

    private func reset(_ code: String, _ password: String = new, name: String = "anna") async throws {
        try await house.services.forgotten.reset(name, code: code, password: password, from: "10.0.0.9")
    }

    /// Ends the stream: whatever was sent is in it.
    private func sent() async -> Int {
        let last = PersonRecord(
            id: .timeOrdered(at: .distantPast), companyId: nil, roleId: nil, userName: "last", passwordHash: "", createdAt: .distantPast)
        house.services.forgotten.news.send(("last", last))
        var count = 0
        for await (code, _) in codes {
            if code == "last" { break }
            count += 1
        }
        return count
    }

    @Test func theCodeThatWasSentSetsItAnew() async throws {
        try await owner()
        let before = try await house.signIn("anna")
        try await ask()
        let code = try #require(await code())
        await #expect(throws: AccessDenied.wrongResetCode) { try await reset("AAAA-AAAA") }
        await #expect(throws: PeopleRefusal.self) { try await reset(code, "password1234") }
        try await reset(code.lowercased())
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.signIn("anna") }
        _ = try await house.signIn("anna", Self.new)
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: before.token) }
        await #expect(throws: AccessDenied.wrongResetCode, "it is good once") { try await reset(code, "four green boats on land") }
    }

    @Test func nothingIsSentToWhoHasNoAddressOrIsNot() async throws {
        try await owner(email: nil)
        try await ask()
        try await ask("nobody")
        #expect(await sent() == 0)
        await #expect(throws: AccessDenied.wrongResetCode) { try await reset("AAAA-AAAA", name: "nobody") }
    }

    @Test func anAddressThatOthersEnteredOpensNothing() async throws {
        try await owner()
        try await house.database.write { try $0.execute(sql: "UPDATE person SET recoversByEmail = 0") }
        try await ask()
        #expect(await sent() == 0)
    }

    @Test func whoAsksInAnothersNameVoidsNothing() async throws {
        try await owner()
        try await ask()
        let code = try #require(await code())
        house.time.advance(.seconds(180))
        for number in 0..<Attempts.tolerated { try? await ask(from: "10.0.3.\(number)") }
        try await reset(code)
    }

    @Test func aDisabledAccountStaysClosed() async throws {
        try await owner()
        try await ask()
        let code = try #require(await code())
        let now = house.time.source.now()
        try await house.database.write { try $0.execute(sql: "UPDATE person SET disabledAt = ?", arguments: [now]) }
        await #expect(throws: AccessDenied.wrongResetCode) { try await reset(code) }
        try await ask()
        #expect(await sent() == 0)
    }

    @Test func itIsGoodForHalfAnHour() async throws {
        try await owner()
        try await ask()
        let code = try #require(await code())
        house.time.advance(ForgottenPasswords.lasts + .seconds(1))
        await #expect(throws: AccessDenied.wrongResetCode) { try await reset(code) }
    }

    @Test func fiveWrongOnesVoidIt() async throws {
        try await owner()
        try await ask()
        let code = try #require(await code())
        for _ in 0..<5 { await #expect(throws: AccessDenied.wrongResetCode) { try await reset("AAAA-AAAA") } }
        await #expect(throws: AccessDenied.wrongResetCode) { try await reset(code) }
    }

    @Test func nobodyIsFloodedAndNobodyGuesses() async throws {
        try await owner()
        for number in 0..<Attempts.tolerated { try await ask(from: "10.0.1.\(number)") }
        await #expect(throws: AccessDenied.self) { try await ask(from: "10.0.2.1") }
        #expect(await sent() == 1, "one in two minutes")
        // Signing in is not kept from whom others ask for.
        _ = try await house.signIn("anna")
    }

    @Test func aSecondFactorStays() async throws {
        try await owner()
        let caller = try await house.administrator()
        _ = try await house.services.account.beginOneTimePasswords(of: caller, password: AccessHouse.password, address: "10.0.0.1")
        let now = house.time.source.now()
        try await house.database.write { try $0.execute(sql: "UPDATE person SET oneTimeConfirmedAt = ?", arguments: [now]) }
        try await ask()
        try await reset(try #require(await code()))
        await #expect(throws: AccessDenied.oneTimePasswordNeeded) { _ = try await house.signIn("anna", Self.new) }
    }
}
