import Access
import BoxDatabase
import Core
import Foundation
import TestSupport
import Testing

@Suite struct SignInTests {
    private let house = try? AccessHouse()

    @Test func theBoxIsClaimedOnceAndOnlyWithItsCode() async throws {
        let house = try #require(house)
        await #expect(throws: AccessDenied.wrongSetupCode) { _ = try await house.claim(code: "ABCD-EFGX") }
        let signIn = try await house.claim(code: " abcdefgh ")
        #expect(try await house.signIns.authenticate(token: signIn.token).name == "anna")
        await #expect(throws: AccessDenied.alreadyClaimed) { _ = try await house.claim() }
    }

    /// A box that is about to begin with a backup is nobody else's; one that is claimed is not given away.
    @Test func aBoxThatIsGivenAwayIsNotClaimed() async throws {
        let house = try #require(house)
        try await house.signIns.checkSetupCode("ABCD-EFGH", from: "10.0.0.1")
        try await house.signIns.giveAway()
        await #expect(throws: AccessDenied.alreadyClaimed) { _ = try await house.claim() }
        await #expect(throws: AccessDenied.alreadyClaimed) { try await house.signIns.checkSetupCode("ABCD-EFGH", from: "10.0.0.1") }
        await #expect(throws: AccessDenied.alreadyClaimed) { try await house.signIns.giveAway() }
        try await house.signIns.keep()
        _ = try await house.claim()
        await #expect(throws: AccessDenied.alreadyClaimed) { try await house.signIns.giveAway() }
    }

    @Test func signingInNeedsThePassword() async throws {
        let house = try #require(house)
        _ = try await house.claim()
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.signIn("anna", "correct horse batterz") }
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.signIn("bob") }
        let signIn = try await house.signIn("Anna")
        try await house.signIns.signOut(token: signIn.token)
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: signIn.token) }
    }

    @Test func aPasswordIsConfirmedUnderTheSameLimit() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller.id
        try await house.signIns.confirm(anna, password: AccessHouse.password, from: "10.0.0.1")
        for _ in 0..<10 {
            await #expect(throws: AccessDenied.wrongPassword) {
                try await house.signIns.confirm(anna, password: "another", from: "10.0.0.1")
            }
        }
        await #expect(throws: AccessDenied.tooManyAttempts(retryAfter: 600)) {
            try await house.signIns.confirm(anna, password: AccessHouse.password, from: "10.0.0.1")
        }
    }

    @Test func tooManyFailuresMustWaitAndOthersNot() async throws {
        let house = try #require(house)
        for _ in 0..<10 { await #expect(throws: AccessDenied.wrongSetupCode) { _ = try await house.claim(code: "WRONG-CODE") } }
        await #expect(throws: AccessDenied.tooManyAttempts(retryAfter: 600)) { _ = try await house.claim() }
        house.time.advance(.seconds(601))
        _ = try await house.claim()
    }

    @Test func manyAddressesDoNotHelpAgainstOneAccount() async throws {
        let house = try #require(house)
        _ = try await house.claim(from: "10.0.0.1")
        for guess in 0..<10 {
            await #expect(throws: AccessDenied.wrongPassword) {
                _ = try await house.signIn("anna", "wrong words \(guess)", from: "10.1.0.\(guess)")
            }
        }
        // Neither for an account that is none.
        for guess in 0..<10 {
            await #expect(throws: AccessDenied.wrongPassword) {
                _ = try await house.signIn("nobody", "wrong words", from: "10.2.0.\(guess)")
            }
        }
        for name in ["anna", "ANNA", "nobody"] {
            await #expect(throws: AccessDenied.tooManyAttempts(retryAfter: 600)) { _ = try await house.signIn(name, from: "10.3.0.1") }
        }
        // Where she was before she is not kept out, signed in or not.
        let anna = try await house.signIn("anna", from: "10.0.0.1")
        try await house.signIns.confirm(anna.caller.id, password: AccessHouse.password, from: "10.0.0.1")
        try await house.signIns.signOut(token: anna.token)
        _ = try await house.signIn("anna", from: "10.0.0.1")
        house.time.advance(.seconds(601))
        _ = try await house.signIn("anna", from: "10.3.0.1")
    }

    /// Ten thousand guesses, in three ways of an hour each: at most a hundred an hour get an answer other than to wait.
    @Test(arguments: [(addresses: false, names: false), (true, false), (false, true)])
    func whoGuessesWaits(manyAddresses: Bool, manyNames: Bool) async throws {
        let house = try #require(house)
        _ = try await house.claim(from: "10.0.0.1")
        var answered = 0
        for guess in 0..<3_400 {
            let address = manyAddresses ? "10.\(1 + guess / 65536).\(guess / 256 % 256).\(guess % 256)" : "10.1.0.1"
            do { _ = try await house.signIn(manyNames ? "name \(guess)" : "anna", "wrong words \(guess)", from: address) } catch {
                switch error as? AccessDenied {
                case .wrongPassword: answered += 1
                case .tooManyAttempts: break
                default: Issue.record("\(error)")
                }
            }
            house.time.advance(.milliseconds(1_060))
        }
        #expect((10...100).contains(answered))
    }

    @Test func ofIPv6TheNetworkCounts() async throws {
        let house = try #require(house)
        _ = try await house.claim(from: "10.0.0.1")
        for guess in 0..<10 {
            await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.signIn("name \(guess)", from: "fd00::1:\(guess)") }
        }
        await #expect(throws: AccessDenied.tooManyAttempts(retryAfter: 600)) { _ = try await house.signIn("anna", from: "fd00::2:1") }
        _ = try await house.signIn("anna", from: "fd00:0:0:1::1")
    }

    @Test func aSignInEndsByItself() async throws {
        let house = try #require(house)
        let signIn = try await house.claim()
        // Used now and then, it lasts as long as it may.
        for _ in 0..<29 {
            house.time.advance(.seconds(86_400))
            _ = try await house.signIns.authenticate(token: signIn.token)
        }
        house.time.advance(.seconds(86_401))
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: signIn.token) }
    }

    @Test func aSignInThatNobodyUsesEndsSooner() async throws {
        let house = try #require(house)
        let signIn = try await house.claim()
        house.time.advance(.seconds(SignIns.idle - 1))
        _ = try await house.signIns.authenticate(token: signIn.token)
        house.time.advance(.seconds(SignIns.idle + 1))
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: signIn.token) }
        #expect(try await house.signIns.signIns(of: signIn.caller.id).isEmpty)
    }

    @Test func oneSeesAndEndsOnesOwnSignIns() async throws {
        let house = try #require(house)
        let first = try await house.claim()
        let second = try await house.signIn("anna", from: "10.0.0.2")
        let other = try await house.join("bert", .itManager)
        let own = try await house.signIns.signIns(of: first.caller.id)
        #expect(Set(own.map(\.address)) == ["10.0.0.1", "10.0.0.2"])
        let id = try #require(second.caller.signIn)
        #expect(try await !house.signIns.revoke(id, of: other.caller.id))
        #expect(try await house.signIns.revoke(id, of: first.caller.id))
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: second.token) }
        _ = try await house.signIns.authenticate(token: first.token)
    }

    @Test func aNewPasswordEndsAllOtherSignIns() async throws {
        let house = try #require(house)
        let first = try await house.claim()
        let second = try await house.signIn("anna")
        let change = { (from: String, to: String) in
            try await house.services.account.changePassword(of: second.caller, from: from, to: to, address: "10.0.0.1")
        }
        await #expect(throws: AccessDenied.wrongPassword) { try await change("not the password", "three green boats on land") }
        await #expect(throws: PeopleRefusal.self) { try await change(AccessHouse.password, "password1234") }
        try await change(AccessHouse.password, "three green boats on land")
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: first.token) }
        _ = try await house.signIns.authenticate(token: second.token)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.signIn("anna") }
        _ = try await house.signIn("anna", "three green boats on land")
    }

    @Test func aOneTimePasswordIsAskedForAndTakenOnce() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let account = house.services.account
        let secret = try await account.beginOneTimePasswords(of: anna, password: AccessHouse.password, address: "10.0.0.1")
        // Until it was confirmed it is not asked for.
        _ = try await house.signIn("anna")
        await #expect(throws: AccessDenied.wrongOneTimePassword) {
            try await account.confirmOneTimePasswords(of: anna, "000000", address: "10.0.0.1")
        }
        try await account.confirmOneTimePasswords(of: anna, secret.password(at: house.time.source.now()), address: "10.0.0.1")
        await #expect(throws: AccessDenied.oneTimePasswordNeeded) { _ = try await house.signIn("anna") }
        // That of the confirmation is used.
        let used = secret.password(at: house.time.source.now())
        await #expect(throws: AccessDenied.wrongOneTimePassword) { _ = try await house.signIn("anna", oneTimePassword: used) }
        house.time.advance(.seconds(30))
        _ = try await house.signIn("anna", oneTimePassword: secret.password(at: house.time.source.now()))
        try await account.endOneTimePasswords(of: anna, password: AccessHouse.password, address: "10.0.0.1")
        _ = try await house.signIn("anna")
    }

    @Test func aLostPasswordIsSetAnewByTheButtonAndTheSetUpCode() async throws {
        let house = try #require(house)
        let first = try await house.claim()
        let (permit, password) = (house.services.resetPermit, "three green boats on land")
        let reset = { (code: String, password: String) in
            try await house.signIns.reset(code: code, password: password, permit: permit, from: .init(address: "10.0.0.1", client: ""))
        }
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("ABCD-EFGH", password) }
        try permit.give()
        house.time.advance(.seconds(ResetPermit.lasts))
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("ABCD-EFGH", password) }
        try permit.give()
        await #expect(throws: AccessDenied.wrongSetupCode) { _ = try await reset("ABCD-EFGX", password) }
        await #expect(throws: PeopleRefusal.self) { _ = try await reset("ABCD-EFGH", "password1234") }
        let anna = try await reset("ABCD-EFGH", password)
        #expect(anna.caller.id == first.caller.id)
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: first.token) }
        // Once.
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("ABCD-EFGH", password) }
        _ = try await house.signIn("anna", password)
    }

    /// An owner without an e-mail address has no other way back; what was pressed for one account is good for no other.
    @Test func anotherAccountsPasswordIsSetAnewWhereTheBoxNamesIt() async throws {
        let house = try #require(house)
        _ = try await house.claim()
        let olga = try await house.accept(try await house.send(try await house.site()))
        let (permit, password) = (house.services.resetPermit, "three green boats on land")
        let reset = { (name: String?) in
            try await house.signIns.reset(
                name, code: "ABCD-EFGH", password: password, permit: permit, from: .init(address: "10.0.0.1", client: ""))
        }
        try permit.give()
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("olga") }
        permit.take(for: nil)
        try permit.give(for: "olga")
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset(nil) }
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("anna") }
        #expect(try await reset("olga").caller.id == olga.id)
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("olga") }
        _ = try await house.signIn("olga", password)
        _ = try await house.signIn("anna")
        try permit.give(for: "nobody")
        await #expect(throws: AccessDenied.noResetPermit) { _ = try await reset("nobody") }
    }

    @Test func aProgramsKeyIsGoodForAPartOfWhatItsPersonMayDo() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let account = house.services.account
        let (record, key) = try await account.makeKey(
            of: anna.id, name: "backup", actions: [.playBack, .viewSite], lasts: 86_400, password: AccessHouse.password, address: "10.0.0.1"
        )
        let caller = try await house.signIns.authenticate(token: key)
        #expect(caller.signIn == nil && caller.name == "anna")
        let rights = try await house.services.control.rights(of: caller.id, limitedTo: caller.actions)
        #expect(rights.actions == [.playBack, .viewSite])
        house.time.advance(.seconds(86_401))
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: key) }
        #expect(try await !account.removeKey(record.id, of: PersonID.timeOrdered(at: Date())))
        let (_, next) = try await account.makeKey(
            of: anna.id, name: "other", actions: [.playBack], lasts: 86_400, password: AccessHouse.password, address: "10.0.0.1")
        let keys = try await account.keys(of: anna.id)
        #expect(keys.count == 1 && keys[0].name == "other")
        #expect(try await account.removeKey(keys[0].id, of: anna.id))
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: next) }
    }

    @Test func noSecretLiesInTheDatabase() async throws {
        let house = try #require(house)
        let signIn = try await house.claim()
        let secret = try await house.services.account.beginOneTimePasswords(
            of: signIn.caller, password: AccessHouse.password, address: "10.0.0.1")
        let (_, key) = try await house.services.account.makeKey(
            of: signIn.caller.id, name: "backup", actions: [.playBack], lasts: 86_400, password: AccessHouse.password, address: "10.0.0.1")
        let stored = try ["", "-wal"].reduce(into: Data()) { $0 += try Data(contentsOf: URL(filePath: house.path + $1)) }
        #expect(stored.range(of: Data("anna".utf8)) != nil)
        for secret in [AccessHouse.password, signIn.token, secret.text, key] { #expect(stored.range(of: Data(secret.utf8)) == nil) }
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
