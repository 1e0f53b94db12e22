import BoxDatabase
import Core
import Foundation
import GRDB
import Glibc
import Tar
import Testing

@testable import Backup

/// A folder that goes with the test.
private final class Folder {
    let path = NSTemporaryDirectory() + "/backup-\(UUID().uuidString)"
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ data: Data) throws -> String {
        try data.write(to: URL(fileURLWithPath: path + "/" + name))
        return path + "/" + name
    }
}

@Suite struct AgeFileTests {
    private let passphrase = "nine calm herons by noon"

    private func encrypted(_ data: Data, in folder: Folder) throws -> String {
        let path = try folder.write("file", Data())
        let file = try #require(FileHandle(forWritingAtPath: path))
        let writer = try AgeWriter(file, passphrase: passphrase, workFactor: 4)
        var rest = data[...]
        while !rest.isEmpty {
            try writer.write(Data(rest.prefix(10_007)))
            rest = rest.dropFirst(10_007)
        }
        try writer.finish()
        return path
    }

    private func decrypted(_ path: String, _ passphrase: String? = nil) throws -> Data {
        var reader = try AgeReader(try #require(FileHandle(forReadingAtPath: path)), passphrase: passphrase ?? self.passphrase)
        var data = Data()
        while let piece = try reader.next() { data.append(piece) }
        return data
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000])
    func whatGoesInComesOut(bytes: Int) throws {
        let folder = try Folder()
        let data = Data((0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let path = try encrypted(data, in: folder)
        #expect(try decrypted(path) == data)
        #expect(throws: BackupFailure.wrongPassphrase) { try decrypted(path, "another calm heron") }
    }

    @Test func whatWasChangedOrCutIsNotGiven() throws {
        let folder = try Folder()
        let data = Data((0..<150_000).map { UInt8(truncatingIfNeeded: $0) })
        let whole = try Data(contentsOf: URL(fileURLWithPath: try encrypted(data, in: folder)))
        for cut in [0, 10, 60, 150, 170, 65_000, whole.count - 65_552, whole.count - 1] {
            let path = try folder.write("cut", whole.prefix(cut))
            #expect(throws: BackupFailure.self, "cut at \(cut)") { try decrypted(path) }
        }
        #expect(throws: BackupFailure.self) { try decrypted(try folder.write("more", whole + Data([0]))) }
        for place in stride(from: 0, to: whole.count, by: 1_009) {
            var changed = whole
            changed[place] ^= 1
            let path = try folder.write("changed", changed)
            #expect(throws: BackupFailure.self, "changed at \(place)") { try decrypted(path) }
        }
        // Two pieces the other way round.
        let header = whole.count - (2 * 65_552 + 150_000 - 131_072 + 16)
        let swapped =
            whole.prefix(header) + whole[(header + 65_552)..<(header + 131_104)] + whole[header..<(header + 65_552)]
            + whole.suffix(from: header + 131_104)
        #expect(throws: BackupFailure.cut) { try decrypted(try folder.write("swapped", swapped)) }
    }

    @Test(arguments: [
        "", "age-encryption.org/v1\n", "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\nAAAA\n--- AAAA\n",
        "age-encryption.org/v1\n-> X25519 AAAA\nAAAA\n--- AAAA\n",
        "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 04\nAAAA\n--- AAAA\n",
        "\n--- \n", String(repeating: "-> ", count: 5_000),
    ])
    func whatIsNoneIsToldApart(text: String) throws {
        let folder = try Folder()
        let path = try folder.write("none", Data(text.utf8))
        #expect(throws: BackupFailure.notOne) { try decrypted(path) }
    }
}

@Suite struct BoxBackupTests {
    private let passphrase = "nine calm herons by noon"
    private let now = Date(timeIntervalSince1970: 1_790_000_000)

    /// Of the length of a key.
    private static func content(_ word: String, _ name: String) -> String {
        if name == "identity.json" { return #"{"serialNumber":"\#(word == "first" ? "GH1" : "GH2")"}"# }
        return "\(word) \(name)".padding(toLength: 32, withPad: ".", startingAt: 0)
    }

    /// The state folder of a box that knows one thing.
    private func box(in folder: Folder, word: String) throws -> (state: String, database: BoxDatabase) {
        let state = folder.path + "/\(word)"
        try FileManager.default.createDirectory(atPath: state + "/tls", withIntermediateDirectories: true)
        for name in BoxBackup.files { try Data(Self.content(word, name).utf8).write(to: URL(fileURLWithPath: state + "/" + name)) }
        try Data("label".utf8).write(to: URL(fileURLWithPath: state + "/setup-code"))
        let database = try BoxDatabase(path: state + "/box.sqlite")
        try database.queue.write { try $0.set("box.name", to: word) }
        return (state, database)
    }

    private func made(_ state: String, _ database: BoxDatabase, in folder: Folder) throws -> String {
        let path = folder.path + "/\(UUID().uuidString).backup"
        try BoxBackup.make(
            of: state, database, BackupManifest(serialNumber: "GH1", version: "1.0", createdAt: now), to: path, passphrase: passphrase,
            keyCredential: nil, workFactor: 4)
        return path
    }

    @Test func anotherBoxBeginsWithIt() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        // What is written meanwhile and afterwards is not in it; the box goes on.
        try database.queue.write { try $0.set("box.name", to: "later") }
        let other = folder.path + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        let manifest = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: false, now: now)
        #expect(manifest.serialNumber == "GH1")
        for name in BoxBackup.files {
            #expect(try String(contentsOfFile: other + "/" + name, encoding: .utf8) == Self.content("first", name))
            #expect(try FileManager.default.attributesOfItem(atPath: other + "/" + name)[.posixPermissions] as? Int == 0o600)
        }
        #expect(!FileManager.default.fileExists(atPath: other + "/setup-code"))
        #expect(!FileManager.default.fileExists(atPath: other + "/restore.new"))
        let restored = try BoxDatabase(path: other + "/box.sqlite")
        #expect(try restored.queue.read { try $0.setting("box.name", as: String.self) } == "first")
        // Nothing of it lies in the backup in the clear.
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        for secret in ["first secret.key", "box.name", "SQLite format"] { #expect(bytes.firstRange(of: Data(secret.utf8)) == nil) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains(".sqlite") } == [])
    }

    @Test func aBoxIsNotReplacedUnlessItShallBeAndIsKeptThen() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        let other = try box(in: folder, word: "second").state
        #expect(throws: BackupFailure.self) { try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: false, now: now) }
        #expect(throws: BackupFailure.wrongPassphrase) {
            try BoxBackup.restore(path, passphrase: "x", into: other, replaces: true, now: now)
        }
        #expect(try String(contentsOfFile: other + "/secret.key", encoding: .utf8) == Self.content("second", "secret.key"))
        _ = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: true, now: now)
        #expect(try String(contentsOfFile: other + "/secret.key", encoding: .utf8) == Self.content("first", "secret.key"))
        #expect(try String(contentsOfFile: other + "/setup-code", encoding: .utf8) == "label")
        let former = other + "/former-1790000000"
        #expect(try String(contentsOfFile: former + "/tls/key.pem", encoding: .utf8) == Self.content("second", "tls/key.pem"))
        #expect(try BoxDatabase(path: former + "/box.sqlite").queue.read { try $0.setting("box.name", as: String.self) } == "second")
    }

    @Test func aRestoringThatWasCutOffIsBegunAgain() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        let other = folder.path + "/other"
        try FileManager.default.createDirectory(atPath: other + "/tls", withIntermediateDirectories: true)
        for name in ["restoring", "identity.json", "tls/key.pem"] {
            try Data("half".utf8).write(to: URL(fileURLWithPath: other + "/" + name))
        }
        _ = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: false, now: now)
        #expect(try String(contentsOfFile: other + "/tls/key.pem", encoding: .utf8) == Self.content("first", "tls/key.pem"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: other).filter { $0.hasPrefix("former-") || $0 == "restoring" } == [])
    }

    @Test func whatWasBeingPutAsideIsPutThereToTheEnd() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        try Data(#"{"serialNumber":"GH1"}"#.utf8).write(to: URL(fileURLWithPath: state + "/identity.json"))
        let path = try made(state, database, in: folder)
        let other = try box(in: folder, word: "second").state
        try FileManager.default.createDirectory(atPath: other + "/spool", withIntermediateDirectories: true)
        // As a power cut leaves it: of the same box, its identity gone aside and the rest not.
        try FileManager.default.createDirectory(atPath: other + "/former-1", withIntermediateDirectories: true)
        try Data(#"{"serialNumber":"GH1"}"#.utf8).write(to: URL(fileURLWithPath: other + "/former-1/identity.json"))
        try FileManager.default.removeItem(atPath: other + "/identity.json")
        try Data(#"{"former":"former-1","names":["identity.json","secret.key","box.sqlite"]}"#.utf8).write(
            to: URL(fileURLWithPath: other + "/restoring"))
        _ = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: true, now: now)
        #expect(try String(contentsOfFile: other + "/former-1/secret.key", encoding: .utf8) == Self.content("second", "secret.key"))
        #expect(
            try BoxDatabase(path: other + "/former-1/box.sqlite").queue.read { try $0.setting("box.name", as: String.self) } == "second")
        #expect(FileManager.default.fileExists(atPath: other + "/spool"))
        #expect(!FileManager.default.fileExists(atPath: other + "/restoring"))
        #expect(try BoxDatabase(path: other + "/box.sqlite").queue.read { try $0.setting("box.name", as: String.self) } == "first")
    }

    /// While a box runs only the first half is done; the second is done by its next start, once, wherever that was cut off.
    @Test func aRunningBoxIsLeftAloneUntilItsNextStart() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        let other = try box(in: folder, word: "second").state
        func name() throws -> String? {
            try BoxDatabase(path: other + "/box.sqlite").queue.read { try $0.setting("box.name", as: String.self) }
        }
        #expect(throws: BackupFailure.wrongPassphrase) { try BoxBackup.unpack(path, passphrase: "another heron", in: other) }
        #expect(!BoxBackup.isUnpacked(in: other) && !FileManager.default.fileExists(atPath: other + "/restore.new"))
        #expect(try BoxBackup.unpack(path, passphrase: passphrase, in: other).serialNumber == "GH1")
        #expect(try name() == "second" && BoxBackup.isUnpacked(in: other))
        try BoxBackup.begin(in: other, now: now)
        #expect(try name() == "first" && !BoxBackup.isUnpacked(in: other))
        // A power cut before the mark was gone.
        try Data(#"{"names":[]}"#.utf8).write(to: URL(fileURLWithPath: other + "/restoring"))
        #expect(BoxBackup.isUnpacked(in: other))
        try BoxBackup.begin(in: other, now: now.addingTimeInterval(60))
        #expect(try name() == "first" && !BoxBackup.isUnpacked(in: other))
        let former = try FileManager.default.contentsOfDirectory(atPath: other).filter { $0.hasPrefix("former-") }
        #expect(former == ["former-1790000000"])
    }

    private struct PowerCut: Error {}

    /// Wherever the second half is cut off, its next try ends with the restored box whole and the former one aside.
    @Test func aPowerCutAtAnyStepLosesNeitherBox() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        var (cuts, isThrough) = (0, false)
        while !isThrough {
            let other = try box(in: folder, word: "second").state
            defer { try? FileManager.default.removeItem(atPath: other) }
            try FileManager.default.createDirectory(atPath: other + "/spool", withIntermediateDirectories: true)
            _ = try BoxBackup.unpack(path, passphrase: passphrase, in: other)
            var steps = 0
            do {
                try BoxBackup.begin(in: other, now: now) {
                    if steps == cuts { throw PowerCut() }
                    steps += 1
                }
                isThrough = true
            } catch is PowerCut {
                // The first step comes before anything; after the last one nothing is left to be done but to tidy up.
                if BoxBackup.isUnpacked(in: other) { try BoxBackup.begin(in: other, now: now.addingTimeInterval(60)) }
            }
            #expect(!BoxBackup.isBegun(in: other), "cut \(cuts)")
            let name = try BoxDatabase(path: other + "/box.sqlite").queue.read { try $0.setting("box.name", as: String.self) }
            #expect(name == "first", "cut \(cuts)")
            for file in BoxBackup.files {
                let content = try String(contentsOfFile: other + "/" + file, encoding: .utf8)
                #expect(content == Self.content("first", file), "\(file), cut \(cuts)")
            }
            let former = try FileManager.default.contentsOfDirectory(atPath: other).filter { $0.hasPrefix("former-") }
            #expect(former.count == 1, "cut \(cuts)")
            let aside = other + "/" + (former.first ?? "")
            let key = try String(contentsOfFile: aside + "/secret.key", encoding: .utf8)
            #expect(key == Self.content("second", "secret.key"), "cut \(cuts)")
            for kept in ["box.sqlite", "spool"] { #expect(FileManager.default.fileExists(atPath: aside + "/" + kept), "cut \(cuts)") }
            cuts += 1
        }
        #expect(cuts > 12)
    }

    @Test func whatIsWrongInABackupIsSeenBeforeAnythingIsTouched() throws {
        for (name, content) in [("identity.json", "{}"), ("identity.json", #"{"serialNumber":"GH9"}"#), ("secret.key", "short")] {
            let folder = try Folder()
            let (state, database) = try box(in: folder, word: "first")
            try Data(content.utf8).write(to: URL(fileURLWithPath: state + "/" + name))
            // Of a key file that is no key nothing is made in the first place.
            guard let path = try? made(state, database, in: folder) else { continue }
            let other = try box(in: folder, word: "second").state
            #expect(throws: BackupFailure.notOne, "\(name)") { try BoxBackup.unpack(path, passphrase: passphrase, in: other) }
            #expect(!BoxBackup.isUnpacked(in: other))
        }
    }

    /// A wrong passphrase does not take away what a restoring that was cut off still needs.
    @Test func aFurtherTryLeavesWhatWasBegunWith() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        let other = try box(in: folder, word: "second").state
        _ = try BoxBackup.unpack(path, passphrase: passphrase, in: other)
        var steps = 0
        #expect(throws: PowerCut.self) {
            try BoxBackup.begin(in: other, now: now) {
                steps += 1
                if steps > 3 { throw PowerCut() }
            }
        }
        #expect(throws: BackupFailure.wrongPassphrase) {
            _ = try BoxBackup.restore(path, passphrase: "another heron", into: other, replaces: true, now: now)
        }
        #expect(BoxBackup.isBegun(in: other) && BoxBackup.isUnpacked(in: other))
        // Without it the box is not begun with half of everything.
        BoxBackup.discard(in: other)
        #expect(throws: BackupFailure.self) { try BoxBackup.begin(in: other, now: now) }
        #expect(BoxBackup.isBegun(in: other))
    }

    @Test(arguments: BoxBackup.former)
    func aPartOfABoxIsOneToo(name: String) throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        let other = folder.path + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        try Data("rest".utf8).write(to: URL(fileURLWithPath: other + "/" + name))
        #expect(throws: BackupFailure.self) { try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: false, now: now) }
        _ = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: true, now: now)
        #expect(try String(contentsOfFile: other + "/former-1790000000/" + name, encoding: .utf8) == "rest")
        #expect(try BoxDatabase(path: other + "/box.sqlite").queue.read { try $0.setting("box.name", as: String.self) } == "first")
    }

    @Test(arguments: [true, false])
    func anotherBoxsFootageDoesNotBecomeThisOnes(isOther: Bool) throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        try Data(#"{"serialNumber":"GH1"}"#.utf8).write(to: URL(fileURLWithPath: state + "/identity.json"))
        let path = try made(state, database, in: folder)
        let other = try box(in: folder, word: "second").state
        try Data(#"{"serialNumber":"GH\#(isOther ? 2 : 1)"}"#.utf8).write(to: URL(fileURLWithPath: other + "/identity.json"))
        for name in BoxBackup.footage {
            try FileManager.default.createDirectory(atPath: other + "/" + name, withIntermediateDirectories: true)
        }
        _ = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: true, now: now)
        for name in BoxBackup.footage {
            #expect(FileManager.default.fileExists(atPath: other + "/" + name) == !isOther)
            #expect(FileManager.default.fileExists(atPath: other + "/former-1790000000/" + name) == isOther)
        }
    }

    @Test func whatIsRestoredBelongsToWhoHasTheFolder() throws {
        // Only root gives files away.
        guard geteuid() == 0 else { return }
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        let path = try made(state, database, in: folder)
        let other = try box(in: folder, word: "second").state
        try Data().write(to: URL(fileURLWithPath: other + "/lock"))
        let nobody = 65_534
        try FileManager.default.setAttributes([.ownerAccountID: nobody, .groupOwnerAccountID: nobody], ofItemAtPath: other)
        _ = try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: true, now: now)
        for name in BoxBackup.files + ["box.sqlite", "tls", "lock", "former-1790000000"] {
            #expect(try FileManager.default.attributesOfItem(atPath: other + "/" + name)[.ownerAccountID] as? Int == nobody, "\(name)")
        }
    }

    @Test func whatALaterProgramMadeIsNotTaken() throws {
        let folder = try Folder()
        let (state, database) = try box(in: folder, word: "first")
        try database.queue.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99: of later')") }
        let path = try made(state, database, in: folder)
        let other = folder.path + "/other"
        try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
        let found = #expect(throws: BackupFailure.self) {
            try BoxBackup.restore(path, passphrase: passphrase, into: other, replaces: false, now: now)
        }
        #expect(found?.description.contains("newer") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other) == [])
    }

    @Test(arguments: ["../evil", "/tmp/evil", "tls/../../evil", "spool/x"])
    func namesThatLeadElsewhereAreRefused(name: String) throws {
        let folder = try Folder()
        let path = try folder.write("evil.tar", Data())
        let file = try #require(FileHandle(forWritingAtPath: path))
        let tar = try TarWriter { try file.write(contentsOf: $0) }
        try tar.add(name, Data("x".utf8))
        try tar.finish()
        #expect(throws: TarFailure.notOne) {
            try TarReader.unpack(path, into: folder.path + "/out") { BoxBackup.needed.union(BoxBackup.files).contains($0) }
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/out"))
    }
}
