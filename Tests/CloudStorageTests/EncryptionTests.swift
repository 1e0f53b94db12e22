import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import CloudStorage

/// Quick guesses, for tests only.
private let cheap = 1 << 14

struct EncryptionBench {
    let folder: TemporaryFolder
    let database: BoxDatabase
    let sealer: SecretSealer
    let site = SiteID.timeOrdered(at: Date())
    let clip = ClipID.timeOrdered(at: Date())

    init() async throws {
        folder = try TemporaryFolder()
        database = try BoxDatabase(path: folder.path + "/box.sqlite")
        sealer = try SecretSealer(keyFile: folder.path + "/key")
        let site = site
        try await database.write { try SiteRecord(id: site, name: "Shop", timeZone: "UTC", companyId: nil, createdAt: Date()).insert($0) }
    }

    func encryption() async throws -> SiteEncryption {
        let now = { @Sendable in Date(timeIntervalSince1970: 1_800_000_000) }
        let time = TimeSource(now: now, uptime: { .zero }, sleep: { _ in })
        let encryption = SiteEncryption(box: "GH1", database: database, sealer: sealer, time: time, rounds: cheap)
        try await encryption.load()
        return encryption
    }
}

@Suite struct SiteKeyTests {
    private let clip = ClipID.timeOrdered(at: Date())

    private func key() -> ClipKey {
        var generator = SystemRandomNumberGenerator()
        return ClipKey(using: &generator)
    }

    @Test func aWrappedKeyOpensForItsSiteAndItsClipAlone() throws {
        let (site, key) = (SiteKey(), key())
        let wrapped = try SiteKey.wrap(key, of: clip, for: site.publicKey)
        #expect(try site.open(wrapped, of: clip) == key)
        #expect(wrapped.kid == Hexadecimal.text(key.identifier) && wrapped.siteKey == site.name)
        #expect(try SiteKey.wrap(key, of: clip, for: site.publicKey).wrappedKey != wrapped.wrappedKey)
        #expect(throws: FootageKeyError.otherSiteKey(site.name)) { try SiteKey().open(wrapped, of: clip) }
        #expect(throws: FootageKeyError.damaged("clip's key")) { try site.open(wrapped, of: .timeOrdered(at: .distantPast)) }
        let text = String(decoding: try GatehouseJSON.encoder.encode(wrapped), as: UTF8.self)
        #expect(!text.contains(Hexadecimal.text(key.secret)) && !text.contains(Data(key.secret).base64EncodedString()))
    }

    @Test func aTamperedWrappingDoesNotOpen() throws {
        let (site, key) = (SiteKey(), key())
        let wrapped = try SiteKey.wrap(key, of: clip, for: site.publicKey)
        let bytes = try #require(Data(base64Encoded: wrapped.wrappedKey))
        for place in stride(from: 0, to: bytes.count, by: 7) {
            var changed = bytes
            changed[place] ^= 1
            let other = ClipEncryption(
                scheme: "cenc", kid: wrapped.kid, wrapping: wrapped.wrapping, wrappedKey: changed.base64EncodedString(),
                siteKey: wrapped.siteKey, picture: .aes256GCM)
            #expect(throws: FootageKeyError.self) { try site.open(other, of: clip) }
        }
        let renamed = ClipEncryption(
            scheme: "cenc", kid: String(wrapped.kid.reversed()), wrapping: wrapped.wrapping, wrappedKey: wrapped.wrappedKey,
            siteKey: wrapped.siteKey, picture: .aes256GCM)
        #expect(throws: FootageKeyError.self) { try site.open(renamed, of: clip) }
    }

    @Test func thePictureOpensWithItsClipsKeyAlone() throws {
        let (one, other) = (key(), key())
        let sealed = Data(try one.sealPicture([1, 2, 3], of: clip))
        #expect(try one.openPicture(sealed, of: clip) == Data([1, 2, 3]))
        #expect(throws: FootageKeyError.self) { try other.openPicture(sealed, of: clip) }
        #expect(throws: FootageKeyError.self) { try one.openPicture(sealed.dropLast(), of: clip) }
    }

    @Test func aKeyIsNeverPrinted() throws {
        let key = key()
        var dumped = ""
        dump(key, to: &dumped)
        let printed = "\(key) \(String(reflecting: key)) \(dumped) \(String(describing: Optional(key)))"
        #expect(!printed.contains(key.secret.map(String.init).joined(separator: ", ")) && !printed.contains("secret"))
        let license = String(decoding: try GatehouseJSON.encoder.encode(key.clearKeyLicense), as: UTF8.self)
        #expect(license.contains("\"kty\":\"oct\"") && license.contains("\"type\":\"temporary\"") && !license.contains("="))
    }
}

@Suite struct RecoveryFileTests {
    private let code = VerificationCode(typed: "Harbour-Lamp-2026")

    @Test func itOpensWithItsCodeAlone() throws {
        let site = SiteKey()
        let file = RecoveryFile(
            box: "GH1", siteName: "Shop", codeSetAt: Date(timeIntervalSince1970: 1), key: try LockedSiteKey(site, code: code, rounds: cheap)
        )
        let read = try RecoveryFile.read(try file.data)
        #expect(read == file && read.siteKey == site.name)
        #expect(try read.key.open(code).publicKey == site.publicKey)
        #expect(throws: FootageKeyError.wrongCode) { try read.key.open(VerificationCode(typed: "harbour-lamp-2026")) }
        #expect(!String(decoding: try file.data, as: UTF8.self).contains(site.secret.base64EncodedString()))
    }

    @Test func aChangedFileDoesNotOpen() throws {
        let locked = try LockedSiteKey(SiteKey(), code: code, rounds: cheap)
        let text = String(
            decoding: try RecoveryFile(box: "GH1", siteName: "Shop", codeSetAt: .distantPast, key: locked).data, as: UTF8.self)
        for (old, new) in [
            ("\"version\" : 1", "\"version\" : 2"), ("gatehouse-footage", "other-footage"), (locked.name, "0123456789abcdef"),
        ] {
            #expect(throws: FootageKeyError.damaged("recovery file")) { try RecoveryFile.read(Data(text.replacing(old, with: new).utf8)) }
        }
        // Neither more memory than the machine has nor a guess for nothing.
        for rounds in ["2", "16383", "1073741824", "-4"] {
            let file = try RecoveryFile.read(Data(text.replacing("\(cheap)", with: rounds).utf8))
            #expect(throws: FootageKeyError.damaged("site's key")) { try file.key.open(code) }
        }
        #expect(throws: FootageKeyError.self) { try RecoveryFile.read(Data("{}".utf8)) }
    }
}

@Suite struct VerificationCodeTests {
    @Test func aDrawnCodeMayBeTypedAnyWay() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 { try VerificationCode(using: &generator).check() }
        let code = VerificationCode(using: &generator)
        #expect(code.text.count == 19)
        let typed = " " + code.text.lowercased().replacing("-", with: " ") + "\n"
        #expect(VerificationCode(typed: typed) == code)
    }

    @Test(arguments: [
        "short", "aaaaaaaaaaaaaaaa", "password1234", "abcdefghijkl", "Summer12345!x", "onlysmallletters", "hamster table bred",
    ])
    func aWeakCodeIsRefused(_ text: String) {
        #expect(throws: VerificationCode.Weakness.self) { try VerificationCode(typed: text).check() }
    }

    @Test(arguments: ["Harbour-Lamp-2026", "correct horse battery staple", "Grün&Blau-7Türme"]) func aStrongCodeIsTaken(_ text: String)
        throws
    {
        try VerificationCode(typed: text).check()
    }
}

@Suite struct SiteEncryptionTests {
    private let code = VerificationCode(typed: "Harbour-Lamp-2026")

    @Test func nothingIsEncryptedUntilItIsSwitchedOn() async throws {
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        #expect(try encryption.issueKey(for: bench.clip, of: bench.site) == nil)
        await #expect(throws: EncryptionRefusal.notSet) { try await encryption.set(enabled: false, code: nil, of: bench.site) }
        await #expect(throws: EncryptionRefusal.self) {
            try await encryption.set(enabled: true, code: VerificationCode(typed: "weak"), of: bench.site)
        }
        #expect(!encryption.view(of: bench.site).enabled)
        let unread = SiteEncryption(box: "GH1", database: bench.database, sealer: bench.sealer, time: .system)
        #expect(throws: EncryptionRefusal.self) { try unread.issueKey(for: bench.clip, of: bench.site) }
    }

    @Test func aNewCodeOpensOldClipsAndTheOldOneDoesNot() async throws {
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        let drawn = try #require(try await encryption.set(enabled: true, code: nil, of: bench.site))
        let issued = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        let other = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        #expect(issued.key != other.key && issued.encryption.kid != other.encryption.kid)
        func opened(_ code: VerificationCode, _ by: SiteEncryption) async throws -> ClipKey {
            try await by.key(of: bench.clip, issued.encryption, code: code)
        }
        #expect(try await opened(drawn, encryption) == issued.key)
        let old = try await encryption.recoveryFile(of: bench.site)
        #expect(try await encryption.set(enabled: true, code: code, by: .presentCode(drawn), of: bench.site) == nil)
        #expect(try await opened(code, encryption) == issued.key)
        await #expect(throws: EncryptionRefusal.key(.wrongCode)) { try await opened(drawn, encryption) }
        // Switched off, started anew: what was encrypted still opens.
        _ = try await encryption.set(enabled: false, code: nil, of: bench.site)
        let again = try await bench.encryption()
        #expect(try again.issueKey(for: bench.clip, of: bench.site) == nil)
        #expect(try await opened(code, again) == issued.key)
        // Both recovery files open it, each with its own code.
        let new = try await again.recoveryFile(of: bench.site)
        #expect(try old.key.open(drawn).open(issued.encryption, of: bench.clip) == issued.key)
        #expect(try new.key.open(code).open(issued.encryption, of: bench.clip) == issued.key)
        #expect(old.siteKey == new.siteKey && new.siteName == "Shop")
    }

    @Test func wrongCodesAreCountedAndTheDatabaseHoldsNoKey() async throws {
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        _ = try await encryption.set(enabled: true, code: code, of: bench.site)
        let issued = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        for index in 0..<10 {
            await #expect(throws: EncryptionRefusal.key(.wrongCode)) {
                let wrong = VerificationCode(typed: "Not-the-code-\(index)")
                _ = try await encryption.key(of: bench.clip, issued.encryption, code: wrong)
            }
        }
        await #expect(throws: EncryptionRefusal.tooManyAttempts(retryAfter: 600)) {
            try await encryption.key(of: bench.clip, issued.encryption, code: code)
        }
        let secret = try await encryption.recoveryFile(of: bench.site).key.open(code).secret
        for name in ["box.sqlite", "box.sqlite-wal"] {
            let bytes = try Data(contentsOf: URL(filePath: bench.folder.path + "/" + name))
            for wanted in [secret, Data(secret.base64EncodedString().utf8), Data(issued.key.secret), Data(code.text.utf8)] {
                #expect(bytes.range(of: wanted) == nil)
            }
        }
    }
}

@Suite struct RecoveryImportTests {
    private let code = VerificationCode(typed: "Harbour-Lamp-2026")
    private let other = VerificationCode(typed: "Nine-Bells-at-0600")

    /// A box that is lost: a clip of it, and its recovery file.
    private func lost() async throws -> (ClipEncryption, ClipID, RecoveryFile) {
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        _ = try await encryption.set(enabled: true, code: code, of: bench.site)
        let issued = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        return (issued.encryption, bench.clip, try await encryption.recoveryFile(of: bench.site))
    }

    @Test func aBoxWithoutAKeyTakesTheOneOfTheFile() async throws {
        let (clip, id, file) = try await lost()
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        await #expect(throws: EncryptionRefusal.key(.otherSiteKey(file.siteKey))) { try await encryption.key(of: id, clip, code: code) }
        await #expect(throws: EncryptionRefusal.key(.wrongCode)) { try await encryption.importKey(file, code: other, into: bench.site) }
        #expect(try await encryption.importKey(file, code: code, into: bench.site) == .adopted)
        let again = try await bench.encryption()
        _ = try await again.key(of: id, clip, code: code)
        #expect(try await again.importKey(file, code: code, into: bench.site) == .known)
        #expect(again.view(of: bench.site).enabled && again.view(of: bench.site).siteKey == file.siteKey)
        // It is the site's own from then on: another code opens what is there and what comes.
        let issued = try #require(try again.issueKey(for: bench.clip, of: bench.site))
        _ = try await again.set(enabled: true, code: other, by: .presentCode(code), of: bench.site)
        _ = try await again.key(of: id, clip, code: other)
        _ = try await again.key(of: bench.clip, issued.encryption, code: other)
    }

    @Test func aBoxWithAKeyKeepsItAndOpensWhatIsOfTheFile() async throws {
        let (clip, id, file) = try await lost()
        let bench = try await EncryptionBench()
        let encryption = try await bench.encryption()
        _ = try await encryption.set(enabled: true, code: other, of: bench.site)
        let issued = try #require(try encryption.issueKey(for: bench.clip, of: bench.site))
        #expect(try await encryption.importKey(file, code: code, into: bench.site) == .added)
        #expect(encryption.importedKeys.map(\.siteKey) == [file.siteKey])
        let again = try await bench.encryption()
        _ = try await again.key(of: id, clip, code: code)
        _ = try await again.key(of: bench.clip, issued.encryption, code: other)
        await #expect(throws: EncryptionRefusal.key(.wrongCode)) { try await again.key(of: id, clip, code: other) }
        #expect(try again.issueKey(for: bench.clip, of: bench.site)?.encryption.siteKey == issued.encryption.siteKey)
        // Before the box is claimed there is no site that could take it.
        let unclaimed = try await EncryptionBench()
        #expect(try await unclaimed.encryption().importKey(file, code: code, into: nil) == .added)
        _ = try await unclaimed.encryption().key(of: id, clip, code: code)
    }

    @Test func aFileThatCostsMoreThanABoxesOwnIsNotOpened() async throws {
        let bench = try await EncryptionBench()
        let locked = try LockedSiteKey(SiteKey(), code: code, rounds: cheap)
        let text = String(decoding: try RecoveryFile(box: "GH1", siteName: "", codeSetAt: .distantPast, key: locked).data, as: UTF8.self)
        let costly = try RecoveryFile.read(Data(text.replacing("\(cheap)", with: "\(1 << 20)").utf8))
        await #expect(throws: EncryptionRefusal.key(.damaged("recovery file"))) {
            try await bench.encryption().importKey(costly, code: code, into: bench.site)
        }
    }
}
