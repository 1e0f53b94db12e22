import Core
import Foundation
import Logging
import Synchronization
import Testing

@testable import CloudStorage

/// What a run's lives share: the machine, the stores, the disk, and what was recorded and accepted.
final class SimulatedWorld: Sendable {
    /// A clip that was begun.
    struct Recorded: Sendable {
        let manifest: ClipManifest
        /// Its directory was seen to say so: from then on it must not be lost.
        var isAccepted = false
        /// The recorder gave it up.
        var isRefused = false
        /// Its recording is over.
        var isOver = false
    }

    /// How far a run had come when all was done.
    struct End: Sendable, Equatable {
        let uptime: Duration
        let steps: Int
    }

    struct State {
        var end: End?
        var recorded: [Int: Recorded] = [:]
        var stores: [SimulatedStore] = []
        var lives = 0
        var hasLostDatabase = false
        var complaints: [String] = []
        /// Where lives ended.
        var crashes: [String] = []
    }

    static let box = "GH1"
    static let key = FootageKey()
    /// One run by its seed tells what the box says.
    static let logger = ProcessInfo.processInfo.environment["GATEHOUSE_SEED"] == nil ? quiet : Logger(label: "simulation")

    let seed: UInt64
    let plan: SimulatedPlan
    let machine: SimulatedMachine
    let folder: String
    /// Where it is no file of the disk.
    let reused: ReusedDatabase?
    let start: Duration
    let state = Mutex(State())

    /// Of so many runs one has its database in a file, which each life opens anew, whether there is one to reuse or not.
    private static let filesEvery: UInt64 = 64

    init(seed: UInt64, plan: SimulatedPlan, reused: ReusedDatabase?) {
        self.seed = seed
        self.reused = seed % Self.filesEvery == 1 ? nil : reused
        self.plan = plan
        folder = Self.place + "-\(Self.number.next())"
        machine = SimulatedMachine(seed: seed ^ 0x5EED, untilMidnight: plan.midnight)
        start = machine.uptime
        let line = SimulatedLine(machine: machine, bitsPerSecond: 8_000_000)
        for number in 1...2 {
            let store = SimulatedStore(
                identity: "store-\(number)", machine: machine, line: line,
                faultRate: { [unowned self] in isCalm ? 0 : plan.faultRate }, isAway: { [unowned self] in isAway })
            state.withLock { $0.stores.append(store) }
        }
    }

    // MARK: Time

    private var elapsed: Duration { machine.uptime - start }
    var isCalm: Bool { elapsed >= plan.calmFrom }
    var calmIn: Duration { max(.zero, plan.calmFrom - elapsed) + .milliseconds(1) }
    /// Long after the last trouble: everything must have gone up.
    var isOverdue: Bool { elapsed > plan.calmFrom + .seconds(24 * 3600) }
    private var isAway: Bool { plan.outages.contains { $0.contains(elapsed) } }
    /// When the store is replaced; nil where it is not, or was.
    var replacedIn: Duration? {
        guard let at = plan.replacedAt, elapsed < at else { return nil }
        return at - elapsed
    }

    /// The store that the box is to use now.
    var store: SimulatedStore { state.withLock { elapsed >= plan.replacedAt ?? .seconds(1 << 40) ? $0.stores[1] : $0.stores[0] } }

    /// What the disk answers to a write now.
    func diskError() -> Int32 {
        guard let trouble = plan.disk, trouble.span.contains(elapsed), machine.draw({ $0.happens(trouble.rate) }) else { return 0 }
        return trouble.code
    }

    func complain(_ sentence: String) { state.withLock { $0.complaints.append(sentence) } }

    // MARK: Recording

    func unrecorded() -> [Int] { plan.clips.indices.filter { index in state.withLock { $0.recorded[index] == nil } } }
    /// Whether no recording is under way or to come in this life.
    var isRecorded: Bool {
        state.withLock { state in state.recorded.count == plan.clips.count && state.recorded.values.allSatisfy(\.isOver) }
    }

    func planned(_ id: ClipID) -> SimulatedPlan.Clip? {
        state.withLock { $0.recorded.first { $0.value.manifest.id == id } }.map { plan.clips[$0.key] }
    }

    /// What a cloud copy consists of.
    static func copy(of id: ClipID) -> [UInt8] { Array("clip \(id)".utf8) }

    func begin(_ planned: Int) throws -> ClipManifest {
        let now = machine.now
        let event = ClipManifest.Event(id: try identifier(at: now), category: .motion, source: .box, startedAt: now)
        let manifest = ClipManifest(
            id: try identifier(at: now), box: Self.box, site: try named("site"),
            channel: try named("channel-\(plan.clips[planned].channel)"),
            channelName: "Front", startsAt: now,
            startsUptime: machine.uptime.seconds, events: [event],
            definition: Definition(kind: .high, resolution: "1080P", width: 1920, height: 1080, bitRate: 1_000_000), retentionDays: 7,
            plan: TranscodePlan(way: .software, reason: "", width: 1920, height: 1080, frameRate: 10, bitRate: 1_000_000, encoder: nil),
            sourceStart: 0)
        state.withLock { $0.recorded[planned] = Recorded(manifest: manifest) }
        return manifest
    }

    func noteRefused(_ planned: Int) {
        state.withLock { $0.recorded[planned]?.isRefused = true }
        state.withLock { $0.recorded[planned]?.isOver = true }
    }

    func noteCaptured(_ planned: Int, in root: String) {
        state.withLock { $0.recorded[planned]?.isOver = true }
        guard plan.disk != nil else { return state.withLock { $0.recorded[planned]?.isAccepted = true } }
        noteAccepted(in: root)
    }

    // MARK: Identifiers

    /// One that sorts by time, drawn by the seed.
    private func identifier<Kind>(at time: Date) throws -> Identifier<Kind> {
        let milliseconds = UInt64(time.timeIntervalSince1970 * 1000)
        return try named(Self.hex(milliseconds, 12) + Self.hex(machine.draw { $0.next() }, 16))
    }

    private func named<Kind>(_ text: String) throws -> Identifier<Kind> {
        try #require(Identifier<Kind>(text))
    }

    private static func hex(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
