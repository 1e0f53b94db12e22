import BoxDatabase
import Foundation
import TestSupport
import Testing

/// A key file is made once and never replaced; `Encryption` is what depends on it.
@Suite struct EncryptionKeyFileTests {
    @Test func itIsMadeOnceAndReadAgain() throws {
        let folder = try TemporaryFolder()
        let made = try KeyFile.bytes(at: folder.path + "/key")
        #expect(made.count == 32)
        #expect(try KeyFile.bytes(at: folder.path + "/key") == made)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["key"])
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func whoComeAtOnceGetOneKey() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/key"
        let keys = try await withThrowingTaskGroup(of: Data.self) { group in
            for _ in 0..<16 { group.addTask { try KeyFile.bytes(at: path) } }
            return try await group.reduce(into: Set<Data>()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["key"])
    }

    @Test func whatCannotBeReadIsNotReplaced() throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        // A loop, a link to nowhere, a folder (which opens, but gives EISDIR), a file as a folder.
        try files.createSymbolicLink(atPath: folder.path + "/loop", withDestinationPath: folder.path + "/loop")
        try files.createSymbolicLink(atPath: folder.path + "/nowhere", withDestinationPath: folder.path + "/absent")
        try files.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: false)
        try Data("half a key".utf8).write(to: URL(filePath: folder.path + "/half"))
        try Data(count: 33).write(to: URL(filePath: folder.path + "/long"))
        let before = try files.contentsOfDirectory(atPath: folder.path).sorted()
        for name in ["loop", "nowhere", "folder", "half", "long", "half/key"] {
            #expect(throws: KeyFileError.self) { try KeyFile.bytes(at: folder.path + "/" + name) }
        }
        #expect(try files.contentsOfDirectory(atPath: folder.path).sorted() == before)
        #expect(try Data(contentsOf: URL(filePath: folder.path + "/half")) == Data("half a key".utf8))
    }

    @Test func aCredentialSealsIt() throws {
        let folder = try TemporaryFolder()
        let (key, credential, other) = (folder.path + "/secret.key", folder.path + "/credential", folder.path + "/other")
        try Data(repeating: 7, count: 32).write(to: URL(filePath: credential))
        try Data(repeating: 8, count: 40).write(to: URL(filePath: other))
        // One that lay open is sealed, and is the same.
        let bytes = try KeyFile.bytes(at: key)
        #expect(try KeyFile.bytes(at: key, credential: credential) == bytes)
        let sealed = try #require(FileManager.default.contents(atPath: key))
        #expect(sealed.count == 60 && sealed.range(of: bytes) == nil)
        #expect(try KeyFile.bytes(at: key, credential: credential) == bytes)
        #expect(FileManager.default.contents(atPath: key) == sealed)
        for wrong in [nil, other, folder.path + "/nowhere"] {
            #expect(throws: KeyFileError.self) { try KeyFile.bytes(at: key, credential: wrong) }
        }
        #expect(FileManager.default.contents(atPath: key) == sealed, "nothing replaces one that cannot be opened")
        // One is not taken for another.
        try FileManager.default.copyItem(atPath: key, toPath: folder.path + "/footage.key")
        #expect(throws: KeyFileError.self) { try KeyFile.bytes(at: folder.path + "/footage.key", credential: credential) }
        // A new one never lies open.
        let made = try KeyFile.bytes(at: folder.path + "/new.key", credential: credential)
        #expect(FileManager.default.contents(atPath: folder.path + "/new.key")?.range(of: made) == nil)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.contains("new.key.") || $0.hasSuffix(".sealed") }
                .isEmpty)
    }

    @Test func aShortCredentialIsNone() throws {
        let folder = try TemporaryFolder()
        try Data(repeating: 7, count: 31).write(to: URL(filePath: folder.path + "/credential"))
        #expect(throws: KeyFileError.self) { try KeyFile.bytes(at: folder.path + "/key", credential: folder.path + "/credential") }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/key"))
    }
}
