import BoxDatabase
import Core
import Foundation
import GRDB
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

/// Puts other bytes in the place of a clip, as encrypting it does.
private final class FakeProtection: UploadProtection {
    private let spool: Spool
    let isOn = Mutex(true)
    let encrypted = Counter()

    init(_ spool: Spool) { self.spool = spool }

    func mustEncrypt(_ manifest: ClipManifest) throws -> Bool { isOn.withLock { $0 } }

    func encrypt(_ manifest: ClipManifest) async throws {
        encrypted.next()
        let file = try await spool.beginReplacement(of: manifest.id)
        try await file.append(Array("noise of \(manifest.id)".utf8))
        var done = manifest
        done.encryption = ClipEncryption(
            scheme: "cenc", kid: "0", wrapping: "none", wrappedKey: "", siteKey: "a", picture: .aes256GCM)
        _ = try await spool.replace(done, picture: try await spool.picture(of: manifest).map { $0 + [1] })
    }
}

/// A folder that tells no digests, as some stores drop them, or removes nothing.
private struct OddStore: ObjectStore {
    let folder: FolderStore
    var dropsDigests = false
    var keepsAll = false
    var identity: String { folder.identity }

    func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {
        try await folder.put(upload, progress: progress)
    }
    func head(_ key: String) async throws -> ObjectInfo? {
        let info = try await folder.head(key)
        return dropsDigests ? info.map { ObjectInfo(bytes: $0.bytes, sha256: nil) } : info
    }
    func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        try await folder.read(key, range: range, to: body)
    }
    func list(_ prefix: String) async throws -> [ListedObject] { try await folder.list(prefix) }
    func delete(_ key: String) async throws {
        if keepsAll { throw StoreError(.refused, "no right to delete") }
        try await folder.delete(key)
    }
    func shutdown() async {}
}

@Suite(.serialized) struct WaitingEncryptionTests {
    private let store = FakeStore()
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func upload(_ bench: SpoolBench, _ protection: FakeProtection, to other: (any ObjectStore)? = nil) async throws {
        let uploader = Uploader(spool: bench.spool, protection: protection, time: bench.time.source, logger: quiet)
        uploader.use(other ?? store)
        try await bench.run(uploader, step: .seconds(1)) { #expect(await eventually { bench.directories.isEmpty }) }
    }

    /// Brings a clip's files into `store` as they lie in the spool, unseen by the box.
    private func putUnseen(_ clip: ClipManifest, _ bench: SpoolBench, in store: FolderStore) async throws {
        let directory = ClipDirectory(spool: bench.spool.path, id: clip.id)
        let names = [
            (ClipDirectory.clipName, clip.objectKey), (ClipDirectory.manifestName, clip.sidecarKey),
            (ClipDirectory.thumbnailName, clip.thumbnailKey),
        ]
        for (name, key) in names {
            let digest = try DurableFile.digest(directory.file(name))
            try await store.put(
                ObjectUpload(
                    key: key, content: .file(directory.file(name)), bytes: digest.bytes, sha256: digest.sha256, contentType: "x")
            ) { _ in }
        }
    }

    private func keys(_ store: FolderStore) async throws -> Set<String> { Set(try await store.list("").map(\.key)) }

    private var keys: Set<String> { store.state.withLock { Set($0.objects.keys) } }

    private func closed(_ clip: ClipManifest) -> Set<String> { [clip.objectKey, clip.sidecarKey, clip.openThumbnailKey + ".enc"] }

    @Test func aClipThatWaitedInTheOpenGoesUpEncrypted() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let protection = FakeProtection(bench.spool)
        try await upload(bench, protection)
        #expect(keys == closed(clip) && protection.encrypted.value == 1)
        let row = try #require(try await bench.spool.index.clip(clip.id))
        #expect(row.state == .stored && row.manifest.encryption != nil && row.manifest.clip?.sha256 != clip.clip?.sha256)
        #expect(bench.spool.bytes == 0)
    }

    @Test func aPictureThatWasThereInTheOpenIsRemoved() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        store.state.withLock { $0.objects[clip.thumbnailKey] = (2, "open") }
        try await bench.spool.index.notePreviewed(clip.id, place: store.identity)
        try await upload(bench, FakeProtection(bench.spool))
        #expect(keys == closed(clip))
    }

    @Test func whatIsThereInTheOpenWithItsAnswerLostStaysSo() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let file = try #require(clip.clip)
        store.state.withLock { $0.objects[clip.objectKey] = (file.bytes, file.sha256) }
        try await bench.spool.index.takeBack(clip.id)
        let protection = FakeProtection(bench.spool)
        try await upload(bench, protection)
        #expect(protection.encrypted.value == 0)
        #expect(keys == [clip.objectKey, clip.sidecarKey, clip.thumbnailKey])
    }

    @Test(arguments: [false, true]) func aRowThatMissedTheEncryptionIsMended(_ isOnStill: Bool) async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let protection = FakeProtection(bench.spool)
        // The power went after the manifest was written.
        try await protection.encrypt(clip)
        protection.isOn.withLock { $0 = isOnStill }
        try await upload(bench, protection)
        #expect(keys == closed(clip) && protection.encrypted.value == 1)
    }

    @Test func whatNobodyWantsEncryptedGoesUpAsItIs() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let protection = FakeProtection(bench.spool)
        protection.isOn.withLock { $0 = false }
        try await upload(bench, protection)
        #expect(keys == [clip.objectKey, clip.sidecarKey, clip.thumbnailKey])
    }

    @Test func aKeyThatMayNotDeleteKeepsNoClipFromGoingUp() async throws {
        let bench = try SpoolBench()
        store.keepsAll.withLock { $0 = true }
        let clip = try await bench.queueClip()
        store.state.withLock { $0.objects[clip.thumbnailKey] = (2, "open") }
        try await bench.spool.index.takeBack(clip.id)
        try await upload(bench, FakeProtection(bench.spool))
        #expect(try await bench.state(of: clip.id) == .stored)
        #expect(keys == closed(clip).union([clip.openThumbnailKey]))
    }

    @Test func anOpenPictureThatNobodySawIsRemoved() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        // The power went between the picture and its row.
        store.state.withLock { $0.objects[clip.thumbnailKey] = (2, "open") }
        try await upload(bench, FakeProtection(bench.spool))
        #expect(keys == closed(clip))
    }

    @Test func whatIsThereWithoutADigestIsSeenToo() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let folder = FolderStore(root: folder.path)
        try await putUnseen(clip, bench, in: folder)
        try await bench.spool.index.takeBack(clip.id)
        let protection = FakeProtection(bench.spool)
        try await upload(bench, protection, to: OddStore(folder: folder, dropsDigests: true))
        #expect(try await bench.state(of: clip.id) == .stored)
        #expect(protection.encrypted.value == 0)
        #expect(try await keys(folder) == [clip.objectKey, clip.sidecarKey, clip.thumbnailKey])
    }

    @Test(arguments: [false, true]) func anOpenCopyThatNobodySawGivesWay(_ dropsDigests: Bool) async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let folder = FolderStore(root: folder.path)
        try await putUnseen(clip, bench, in: folder)
        try await upload(bench, FakeProtection(bench.spool), to: OddStore(folder: folder, dropsDigests: dropsDigests))
        let row = try #require(try await bench.spool.index.clip(clip.id))
        #expect(row.state == .stored && row.manifest.encryption != nil)
        #expect(try await keys(folder) == closed(clip))
        #expect(try await folder.head(clip.objectKey)?.sha256 == row.manifest.clip?.sha256)
        let sidecar = try #require(try await folder.data(clip.sidecarKey))
        #expect(try GatehouseJSON.decoder.decode(ClipManifest.self, from: sidecar) == row.manifest)
    }

    @Test(arguments: [false, true]) func whatMayNotGiveWayDelaysItsClipAlone(_ isForeign: Bool) async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        let folder = FolderStore(root: folder.path)
        if isForeign {
            let data = Data("another's".utf8)
            try await folder.put(
                ObjectUpload(
                    key: clip.objectKey, content: .data(data), bytes: data.count, sha256: Sidecar.sha256(data), contentType: "x")
            ) { _ in }
        } else {
            try await putUnseen(clip, bench, in: folder)
        }
        let before = try await folder.head(clip.objectKey)
        let uploader = Uploader(
            spool: bench.spool, protection: FakeProtection(bench.spool), time: bench.time.source, logger: quiet)
        uploader.use(OddStore(folder: folder, keepsAll: !isForeign))
        try await bench.run(uploader, step: .seconds(1)) {
            #expect(await eventually { (try? await bench.spool.index.clip(clip.id))??.lastError != nil })
            let next = try await bench.queueClip()
            #expect(await eventually { (try? await bench.state(of: next.id)) == .stored })
            #expect(uploader.failure == nil)
        }
        let error = try #require(try await bench.spool.index.clip(clip.id)?.lastError)
        #expect(error.contains(isForeign ? "Another object" : "right to delete"))
        #expect(try await folder.head(clip.objectKey) == before)
        #expect(bench.directories.contains(clip.id.text))
    }

    @Test(arguments: [false, true]) func itsCopyForAMirrorOutlivesTheBox(_ hasLostPicture: Bool) async throws {
        let bench = try SpoolBench()
        let second = FakeStore("second")
        second.set(.fails(StoreError(.unreachable, "away")))
        let clip = try await bench.queueClip()
        try await withMirror(bench, second) { #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored }) }
        if hasLostPicture {
            unlink(ClipDirectory(spool: bench.spool.path, id: clip.id).file(ClipDirectory.encryptedThumbnailName))
        }
        let again = try SpoolBench(folder: bench.folder)
        let report = try await again.spool.recover()
        #expect(report == RecoveryReport(clips: 1) && again.spool.bytes > 0)
        #expect(try await again.spool.index.clip(clip.id)?.otherCopy == .waiting)
        second.set(.well)
        try await withMirror(again, second) { #expect(await eventually { again.directories.isEmpty }) }
        let copied = second.state.withLock { Set($0.objects.keys) }
        #expect(copied == (hasLostPicture ? [clip.objectKey, clip.sidecarKey] : closed(clip)))
    }

    private func withMirror(_ bench: SpoolBench, _ second: FakeStore, _ body: @Sendable () async throws -> Void) async throws {
        try await bench.spool.index.database.write { try $0.set(FootageIndex.mirrorKey, to: second.identity) }
        let uploader = Uploader(
            spool: bench.spool, protection: FakeProtection(bench.spool), time: bench.time.source, logger: quiet)
        uploader.use(store)
        uploader.useSecond(second, role: .mirror)
        try await bench.run(uploader, step: .seconds(1)) { try await body() }
    }
}
