import BoxDatabase
import Core
import Foundation
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

@Suite(.serialized) struct WaitingEncryptionTests {
    private let store = FakeStore()

    private func upload(_ bench: SpoolBench, _ protection: FakeProtection) async throws {
        let uploader = Uploader(spool: bench.spool, protection: protection, time: bench.time.source, logger: quiet)
        uploader.use(store)
        try await bench.run(uploader, step: .seconds(1)) { #expect(await eventually { bench.directories.isEmpty }) }
    }

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
}
