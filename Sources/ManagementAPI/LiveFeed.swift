import Access
public import BoxDatabase
public import Cameras
import CloudStorage
public import Core
public import Devices
import Logging
import Messaging
import Foundation
import NIOCore
public import Recording
import Synchronization

/// A message for watching pages.
struct FeedMessage: Sendable {
    /// Whom it is for.
    enum Audience: Sendable {
        case everybody
        case person(PersonID)
        case box(Action)
        /// Whoever may do it at one site at least.
        case anySite(Action)
        /// Whoever may do it at a site.
        case site(Action, SiteID)
        /// Whoever may do it at all sites.
        case everywhere(Action)
        /// Whoever may do it at a site, but not see all that there is.
        case notEverywhere(Action)
        /// Whoever may do something at the site of a channel; of one that is no more, at all sites.
        case channel(Action, ChannelID)
        case device(DeviceID)
        /// Whoever may do it with all of these.
        case channels(Action, [ChannelID])

        func includes(_ rights: Rights, of person: PersonID, _ control: AccessControl) async throws -> Bool {
            switch self {
            case .everybody: return true
            case .person(let one): return one == person
            case .box(let action): return rights.actions.contains(action)
            case .anySite(let action): return rights.allowSomewhere(action)
            case .site(let action, let site): return rights.allow(action, at: Place(site: site))
            case .everywhere(let action): return rights.allowEverywhere(action)
            case .notEverywhere(let action): return rights.allowSomewhere(action) && !rights.allowEverywhere(.viewSite)
            case .channel(let action, let channel):
                guard let place = try await control.place(of: channel) else { return rights.elsewhere.contains(action) }
                return rights.allow(action, at: place)
            case .device(let device):
                guard let place = try await control.place(of: device) else { return rights.elsewhere.contains(.viewSite) }
                return rights.allow(.viewSite, at: place)
            case .channels(let action, let channels):
                for channel in channels where try await !Audience.channel(action, channel).includes(rights, of: person, control) {
                    return false
                }
                return true
            }
        }
    }

    let bytes: ByteBuffer
    let audience: Audience
}

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
        var firmware = false
        var deviceFirmware = false
        var motion: [ChannelID: MotionReading] = [:]
        var onboarding: [String: (site: SiteID, item: OnboardingItemAnswer)] = [:]
        var discovered: [Int: DiscoveredDevice] = [:]
        var discovery = false
        var exports: [ExportID: ExportRecord] = [:]
    }

    private static let moment = Duration.milliseconds(200)
    private static let heartbeat = Duration.seconds(15)

    private let dirty = Mutex(Dirty())
    private let wake = Signal()
    private let messages = Broadcast<FeedMessage>(capacity: 512)
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

    /// An upgrade of the box began, went on or ended.
    public func firmwareChanged() {
        dirty.withLock { $0.firmware = true }
        wake.raise()
    }

    /// The firmware of devices, or what is there of it, changed.
    public func deviceFirmwareChanged() {
        dirty.withLock { $0.deviceFirmware = true }
        wake.raise()
    }

    /// The adding of a device went on.
    public func onboardingChanged(_ job: Onboarding.Job, _ item: Onboarding.Item) {
        dirty.withLock { $0.onboarding["\(job.id)/\(item.index)"] = (job.site, OnboardingItemAnswer(item, of: job)) }
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

    func listen() -> AsyncStream<FeedMessage> { messages.listen() }

    /// Sends until cancelled.
    func run(maker: AnswerMaker) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.follow(maker.services.spool.index) }
            group.addTask { await self.sendChanges(maker) }
            group.addTask { await self.keepAlive(maker) }
            group.addTask { await self.follow(maker.services.access.notices, maker.services.texts) }
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

    private func follow(_ notices: Notices, _ texts: MessageTexts) async {
        for await (notice, person) in notices.news.listen() {
            let sentence = texts.sentence(of: notice, in: texts.language(person.language))
            try? send("notice", NoticeAnswer(notice, sentence), to: .person(person.id))
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
                try send("channel", maker.channel(record), to: .channel(.viewSite, id))
            } else {
                try send("removed", Removed(kind: "channel", id: id.text), to: .everybody)
            }
        }
        for id in changes.devices {
            if let device = try? await maker.device(id) {
                try send("device", device, to: .device(id))
            } else {
                try send("removed", Removed(kind: "device", id: id.text), to: .everybody)
            }
        }
        for id in changes.clips {
            guard let clip = try await maker.services.spool.index.clip(id) else {
                try send("removed", Removed(kind: "clip", id: id.text), to: .everybody)
                continue
            }
            try send("clip", maker.clip(clip), to: .channel(.playBack, clip.channelId))
            for event in try await maker.services.spool.index.events(of: id) {
                try send("event", maker.event(event, clip: clip), to: .channel(.playBack, clip.channelId))
            }
        }
        for id in changes.events {
            guard let (event, clip) = try await maker.services.spool.index.event(id),
                clip == nil || !changes.clips.contains(clip?.id ?? ClipID.timeOrdered(at: .distantPast))
            else { continue }
            try send("event", maker.event(event, clip: clip), to: .channel(.playBack, event.channelId))
        }
        for (_, one) in changes.onboarding.sorted(by: { $0.key < $1.key }) {
            try send("onboarding", one.item, to: .site(.configure, one.site))
        }
        for (_, device) in changes.discovered.sorted(by: { $0.key < $1.key }) {
            try send("discovered", try await maker.discovered(device, nil), to: .everywhere(.viewSite))
            try send("discovered", try await maker.discovered(device, Rights.none), to: .notEverywhere(.configure))
        }
        if changes.discovery { try send("discovery", DiscoveryStateAnswer(maker.services.discovery.snapshot), to: .anySite(.configure)) }
        for (id, reading) in changes.motion { try send("motion", Motion(id, reading, at: time.now()), to: .channel(.viewSite, id)) }
        for record in changes.exports.values { try send("export", ExportAnswer(record), to: .channels(.export, record.channels.map(\.id))) }
        if changes.plans { try send("plans", try await maker.plans(), to: .everywhere(.managePlans)) }
        if changes.networkTest { try send("network-test", try await maker.networkTests(), to: .box(.viewBox)) }
        if changes.firmware { try send("firmware", try await maker.firmware(), to: .box(.viewBox)) }
        // Who may see what of it is settled where it is asked for.
        if changes.deviceFirmware { try send("device-firmware", Changed(), to: .everybody) }
        if changes.storage { try send("storage", try await maker.storage(), to: .box(.viewBox)) }
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
                messages.send(FeedMessage(bytes: ByteBuffer(string: ": still here\n\n"), audience: .everybody))
            }
            if let storage = try? await maker.storage(), storage != last {
                last = storage
                try? send("storage", storage, to: .box(.viewBox))
            }
        }
    }

    private func send(_ event: String, _ value: some Encodable, to audience: FeedMessage.Audience) throws {
        let data = try GatehouseJSON.encoder.encode(value)
        let bytes = ByteBuffer(string: "event: \(event)\ndata: \(String(decoding: data, as: UTF8.self))\n\n")
        messages.send(FeedMessage(bytes: bytes, audience: audience))
    }

    private struct Changed: Encodable {}

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
