import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct OperationLogTests {
    private let house = try? AccessHouse()

    private func fill(_ house: AccessHouse, _ count: Int) async throws {
        for number in 1...count {
            house.time.advance(.seconds(60))
            try await house.services.log.append(
                Operation(
                    personId: nil, person: number.isMultiple(of: 2) ? "anna" : "bert", role: "Administrator", action: "changeChannel",
                    subject: "c\(number)", subjectName: "Döör", before: nil, after: "{\"name\":\"x/y\"}", address: "10.0.0.1",
                    result: number.isMultiple(of: 5) ? "not-permitted" : "done"))
        }
    }

    private func check(_ house: AccessHouse) async throws -> OperationChain {
        var chain = OperationChain()
        for line in try await house.services.log.lines(from: 0, limit: 1_000) { try chain.check(line) }
        return chain
    }

    @Test func linesFollowOneAnotherAndAreFound() async throws {
        let house = try #require(house)
        try await fill(house, 20)
        let chain = try await check(house)
        #expect(chain.first == 1 && chain.last == 20)
        var filter = OperationFilter()
        filter.person = "anna"
        filter.failed = true
        #expect(try await house.services.log.lines(filter, limit: 10).map(\.number) == [20, 10])
        filter.before = 20
        #expect(try await house.services.log.lines(filter, limit: 10).map(\.number) == [10])
    }

    @Test(arguments: [
        "UPDATE operation SET person = 'carl' WHERE number = 7", "UPDATE operation SET result = 'done' WHERE number = 5",
        "UPDATE operation SET at = '2020-01-01 00:00:00.000' WHERE number = 7", "DELETE FROM operation WHERE number = 7",
        "UPDATE operation SET previous = digest WHERE number = 7", "UPDATE operation SET \"after\" = NULL WHERE number = 7",
        "UPDATE operation SET subject = subjectName, subjectName = subject WHERE number = 7",
    ])
    func aChangeOrAHoleIsSeen(_ sql: String) async throws {
        let house = try #require(house)
        try await fill(house, 12)
        try await house.database.write { try $0.execute(sql: sql) }
        await #expect(throws: OperationChain.Break.self) { _ = try await check(house) }
    }

    @Test func newestLinesThatWereTakenOutAreMissed() async throws {
        let house = try #require(house)
        try await fill(house, 12)
        try await house.database.write { try $0.execute(sql: "DELETE FROM operation WHERE number > 10") }
        try await fill(house, 1)
        await #expect(throws: OperationChain.Break.self) { _ = try await check(house) }
    }

    @Test func oldLinesGoFromTheBeginningAndTheChainGoesOn() async throws {
        let house = try #require(house)
        try await fill(house, 20)
        #expect(try await house.services.log.prune(olderThan: 5 * 60 + 30, beyond: 1_000) == 14)
        try await fill(house, 3)
        let chain = try await check(house)
        #expect(chain.first == 15 && chain.last == 23)
        #expect(try await house.services.log.prune(olderThan: 1_000_000, beyond: 4) == 5)
        // The newest stays, however old it is.
        house.time.advance(.seconds(1_000_000))
        #expect(try await house.services.log.prune(olderThan: 60, beyond: 1_000) == 3)
        try await fill(house, 1)
        #expect(try await check(house).last == 24)
    }
}

@Suite struct OneTimePasswordTests {
    /// RFC 6238, appendix B, of which apps show the last six digits.
    @Test(arguments: [
        (59, "287082"), (1_111_111_109, "081804"), (1_111_111_111, "050471"), (1_234_567_890, "005924"), (2_000_000_000, "279037"),
    ])
    func passwordsAreThoseOfTheStandard(_ seconds: Int, _ password: String) throws {
        let secret = try #require(OneTimePassword(text: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))
        let time = Date(timeIntervalSince1970: Double(seconds))
        #expect(secret.password(at: time) == password)
        #expect(secret.step(of: password, at: time, after: 0) == seconds / 30)
        #expect(secret.step(of: password, at: time.addingTimeInterval(30), after: 0) == seconds / 30)
        #expect(secret.step(of: password, at: time.addingTimeInterval(90), after: 0) == nil)
        #expect(secret.step(of: password, at: time, after: seconds / 30) == nil)
    }

    @Test func aSecretIsReadBack() throws {
        let secret = OneTimePassword()
        let now = Date()
        #expect(secret.text.count == 32 && OneTimePassword(text: secret.text)?.password(at: now) == secret.password(at: now))
        #expect(OneTimePassword(text: "ABC") == nil && OneTimePassword(text: "1189") == nil)
        #expect(
            secret.address(account: "anna maria", issuer: "Gatehouse GH1").hasPrefix(
                "otpauth://totp/Gatehouse%20GH1:anna%20maria?secret=\(secret.text)&"))
    }
}

@Suite struct PasswordRulesTests {
    @Test(arguments: [
        "short words", "password1234", "P@ssw0rd!!!!", "Administrator1!", "123456789012", "abcdefghijkl", "qwertyuiop[]", "aaaaaaaaaaaa",
        "abcabcabcabc",
        "hikvision2026!", "anna-maria123", "iloveyou1234", "0987654321098", "correct horse battery staple", "Gatehouse2026!",
    ])
    func whatIsGuessedFirstIsRefused(_ password: String) {
        #expect(PasswordRules.refusal(of: password, names: ["anna-maria", "Shop"]) != nil)
    }

    @Test(arguments: [
        "three green boats on land", "correct horse battery", "Ohrwurm-Kakadu-77", "zxmwpqlf8811ab", "la nonna pesca di notte",
    ])
    func otherLongOnesAreTaken(_ password: String) {
        #expect(PasswordRules.refusal(of: password, names: ["anna", "Shop"]) == nil)
    }
}
