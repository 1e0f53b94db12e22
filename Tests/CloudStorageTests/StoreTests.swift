import Crypto
import Foundation
import NIOHTTP1
import TestSupport
import Testing

@testable import CloudStorage
import Core

@Suite struct SignatureV4Tests {
    /// The example "GET Object" of AWS's documentation of Signature Version 4.
    @Test func signsAsTheDocumentationDoes() throws {
        let signer = SignatureV4(
            accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", sessionToken: nil,
            region: "us-east-1")
        let time = Date(timeIntervalSince1970: 1_369_353_600)
        let signed = signer.sign(
            method: "GET", path: "/test.txt", headers: ["host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9"],
            bodySHA256: S3Store.emptySHA256, at: time)
        #expect(signed["x-amz-date"] == "20130524T000000Z")
        #expect(
            signed["authorization"]?.hasSuffix("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41") == true)
    }

    @Test func encodesWhatMustBeEncoded() {
        #expect(SignatureV4.encode("a b/é~", keepingSlashes: true) == "a%20b/%C3%A9~")
        #expect(SignatureV4.encode("a/b") == "a%2Fb")
    }
}

@Suite struct S3AnswerTests {
    private func kind(_ status: UInt, _ code: String = "", headers: HTTPHeaders = [:]) -> StoreError.Kind {
        S3Answer(status: status, body: "<?xml version=\"1.0\"?><Error><Code>\(code)</Code></Error>", headers: headers).error.kind
    }

    @Test func sortsWhatOnlyAPersonCanMend() {
        #expect(kind(403, "SignatureDoesNotMatch") == .refused)
        #expect(kind(403, "RequestTimeTooSkewed") == .refused)
        #expect(kind(400, "ExpiredToken") == .refused)
        #expect(kind(404, "NoSuchBucket") == .noBucket)
        #expect(kind(412) == .exists)
        #expect(kind(503, "SlowDown") == .busy)
        #expect(kind(418) == .nonsense)
        let answer = S3Answer(status: 503, body: "", headers: ["retry-after": "17"])
        #expect(answer.error.retryAfter == .seconds(17))
    }
}

@Suite struct FolderStoreTests {
    private func upload(_ text: String, key: String = "a/b/c.mp4", sha256: String? = nil) -> ObjectUpload {
        let data = Data(text.utf8)
        return ObjectUpload(
            key: key, content: .data(data), bytes: data.count, sha256: sha256 ?? Sidecar.sha256(data), contentType: "video/mp4")
    }

    @Test func aKeyIsTakenOnceAndWhole() async throws {
        let folder = try TemporaryFolder()
        let store = FolderStore(root: folder.path)
        try await store.put(upload("one")) { _ in }
        let error = await #expect(throws: StoreError.self) { try await store.put(upload("two")) { _ in } }
        #expect(error?.kind == .exists)
        #expect(try await store.head("a/b/c.mp4") == ObjectInfo(bytes: 3, sha256: Sidecar.sha256(Data("one".utf8))))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a/b") == ["c.mp4"])
    }

    @Test func whatAKilledBoxHadBegunIsClearedAway() async throws {
        let folder = try TemporaryFolder()
        let store = FolderStore(root: folder.path)
        try await store.put(upload("one")) { _ in }
        let left = folder.path + "/a/b/.0A1B2C3D-left.part"
        try Data("half".utf8).write(to: URL(filePath: left))
        #expect(try await store.clearLeftovers(under: "a/") == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a/b") == ["c.mp4"])
        #expect(try await store.clearLeftovers(under: "nowhere/") == 0)
    }

    @Test func aChangedBodyIsRefused() async throws {
        let folder = try TemporaryFolder()
        let store = FolderStore(root: folder.path)
        let error = await #expect(throws: StoreError.self) {
            try await store.put(upload("one", sha256: String(repeating: "0", count: 64))) { _ in }
        }
        #expect(error?.kind == .corrupted)
        #expect(try await store.head("a/b/c.mp4") == nil)
    }

    @Test func whatTheDiskSaysIsPutIntoWords() {
        let words: [Int32: (StoreError.Kind, String)] = [
            ENOENT: (.noBucket, "Is its disk mounted?"), EACCES: (.refused, "right to write"), EROFS: (.refused, "can only be read"),
            ENOSPC: (.full, "is full"), EDQUOT: (.full, "is full"), ENOTDIR: (.refused, "a file and no folder"),
            EIO: (.unreachable, "Check that it is connected."), ESTALE: (.unreachable, "Check that it is connected."),
        ]
        for (code, (kind, words)) in words {
            errno = code
            let error = FolderStore.storeError(FileError("write", "/mnt/clips/x"), "/mnt/clips")
            #expect(error.kind == kind && error.sentence.contains(words) && error.sentence.contains("/mnt/clips"), "\(error)")
        }
    }

    @Test func aFolderWhoseDiskIsGoneOrInWhoseWayAFileLiesSaysSo() async throws {
        let folder = try TemporaryFolder()
        let store = FolderStore(root: folder.path + "/away")
        let upload = ObjectUpload(key: "a/b", content: .data(Data()), bytes: 0, sha256: Sidecar.sha256(Data()), contentType: "x")
        await #expect { try await store.put(upload) { _ in } } throws: { ($0 as? StoreError)?.kind == .noBucket }
        await #expect { try await store.read("a/b", range: 0..<1) { _ in } } throws: { ($0 as? StoreError)?.kind == .noBucket }
        // Nothing is absent or removed by that.
        await #expect { _ = try await store.head("a/b") } throws: { ($0 as? StoreError)?.kind == .noBucket }
        await #expect { try await store.delete("a/b") } throws: { ($0 as? StoreError)?.kind == .noBucket }
        try FolderStore.prepare(root: folder.path + "/away/deep")
        try FolderStore.prepare(root: folder.path + "/away/deep")
        await #expect { try await store.read("a/b", range: 0..<1) { _ in } } throws: { ($0 as? StoreError)?.kind == .gone }
        #expect(try await store.head("a/b") == nil)
        try await store.delete("a/b")
        #expect(FileManager.default.createFile(atPath: folder.path + "/away/a", contents: nil))
        await #expect { try await store.put(upload) { _ in } } throws: {
            ($0 as? StoreError)?.sentence.contains("is a file and no folder") ?? false
        }
    }

    @Test(arguments: ["../x", "a/../../x", "/etc/x", "a//b", "a/.hidden", ""])
    func noKeyLeavesTheFolder(key: String) async throws {
        let folder = try TemporaryFolder()
        let store = FolderStore(root: folder.path)
        await #expect(throws: StoreError.self) { try await store.put(upload("x", key: key)) { _ in } }
    }
}
