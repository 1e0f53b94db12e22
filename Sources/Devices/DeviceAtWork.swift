public import BoxDatabase
import CameraProtocols
public import Cameras
public import Core
public import Foundation
import Logging
import Recording
import Synchronization

/// How a device is now, as pages show it.
public struct DeviceView: Sendable {
    /// Whether it can be reached and lets the box in; of a plain RTSP device nothing is known beyond its streams.
    public var condition: Condition
    /// Whether its events come.
    public var events: Condition?
    public var clock: DeviceClock?
    public var disks: [DeviceDisk]
    /// Messages of events since the start, repetitions included.
    public var notifications: Int
    public var lastNotificationAt: Date?
    /// How far a check is that goes on.
    public var check: OnboardingReport?
    public var upgrade: UpgradeProgress?
    public var upgradeFailure: String?
}

/// One device at work: its driver, its events, its clock, its health.
public final class DeviceAtWork: Sendable {
    private struct State {
        var description: DeviceDescription?
        var view: DeviceView
        var tracker: EventTracker
        var clockOffset: Double?
        var offlineEvent: EventID?
        /// When the present event stream began.
        var readyAt: Duration?
        /// Asking again by itself would lock the account.
        var needsPerson = false
        var lostAt: Duration?
    }

    public let record: DeviceRecord
    public let driver: any CameraDriver
    public let lens: LensControl
    public let talk: TalkControl
    private let channels: [Int: ChannelID]
    private let environment: DeviceEnvironment
    private let state: Mutex<State>
    private let retry = Signal()
    /// Keeps the certificate that the device showed first.
    private let pinned: @Sendable (String) async -> Void
    /// Documents of metadata tracks; where they come faster than they are read, the oldest go.
    private let documents = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingNewest(16))
    private let logger: Logger

    init(
        _ record: DeviceRecord, description: DeviceDescription?, driver: any CameraDriver, profile: CameraProfile,
        channels: [ChannelRecord], environment: DeviceEnvironment, pinned: @escaping @Sendable (String) async -> Void
    ) {
        self.pinned = pinned
        self.record = record
        self.driver = driver
        self.environment = environment
        self.channels = Dictionary(channels.map { ($0.number, $0.id) }) { first, _ in first }
        lens = LensControl(time: environment.time)
        talk = TalkControl(time: environment.time)
        var logger = environment.logger
        logger[metadataKey: "device"] = "\(record.id)"
        self.logger = logger
        let now = environment.time.now()
        let connecting =
            record.driverKind == .rtsp
            ? Condition(code: "ok", severity: .ok, sentence: "Only its streams are used.", since: now)
            : Condition(code: "connecting", severity: .attention, sentence: "Connecting to the device.", since: now)
        state = Mutex(
            State(
                description: description,
                view: DeviceView(condition: connecting, events: nil, clock: nil, disks: [], notifications: 0),
                tracker: EventTracker(silence: .seconds(profile.eventEndSeconds))))
    }

    public var view: DeviceView { state.withLock { $0.view } }

    /// What the device said of itself last.
    public var description: DeviceDescription? { state.withLock { $0.description } }

    /// Takes over what the device says of itself now.
    func take(_ description: DeviceDescription) {
        state.withLock { $0.description = description }
        environment.changed(record.id)
    }

    /// The identifier that events of the device as a whole are taken down under.
    private var ownChannel: ChannelID {
        channels.min { $0.key < $1.key }?.value ?? ChannelID(record.id.text) ?? .timeOrdered(at: record.createdAt)
    }

    // MARK: At work

    /// Works until cancelled.
    func run() async {
        guard record.driverKind != .rtsp else { return }
        await withTaskGroup(of: Void.self) { group in
            if description?.capabilities.contains(.events) != false { group.addTask { await self.hear() } }
            group.addTask { await self.watchTracker() }
            group.addTask { for await document in self.documents.stream { await self.read(document) } }
            group.addTask { await self.lookAfter() }
            await group.waitForAll()
        }
        // Who works on after this knows nothing of what goes on now.
        for event in state.withLock({ $0.tracker.reset() }) { await environment.spool.end(event, at: environment.time.now()) }
        await lens.stopAll()
        await talk.endAll()
        await driver.close()
    }

    /// Tries again now what waits, because a person wants it.
    public func retryNow() {
        state.withLock { $0.needsPerson = false }
        retry.raise()
    }

    /// Receives events, again and again.
    private func hear() async {
        var backOff = BackOff(first: .seconds(1), longest: .seconds(60))
        while !Task.isCancelled {
            state.withLock { $0.readyAt = nil }
            var failure: DeviceFailure?
            do throws(DeviceFailure) {
                try await driver.listen { [self] in
                    await connected()
                } take: { [self] notification in
                    await take(notification)
                }
            } catch {
                failure = error
            }
            guard !Task.isCancelled else { return }
            await rest(after: failure, backOff: &backOff)
        }
    }

    /// Waits before the next attempt. Devices end the stream as a matter of course; one that ends it at once, or never begins it, is in trouble.
    private func rest(after failure: DeviceFailure?, backOff: inout BackOff) async {
        if let failure, failure.code == .unsupported {
            set(
                events: Condition(
                    code: "unsupported", severity: .off, sentence: "The device tells of no events; the box looks for motion itself.",
                    since: environment.time.now()))
            return await retry.wait()
        }
        if let ready = state.withLock({ $0.readyAt }), environment.time.uptime() - ready > .seconds(5) {
            backOff.succeeded()
            return await retry.wait(atMost: .milliseconds(Int.random(in: 200...500)), time: environment.time)
        }
        let failure =
            failure
            ?? DeviceFailure(
                .silent, "The device ended its event stream at once. The box tries again by itself; restart the device if it stays so.")
        await lost(failure)
        guard failure.needsPerson else { return await retry.wait(atMost: backOff.failed(), time: environment.time) }
        // Each further try would bring the lock nearer, or lengthen it.
        guard failure.code == .locked, let seconds = failure.lockedSeconds else { return await retry.wait() }
        await retry.wait(atMost: .seconds(min(max(seconds, 1), 86_400) + 5), time: environment.time)
    }

    private func connected() async {
        let now = environment.time.now()
        let (returned, offline) = state.withLock { state in
            let was = state.view.condition
            state.view.condition = Condition(code: "ok", severity: .ok, sentence: "The device answers.", since: now).continuing(was)
            state.view.events = Condition(code: "ok", severity: .ok, sentence: "Its events come.", since: now).continuing(state.view.events)
            state.lostAt = nil
            state.needsPerson = false
            state.readyAt = environment.time.uptime()
            defer { state.offlineEvent = nil }
            return (was.severity == .trouble, state.offlineEvent)
        }
        if returned { logger.info("device answers again", metadata: ["name": "\(record.name)"]) }
        if let offline { await environment.spool.end(offline, at: now) }
        if record.pinnedCertificate == nil, let certificate = driver.certificate { await pinned(certificate) }
        environment.changed(record.id)
    }

    private func lost(_ failure: DeviceFailure) async {
        let now = environment.time.now()
        let uptime = environment.time.uptime()
        let (first, offline) = state.withLock { state in
            let was = state.view.condition
            let new = Condition(
                code: failure.code.rawValue, severity: .trouble, sentence: failure.sentence, since: now, detail: failure.detail
            ).continuing(was)
            state.view.condition = new
            state.view.events = Condition(
                code: failure.code.rawValue, severity: .attention, sentence: "Its events do not come now.", since: new.since)
            state.needsPerson = failure.needsPerson
            let lostAt = state.lostAt ?? uptime
            state.lostAt = lostAt
            let isOffline =
                [.unreachable, .refused, .silent].contains(failure.code) && state.offlineEvent == nil
                && uptime - lostAt >= environment.offlineAfter
            return (was.code != new.code, isOffline)
        }
        if first { logger.warning("device lost", metadata: ["name": "\(record.name)", "reason": "\(failure.code.rawValue)"]) }
        environment.changed(record.id)
        guard offline else { return }
        var event = CameraEvent(channel: ownChannel, category: .offline, source: .box, time: environment.time)
        event.device = record.id
        event.onlyNoted = true
        state.withLock { $0.offlineEvent = event.id }
        await environment.spool.note(event, channelName: record.name, dropReason: nil)
    }

    private func set(events condition: Condition) {
        state.withLock { $0.view.events = condition.continuing($0.view.events) }
        environment.changed(record.id)
    }

    // MARK: Metadata tracks

    public func has(_ channel: ChannelID) -> Bool { channels.values.contains(channel) }

    func tell(_ document: [UInt8]) {
        // Most documents describe objects on each frame, and no event.
        guard document.count <= 256 << 10, document.firstRange(of: Array("NotificationMessage".utf8)) != nil else { return }
        documents.continuation.yield(document)
    }

    private func read(_ document: [UInt8]) async {
        guard let events = try? ONVIFEvents(parsing: document) else { return }
        for notification in events.notifications {
            let isFirst = notification.details["operation"] == "initialized"
            guard !isFirst || notification.phase == .active else { continue }
            await take(notification)
        }
    }

    // MARK: Events

    /// One message of the device: begins an event, keeps one going, or ends it.
    func take(_ said: DeviceNotification) async {
        guard !said.isHeartbeat else { return }
        let notification = placed(said)
        let now = environment.time.uptime()
        let (decision, offset) = state.withLock { state in
            state.view.notifications += 1
            state.view.lastNotificationAt = environment.time.now()
            // What is of the device's own kind is counted and no more: some send such by the second.
            guard notification.category != .other else { return (EventTracker.Decision.nothing, state.clockOffset) }
            return (state.tracker.take(notification, at: now), state.clockOffset)
        }
        switch decision {
        case .nothing: break
        case .begins: await begin(notification, now: now, offset: offset)
        case .goesOn(let id, let bringsPicture):
            if let id, notification.category.isFootage { await environment.channels[channel(of: notification)]?.prolong([id]) }
            if bringsPicture, let id, let picture = notification.picture { await environment.pictures.keep(picture, of: id) }
        case .ends(let events):
            for event in events { await environment.spool.end(event, at: environment.time.now()) }
        }
    }

    private func begin(_ notification: DeviceNotification, now: Duration, offset: Double?) async {
        let began = Self.beginning(of: notification.deviceTime, offset: offset, wall: environment.time.now(), uptime: now)
        var event = CameraEvent(
            channel: channel(of: notification), category: notification.category, source: .camera, uptime: began,
            region: notification.region, target: notification.target, deviceTime: notification.deviceTime?.date, time: environment.time)
        event.device = record.id
        event.deviceType = notification.deviceType
        event.details = notification.details
        state.withLock { $0.tracker.assign(event.id, to: notification) }
        if let channel = environment.channels[event.channel], notification.place != .device || event.category.isFootage {
            await channel.report(event)
        } else {
            event.onlyNoted = true
            await environment.spool.note(event, channelName: name(of: event.channel), dropReason: nil)
        }
        if notification.phase == .momentary { await environment.spool.end(event.id, at: environment.time.now()) }
        if let picture = notification.picture {
            await environment.pictures.keep(picture, of: event.id)
        } else if let url = notification.pictureURL, let isapi = driver as? ISAPIDriver {
            let pictures = environment.pictures
            let id = event.id
            Task { if let picture = try? await isapi.picture(at: url) { await pictures.keep(picture, of: id) } }
        }
    }

    /// When an event began, on the box's clock: by the device's word, corrected by its clock's error, where that can be; else now.
    static func beginning(of time: DeviceTime?, offset: Double?, wall: Date, uptime: Duration) -> Duration {
        guard let time, let offset else { return uptime }
        let age = wall.timeIntervalSince(time.date) + offset
        // Devices count whole seconds; what lies in the future or long ago is a clock that jumped.
        guard age > 0, age <= 10 else { return uptime }
        return uptime - .seconds(age)
    }

    /// Devices name one place by several tokens, or by none: what they mean is the channel.
    private func placed(_ said: DeviceNotification) -> DeviceNotification {
        guard let description else { return said }
        let only = description.channels.count == 1 ? description.channels.first?.number : nil
        let number: Int? =
            switch said.place {
            case .channel: nil
            case .token(let token): description.number(ofToken: token) ?? only
            case .device: said.category.isFootage && said.details["door"] == nil ? only : nil
            }
        guard let number else { return said }
        var placed = said
        placed.place = .channel(number)
        return placed
    }

    private func channel(of notification: DeviceNotification) -> ChannelID {
        switch notification.place {
        case .device: ownChannel
        // Some recorders count their network cameras from 33 on in events.
        case .channel(let number): channels[number] ?? channels[number - 32] ?? ownChannel
        case .token(let token): description?.number(ofToken: token).flatMap { channels[$0] } ?? ownChannel
        }
    }

    private func name(of channel: ChannelID) -> String {
        let number = channels.first { $0.value == channel }?.key
        return description?.channels.first { $0.number == number }?.name ?? record.name
    }

    /// Ends events of which the device says nothing any more, and keeps clips going of those that last in silence.
    private func watchTracker() async {
        while (try? await environment.time.sleep(.seconds(2))) != nil {
            let now = environment.time.uptime()
            let (ended, lasting) = state.withLock { ($0.tracker.expire(at: now), $0.tracker.lasting(at: now)) }
            let wall = environment.time.now()
            for (event, last) in ended {
                if let event { await environment.spool.end(event, at: wall.addingTimeInterval((last - now).seconds)) }
            }
            if !lasting.isEmpty { for id in Set(channels.values) { await environment.channels[id]?.prolong(lasting) } }
        }
    }

    // MARK: Clock and health

    private func lookAfter() async {
        while !Task.isCancelled {
            if !state.withLock({ $0.needsPerson }) { await lookNow() }
            guard (try? await environment.time.sleep(.seconds(view.condition.severity == .ok ? 1800 : 60))) != nil else { return }
        }
    }

    /// Reads clock and disks.
    public func lookNow() async {
        if description?.capabilities.contains(.time) == true {
            do throws(DeviceFailure) {
                let clock = try await driver.clock()
                state.withLock { state in
                    state.view.clock = clock
                    state.clockOffset = clock.offset
                    if state.view.condition.code == "connecting" {
                        state.view.condition = Condition(
                            code: "ok", severity: .ok, sentence: "The device answers.", since: environment.time.now())
                    }
                }
            } catch {
                if description?.capabilities.contains(.events) != true || error.needsPerson { await lost(error) }
                if error.needsPerson { return }
            }
        }
        if description?.capabilities.contains(.storageHealth) == true, let disks = try? await driver.disks() {
            state.withLock { $0.view.disks = disks }
        }
        environment.changed(record.id)
    }

    /// How far a check is that was asked for, for those who watch; nil when it is done.
    func note(check: OnboardingReport?) {
        state.withLock { $0.view.check = check }
        environment.changed(record.id)
    }

    /// How far an upgrade is, for those who watch.
    func note(_ progress: UpgradeProgress?, failure: String? = nil) {
        state.withLock { state in
            state.view.upgrade = progress
            state.view.upgradeFailure = failure
        }
        environment.changed(record.id)
    }
}

extension DeviceDescription {
    /// The channel that an ONVIF token belongs to: a video source, its configuration, or a profile.
    func number(ofToken token: String) -> Int? {
        channels.first { channel in
            channel.token == token || channel.streams.contains { $0.id == token || $0.encoder == token || $0.sources.contains(token) }
        }?.number
    }
}
