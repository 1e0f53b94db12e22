import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import CloudStorage

/// A mirror gets later what it lacks: from the first store, for the spool has it no more.
@Suite(.serialized) struct WantedCopyTests {
    private let folders: TemporaryFolder
    private let first: FolderStore
    private let second: FolderStore

    init() throws {
        folders = try TemporaryFolder()
        try FolderStore.prepare(root: folders.path + "/first")
        try FolderStore.prepare(root: folders.path + "/second")
        first = FolderStore(root: folders.path + "/first")
        second = FolderStore(root: folders.path + "/second")
    }

    private func keys(_ store: FolderStore) async throws -> Set<String> { Set(try await store.list("").map(\.key)) }

    private func allKeys(_ clip: ClipManifest) -> Set<String> { [clip.objectKey, clip.sidecarKey, clip.thumbnailKey] }

    private func copy(_ bench: SpoolBench, of id: ClipID) async throws -> ClipRecord.OtherCopy? {
        try await bench.spool.index.clip(id)?.otherCopy
    }

    /// A clip in the first store alone.
    private func stored(_ bench: SpoolBench) async throws -> ClipManifest {
        let clip = try await bench.queueClip()
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        uploader.use(first)
        try await bench.run(uploader, step: .seconds(1)) { #expect(await eventually { bench.directories.isEmpty }) }
        return clip
    }

    private func withMirror(_ bench: SpoolBench, _ body: @Sendable (Uploader) async throws -> Void) async throws {
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        try await bench.spool.index.database.write { try $0.set(FootageIndex.mirrorKey, to: second.identity) }
        uploader.use(first)
        uploader.useSecond(second, role: .mirror)
        try await bench.run(uploader, step: .seconds(1)) { try await body(uploader) }
    }

    @Test func whatWasStoredBeforeThereWasAMirrorIsCopied() async throws {
        let bench = try SpoolBench()
        let clip = try await stored(bench)
        let wanted = try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: bench.time.source.now())
        #expect(wanted == 1)
        #expect(try await bench.spool.index.placeTotals()[second.identity]?.waiting == 1)
        try await withMirror(bench) { _ in
            #expect(await eventually { (try? await copy(bench, of: clip.id)) == .stored })
            #expect(await eventually { bench.directories.isEmpty })
        }
        #expect(try await keys(second) == allKeys(clip))
        for key in allKeys(clip) {
            let (one, other) = (try await first.head(key), try await second.head(key))
            #expect(one == other && one != nil)
        }
        let links = try await bench.spool.index.chains(place: second.identity).reduce(0) { $0 + $1.number }
        #expect(links == 1)
        #expect(bench.spool.bytes == 0)
        #expect(try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: bench.time.source.now()) == 0)
    }

    @Test func aCopyThatWasGivenUpIsMadeLater() async throws {
        let bench = try SpoolBench()
        let clip = try await stored(bench)
        let now = bench.time.source.now()
        try await bench.spool.index.database.write { database in
            try database.execute(sql: "UPDATE clip SET otherCopy = 'waiting', otherPlace = ?", arguments: [second.identity])
        }
        try await bench.spool.index.noteCopyGivenUp([clip.id], reason: "no room", at: now)
        // First what may be there of it goes.
        #expect(try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: now) == 0)
        _ = try await bench.spool.index.noteGone(clip.id, from: second.identity)
        #expect(try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: now) == 1)
        try await withMirror(bench) { _ in #expect(await eventually { (try? await copy(bench, of: clip.id)) == .stored }) }
        #expect(try await keys(second) == allKeys(clip))
    }

    @Test func aBoxThatEndedInTheMiddleBeginsAnew() async throws {
        let bench = try SpoolBench()
        let clip = try await stored(bench)
        try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: bench.time.source.now())
        // Fetched, and the power went before its row said so.
        try await bench.spool.fetch(clip, from: first)
        let again = try SpoolBench(folder: bench.folder)
        let report = try await again.spool.recover()
        #expect(report.removed == 1 && again.directories.isEmpty)
        #expect(try await copy(again, of: clip.id) == .wanted)
        try await withMirror(again) { _ in #expect(await eventually { (try? await copy(again, of: clip.id)) == .stored }) }
        #expect(try await keys(second) == allKeys(clip))
    }

    @Test func nothingIsFetchedWithoutRoomToSpare() async throws {
        let (full, free) = (try SpoolBench(limits: SpoolLimits(bytes: 1 << 30, freeBytes: Int.max / 4)), try SpoolBench())
        #expect(!full.spool.hasRoomToSpare && free.spool.hasRoomToSpare)
    }

    @Test func whatTheFirstStoreHasNotAsItShouldIsNotCopied() async throws {
        let bench = try SpoolBench()
        let (changed, gone) = (try await stored(bench), try await stored(bench))
        try Data("other".utf8).write(to: URL(filePath: folders.path + "/first/" + changed.objectKey))
        try await first.delete(gone.sidecarKey)
        try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: bench.time.source.now())
        try await withMirror(bench) { uploader in
            for clip in [changed, gone] {
                #expect(await eventually { (try? await copy(bench, of: clip.id)) == .unobtainable })
            }
            #expect(uploader.failure == nil && uploader.secondFailure == nil)
        }
        #expect(try await keys(second).isEmpty && bench.directories.isEmpty)
        // Nor asked for again at each look, while others are.
        let good = try await stored(bench)
        #expect(try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: bench.time.source.now()) == 1)
        #expect(try await copy(bench, of: good.id) == .wanted)
        #expect(try await copy(bench, of: gone.id) == .unobtainable)
    }

    @Test func whatCouldNotBeCopiedIsTriedAgainWhenAStorageIsSet() async throws {
        let bench = try SpoolBench()
        let clip = try await stored(bench)
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        let targets = try bench.targets(uploader)
        let (one, other) = (StorageTarget.folder(path: folders.path + "/first"), StorageTarget.folder(path: folders.path + "/second"))
        try await targets.set(one, credentials: nil)
        try await targets.setSecond(other, role: .mirror, credentials: nil)
        let sets: [@Sendable () async throws -> Void] = [
            { try await targets.set(one, credentials: nil) },
            { try await targets.setSecond(other, role: .mirror, credentials: nil) },
        ]
        for set in sets {
            let row = try #require(try await bench.spool.index.clip(clip.id))
            #expect(row.otherCopy == .wanted)
            try await bench.spool.index.noteUnobtainable(row)
            await Retention(box: "GH1", targets: targets, time: bench.time.source, logger: quiet).sweep()
            #expect(try await copy(bench, of: clip.id) == .unobtainable)
            try await set()
            #expect(try await copy(bench, of: clip.id) == .wanted)
        }
    }

    @Test func whatCouldNotBeCopiedExpiresAsAllElse() async throws {
        let bench = try SpoolBench()
        let clip = try await stored(bench)
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        uploader.use(first)
        try await bench.spool.index.want(copiesOf: first.identity, in: second.identity, at: bench.time.source.now())
        try await bench.spool.index.noteUnobtainable(try #require(try await bench.spool.index.clip(clip.id)))
        bench.time.jumpWall(by: 8 * 86_400)
        try await bench.retention(uploader).sweep()
        #expect(try await bench.state(of: clip.id) == nil)
        #expect(try await keys(first).isEmpty)
    }

    @Test func whatIsNotWantedAnyMoreIsForgotten() async throws {
        let bench = try SpoolBench()
        let clip = try await stored(bench)
        let (index, now) = (bench.spool.index, bench.time.source.now())
        try await index.want(copiesOf: first.identity, in: second.identity, at: now)
        try await index.want(copiesOf: first.identity, in: nil, at: now)
        let row = try #require(try await index.clip(clip.id))
        #expect(row.otherCopy == nil && row.otherPlace == nil)
        // Nor what expires in a moment.
        let late = clip.expiresAt.addingTimeInterval(-60)
        #expect(try await index.want(copiesOf: first.identity, in: second.identity, at: late) == 0)
    }
}
