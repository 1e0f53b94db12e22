public import BoxDatabase
public import Cameras
import CloudStorage
public import Core
public import Devices
import Logging
import Foundation
import NIOCore
public import Recording
import Synchronization

/// Tells watching pages what changed: many changes of one thing within a moment become one message with its latest state.
public final class LiveFeed: Sendable {
    private struct Dirty {
        var channels: Set<ChannelID> = []
        var devices: Set<DeviceID> = []
        var clips: Set<ClipID> = []
        var events: Set<EventID> = []
        var storage = false
        var plans = false
        var networkTest = false
        var motion: [ChannelID: MotionReading] = [:]
        var onboarding: [String: OnboardingItemAnswer] = [:]
        var discovered: [Int: DiscoveredDevice] = [:]
        var discovery = false
        var exports: [ExportID: ExportRecord] = [:]
    }

    private static let moment = Duration.milliseconds(200)
    private static let heartbeat = Duration.seconds(15)

    private let dirty = Mutex(Dirty())
    private let wake = Signal()
    private let messages = Broadcast<ByteBuffer>(capacity: 512)
    private let time: TimeSource

    public init(time: TimeSource) {
        self.time = time
    }

    /// A channel's view changed.
    public func channelChanged(_ id: ChannelID) {
        dirty.withLock { _ = $0.channels.insert(id) }
        wake.raise()
    }

    /// A device was added, changed or removed.
    public func deviceChanged(_ id: DeviceID) {
        dirty.withLock { _ = $0.devices.insert(id) }
        wake.raise()
    }

    /// The plans of channels changed, or what is in stock.
    public func plansChanged(_ channels: [ChannelID]) {
        dirty.withLock { dirty in
            dirty.channels.formUnion(channels)
            dirty.plans = true
        }
        wake.raise()
    }

    /// How a storage is changed.
    func storageChanged() {
        dirty.withLock { $0.storage = true }
        wake.raise()
    }

    /// A test of the line began, went on or ended.
    public func networkTestChanged() {
        dirty.withLock { $0.networkTest = true }
        wake.raise()
    }

    /// The adding of a device went on.
    public func onboardingChanged(_ job: Onboarding.Job, _ item: Onboarding.Item) {
        dirty.withLock { $0.onboarding["\(job.id)/\(item.index)"] = OnboardingItemAnswer(item, of: job) }
        wake.raise()
    }

    /// An export was asked for, went on or ended.
    public func exportChanged(_ record: ExportRecord) {
        dirty.withLock { $0.exports[record.id] = record }
        wake.raise()
    }

    /// A device was found, or (nil) the search went on.
    public func discoveryChanged(_ device: DiscoveredDevice?) {
        dirty.withLock { dirty in
            if let device { dirty.discovered[device.id] = device } else { dirty.discovery = true }
        }
        wake.raise()
    }

    /// A channel's picture was looked at for motion.
    public func moved(_ id: ChannelID, _ reading: MotionReading) {
        guard messages.listenerCount > 0 else { return }
        dirty.withLock { $0.motion[id] = reading }
        wake.raise()
    }

    func listen() -> AsyncStream<ByteBuffer> { messages.listen() }

    /// Sends until cancelled.
    func run(maker: AnswerMaker) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.follow(maker.services.spool.index) }
            group.addTask { await self.sendChanges(maker) }
            group.addTask { await self.keepAlive(maker) }
            await group.waitForAll()
        }
        messages.finish()
    }

    private func follow(_ index: FootageIndex) async {
        for await change in index.changes.listen() {
            dirty.withLock { dirty in
                switch change {
                case .clip(let id): dirty.clips.insert(id)
                case .event(let id): dirty.events.insert(id)
                case .gap: break
                }
                dirty.storage = true
            }
            wake.raise()
        }
    }

    private func sendChanges(_ maker: AnswerMaker) async {
        while !Task.isCancelled {
            await wake.wait()
            try? await time.sleep(Self.moment)
            let changes = dirty.withLock { dirty in
                defer { dirty = Dirty() }
                return dirty
            }
            guard messages.listenerCount > 0 else { continue }
            do { try await send(changes, maker) } catch {
                maker.services.logger.error("live message failed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func send(_ changes: Dirty, _ maker: AnswerMaker) async throws {
        for id in changes.channels {
            if let record = try? await maker.catalogue.channelRecord(id) {
                try send("channel", maker.channel(record))
            } else {
                try send("removed", Removed(kind: "channel", id: id.text))
            }
        }
        for id in changes.devices {
            if let device = try? await maker.device(id) {
                try send("device", device)
            } else {
                try send("removed", Removed(kind: "device", id: id.text))
            }
        }
        for id in changes.clips {
            guard let clip = try await maker.services.spool.index.clip(id) else {
                try send("removed", Removed(kind: "clip", id: id.text))
                continue
            }
            try send("clip", maker.clip(clip))
            for event in try await maker.services.spool.index.events(of: id) { try send("event", maker.event(event, clip: clip)) }
        }
        for id in changes.events {
            guard let (event, clip) = try await maker.services.spool.index.event(id),
                clip == nil || !changes.clips.contains(clip?.id ?? ClipID.timeOrdered(at: .distantPast))
            else { continue }
            try send("event", maker.event(event, clip: clip))
        }
        for (_, item) in changes.onboarding.sorted(by: { $0.key < $1.key }) { try send("onboarding", item) }
        for (_, device) in changes.discovered.sorted(by: { $0.key < $1.key }) { try send("discovered", try await maker.discovered(device)) }
        if changes.discovery { try send("discovery", DiscoveryStateAnswer(maker.services.discovery.snapshot)) }
        for (id, reading) in changes.motion { try send("motion", Motion(id, reading, at: time.now())) }
        for record in changes.exports.values { try send("export", ExportAnswer(record)) }
        if changes.plans { try send("plans", try await maker.plans()) }
        if changes.networkTest { try send("network-test", try await maker.networkTests()) }
        if changes.storage { try send("storage", try await maker.storage()) }
    }

    private func keepAlive(_ maker: AnswerMaker) async {
        var last: StorageAnswer?
        var sinceHeartbeat = Duration.zero
        while !Task.isCancelled {
            do { try await time.sleep(.seconds(3)) } catch { return }
            guard messages.listenerCount > 0 else { continue }
            sinceHeartbeat += .seconds(3)
            if sinceHeartbeat >= Self.heartbeat {
                sinceHeartbeat = .zero
                messages.send(ByteBuffer(string: ": still here\n\n"))
            }
            if let storage = try? await maker.storage(), storage != last {
                last = storage
                try? send("storage", storage)
            }
        }
    }

    private func send(_ event: String, _ value: some Encodable) throws {
        let data = try GatehouseJSON.encoder.encode(value)
        messages.send(ByteBuffer(string: "event: \(event)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"))
    }

    private struct Removed: Encodable {
        let kind: String
        let id: String
    }

    private struct Motion: Encodable {
        let channelId: ChannelID
        let level: Double
        let cells: [String]
        let at: Date

        init(_ id: ChannelID, _ reading: MotionReading, at time: Date) {
            channelId = id
            level = reading.level
            at = time
            cells = stride(from: 0, to: reading.cells.count, by: MotionSettings.columns).map { row in
                reading.cells[row..<row + MotionSettings.columns].map { $0 ? "1" : "0" }.joined()
            }
        }
    }
}
