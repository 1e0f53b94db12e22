import Core
import Foundation
import Logging
import Media
import Synchronization
import TestSupport
import Testing

@testable import Recording

/// A spool in memory, which remembers what it was told.
private final class MemorySpool: FootageSpool {
    struct State {
        var manifests: [ClipID: ClipManifest] = [:]
        var order: [ClipID] = []
        var captured: [ClipManifest] = []
        var abandoned: [ClipID] = []
        var gaps: [(from: Date, to: Date, reason: String)] = []
        var dropped: [String] = []
        var bytes: [ClipID: Int] = [:]
        var refusal: SpoolRefusal?
        var room = Int.max
    }

    final class File: FootageFile {
        let spool: MemorySpool
        let id: ClipID
        init(spool: MemorySpool, id: ClipID) {
            self.spool = spool
            self.id = id
        }
        func append(_ bytes: [UInt8]) async throws {
            try spool.state.withLock { state in
                guard state.room >= bytes.count else { throw SpoolRefusal.full("The disk is full.") }
                state.room -= bytes.count
                state.bytes[id, default: 0] += bytes.count
            }
        }
        func overwrite(_ bytes: [UInt8], at offset: Int) async throws {}
        func synchronize() async throws {}
    }

    let state = Mutex(State())

    func begin(_ manifest: ClipManifest) async throws -> any FootageFile {
        try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            state.manifests[manifest.id] = manifest
            state.order.append(manifest.id)
        }
        return File(spool: self, id: manifest.id)
    }
    func update(_ manifest: ClipManifest) async throws { state.withLock { $0.manifests[manifest.id] = manifest } }
    func capture(_ manifest: ClipManifest) async throws { state.withLock { $0.captured.append(manifest) } }
    func abandon(_ id: ClipID) async { state.withLock { $0.abandoned.append(id) } }
    func record(_ event: CameraEvent, channelName: String, clip: ClipID?, dropReason: String?) async {
        if let dropReason { state.withLock { $0.dropped.append(dropReason) } }
    }
    func note(_ event: CameraEvent, channelName: String, dropReason: String?) async {
        if let dropReason { state.withLock { $0.dropped.append(dropReason) } }
    }
    func end(_ event: EventID, at time: Date) async {}
    func recordGap(channel: ChannelID, from: Date, to: Date, bytes: Int?, reason: String) async {
        state.withLock { $0.gaps.append((from, to, reason)) }
    }
    func nextToTranscode(excluding: Set<ClipID>, followRecording: Bool) async throws -> ClipManifest? { nil }
    func activeClips() async -> Int { 0 }
    func source(of id: ClipID) async throws -> any FootageSource { throw CancellationError() }
    func manifest(of id: ClipID) async throws -> ClipManifest? { nil }
    func transcoding(_ id: ClipID, progress: Double) async {}
    func beginClip(_ id: ClipID) async throws -> any FootageFile { throw CancellationError() }
    func ready(_ manifest: ClipManifest, thumbnail: [UInt8]?) async throws {}
    func readyAsItCame(_ manifest: ClipManifest) async throws {}
}

/// A camera whose stream is made of real H.264, ten frames a second, on a manual clock.
private final class Scene: Sendable {
    let time = ManualTime()
    let spool = MemorySpool()
    /// Longer than the box's, because the test's clock runs faster than the recorder may.
    let packets = RecentPackets(span: .seconds(600))
    let recorder: EventRecorder
    private let pictures: [Sample]
    private let index = Mutex(0)
    private let channel = ChannelID.timeOrdered(at: Date())
    let ended = Counter()

    init() throws {
        pictures = try encodedSamples(20, width: 64, height: 64)
        recorder = EventRecorder(
            spool: spool, lengths: ClipLengths(), time: time.source, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Lets the camera send for so long, one frame after another, each after the recorder has taken the one before.
    func run(seconds: Int, format: StreamFormat? = nil) async throws {
        for _ in 0..<seconds * 10 {
            let number = index.withLock { index in
                defer { index += 1 }
                return index
            }
            let picture = pictures[number % 20]
            let at = MediaTime(microseconds: Int64(number) * 100_000)
            let bytes = picture.withBytes { Array($0) }
            packets.append(
                Sample(
                    format: format ?? picture.format, time: at, decodeTime: at, duration: .milliseconds(100),
                    isKeyFrame: picture.isKeyFrame,
                    arrival: time.uptime, packet: try Packet(copying: bytes, isKeyFrame: picture.isKeyFrame)))
            time.advance(.milliseconds(100))
            await Task.yield()
        }
        // The recorder works on executors of its own: give it the time to come to where the clock is.
        for _ in 0..<200 { await Task.yield() }
    }

    func trigger() async {
        let event = CameraEvent(channel: channel, category: .motion, source: .box, time: time.source)
        let plan = TranscodePlan(way: .software, reason: "", width: 64, height: 64, frameRate: 10, bitRate: 1, encoder: nil)
        let context = RecordingContext(
            box: "GH1", channel: channel, site: .timeOrdered(at: Date()), channelName: "Front",
            definition: Definition(kind: .high, resolution: "1080P", width: 1920, height: 1080, bitRate: 1), retentionDays: 7, plan: plan,
            packets: packets, audio: nil)
        await recorder.record(event, context: context) { self.ended.next() }
    }

    var captured: [ClipManifest] { spool.state.withLock { $0.captured } }
}

@Suite struct EventRecorderTests {
    @Test func aClipBeginsFiveSecondsBeforeItsEventAndLastsThirty() async throws {
        let scene = try Scene()
        try await scene.run(seconds: 11)
        let eventAt = scene.time.source.now()
        await scene.trigger()
        try await scene.run(seconds: 28)
        #expect(await eventually { scene.captured.count == 1 })
        let clip = try #require(scene.captured.first)
        #expect(abs(clip.startsAt.timeIntervalSince(eventAt) + 5) < 0.11)
        #expect(abs((clip.footage?.duration ?? 0) - 30) < 0.21)
        #expect(!clip.interrupted && clip.events.count == 1)
        // The source begins at the key frame before, at most two seconds earlier.
        #expect((0...2_000_000).contains(clip.sourceStart))
    }

    @Test func furtherEventsExtendTheClip() async throws {
        let scene = try Scene()
        try await scene.run(seconds: 10)
        await scene.trigger()
        try await scene.run(seconds: 20)
        await scene.trigger()
        try await scene.run(seconds: 30)
        #expect(await eventually { scene.captured.count == 1 })
        let clip = try #require(scene.captured.first)
        #expect(abs((clip.footage?.duration ?? 0) - 50) < 0.31)
        #expect(clip.events.count == 2)
    }

    @Test func aClipIsAtMostFiveMinutesThenANewOneGoesOn() async throws {
        let scene = try Scene()
        try await scene.run(seconds: 10)
        for _ in 0..<17 {
            await scene.trigger()
            try await scene.run(seconds: 20)
        }
        try await scene.run(seconds: 40)
        #expect(await eventually { scene.captured.count == 2 && scene.ended.value == 1 })
        let lengths = scene.captured.compactMap { $0.footage?.duration }
        #expect(abs(lengths[0] - 300) < 0.31)
        // 17 events, the last after 320 s: 5 s before the first to 25 s after the last is 350 s in all.
        #expect(abs(lengths[0] + lengths[1] - 350) < 1)
        let (first, second) = (scene.captured[0], scene.captured[1])
        #expect(abs(second.startsAt.timeIntervalSince(first.startsAt) - 300) < 0.3)
        #expect(!second.events.isEmpty && second.events.count < first.events.count)
    }

    @Test func aLostStreamKeepsWhatCameAndTellsTheGap() async throws {
        let scene = try Scene()
        try await scene.run(seconds: 10)
        await scene.trigger()
        try await scene.run(seconds: 10)
        scene.packets.restart()
        #expect(await eventually { scene.captured.count == 1 })
        let clip = try #require(scene.captured.first)
        #expect(clip.interrupted)
        #expect((clip.footage?.duration ?? 0) > 12)
        let gap = try #require(scene.spool.state.withLock { $0.gaps.first })
        #expect(gap.to.timeIntervalSince(gap.from) > 10 && gap.reason.contains("lost"))
    }

    @Test func anotherFormatBeginsANewClip() async throws {
        let scene = try Scene()
        try await scene.run(seconds: 10)
        await scene.trigger()
        try await scene.run(seconds: 10)
        let other = try #require(try encodedSamples(1, width: 128, height: 64).first?.format)
        try await scene.run(seconds: 25, format: other)
        #expect(await eventually { scene.captured.count == 2 })
        let lengths = scene.captured.compactMap { $0.footage?.duration }
        #expect(abs(lengths.reduce(0, +) - 30) < 2.3)
        #expect(scene.captured.map { $0.footage?.width } == [64, 128])
    }

    @Test func aFullSpoolMakesAGapWithTheReason() async throws {
        let scene = try Scene()
        scene.spool.state.withLock { $0.refusal = .full("The spool holds 10 of its 10 MB.") }
        try await scene.run(seconds: 10)
        await scene.trigger()
        #expect(await eventually { scene.ended.value == 1 })
        let (gaps, dropped) = scene.spool.state.withLock { ($0.gaps, $0.dropped) }
        #expect(gaps.count == 1 && gaps[0].reason.contains("10 of its 10 MB"))
        #expect(abs(gaps[0].to.timeIntervalSince(gaps[0].from) - 30) < 0.1)
        #expect(dropped.count == 1)
        scene.spool.state.withLock { $0.refusal = nil }
        await scene.trigger()
        try await scene.run(seconds: 28)
        #expect(await eventually { scene.captured.count == 1 })
    }

    @Test func aDiskThatFillsUpKeepsTheClipSoFar() async throws {
        let scene = try Scene()
        scene.spool.state.withLock { $0.room = 12_000 }
        try await scene.run(seconds: 10)
        await scene.trigger()
        try await scene.run(seconds: 28)
        #expect(await eventually { scene.ended.value == 1 })
        #expect(scene.captured.count == 1 && scene.captured.first?.interrupted == true)
        #expect(scene.spool.state.withLock { $0.gaps.count } == 1)
    }
}
