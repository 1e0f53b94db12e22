import BoxDatabase
import Core
import Foundation
import TestSupport
import Synchronization
import Testing

@testable import CloudStorage

@Suite struct UploaderTests {
    /// Runs `body` while an uploader works on the bench's spool and the clock runs by itself.
    private func withUploader(
        _ bench: SpoolBench, _ store: FakeStore, step: Duration = .milliseconds(250), _ body: @Sendable (Uploader) async throws -> Void
    ) async throws {
        let uploader = Uploader(spool: bench.spool, time: bench.time.source, logger: quiet)
        uploader.use(store)
        try await bench.run(uploader, step: step) { try await body(uploader) }
    }

    @Test func aStoredClipIsVerifiedThenFreed() async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        let clip = try await bench.queueClip()
        try await withUploader(bench, store) { _ in
            #expect(await eventually { (try? await bench.state(of: clip.id)) == .stored })
            #expect(await eventually { bench.directories.isEmpty })
        }
        let objects = store.state.withLock { $0.objects }
        #expect(objects[clip.objectKey]?.sha256 == clip.clip?.sha256)
        #expect(Set(objects.keys) == [clip.objectKey, clip.sidecarKey, clip.thumbnailKey])
        #expect(bench.spool.bytes == 0)
    }

    @Test(arguments: [
        FakeStore.Mode.fails(StoreError(.unreachable, "away")), .fails(StoreError(.busy, "503", retryAfter: .seconds(40))),
        .fails(StoreError(.refused, "403")), .commitsAndFails, .forgets, .fails(StoreError(.nonsense, "a page")),
    ])
    func nothingIsLostAndNothingComesTwice(mode: FakeStore.Mode) async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        store.set(mode)
        var clips: [ClipManifest] = []
        for _ in 0..<3 { clips.append(try await bench.queueClip()) }
        let wanted = clips
        // A store that asks for 40 s of patience is not waited for in hundreds of steps.
        try await withUploader(bench, store, step: .seconds(2)) { uploader in
            #expect(await eventually { store.state.withLock { $0.requests } > 2 })
            for clip in wanted { #expect(bench.directories.contains(clip.id.text)) }
            let isTaken = if case .commitsAndFails = mode { true } else { false }
            #expect(await eventually { isTaken || uploader.failure != nil })
            store.set(.well)
            #expect(await eventually { bench.directories.isEmpty })
        }
        for clip in wanted { #expect(try await bench.state(of: clip.id) == .stored) }
        let puts = store.state.withLock { $0.puts }
        #expect(puts.count == 9 && puts.values.allSatisfy { $0 == 1 })
    }

    @Test func anHourWithoutTheStoreMakesNoHotLoop() async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        store.set(.fails(StoreError(.unreachable, "away")))
        for _ in 0..<5 { try await bench.queueClip() }
        try await withUploader(bench, store) { _ in
            let start = bench.time.uptime
            let away = Task {
                while bench.time.uptime - start < .seconds(3600) {
                    bench.time.advance(.seconds(1))
                    try? await ContinuousClock().sleep(for: .microseconds(300))
                }
            }
            await away.value
            // Full jitter up to 300 s: about 24 attempts an hour and a few at the beginning.
            #expect(store.state.withLock { $0.requests } < 120)
            store.set(.well)
            #expect(await eventually(within: .seconds(30)) { bench.directories.isEmpty })
        }
    }

    /// A store that does not work is asked one thing at a time.
    @Test func aTrialIsOneRequest() async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        store.set(.fails(StoreError(.busy, "503")))
        let clip = try await bench.queueClip()
        try await withUploader(bench, store, step: .seconds(2)) { _ in
            let attempts = { @Sendable in try await bench.spool.index.clip(clip.id)?.attempts ?? 0 }
            #expect(try await eventually { try await attempts() >= 5 })
            let requests = store.state.withLock { $0.requests }
            // The first attempt did not know yet, and one may be under way.
            let allowed = try await attempts() + 2
            #expect(requests <= allowed)
            store.set(.well)
            #expect(await eventually { bench.directories.isEmpty })
        }
    }

    @Test func anObjectWithoutADigestUnderTheKeyIsNotTakenForOurs() async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        let clip = try await bench.queueClip()
        store.state.withLock { $0.objects[clip.objectKey] = (clip.clip?.bytes ?? 0, "") }
        store.state.withLock { $0.withoutDigest = [clip.objectKey] }
        try await withUploader(bench, store) { _ in
            #expect(await eventually { ((try? await bench.spool.index.clip(clip.id))??.attempts ?? 0) > 0 })
        }
        #expect(try await bench.state(of: clip.id) == .queued)
        #expect(bench.directories.contains(clip.id.text))
    }

    @Test func anotherObjectUnderTheKeyIsNeverTaken() async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        let clip = try await bench.queueClip()
        store.state.withLock { $0.objects[clip.objectKey] = (3, "other") }
        let good = try await bench.queueClip()
        try await withUploader(bench, store) { _ in
            #expect(await eventually { (try? await bench.state(of: good.id)) == .stored })
            #expect(await eventually { ((try? await bench.spool.index.clip(clip.id))??.attempts ?? 0) > 0 })
        }
        #expect(try await bench.state(of: clip.id) == .queued)
        #expect(await eventually { bench.directories == [clip.id.text] })
        #expect(store.state.withLock { $0.objects[clip.objectKey]?.sha256 } == "other")
    }

    @Test func whatWasStoredBeforeTheDatabaseWasLostIsComparedNotSentAgain() async throws {
        let folder = try TemporaryFolder()
        let store = FakeStore()
        var clip: ClipManifest?
        do {
            let bench = try SpoolBench(folder: folder)
            let made = try await bench.queueClip()
            clip = made
            // The store has the clip, the box does not know it yet.
            store.state.withLock { $0.objects[made.objectKey] = (made.clip?.bytes ?? 0, made.clip?.sha256 ?? "") }
        }
        let bench = try SpoolBench(folder: folder, freshDatabase: true)
        _ = try await bench.spool.recover()
        try await withUploader(bench, store) { _ in #expect(await eventually { bench.directories.isEmpty }) }
        let stored = try #require(clip)
        #expect(try await bench.state(of: stored.id) == .stored)
        #expect(store.state.withLock { $0.puts[stored.objectKey] } == nil)
    }

    @Test func retentionRemovesWhatHasExpiredAndNothingEarlier() async throws {
        let bench = try SpoolBench()
        let store = FakeStore()
        let week = try await bench.queueClip(retentionDays: 7)
        let month = try await bench.queueClip(retentionDays: 30)
        try await withUploader(bench, store) { uploader in
            #expect(await eventually { bench.directories.isEmpty })
            let retention = try bench.retention(uploader)
            bench.time.jumpWall(by: 6.9 * 86_400)
            await retention.sweep()
            #expect(store.state.withLock { $0.objects[week.objectKey] } != nil)
            bench.time.jumpWall(by: 0.2 * 86_400)
            await retention.sweep()
        }
        let keys = store.state.withLock { Set($0.objects.keys) }
        #expect(keys == [month.objectKey, month.sidecarKey, month.thumbnailKey])
        #expect(try await bench.state(of: week.id) == nil)
    }
}

@Suite struct CircuitBreakerTests {
    @Test func oneTrialDecides() {
        var breaker = CircuitBreaker()
        var generator = SystemRandomNumberGenerator()
        #expect(breaker.ask(at: .seconds(0)) == .go)
        breaker.failed(StoreError(.unreachable, "away"), at: .seconds(0), wall: Date(), using: &generator)
        guard case .wait(let wait) = breaker.ask(at: .milliseconds(1)) else {
            Issue.record("it must be open")
            return
        }
        let later = Duration.seconds(1) + wait
        #expect(breaker.ask(at: later) == .go)
        #expect(breaker.ask(at: later) != .go)
        breaker.succeeded()
        #expect(breaker.ask(at: later) == .go && breaker.failure == nil)
    }

    @Test func retryAfterIsHonoured() {
        var breaker = CircuitBreaker()
        var generator = SystemRandomNumberGenerator()
        breaker.failed(StoreError(.busy, "503", retryAfter: .seconds(90)), at: .seconds(0), wall: Date(), using: &generator)
        #expect(breaker.ask(at: .seconds(89)) != .go)
        #expect(breaker.ask(at: .seconds(91)) == .go)
    }
}
