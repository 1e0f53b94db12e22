import BoxDatabase
import Core
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

/// A box with two stores, of which either may be away.
@Suite(.serialized) struct SecondTargetTests {
    private let first = FakeStore("first")
    private let second = FakeStore("second")
    private static let away = FakeStore.Mode.fails(StoreError(.unreachable, "away"))

    private func withUploader(_ bench: SpoolBench, _ role: SecondRole, _ body: @Sendable (Uploader) async throws -> Void) async throws {
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        let mirror = role == .mirror ? second.identity : nil
        try await bench.spool.index.database.write { try $0.set(FootageIndex.mirrorKey, to: mirror) }
        uploader.use(first)
        uploader.useSecond(second, role: role)
        try await bench.run(uploader, step: .seconds(1)) { try await body(uploader) }
    }

    private func keys(_ store: FakeStore) -> Set<String> { store.state.withLock { Set($0.objects.keys) } }

    private func links(_ bench: SpoolBench, _ store: FakeStore) async throws -> Int {
        try await bench.spool.index.chains(place: store.identity).reduce(0) { $0 + $1.number }
    }

    private func allKeys(_ clip: ClipManifest) -> Set<String> { [clip.objectKey, clip.sidecarKey, clip.thumbnailKey] }

    @Test func aMirroredClipIsInBothAndThenFreed() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip()
        try await withUploader(bench, .mirror) { _ in #expect(await eventually { bench.directories.isEmpty }) }
        #expect(keys(first) == allKeys(clip))
        #expect(keys(second) == allKeys(clip))
        let row = try #require(try await bench.spool.index.clip(clip.id))
        #expect(row.state == .stored && row.place == "first" && row.otherPlace == "second" && row.otherCopy == .stored)
        #expect(try await links(bench, first) == 1)
        #expect(try await links(bench, second) == 1)
        #expect(bench.spool.bytes == 0)
    }

    @Test func aMirrorThatIsAwayKeepsNoClipFromBeingStored() async throws {
        let bench = try SpoolBench()
        second.set(Self.away)
        let clip = try await bench.queueClip()
        try await withUploader(bench, .mirror) { uploader in
            #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored })
            #expect(await eventually { uploader.secondFailure != nil })
            #expect(uploader.failure == nil)
            let copy = try await bench.spool.index.clip(clip.id)?.otherCopy
            #expect(copy == .waiting)
            #expect(bench.directories == [clip.id.text])
            second.set(.well)
            #expect(await eventually { bench.directories.isEmpty })
        }
        #expect(keys(second) == allKeys(clip))
        #expect(second.state.withLock { $0.puts.values.allSatisfy { $0 == 1 } })
    }

    @Test func aCopyThatWaitsOutlivesTheBox() async throws {
        let bench = try SpoolBench()
        second.set(Self.away)
        let clip = try await bench.queueClip()
        try await withUploader(bench, .mirror) { _ in
            #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored })
        }
        let again = try SpoolBench(folder: bench.folder)
        let report = try await again.spool.recover()
        #expect(report.clips == 1 && report.removed == 0 && again.spool.bytes > 0)
        second.set(.well)
        try await withUploader(again, .mirror) { _ in #expect(await eventually { again.directories.isEmpty }) }
        #expect(keys(second) == allKeys(clip))
        #expect(first.state.withLock { $0.puts[clip.objectKey] } == 1)
    }

    @Test(arguments: [false, true]) func aCopyAsItCameOutlivesTheBoxToo(_ isOfAnotherSize: Bool) async throws {
        let bench = try SpoolBench()
        second.set(Self.away)
        let manifest = bench.manifest()
        let source = try await bench.spool.begin(manifest)
        try await source.append(SpoolBench.fragment(1000))
        try await bench.spool.capture(manifest)
        let captured = try #require(try await bench.spool.manifest(of: manifest.id))
        try await bench.spool.readyAsItCame(captured)
        try await withUploader(bench, .mirror) { _ in
            #expect(await eventually { (try? await bench.state(of: manifest.id)) == .stored })
        }
        if isOfAnotherSize {
            // As where a picture was lost: the footage alone decides.
            try await bench.spool.index.database.write { try $0.execute(sql: "UPDATE clip SET spoolBytes = spoolBytes + 1") }
        }
        let again = try SpoolBench(folder: bench.folder)
        let report = try await again.spool.recover()
        #expect(report == RecoveryReport(clips: 1) && again.spool.bytes > 0)
        #expect(try await again.spool.index.clip(manifest.id)?.otherCopy == .waiting)
        second.set(.well)
        try await withUploader(again, .mirror) { _ in #expect(await eventually { again.directories.isEmpty }) }
        #expect(keys(second) == [manifest.objectKey, manifest.sidecarKey])
    }

    @Test func copiesGiveWayToRecordings() async throws {
        let bench = try SpoolBench(limits: SpoolLimits(bytes: 12_000_000, freeBytes: 0))
        second.set(Self.away)
        try await withUploader(bench, .mirror) { _ in
            for _ in 0..<4 {
                let clip = try await bench.queueLarge(2_500_000)
                #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored })
            }
            #expect(await eventually { bench.directories.count < 4 })
            let then = bench.time.source.uptime()
            #expect(await eventually { bench.time.source.uptime() - then > .seconds(300) })
        }
        // The oldest alone, however often the uploader looks: three have room.
        #expect(try await bench.spool.index.oldestCopies(10).count == 3)
        #expect(bench.directories.count == 3)
        // The second store's record says what it lacks, and no gap is told: the footage is in the first.
        #expect(try await links(bench, second) == 1)
        #expect(try await bench.spool.index.totals().gaps == 0)
        #expect(try await bench.spool.index.totals().storedClips == 4)
    }

    @Test func clipsFallBackOnlyAfterAWhileAndReturn() async throws {
        let bench = try SpoolBench()
        first.set(Self.away)
        let clip = try await bench.queueClip()
        let began = bench.time.source.uptime()
        try await withUploader(bench, .fallback(after: .seconds(60))) { uploader in
            #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored })
            #expect(bench.time.source.uptime() - began >= .seconds(60))
            #expect(uploader.fallsBack && uploader.failure != nil && uploader.secondFailure == nil)
            first.set(.well)
            let later = try await bench.queueClip()
            #expect(await eventually { uploader.failure == nil || keys(second).contains(later.objectKey) })
            let last = try await bench.queueClip()
            #expect(await eventually { (try? await bench.state(of: last.id)) == .stored })
        }
        #expect(keys(second).isSuperset(of: allKeys(clip)))
        let row = try #require(try await bench.spool.index.clip(clip.id))
        #expect(row.place == "second")
        #expect(try await links(bench, first) + links(bench, second) == 3)
    }

    @Test func whatTheFirstGotAfterAllIsRemovedThere() async throws {
        let bench = try SpoolBench()
        // It takes the clip and loses the answer, then is away.
        first.set(.commitsOnceAndIsAway)
        let clip = try await bench.queueClip()
        try await withUploader(bench, .fallback(after: .seconds(60))) { uploader in
            #expect(await eventually { keys(first).count == 1 })
            #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored })
            let copy = try await bench.spool.index.clip(clip.id)?.otherCopy
            #expect(copy == .leftover)
            first.set(.well)
            try await bench.retention(uploader).sweep()
        }
        #expect(keys(first) == [])
        #expect(keys(second) == allKeys(clip))
        let row = try #require(try await bench.spool.index.clip(clip.id))
        #expect(row.place == "second" && row.otherPlace == nil && row.otherCopy == nil)
    }

    @Test func retentionRemovesBothCopiesEachWhenItsStoreAnswers() async throws {
        let bench = try SpoolBench()
        let clip = try await bench.queueClip(retentionDays: 7)
        try await withUploader(bench, .mirror) { uploader in
            #expect(await eventually { bench.directories.isEmpty })
            bench.time.jumpWall(by: 8 * 86_400)
            first.forgetful.withLock { $0 = true }
            let retention = try bench.retention(uploader)
            await retention.sweep()
            #expect(keys(second) == [])
            #expect(keys(first) == allKeys(clip))
            #expect(try await bench.state(of: clip.id) == .stored)
            first.forgetful.withLock { $0 = false }
            await retention.sweep()
        }
        #expect(keys(first) == [])
        #expect(try await bench.state(of: clip.id) == nil)
    }

    @Test func aChangedTargetIsStillReadAndSwept() async throws {
        let bench = try SpoolBench()
        let (old, new) = (try TemporaryFolder(), try TemporaryFolder())
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        let targets = try bench.targets(uploader)
        try await targets.set(.folder(path: old.path), credentials: nil)
        let clip = try await bench.queueClip(retentionDays: 7)
        try await bench.run(uploader, step: .seconds(1)) { #expect(await eventually { bench.directories.isEmpty }) }
        try await targets.set(.folder(path: new.path), credentials: nil)
        let former = try await targets.formerPlaces()
        #expect(former == ["file://\(old.path)"])
        let row = try #require(try await bench.spool.index.clip(clip.id))
        let found = try await targets.stores(of: row).first?.head(clip.objectKey)
        #expect(found != nil)
        await #expect(throws: StoreError.self) {
            try await targets.setSecond(.folder(path: new.path), role: .mirror, credentials: nil)
        }
        bench.time.jumpWall(by: 8 * 86_400)
        await Retention(box: "GH1", targets: targets, time: bench.time.source, logger: quiet).sweep()
        #expect(try await bench.state(of: clip.id) == nil)
        let left = try FileManager.default.subpathsOfDirectory(atPath: old.path)
        #expect(left.filter { $0.hasSuffix(".mp4") } == [])
        // Nothing of ours is there any more, so the place is forgotten.
        #expect(try await targets.formerPlaces() == [])
    }

    @Test func whatIsLeftOverIsNotRemovedWhereItIsTheClipItself() async throws {
        let bench = try SpoolBench()
        let folder = try TemporaryFolder()
        let (real, other) = (folder.path + "/real", folder.path + "/other")
        try FolderStore.prepare(root: real)
        try FileManager.default.createSymbolicLink(atPath: other, withDestinationPath: real)
        let clip = try await bench.queueClip()
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        uploader.use(FolderStore(root: real))
        try await bench.run(uploader, step: .seconds(1)) { #expect(await eventually { bench.directories.isEmpty }) }
        try await bench.spool.index.database.write {
            try $0.execute(sql: "UPDATE clip SET otherPlace = ?, otherCopy = 'leftover'", arguments: ["file://\(other)"])
        }
        // Another one: the first forgets its stores as it ends.
        let next = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        next.use(FolderStore(root: real))
        next.useSecond(FolderStore(root: other), role: .fallback(after: .zero))
        try await bench.retention(next).sweep()
        #expect(FileManager.default.fileExists(atPath: real + "/" + clip.objectKey))
        let row = try #require(try await bench.spool.index.clip(clip.id))
        #expect(row.otherPlace == nil && row.otherCopy == nil && row.state == .stored)
    }
}
