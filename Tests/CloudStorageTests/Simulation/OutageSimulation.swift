import BoxDatabase
import Core
import Foundation
import GRDB
import Synchronization
import Testing

@testable import CloudStorage

/// Eight channels on a bounded line whose store goes away for hours and comes back; events go on all the time.
final class OutageSimulation: Sendable {
    /// The line as it is, and as the box is told to use it.
    struct Line: Sendable, CustomTestStringConvertible {
        let bitsPerSecond: Double
        /// The bound that is set; nil for the whole line.
        let cap: Int?
        var testDescription: String { cap == nil ? "the whole line" : "bounded" }
        var wanted: Double { cap.map(Double.init) ?? bitsPerSecond }
    }

    /// A quarter of an hour.
    struct Row: Sendable {
        let hour: Double
        let backlogBytes: Int
        let bitsPerSecond: Double
        let liveSeconds: Double?
    }

    struct Figures: Sendable {
        /// What went up from the end of the orderly wait until the backlog was gone, as a share of what could.
        var drainFraction = 0.0
        /// The same from the store's return on.
        var drainFractionWithWait = 0.0
        /// From the store's return until the backlog began to go.
        var waitSeconds = 0.0
        var hoursToDrain = 0.0
        var clips = 0
        /// From ready to stored, of clips before the outage and of new ones while the backlog went.
        var liveBefore: [Double] = []
        var liveMeanwhile: [Double] = []
        var rows: [Row] = []

        static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
        var slowdown: Double { Self.mean(liveMeanwhile) / Self.mean(liveBefore) }
    }

    private struct State {
        var isAway = false
        var ready: [ClipID: Duration] = [:]
        var samples: [(at: Duration, backlogBytes: Int, sentBytes: Int)] = []
        var figures = Figures()
        var span: Range<Duration> = .zero..<(.zero)
    }

    static let channels = 8
    private static let clipSeconds = 30
    private static let everySeconds = 150
    private static let bitRate = 1_000_000
    /// Each byte on the disk stands for so many on the line.
    private static let scale = 1024
    private static let quarter = Duration.seconds(900)

    private let line: Line
    private let outage: Duration
    private let before: Duration
    private let machine: SimulatedMachine
    private let start: Duration
    private let state: Mutex<State>

    /// `hours` is how long the store is away; before that everything goes as it should for so many hours.
    init(_ line: Line, hours: Double, hoursBefore: Double, seed: UInt64) {
        self.line = line
        outage = .seconds(hours * 3600)
        before = .seconds(hoursBefore * 3600)
        machine = SimulatedMachine(seed: seed, mostSteps: .max)
        start = machine.uptime
        state = Mutex(State())
    }

    /// Runs until the backlog is gone.
    func run() throws -> Figures {
        let folder = SimulatedWorld.place + "-\(SimulatedWorld.number.next())"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let shared = SimulatedLine(machine: machine, bitsPerSecond: line.bitsPerSecond)
        let store = SimulatedStore(
            identity: "store", machine: machine, line: shared, roundTrip: 40...80, scale: Self.scale, faultRate: { 0 },
            isAway: { [unowned self] in state.withLock { $0.isAway } })
        let index = FootageIndex(database: try BoxDatabase(path: folder + "/box.sqlite"))
        let spool = try Spool(
            path: folder + "/spool", limits: SpoolLimits(bytes: 1 << 40, freeBytes: 0), index: index, time: machine.time, logger: quiet)
        let governor = UplinkGovernor(time: machine.time)
        if let cap = line.cap { governor.use(UplinkSettings(cap: .bitsPerSecond(cap)), zone: .gmt) }
        let uploader = Uploader(
            spool: spool, governor: governor, looksEvery: .seconds(60), time: machine.time, chance: machine.chance, logger: quiet)
        uploader.use(store)
        try machine.run { [self] in
            try await Rehearsal.$current.withValue(.quiet) {
                _ = try await spool.recover()
                try await withThrowingTaskGroup { group in
                    group.addTask { await uploader.run() }
                    group.addTask { await self.sample(uploader) }
                    for channel in 0..<Self.channels { group.addTask { try await self.record(channel, into: spool) } }
                    try await goThrough(uploader)
                    group.cancelAll()
                    while (try? await group.next()) != nil {}
                }
                try await conclude(index)
            }
        }
        return state.withLock { $0.figures }
    }

    // MARK: What happens

    /// The store goes and comes back; returns when what waited has gone.
    private func goThrough(_ uploader: Uploader) async throws {
        try await machine.sleep(before)
        state.withLock { $0.isAway = true }
        try await machine.sleep(outage)
        state.withLock { $0.isAway = false }
        let (returned, sentBefore) = (machine.uptime, uploader.governor.sentBytes)
        while uploader.failure != nil { try await machine.sleep(.seconds(1)) }
        while uploader.governor.returnsAt != nil { try await machine.sleep(.seconds(1)) }
        let (began, sentAtBegin) = (machine.uptime, uploader.governor.sentBytes)
        // Gone is what is older than a clip that goes up as a new one.
        while let oldest = try await uploader.index.totals().oldest, oldest < machine.now.addingTimeInterval(-600) {
            try await machine.sleep(.seconds(30))
        }
        let (ended, sent) = (machine.uptime, uploader.governor.sentBytes)
        state.withLock { state in
            state.span = began..<ended
            state.figures.drainFraction = Double(sent - sentAtBegin) * 8 / (ended - began).seconds / line.wanted
            state.figures.drainFractionWithWait = Double(sent - sentBefore) * 8 / (ended - returned).seconds / line.wanted
            state.figures.waitSeconds = (began - returned).seconds
            state.figures.hoursToDrain = (ended - returned).seconds / 3600
        }
        // A while as it was before.
        if outage > .seconds(3600) { try await machine.sleep(Self.quarter * 2) }
    }

    private func sample(_ uploader: Uploader) async {
        while (try? await machine.sleep(Self.quarter)) != nil {
            guard let totals = try? await uploader.index.totals() else { continue }
            state.withLock { $0.samples.append((machine.uptime, totals.backlogBytes * Self.scale, uploader.governor.sentBytes)) }
        }
    }

    /// Records a clip of half a minute every two and a half minutes, or so.
    private func record(_ channel: Int, into spool: Spool) async throws {
        guard let id = ChannelID("channel-\(channel)") else { return }
        var next = start + .seconds(channel * Self.everySeconds / Self.channels)
        while true {
            let late = machine.draw { $0.milliseconds(0...20_000) }
            try await machine.sleep(next + late - machine.uptime)
            next += .seconds(Self.everySeconds)
            let startsAt = machine.now
            try await machine.sleep(.seconds(Self.clipSeconds))
            let manifest = Self.manifest(channel: id, at: startsAt, uptime: machine.uptime)
            let source = try await spool.begin(manifest)
            try await source.append(SpoolBench.fragment(100))
            try await spool.capture(manifest)
            let clip = try await spool.beginClip(manifest.id)
            try await clip.append([UInt8](repeating: 7, count: Self.bitRate / 8 * Self.clipSeconds / Self.scale))
            guard var done = try await spool.manifest(of: manifest.id) else { continue }
            done.footage = .init(
                width: 1920, height: 1080, frameRate: 10, videoCodec: "h264", audioCodec: nil, duration: Double(Self.clipSeconds))
            try await spool.ready(done, thumbnail: [UInt8](repeating: 1, count: 20))
            state.withLock { $0.ready[manifest.id] = machine.uptime }
        }
    }

    private static func manifest(channel: ChannelID, at time: Date, uptime: Duration) -> ClipManifest {
        ClipManifest(
            id: .timeOrdered(at: time), box: "GH1", site: .timeOrdered(at: time), channel: channel, channelName: "Front", startsAt: time,
            startsUptime: uptime.seconds, events: [],
            definition: Definition(
                kind: .high, resolution: "1080P", width: 1920, height: 1080, bitRate: bitRate), retentionDays: 7,
            plan: TranscodePlan(way: .software, reason: "", width: 1920, height: 1080, frameRate: 6, bitRate: bitRate, encoder: nil),
            sourceStart: 0)
    }

    // MARK: What came of it

    private func conclude(_ index: FootageIndex) async throws {
        let stored = try await index.database.read { database in
            try ClipRecord.fetchAll(database).compactMap { record in record.storedAt.map { (record.id, $0) } }
        }
        state.withLock { state in
            let zero = machine.now.addingTimeInterval(-machine.uptime.seconds)
            var live: [(ready: Duration, seconds: Double)] = []
            for (id, storedAt) in stored {
                guard let ready = state.ready[id] else { continue }
                let seconds = storedAt.timeIntervalSince(zero) - ready.seconds
                if ready < start + before - .seconds(60) { state.figures.liveBefore.append(seconds) }
                if state.span.contains(ready) { state.figures.liveMeanwhile.append(seconds) }
                if ready < start + before - .seconds(60) || ready >= state.span.lowerBound { live.append((ready, seconds)) }
            }
            state.figures.clips = stored.count
            state.figures.rows = rows(state.samples, live)
        }
    }

    private func rows(
        _ samples: [(at: Duration, backlogBytes: Int, sentBytes: Int)], _ live: [(ready: Duration, seconds: Double)]
    ) -> [Row] {
        var (sent, from) = (0, start)
        return samples.map { sample in
            defer { (sent, from) = (sample.sentBytes, sample.at) }
            let seconds = live.filter { from..<sample.at ~= $0.ready }.map(\.seconds)
            return Row(
                hour: (sample.at - start).seconds / 3600, backlogBytes: sample.backlogBytes,
                bitsPerSecond: Double(sample.sentBytes - sent) * 8 / (sample.at - from).seconds,
                liveSeconds: seconds.isEmpty ? nil : Figures.mean(seconds))
        }
    }
}
