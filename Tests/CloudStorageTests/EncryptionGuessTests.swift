import BoxDatabase
import Core
import Crypto
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

/// How guesses of the verification code are counted, on a clock of its own.
@Suite struct EncryptionGuessTests {
    private let key = SiteKey()

    private func digest(_ text: String) -> SHA256Digest { SHA256.hash(data: Data(text.utf8)) }

    /// The verdict in a word.
    private func look(_ guesses: inout CodeGuesses, _ code: String, at seconds: Int) throws -> String {
        switch try guesses.look(digest(code), at: .seconds(seconds)) {
        case .opened: "opened"
        case .wrong: "wrong"
        case .underWay: "under way"
        case .new(let count): "new \(count)"
        }
    }

    private func open(_ guesses: inout CodeGuesses, at seconds: Int) throws {
        #expect(try look(&guesses, "right", at: seconds).hasPrefix("new"))
        guesses.settle(digest("right"), .success(key), at: .seconds(seconds))
    }

    private func fail(_ guesses: inout CodeGuesses, _ code: String, at seconds: Int) throws {
        #expect(try look(&guesses, code, at: seconds).hasPrefix("new"))
        guesses.settle(digest(code), .failure(.wrongCode), at: .seconds(seconds))
    }

    @Test func theSameWrongCodeCountsOnce() throws {
        var guesses = CodeGuesses()
        try fail(&guesses, "old", at: 0)
        for second in 1..<500 { #expect(try look(&guesses, "old", at: second) == "wrong") }
        #expect(try look(&guesses, "other", at: 500) == "new 2")
        // Its window has ended.
        #expect(try look(&guesses, "old", at: 600) == "new 2")
    }

    @Test func theOpenedKeyIsRenewedByUse() throws {
        var guesses = CodeGuesses()
        try open(&guesses, at: 0)
        for second in stride(from: 0, through: 5900, by: 590) { #expect(try look(&guesses, "right", at: second) == "opened") }
        #expect(try look(&guesses, "right", at: 5900 + 600) == "new 1")
    }

    @Test func aDamagedKeyIsNobodysGuess() throws {
        var guesses = CodeGuesses()
        #expect(try look(&guesses, "right", at: 0) == "new 1")
        guesses.settle(digest("right"), .failure(.damaged("site's key")), at: .zero)
        #expect(try look(&guesses, "right", at: 1) == "new 1")
    }

    @Test func theShutDoorLetsTheOpenedCodeThroughButDoesNotTellItWithoutEnd() throws {
        var guesses = CodeGuesses()
        try open(&guesses, at: 0)
        for index in 0..<10 { try fail(&guesses, "wrong \(index)", at: 10) }
        #expect(throws: EncryptionRefusal.tooManyAttempts(retryAfter: 590)) { try look(&guesses, "more", at: 20) }
        for index in 0..<8 { #expect(throws: EncryptionRefusal.self) { try look(&guesses, "more \(index)", at: 20) } }
        // The same one again is no further guess.
        #expect(throws: EncryptionRefusal.self) { try look(&guesses, "more", at: 21) }
        #expect(try look(&guesses, "right", at: 21) == "opened")
        #expect(throws: EncryptionRefusal.self) { try look(&guesses, "one more", at: 22) }
        #expect(throws: EncryptionRefusal.self) { try look(&guesses, "right", at: 22) }
        #expect(try look(&guesses, "right", at: 610) == "new 1")
    }
}

/// The same, with real keys.
@Suite struct EncryptionSharingTests {
    private let code = VerificationCode(typed: "Harbour-Lamp-2026")
    private let other = VerificationCode(typed: "Nine-Bells-at-0600")

    @Test func aPageOfRowsSentAtOnceOpensAll() async throws {
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        _ = try await encryption.set(enabled: true, code: code, of: bench.site)
        let issued = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        for (code, isRight) in [(other, false), (code, true)] {
            let opened = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        do {
                            return try await encryption.key(of: bench.clip, issued.encryption, code: code) == issued.key
                        } catch {
                            #expect(error as? EncryptionRefusal == .key(.wrongCode))
                            return false
                        }
                    }
                }
                return await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(opened == [Bool](repeating: isRight, count: 40))
        }
    }

    @Test func anotherCodeNeedsThePresentOneOrTheAdministrator() async throws {
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        _ = try await encryption.set(enabled: true, code: code, of: bench.site)
        let issued = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        // Neither now nor by switching off and on again.
        for enabled in [true, false, true] {
            await #expect(throws: EncryptionRefusal.presentCodeMissing) {
                try await encryption.set(enabled: true, code: other, of: bench.site)
            }
            await #expect(throws: EncryptionRefusal.presentCodeWrong) {
                try await encryption.set(enabled: true, code: other, by: .presentCode(other), of: bench.site)
            }
            _ = try await encryption.set(enabled: enabled, code: nil, of: bench.site)
        }
        _ = try await encryption.set(enabled: true, code: other, by: .presentCode(code), of: bench.site)
        // What was wrong before the change is right now, and the other way round.
        #expect(try await encryption.key(of: bench.clip, issued.encryption, code: other) == issued.key)
        await #expect(throws: EncryptionRefusal.key(.wrongCode)) {
            try await encryption.key(of: bench.clip, issued.encryption, code: code)
        }
        _ = try await encryption.set(enabled: true, code: code, by: .administrator, of: bench.site)
        #expect(try await encryption.key(of: bench.clip, issued.encryption, code: code) == issued.key)
    }

    @Test func aKeyThatIsNotKnownHereIsNotOverwritten() async throws {
        let bench = try await EncryptionBench()
        let late = try await bench.encryption()
        _ = try await (try await bench.encryption()).set(enabled: true, code: code, of: bench.site)
        let before = try await bench.database.read { try SiteEncryptionRecord.fetchOne($0, key: bench.site) }
        await #expect(throws: (any Error).self) { try await late.set(enabled: true, code: other, of: bench.site) }
        #expect(try await bench.database.read { try SiteEncryptionRecord.fetchOne($0, key: bench.site) } == before)
    }
}
