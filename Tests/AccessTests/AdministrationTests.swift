import Access
import BoxDatabase
import Core
import Foundation
import TestSupport
import Testing

@Suite struct AdministrationTests {
    private let folder: TemporaryFolder
    private let time = ManualTime()
    private let administration: Administration

    init() throws {
        folder = try TemporaryFolder()
        administration = Administration(
            database: try BoxDatabase(path: folder.path + "/box.sqlite"), setupCode: SetupCode(stored: "ABCD-EFGH"), time: time.source)
    }

    private func claim(code: String = "ABCD-EFGH", from address: String = "10.0.0.1") async throws -> SignIn {
        try await administration.claim(
            code: code, userName: "anna", password: "correct horse battery", siteName: "Shop", timeZone: "Europe/Rome", from: address)
    }

    @Test func theBoxIsClaimedOnceAndOnlyWithItsCode() async throws {
        await #expect(throws: AccessDenied.wrongSetupCode) { _ = try await claim(code: "ABCD-EFGX") }
        let signIn = try await claim(code: " abcdefgh ")
        #expect(try await administration.authenticate(token: signIn.token).name == "anna")
        await #expect(throws: AccessDenied.alreadyClaimed) { _ = try await claim() }
    }

    @Test func signingInNeedsThePassword() async throws {
        _ = try await claim()
        await #expect(throws: AccessDenied.wrongPassword) {
            _ = try await administration.signIn(userName: "anna", password: "correct horse batterz", from: "10.0.0.1")
        }
        await #expect(throws: AccessDenied.wrongPassword) {
            _ = try await administration.signIn(userName: "bob", password: "correct horse battery", from: "10.0.0.1")
        }
        let signIn = try await administration.signIn(userName: "anna", password: "correct horse battery", from: "10.0.0.1")
        try await administration.signOut(token: signIn.token)
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await administration.authenticate(token: signIn.token) }
    }

    @Test func aPasswordIsConfirmedUnderTheSameLimit() async throws {
        _ = try await claim()
        try await administration.confirm(userName: "anna", password: "correct horse battery", from: "10.0.0.1")
        for _ in 0..<10 {
            await #expect(throws: AccessDenied.wrongPassword) {
                try await administration.confirm(userName: "anna", password: "another", from: "10.0.0.1")
            }
        }
        await #expect(throws: AccessDenied.tooManyAttempts(retryAfter: 600)) {
            try await administration.confirm(userName: "anna", password: "correct horse battery", from: "10.0.0.1")
        }
    }

    @Test func tooManyFailuresMustWaitAndOthersNot() async throws {
        for _ in 0..<10 { await #expect(throws: AccessDenied.wrongSetupCode) { _ = try await claim(code: "WRONG-CODE") } }
        await #expect(throws: AccessDenied.self) { _ = try await claim() }
        do {
            _ = try await claim()
        } catch AccessDenied.tooManyAttempts(let seconds) {
            #expect((1...600).contains(seconds))
        }
        time.advance(.seconds(601))
        _ = try await claim(from: "10.0.0.1")
    }

    @Test func aSignInEndsByItself() async throws {
        let signIn = try await claim()
        time.advance(.seconds(Administration.lifetime - 1))
        _ = try await administration.authenticate(token: signIn.token)
        time.advance(.seconds(2))
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await administration.authenticate(token: signIn.token) }
    }
}

@Suite struct PasswordHashTests {
    @Test func theSamePasswordIsNeverStoredTwiceAlike() throws {
        let first = try PasswordHash(hashing: "secret secret")
        let second = try PasswordHash(hashing: "secret secret")
        #expect(first != second && first.matches("secret secret") && !first.matches("secret secre"))
        #expect(!first.text.contains("secret"))
        #expect(!PasswordHash(stored: "garbage").matches("garbage"))
    }
}
