public import Core
public import Foundation
import Logging
import MediaWorker
public import Media
import Synchronization

/// One channel at work: its sessions, its eyes, its recorder.
public final class ChannelAtWork: Sendable {
    private struct State {
        var configuration: ChannelConfiguration
        var lastEventAt: Date?
        var snapshot: (jpeg: [UInt8], at: Date)?
        var megapixels: Double?
        var damaged = 0
        var recording = false
        var motionUntil: Duration?
        var motionEventAt: Duration?
    }

    private let environment: ChannelEnvironment
    private let main: CameraSession
    private let sub: CameraSession?
    private let subDemand = StreamDemand()
    private let converted: ConvertedStream
    private let convertedDemand = StreamDemand()
    /// The streams with their sound as Opus.
    private let withOpus: [StreamRole: (stream: OpusStream, demand: StreamDemand)]
    private let plain: @Sendable (StreamRole) -> StreamLease?
    private let recorder: EventRecorder
    private let state: Mutex<State>
    private let logger: Logger

    public init(_ configuration: ChannelConfiguration, environment: ChannelEnvironment) {
        var logger = environment.logger
        logger[metadataKey: "channel"] = "\(configuration.id)"
        let id = configuration.id
        let changed = { @Sendable in environment.changed(id) }
        self.environment = environment
        self.logger = logger
        state = Mutex(State(configuration: configuration, lastEventAt: configuration.lastEventAt))
        main = CameraSession(
            role: .main, source: configuration.main, admits: environment.admits,
            packets: RecentPackets(span: environment.lengths.before + .seconds(1)),
            timing: environment.timing, time: environment.time, logger: logger, told: { environment.told(id, $0) }, changed: changed)
        sub = configuration.sub.map { source in
            CameraSession(
                role: .sub, source: source, admits: environment.admits,
                packets: RecentPackets(span: environment.lengths.before + .seconds(1), limitBytes: 16 << 20),
                timing: environment.timing, time: environment.time, logger: logger, changed: changed)
        }
        converted = ConvertedStream(
            source: { [main, sub, subDemand] in sub.map { StreamLease($0, demand: subDemand) } ?? StreamLease(main, demand: nil) },
            converter: environment.converter, places: environment.conversions, time: environment.time, logger: logger)
        let plain = { @Sendable [main, sub, subDemand, converted, convertedDemand] (role: StreamRole) -> StreamLease? in
            switch role {
            case .main: StreamLease(main, demand: nil)
            case .sub: sub.map { StreamLease($0, demand: subDemand) }
            case .converted: StreamLease(converted, demand: convertedDemand)
            }
        }
        self.plain = plain
        withOpus = Dictionary(
            uniqueKeysWithValues: StreamRole.allCases.map { role in
                let stream = OpusStream(
                    source: { plain(role) }, converter: environment.converter, time: environment.time, logger: logger)
                return (role, (stream, StreamDemand()))
            })
        recorder = EventRecorder(spool: environment.spool, lengths: environment.lengths, time: environment.time, logger: logger)
    }

    /// Works until cancelled; a running clip is then ended and kept.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.main.run() }
            group.addTask { await self.watch(self.main) }
            if let sub {
                subDemand.need(configuration.definition != nil)
                group.addTask { [subDemand, environment] in
                    await subDemand.run(time: environment.time) {
                        await sub.run()
                    } rests: {
                        sub.rest()
                    }
                }
                group.addTask { await self.watch(sub) }
            }
            group.addTask { [converted, convertedDemand, environment] in
                await convertedDemand.runWhileWanted(time: environment.time) {
                    await converted.run()
                } rests: {
                    converted.rest()
                }
            }
            for (stream, demand) in withOpus.values {
                group.addTask { [environment] in
                    await demand.runWhileWanted(time: environment.time) {
                        await stream.run()
                    } rests: {
                        stream.rest()
                    }
                }
            }
            await group.waitForAll()
        }
        await recorder.stop()
    }

    /// Takes over settings; the sources stay as they are.
    public func update(_ configuration: ChannelConfiguration) {
        state.withLock { state in
            let (main, sub) = (state.configuration.main, state.configuration.sub)
            state.configuration = configuration
            state.configuration.main = main
            state.configuration.sub = sub
        }
        subDemand.need(configuration.definition != nil)
        environment.changed(configuration.id)
    }

    /// A stream of the channel, for somebody who watches; nil where the channel has no such stream.
    public func stream(_ role: StreamRole) -> StreamLease? { plain(role) }

    /// The same with AAC made into Opus.
    public func streamWithOpus(_ role: StreamRole) -> StreamLease? {
        guard role != .sub || hasSub else { return nil }
        return withOpus[role].map { StreamLease($0.stream, demand: $0.demand) }
    }

    /// The settings in force.
    public var configuration: ChannelConfiguration { state.withLock { $0.configuration } }

    /// Tries a stopped session again.
    public func retryNow() {
        main.retryNow()
        sub?.retryNow()
    }

    /// Tries a session again that the camera refused, for it may know the password by now.
    public func retryIfRefused() {
        main.retryIfRefused()
        sub?.retryIfRefused()
    }

    /// The latest picture, as JPEG.
    public var snapshot: (jpeg: [UInt8], at: Date)? { state.withLock { $0.snapshot } }

    /// Whether the channel has a sub stream.
    public var hasSub: Bool { sub != nil }

    /// Its streams for those who watch, the best first.
    public var watchable: [StreamRole] { hasSub ? [.main, .sub, .converted] : [.main, .converted] }

    /// Whether the main stream's picture comes, and how its session is.
    public var reception: (hasPicture: Bool, condition: Condition) { (main.status != nil, main.condition) }

    /// What the channel's plan lets be recorded now.
    public var cover: PlanCover { environment.cover(configuration.id) }

    /// How the channel is now.
    public var view: ChannelView {
        let state = state.withLock { $0 }
        let streams = [main.status, sub?.status].compactMap { $0 }
        let plan = state.configuration.definition.flatMap {
            environment.transcodes.planner.plan($0, main: main.status, sub: sub?.status, load: environment.transcodes.load)
        }
        return ChannelView(
            condition: condition(state), armedNow: isArmed(state.configuration), streams: streams, plan: plan, recording: state.recording,
            lastEventAt: state.lastEventAt, snapshotAt: state.snapshot?.at, megapixels: state.megapixels,
            bufferedBytes: main.packets.bytes + (sub?.packets.bytes ?? 0))
    }

    private func condition(_ state: State) -> Condition {
        let session = main.condition
        guard session.severity == .ok else { return session }
        if state.damaged >= 3 {
            return Condition(
                code: "picture-damaged", severity: .attention,
                sentence: "The camera sends pictures that cannot be decoded. Check its network cable, and restart it.", since: session.since
            )
        }
        if let sub = sub?.condition, sub.severity == .trouble {
            return Condition(
                code: "sub-\(sub.code)", severity: .attention, sentence: "The main stream is well; the sub stream is not: \(sub.sentence)",
                since: sub.since)
        }
        if let warning = main.status?.warnings.first {
            return Condition(code: "stream-warning", severity: .attention, sentence: warning, since: session.since)
        }
        return session
    }

    private func isArmed(_ configuration: ChannelConfiguration) -> Bool {
        configuration.armed && configuration.schedule.isArmed(at: environment.time.now(), zone: configuration.timeZone)
    }

    // MARK: Events

    /// Records an event of the API or a camera.
    /// - Throws: `TriggerRefusal`.
    public func trigger(_ category: CameraEvent.Category, source: CameraEvent.Source) async throws(TriggerRefusal) -> CameraEvent {
        let event = CameraEvent(channel: configuration.id, category: category, source: source, time: environment.time)
        guard configuration.definition != nil else { throw .notLinked }
        if case .missing(let sentence) = cover { throw .noPlan(sentence) }
        guard main.status != nil || sub?.status != nil else { throw .noPicture(main.condition.sentence) }
        await record(event)
        return event
    }

    /// An event of the device: recorded where its kind, the link and the schedule want it, otherwise only taken down.
    public func report(_ event: CameraEvent) async {
        let configuration = configuration
        var event = event
        event.onlyNoted = !event.category.isFootage || configuration.definition == nil || !isArmed(configuration)
        if event.category == .motion {
            // The box sees the same motion a moment later: that is no second event.
            state.withLock { state in
                state.motionUntil = max(state.motionUntil ?? .zero, environment.time.uptime() + .seconds(6))
                state.motionEventAt = event.startedUptime
            }
        }
        if !event.onlyNoted, case .missing(let sentence) = cover { return await note(event, because: sentence) }
        if !event.onlyNoted, main.status != nil || sub?.status != nil { return await record(event) }
        state.withLock { $0.lastEventAt = event.startedAt }
        let reason =
            event.onlyNoted
            ? Self.whyNoted(event, configuration) : "There was no picture when the event happened: \(main.condition.sentence)"
        await environment.spool.note(event, channelName: configuration.name, dropReason: reason)
        environment.changed(configuration.id)
    }

    /// Said as it is now: link and schedule may be others when somebody reads it.
    private static func whyNoted(_ event: CameraEvent, _ configuration: ChannelConfiguration) -> String? {
        guard event.category.isFootage else { return nil }
        return configuration.definition == nil
            ? "Noted; the channel was not linked to the cloud, so nothing was recorded."
            : "Noted; the channel was not armed, so nothing was recorded."
    }

    /// The event that is recorded goes on.
    public func prolong() async {
        guard cover.admits else { return }
        _ = await recorder.prolong(until: environment.time.uptime() + .seconds(5))
    }

    /// Keeps the clip going while one of these events lasts.
    public func prolong(_ events: [EventID]) async {
        guard cover.admits else { return }
        await recorder.prolong(events, until: environment.time.uptime() + .seconds(5))
    }

    /// Takes an event down that would be recorded if the channel had a plan.
    private func note(_ event: CameraEvent, because sentence: String) async {
        var event = event
        event.onlyNoted = true
        state.withLock { $0.lastEventAt = event.startedAt }
        await environment.spool.note(event, channelName: configuration.name, dropReason: "Noted. \(sentence)")
        environment.changed(configuration.id)
    }

    private func record(_ event: CameraEvent) async {
        if case .missing(let sentence) = cover { return await note(event, because: sentence) }
        let configuration = configuration
        guard let context = context(configuration) else { return }
        state.withLock { state in
            state.lastEventAt = event.startedAt
            state.recording = true
        }
        await recorder.record(event, context: context) { [self] in
            state.withLock { $0.recording = false }
            environment.changed(configuration.id)
        }
        await environment.spool.record(event, channelName: configuration.name, clip: nil, dropReason: nil)
        environment.changed(configuration.id)
    }

    private func context(_ configuration: ChannelConfiguration) -> RecordingContext? {
        guard let definition = configuration.definition else { return nil }
        var load = environment.transcodes.load
        load.activeEvents += 1
        guard let plan = environment.transcodes.planner.plan(definition, main: main.status, sub: sub?.status, load: load) else {
            return nil
        }
        let retentionDays = if case .active(let days) = cover { days } else { configuration.retentionDays }
        let session = plan.way == .copySub ? sub ?? main : (main.status == nil ? sub ?? main : main)
        return RecordingContext(
            box: environment.box, channel: configuration.id, site: configuration.site, channelName: configuration.name,
            definition: definition, retentionDays: retentionDays, plan: plan, packets: session.packets,
            audio: session.status?.audio)
    }

    // MARK: Eyes

    /// Looks at the key frames of one stream: for the snapshot (main stream) and for motion (sub stream where there is one).
    private func watch(_ session: CameraSession) async {
        var detector = MotionDetector()
        var format: StreamFormat?
        while !Task.isCancelled {
            let cursor = session.packets.keyFrameCursor()
            while let batch = await cursor.next() {
                guard let keyFrame = batch.samples.last else { continue }
                if keyFrame.format != format {
                    detector.restart()
                    format = keyFrame.format
                }
                await look(at: keyFrame, of: session, detector: &detector)
            }
            detector.restart()
        }
    }

    private func look(at keyFrame: Sample, of session: CameraSession, detector: inout MotionDetector) async {
        let configuration = configuration
        if session.role == .main {
            state.withLock { $0.megapixels = Double(keyFrame.format.width * keyFrame.format.height) / 1_000_000 }
        }
        let eye = sub.map { $0.condition.severity == .ok ? $0 : main } ?? main
        let watches = eye === session && configuration.definition != nil && configuration.motion.enabled && isArmed(configuration)
        let wantsSnapshot = session === main && snapshotIsDue
        guard watches || wantsSnapshot else { return }
        do {
            let picture = try await environment.pictures.picture(
                of: keyFrame, channel: configuration.id, jpegWidth: wantsSnapshot ? 960 : nil)
            state.withLock { state in
                state.damaged = 0
                if let jpeg = picture.jpeg { state.snapshot = (jpeg, environment.time.now()) }
            }
            if picture.jpeg != nil { environment.changed(configuration.id) }
            guard watches else { return }
            await notice(
                detector.look(at: picture.gray, settings: configuration.motion), at: keyFrame, every: session.status?.keyFrameSeconds ?? 2)
        } catch {
            let count = state.withLock { state in
                state.damaged += 1
                return state.damaged
            }
            if count == 3 {
                logger.warning("pictures cannot be decoded", metadata: ["reason": "\(error)"])
                environment.changed(configuration.id)
            }
        }
    }

    private var snapshotIsDue: Bool {
        guard let at = state.withLock({ $0.snapshot?.at }) else { return true }
        let age = environment.time.now().timeIntervalSince(at)
        return age >= 10 || age < 0
    }

    private func notice(_ reading: MotionReading, at keyFrame: Sample, every seconds: Double) async {
        let configuration = configuration
        environment.moved(configuration.id, reading)
        guard reading.isMotion else { return }
        // One event lasts until there was no motion for a while; while it lasts it keeps its clip going.
        let silence = Duration.seconds(max(6, seconds * 2.5))
        let goesOn = state.withLock { state in
            defer { state.motionUntil = keyFrame.arrival + silence }
            return state.motionUntil.map { keyFrame.arrival <= $0 } ?? false
        }
        if goesOn {
            let until = keyFrame.arrival + max(.seconds(5), .seconds(seconds * 1.5))
            if cover.admits, await recorder.prolong(until: until) { return }
            // Nothing is recorded, for want of room perhaps: motion that goes on is told once a clip's length, not at each key frame.
            let last = state.withLock { $0.motionEventAt }
            if let last, keyFrame.arrival - last < environment.lengths.whole { return }
        }
        state.withLock { $0.motionEventAt = keyFrame.arrival }
        await record(
            CameraEvent(
                channel: configuration.id, category: .motion, source: .box, uptime: keyFrame.arrival, time: environment.time))
    }
}
