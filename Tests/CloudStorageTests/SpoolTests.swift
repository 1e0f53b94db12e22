import BoxDatabase
import Core
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

@Suite struct SpoolTests {
    @Test func aClipGoesItsWayAndDescribesItself() async throws {
        let bench = try SpoolBench()
        let manifest = bench.manifest()
        let source = try await bench.spool.begin(manifest)
        #expect(try await bench.state(of: manifest.id) == .recording)
        try await source.append(SpoolBench.fragment(5000))
        try await bench.spool.capture(manifest)
        #expect(try await bench.state(of: manifest.id) == .captured)
        let done = try await bench.transcode(manifest.id)
        #expect(try await bench.state(of: manifest.id) == .queued)
        #expect(done.stage == .ready && done.clip?.bytes == "clip \(manifest.id)".utf8.count)
        let names = try FileManager.default.contentsOfDirectory(atPath: bench.spool.path + "/" + manifest.id.text).sorted()
        #expect(names == ["clip.json", "clip.mp4", "thumbnail.jpg"])
        #expect(try SpoolInspection.verify([done], in: bench.spool.path).wrong == [])
    }

    @Test func aFollowingReaderGetsAllThatIsAppended() async throws {
        let bench = try SpoolBench()
        let manifest = bench.manifest()
        let file = try await bench.spool.begin(manifest)
        let source = try await bench.spool.source(of: manifest.id)
        let read = Task {
            var total = 0
            while let bytes = try await source.next() { total += bytes.count }
            return total
        }
        for _ in 0..<20 {
            try await file.append([UInt8](repeating: 1, count: 1000))
            bench.time.advance(.milliseconds(150))
        }
        try await bench.spool.capture(manifest)
        while bench.time.sleepers > 0 { bench.time.advance(.milliseconds(150)) }
        let clock = Task { while !Task.isCancelled { bench.time.advance(.milliseconds(150)); await Task.yield() } }
        defer { clock.cancel() }
        #expect(try await read.value == 20_000)
    }

    @Test func whatCannotBeReadNowIsKept() async throws {
        let first = try SpoolBench()
        let clip = try await first.queueClip()
        let other = try await first.queueClip()
        // As another version of the program might have written it.
        let strange = ClipDirectory(spool: first.spool.path, id: clip.id).file(ClipDirectory.manifestName)
        try Data("{\"schema\": 9}".utf8).write(to: URL(fileURLWithPath: strange))
        let never = first.spool.path + "/" + ClipID.timeOrdered(at: Date()).text
        try FileManager.default.createDirectory(atPath: never, withIntermediateDirectories: false)

        let second = try SpoolBench(folder: first.folder, freshDatabase: true)
        let report = try await second.spool.recover()
        #expect(report == RecoveryReport(clips: 1, interrupted: 0, removed: 1, damaged: 1))
        #expect(Set(second.directories) == [clip.id.text, other.id.text])
    }

    @Test func waitingClipsAreTakenUpByTheirSizesAlone() async throws {
        let first = try SpoolBench()
        var clips: [ClipManifest] = []
        for _ in 0..<20 { clips.append(try await first.queueClip()) }
        let waited = first.spool.bytes
        // Under way when the box died.
        try await first.spool.index.move(clips[0].id, from: [.queued], to: .sending)
        let broken = ClipDirectory(spool: first.spool.path, id: clips[7].id).file(ClipDirectory.clipName)
        try Data([1]).write(to: URL(fileURLWithPath: broken))
        // Not read, so that it may say what it likes; its size counts all the same.
        let unread = ClipDirectory(spool: first.spool.path, id: clips[3].id).file(ClipDirectory.manifestName)
        let length = DurableFile.size(unread) ?? 0
        try Data(repeating: 0x20, count: length).write(to: URL(fileURLWithPath: unread))

        let second = try SpoolBench(folder: first.folder)
        let report = try await second.spool.recover()
        #expect(report == RecoveryReport(clips: 19, interrupted: 0, removed: 0, damaged: 1))
        #expect(try await second.state(of: clips[0].id) == .queued)
        #expect(try await second.state(of: clips[7].id) == .dropped)
        #expect(second.spool.bytes < waited && second.spool.bytes > waited * 9 / 10)
    }

    @Test func withoutADatabaseTheDirectoriesAreEnough() async throws {
        let folder = try TemporaryFolder()
        var queued: ClipID?
        var captured: ClipID?
        do {
            let bench = try SpoolBench(folder: folder)
            queued = try await bench.queueClip().id
            let manifest = bench.manifest(events: 2)
            try await bench.spool.begin(manifest).append(SpoolBench.fragment(10))
            try await bench.spool.capture(manifest)
            captured = manifest.id
        }
        let bench = try SpoolBench(folder: folder, freshDatabase: true)
        let report = try await bench.spool.recover()
        #expect(report.clips == 2 && report.damaged == 0)
        let (first, second) = (try #require(queued), try #require(captured))
        #expect(try await bench.state(of: first) == .queued)
        #expect(try await bench.state(of: second) == .captured)
        #expect(try await bench.spool.index.events(of: second).count == 2)
    }

    /// What there is no room for at a start is recovered when there is, not at the next start.
    @Test func aFullDiskAtTheStartOnlyDelaysRecovery() async throws {
        let folder = try TemporaryFolder()
        let id = try await {
            let bench = try SpoolBench(folder: folder)
            let manifest = bench.manifest()
            let file = try await bench.spool.begin(manifest)
            try await file.append(SpoolBench.fragment(10))
            try await file.synchronize()
            return manifest.id
        }()
        let bench = try SpoolBench(folder: folder)
        let isFull = Mutex(true)
        let rehearsal = Rehearsal(block: {}, write: { _ in isFull.withLock { $0 } ? ENOSPC : 0 }, reach: { _ in })
        let damaged = try await Rehearsal.$current.withValue(rehearsal) { try await bench.spool.recover().damaged }
        #expect(damaged == 1)
        #expect(try await bench.state(of: id) == .recording)
        isFull.withLock { $0 = false }
        let late = Task { await bench.spool.run() }
        defer { late.cancel() }
        let isRecovered = await eventually {
            bench.time.advance(.seconds(1))
            return (try? await bench.state(of: id)) == .captured
        }
        #expect(isRecovered)
    }

    /// A row that is written again keeps what the clip's directory does not know.
    @Test func whatIsPutAgainKeepsWhatIsKnownBesides() async throws {
        let bench = try SpoolBench()
        let manifest = try await bench.queueClip()
        let index = bench.spool.index
        for error in ["first", "second"] { try await index.noteAttempt(manifest.id, error: error) }
        try await index.notePreviewed(manifest.id, place: "store")
        try await index.put(manifest, state: .captured, spoolBytes: 5)
        let captured = try #require(try await index.clip(manifest.id))
        #expect(captured.state == .captured && captured.spoolBytes == 5 && captured.manifest == manifest)
        #expect(captured.attempts == 2 && captured.lastError == "second" && captured.previewed)
        try await index.put(manifest, state: .queued, spoolBytes: manifest.readyBytes)
        let queued = try #require(try await index.clip(manifest.id))
        #expect(queued.state == .queued && queued.spoolBytes == manifest.readyBytes && queued.clipBytes == manifest.clip?.bytes)
        #expect(queued.attempts == 2 && queued.lastError == nil && queued.previewed)
        try await index.noteStored(manifest.id, objects: [], place: "store", at: bench.time.source.now())
        let stored = try #require(try await index.clip(manifest.id))
        #expect(stored.state == .stored && stored.place == "store" && stored.spoolBytes == 0 && stored.attempts == 0)
        #expect(stored.storedAt != nil && stored.expiresAt == manifest.expiresAt)
        let event = try #require(try await index.events(of: manifest.id).first)
        #expect(event.endedAt == manifest.startsAt.addingTimeInterval(30) && event.dropReason == nil)
    }

    /// A row that could not be written at a start is of no worth when the clip has gone on without it.
    @Test func whatIsWrittenLateDoesNotTakeAClipBack() async throws {
        let folder = try TemporaryFolder()
        let manifest = try await {
            let bench = try SpoolBench(folder: folder)
            let manifest = bench.manifest()
            try await bench.spool.begin(manifest).append(SpoolBench.fragment(10))
            try await bench.spool.capture(manifest)
            return manifest
        }()
        let bench = try SpoolBench(folder: folder)
        let rehearsal = Rehearsal(block: {}, write: { $0.hasSuffix(".sqlite") ? ENOSPC : 0 }, reach: { _ in })
        let found = try await Rehearsal.$current.withValue(rehearsal) {
            let report = try await bench.spool.recover()
            // Behind the clip's row, and so written after it.
            await bench.spool.recordGap(channel: bench.channel, from: manifest.startsAt, to: manifest.startsAt, bytes: nil, reason: "later")
            return report.clips
        }
        let gaps = { @Sendable in try await bench.spool.index.database.read { try GapRecord.fetchCount($0) } }
        #expect(found == 1)
        #expect(try await gaps() == 0)
        try await bench.transcode(manifest.id)
        try await bench.spool.index.noteStored(manifest.id, objects: [], place: "store", at: bench.time.source.now())
        await bench.spool.free(manifest.id)
        let late = Task { await bench.spool.run() }
        defer { late.cancel() }
        let isWritten = await eventually {
            bench.time.advance(.seconds(1))
            return (try? await gaps()) == 1
        }
        #expect(isWritten)
        #expect(try await bench.state(of: manifest.id) == .stored)
    }

    @Test func aTornRecordingIsKeptUpToItsLastWholeFragment() async throws {
        let folder = try TemporaryFolder()
        var id: ClipID?
        do {
            let bench = try SpoolBench(folder: folder)
            let manifest = bench.manifest()
            let file = try await bench.spool.begin(manifest)
            try await file.append(SpoolBench.fragment(100) + SpoolBench.fragment(200) + SpoolBench.fragment(300).prefix(250))
            id = manifest.id
        }
        let bench = try SpoolBench(folder: folder)
        let report = try await bench.spool.recover()
        #expect(report.interrupted == 1)
        let clip = try #require(id)
        let manifest = try #require(try await bench.spool.manifest(of: clip))
        #expect(manifest.interrupted && manifest.stage == .captured)
        #expect(manifest.source?.bytes == SpoolBench.fragment(100).count + SpoolBench.fragment(200).count)
        #expect(try SpoolInspection.verify([manifest], in: bench.spool.path).wrong == [])
    }

    @Test func aRefilledClipThatIsNotAcceptedIsTold() async throws {
        let bench = try SpoolBench()
        for refilled in [false, true] {
            var made = bench.manifest()
            made.refilled = refilled
            let manifest = made
            try await bench.spool.begin(manifest).append(SpoolBench.fragment(5000))
            let path = ClipDirectory(spool: bench.spool.path, id: manifest.id).file(ClipDirectory.sourceName)
            try FileManager.default.removeItem(atPath: path)
            if refilled {
                await #expect(throws: (any Error).self) { try await bench.spool.capture(manifest) }
            } else {
                try await bench.spool.capture(manifest)
            }
        }
    }

    @Test func aRecordingWithoutAFragmentBecomesAGap() async throws {
        let folder = try TemporaryFolder()
        var id: ClipID?
        do {
            let bench = try SpoolBench(folder: folder)
            let manifest = bench.manifest()
            try await bench.spool.begin(manifest).append([1, 2, 3])
            id = manifest.id
        }
        let bench = try SpoolBench(folder: folder)
        #expect(try await bench.spool.recover().removed == 1)
        let clip = try #require(id)
        #expect(try await bench.state(of: clip) == .dropped)
        #expect(try await bench.spool.index.totals().gaps == 1)
        #expect(bench.directories.isEmpty)
    }

    /// What was taken by the muxer and not by the disk is no footage: an empty source would go up as a clip that nothing can play.
    @Test func aRecordingCutShortBeforeAFragmentIsDurableBecomesAGap() async throws {
        let bench = try SpoolBench()
        var manifest = bench.manifest()
        _ = try await bench.spool.begin(manifest)
        manifest.interrupted = true
        try await bench.spool.capture(manifest)
        #expect(try await bench.state(of: manifest.id) == .dropped)
        #expect(try await bench.spool.index.totals().gaps == 1)
        #expect(bench.directories.isEmpty)
    }

    /// A row that could not be written on a full disk comes when the clip may be long past it.
    @Test func aLateRowTakesNoClipBack() async throws {
        let bench = try SpoolBench()
        let manifest = bench.manifest()
        try await bench.spool.begin(manifest).append(SpoolBench.fragment(10))
        let rehearsal = Rehearsal(block: {}, write: { $0.hasSuffix("box.sqlite") ? ENOSPC : 0 }, reach: { _ in })
        try await Rehearsal.$current.withValue(rehearsal) {
            try await bench.spool.capture(manifest)
            await bench.spool.recordGap(channel: manifest.channel, from: Date(), to: Date(), bytes: nil, reason: "written after it")
        }
        #expect(try await bench.state(of: manifest.id) == .recording)
        let taken = try #require(try await bench.spool.nextToTranscode(excluding: [], followRecording: true))
        try await bench.transcode(taken.id)
        let late = Task { await bench.spool.run() }
        defer { late.cancel() }
        let allWritten = await eventually {
            bench.time.advance(.seconds(1))
            return (try? await bench.spool.index.totals().gaps) == 1
        }
        #expect(allWritten)
        #expect(try await bench.state(of: manifest.id) == .queued)
    }

    /// An accepted clip whose directory is gone is a gap that is told, not a backlog for ever.
    @Test func aClipThatIsGoneBeforeItsCloudCopyIsToldOnce() async throws {
        let bench = try SpoolBench()
        let manifest = bench.manifest()
        try await bench.spool.begin(manifest).append(SpoolBench.fragment(10))
        try await bench.spool.capture(manifest)
        await bench.spool.free(manifest.id)
        for _ in 0..<2 { #expect(try await bench.spool.nextToTranscode(excluding: [], followRecording: true) == nil) }
        #expect(try await bench.state(of: manifest.id) == .dropped)
        #expect(try await bench.spool.index.totals().gaps == 1)
        try await bench.spool.index.noteAttempt(manifest.id, error: "late")
        try await bench.spool.index.takeBack(manifest.id)
        #expect(try await bench.state(of: manifest.id) == .dropped)
    }

    @Test func aMissingFileIsToldAndNotSentUp() async throws {
        let folder = try TemporaryFolder()
        let first = try SpoolBench(folder: folder)
        let clip = try await first.queueClip()
        try FileManager.default.removeItem(atPath: first.spool.path + "/\(clip.id)/clip.mp4")
        let bench = try SpoolBench(folder: folder)
        #expect(try await bench.spool.recover().damaged == 1)
        #expect(try await bench.state(of: clip.id) == .dropped)
        #expect(try await bench.spool.index.totals().gaps == 1)
    }

    @Test func leftoversOfAnUnfinishedCopyAreRemoved() async throws {
        let folder = try TemporaryFolder()
        let first = try SpoolBench(folder: folder)
        let manifest = first.manifest()
        try await first.spool.begin(manifest).append(SpoolBench.fragment(10))
        try await first.spool.capture(manifest)
        try await first.spool.beginClip(manifest.id).append([1, 2, 3])
        let bench = try SpoolBench(folder: folder)
        _ = try await bench.spool.recover()
        let names = try FileManager.default.contentsOfDirectory(atPath: bench.spool.path + "/" + manifest.id.text).sorted()
        #expect(names == ["clip.json", "source.mov"])
    }

    @Test func takesNothingMoreThanItsLimitAndGoesOnWhenThereIsRoom() async throws {
        let bench = try SpoolBench(limits: SpoolLimits(bytes: 5 << 20, freeBytes: 0))
        let manifest = bench.manifest()
        let file = try await bench.spool.begin(manifest)
        try await file.append([UInt8](repeating: 1, count: 3 << 20))
        #expect(!bench.spool.isPaused)
        await #expect(throws: SpoolRefusal.self) { try await file.append([UInt8](repeating: 1, count: 3 << 20)) }
        await #expect(throws: SpoolRefusal.self) { _ = try await bench.spool.begin(bench.manifest()) }
        await bench.spool.abandon(manifest.id)
        #expect(bench.spool.bytes == 0)
        _ = try await bench.spool.begin(bench.manifest())
    }
}
