import CameraProtocols
public import Cameras
public import Core
public import Foundation
public import Media
import Outbound
import Synchronization

/// Tries a device whole: is it there, does it let us in, what is it, what does it send, does it tell of events, is its clock right.
public struct DeviceTrial: Sendable {
    /// What a device proved to be.
    public struct Outcome: Sendable {
        public var entry: DeviceEntryPoint
        public var description: DeviceDescription
        public var profile: CameraProfile
    }

    let prober: DeviceProber
    let time: TimeSource
    /// How long the first channel's stream is watched.
    let captureSpan: Duration
    /// What comes from a channel now, where its stream is at work: it is not opened a second time, for there may be no session free.
    let receiving: @Sendable (Int) -> [StreamStatus]?
    /// Its events come already, so that no second subscription is made.
    let eventsCome: Bool
    /// The name of a device that has this identity already.
    let addedAs: @Sendable (DeviceIdentity, DeviceAddress) async -> String?

    public init(
        prober: DeviceProber, time: TimeSource, captureSpan: Duration = .seconds(10),
        receiving: @escaping @Sendable (Int) -> [StreamStatus]? = { _ in nil }, eventsCome: Bool = false,
        addedAs: @escaping @Sendable (DeviceIdentity, DeviceAddress) async -> String?
    ) {
        self.prober = prober
        self.time = time
        self.captureSpan = captureSpan
        self.receiving = receiving
        self.eventsCome = eventsCome
        self.addedAs = addedAs
    }

    /// Runs the trial; `tell` gets the report each time it changes.
    /// - Throws: `DeviceFailure`, the report then says at which step.
    public func run(
        _ entry: DeviceEntryPoint, driver wanted: DriverKind?, zone: TimeZone?, setsClock: Bool,
        tell: @escaping @Sendable (OnboardingReport) -> Void
    ) async -> (Result<Outcome, DeviceFailure>, OnboardingReport) {
        let notes = TrialNotes(OnboardingReport(startedAt: time.now()), tell: tell)
        do throws(DeviceFailure) {
            let outcome = try await prove(entry, wanted: wanted, zone: zone, setsClock: setsClock, notes: notes)
            notes.change { $0.finish(at: time.now()) }
            return (.success(outcome), notes.report)
        } catch {
            notes.fail(error, at: time.now())
            return (.failure(error), notes.report)
        }
    }

    private func prove(
        _ given: DeviceEntryPoint, wanted: DriverKind?, zone: TimeZone?, setsClock: Bool, notes: TrialNotes
    ) async throws(DeviceFailure) -> Outcome {
        var entry = given
        notes.begin(.reach)
        let greeting = try await reach(entry, wanted: wanted)
        notes.done(.reach, "\(entry.address.host) answers.")
        notes.begin(.signIn)
        let (driver, description, known) = try await describe(entry, greeting: greeting, wanted: wanted, notes: notes)
        defer { Task { await driver.close() } }
        entry = known
        entry.address.rtspPort = Self.rtspPort(description) ?? entry.address.rtspPort
        if let name = await addedAs(description.identity, entry.address) {
            throw DeviceFailure(.alreadyAdded, "This device is added already, as \(name).")
        }
        if let platform = description.boundTo {
            throw DeviceFailure(
                .boundElsewhere,
                "The device belongs to an account of \(platform). Its owner must unbind it there first; then try again.", detail: platform)
        }
        let profile = prober.profiles.profile(of: description.identity)
        notes.begin(.streams)
        let streams = await withTaskGroup(of: Void.self) { [entry] group -> Result<Void, DeviceFailure> in
            group.addTask { await self.proveEvents(driver, description, notes: notes) }
            group.addTask { await self.proveClock(driver, description, zone: zone, setsClock: setsClock, notes: notes) }
            do throws(DeviceFailure) {
                return .success(try await proveStreams(entry, description, profile: profile, notes: notes))
            } catch {
                return .failure(error)
            }
        }
        try streams.get()
        notes.begin(.compatibility)
        await judge(driver, description, profile: profile, notes: notes)
        return Outcome(entry: entry, description: description, profile: profile)
    }

    // MARK: Reaching and signing in

    private func reach(_ entry: DeviceEntryPoint, wanted: DriverKind?) async throws(DeviceFailure) -> DeviceProber.Greeting {
        do {
            try await prober.policy.check(host: entry.address.host)
            for url in [entry.mainURL, entry.subURL].compactMap({ $0 }) { try await prober.policy.check(host: url.host) }
        } catch {
            throw error.code == "address-refused"
                ? DeviceFailure(.addressRefused, error.sentence) : DeviceFailure(.unreachable, error.sentence)
        }
        if entry.mainURL != nil, wanted == nil || wanted == .rtsp { return DeviceProber.Greeting() }
        let greeting = await prober.greet(entry)
        if greeting.activated == false {
            throw DeviceFailure(.notActivated, "The device is new and has no password yet. Activate it with a strong password.")
        }
        if let failure = greeting.failure, failure.needsPerson { throw failure }
        // Where nothing answers on HTTP, RTSP may; where there is no way at all, the rest would only take time.
        if let failure = greeting.failure, failure.code == .unreachable { throw failure }
        return greeting
    }

    private func describe(
        _ entry: DeviceEntryPoint, greeting: DeviceProber.Greeting, wanted: DriverKind?, notes: TrialNotes
    ) async throws(DeviceFailure) -> (any CameraDriver, DeviceDescription, DeviceEntryPoint) {
        var last = greeting.failure ?? DeviceFailure(.unsupported, "The device speaks no language that the box knows. Add its RTSP URL.")
        let candidates = prober.candidates(greeting, entry: entry, wanted: wanted)
        for (kind, reason) in candidates {
            let driver = prober.driver(kind, entry, profile: .unknown)
            do throws(DeviceFailure) {
                var description = try await driver.describe()
                description.driverReason = reason
                notes.done(.signIn, entry.credentials == nil ? "It asks for no password." : "It accepts the password.")
                noteIdentity(description, notes)
                let profile = prober.profiles.profile(of: description.identity)
                var known = entry
                known.pinnedCertificate = driver.certificate ?? entry.pinnedCertificate
                await driver.close()
                if let better = profile.driver, better != kind, wanted == nil, candidates.contains(where: { $0.0 == better }) { continue }
                return (prober.driver(kind, known, profile: profile), description, known)
            } catch {
                await driver.close()
                last = candidates.count > 1 && kind == .rtsp && greeting.isapi ? last : error
                // Only one that does not speak this language is asked in another; the same password on another door only brings the lock nearer.
                guard [.unsupported, .nonsense, .refused].contains(error.code) else { throw error }
            }
        }
        throw last
    }

    private func noteIdentity(_ description: DeviceDescription, _ notes: TrialNotes) {
        let identity = description.identity
        let name = [identity.make, identity.model].compactMap { $0 }.joined(separator: " ")
        let firmware = identity.firmware.map { ", firmware \($0)" } ?? ""
        notes.done(.identify, (name.isEmpty ? "It does not say what it is" : name) + firmware + ". " + description.driverReason)
        let online = description.channels.count { $0.online != false }
        let doors = description.doors.isEmpty ? "" : " \(description.doors.count == 1 ? "One door." : "\(description.doors.count) doors.")"
        let count = description.channels.count
        notes.done(
            .channels,
            count == 0
                ? "No camera channels.\(doors)"
                : count == 1 ? "One channel.\(doors)" : "\(count) channels, \(online) of them with a picture.\(doors)")
    }

    private static func rtspPort(_ description: DeviceDescription) -> Int? {
        description.channels.lazy.flatMap(\.streams).compactMap { RTSPAddress($0.url)?.port }.first
    }

    // MARK: Streams

    /// Watches the first channel for the whole span and the others for as long as it takes to see that they come; four at a time.
    private func proveStreams(
        _ entry: DeviceEntryPoint, _ description: DeviceDescription, profile: CameraProfile, notes: TrialNotes
    ) async throws(DeviceFailure) {
        let channels = description.channels.filter { $0.online != false && !$0.streams.isEmpty }
        guard !channels.isEmpty else {
            guard description.channels.isEmpty, !description.doors.isEmpty else {
                throw DeviceFailure(
                    .noVideo,
                    description.channels.isEmpty
                        ? "The device offers no stream. Add the RTSP URL of its stream if it has one."
                        : "None of the device's channels has a picture. Check the cameras behind it.")
            }
            return notes.skip(.streams, "It has no camera.")
        }
        let captures = await withTaskGroup(of: OnboardingReport.Capture.self) { group in
            var captures: [OnboardingReport.Capture] = []
            for (index, channel) in channels.enumerated() {
                if index >= min(4, profile.sessions ?? 4), let capture = await group.next() { captures.append(capture) }
                group.addTask { await self.capture(channel, entry, span: index == 0 ? self.captureSpan : .zero) }
            }
            for await capture in group { captures.append(capture) }
            return captures.sorted { $0.channel < $1.channel }
        }
        notes.change { $0.captures = captures }
        let working = captures.filter { $0.trouble == nil }
        guard let first = working.first, let main = first.streams.first else {
            let trouble = captures.first { $0.trouble != nil }
            throw DeviceFailure(stream: trouble?.troubleCode ?? "no-video", trouble?.trouble ?? StreamTrouble.noVideo.sentence)
        }
        let span = first.seconds == 0 ? "The box receives it now" : "\(Int(first.seconds.rounded(.up))) s watched"
        let seen = "\(span): \(Self.words(main))"
        let others = captures.count == 1 ? "" : " \(working.count) of \(captures.count) channels send a picture."
        notes.change { $0.set(.streams, working.count == captures.count ? .ok : .attention, seen + "." + others) }
    }

    private func capture(_ channel: DeviceChannel, _ entry: DeviceEntryPoint, span: Duration) async -> OnboardingReport.Capture {
        if let streams = receiving(channel.number), !streams.isEmpty {
            return OnboardingReport.Capture(channel: channel.number, streams: streams, seconds: 0, trouble: nil)
        }
        let began = time.uptime()
        var streams: [StreamStatus] = []
        var trouble: StreamTrouble?
        for stream in channel.streams where stream.role != .third {
            guard let url = RTSPAddress(stream.url) else { continue }
            let address = CameraAddress(
                place: .url(url), subURL: nil, userName: entry.credentials?.userName, password: entry.credentials?.password,
                transport: entry.transport)
            do {
                let role: StreamRole = stream.role == .main ? .main : .sub
                streams.append(
                    try await persistently(stream.url, address, role: role, span: stream.role == .main ? span : .zero))
            } catch {
                if stream.role == .main {
                    trouble = StreamTrouble(error)
                    break
                }
            }
        }
        return OnboardingReport.Capture(
            channel: channel.number, streams: streams, seconds: span == .zero ? (time.uptime() - began).seconds : span.seconds,
            trouble: trouble?.sentence, troubleCode: trouble?.code)
    }

    /// A stream is tried once more where the camera ended it: some do while a session of before is still theirs.
    private func persistently(
        _ url: String, _ address: CameraAddress, role: StreamRole, span: Duration
    ) async throws -> StreamStatus {
        do {
            return try await prober.tester.capture(url, address, role: role, span: span).status
        } catch StreamTrouble.ended {
            try await time.sleep(.seconds(1))
            return try await prober.tester.capture(url, address, role: role, span: span).status
        }
    }

    private static func words(_ status: StreamStatus) -> String {
        let rate = status.frameRate > 0 ? " at \(status.frameRate.formatted()) frames/s" : ""
        let bits = status.bitRate > 0 ? ", \(status.bitRate / 1000) kbit/s" : ""
        let keys = status.keyFrameSeconds > 0 ? ", a key frame each \(status.keyFrameSeconds.formatted()) s" : ", key frames far apart"
        let sound = status.audio.map { ", sound \($0.codec.rawValue)" } ?? ", no sound"
        return "\(status.video.codec.rawValue.uppercased()) \(status.video.width)x\(status.video.height)\(rate)\(bits)\(keys)\(sound)"
    }

    // MARK: Events and clock

    /// Subscribes and waits for the first sign of life on the subscription: a heartbeat, a state, an event.
    private func proveEvents(_ driver: any CameraDriver, _ description: DeviceDescription, notes: TrialNotes) async {
        guard description.capabilities.contains(.events) else {
            return notes.skip(.events, "The device tells of no events; the box looks for motion itself.")
        }
        guard !eventsCome else { return notes.done(.events, "Its events come.") }
        notes.begin(.events)
        let sign = Signal()
        let heard = Mutex<(ready: Bool, any: Bool)>((false, false))
        let began = time.uptime()
        let listening = Task { () -> DeviceFailure? in
            do throws(DeviceFailure) {
                try await driver.listen {
                    heard.withLock { $0.ready = true }
                } take: { _ in
                    heard.withLock { $0.any = true }
                    sign.raise()
                }
                return nil
            } catch {
                sign.raise()
                return error
            }
        }
        await sign.wait(atMost: .seconds(12), time: time)
        listening.cancel()
        let failure = await listening.value
        let state = heard.withLock { $0 }
        let seconds = Int((time.uptime() - began).seconds.rounded())
        if state.any {
            notes.done(.events, "Subscribed; the first message came \(seconds == 0 ? "at once" : "after \(seconds) s").")
        } else if state.ready {
            notes.change { $0.set(.events, .attention, "Subscribed; nothing has happened yet to prove it. Walk past the camera to try.") }
        } else {
            let why = failure?.sentence ?? "The device does not answer."
            notes.change { $0.set(.events, .attention, "Its events do not come: \(why) The box looks for motion itself.") }
        }
    }

    private func proveClock(
        _ driver: any CameraDriver, _ description: DeviceDescription, zone: TimeZone?, setsClock: Bool, notes: TrialNotes
    ) async {
        guard description.capabilities.contains(.time) else { return notes.skip(.clock, "The device does not tell its time.") }
        notes.begin(.clock)
        do throws(DeviceFailure) {
            var clock = try await driver.clock()
            if setsClock, clock.isOff(in: zone, at: time.now()) {
                try await driver.setClock(ClockChange(zone: zone, networkTimeServer: nil))
                let before = clock.offset
                clock = try await driver.clock()
                notes.done(
                    .clock,
                    abs(before) < 2 ? "It has the site's time zone now." : "Its clock was off by \(Self.seconds(before)); it is right now.")
            } else if let remark = clock.remark {
                notes.change { $0.set(.clock, .attention, remark) }
            } else {
                notes.done(.clock, "Its clock is right to \(Self.seconds(max(abs(clock.offset), 1))).")
            }
            let offset = clock.offset
            notes.change { $0.clockOffset = offset }
        } catch {
            notes.change { $0.set(.clock, .attention, "Its clock could not be read: \(error.sentence)") }
        }
    }

    private static func seconds(_ offset: Double) -> String {
        let seconds = Int(abs(offset).rounded())
        return seconds == 1
            ? "a second"
            : seconds < 120
                ? "\(seconds) seconds"
                : seconds < 7200
                    ? "\(seconds / 60) minutes"
                    : seconds < 172_800 ? "\(seconds / 3600) hours" : "\(seconds / 86_400) days"
    }

    // MARK: Compatibility

    private func judge(_ driver: any CameraDriver, _ description: DeviceDescription, profile: CameraProfile, notes: TrialNotes) async {
        var remarks = (profile.remarks ?? []) + [profile.firmwareAdvice].compactMap { $0 }
        for capture in notes.report.captures {
            let name = description.channels.count > 1 ? "Channel \(capture.channel): " : ""
            remarks += capture.streams.flatMap(\.warnings).map { name + $0 }
            if let trouble = capture.trouble { remarks.append(name + trouble) }
        }
        for channel in description.channels where channel.streams.contains(where: { $0.smartCodec == true }) {
            remarks.append(
                "\(channel.name): a smart codec is on, which hurts the cloud copy. Make the camera ready for the cloud to switch it off.")
        }
        var silent: [Int: [CameraEvent.Category]] = [:]
        for channel in description.channels.prefix(4) where channel.capabilities.contains(.notificationSwitch) && channel.online != false {
            if let motion = try? await driver.motion(of: channel), motion.enabled, motion.notifies == false {
                silent[channel.number] = [.motion]
                remarks.append(
                    "\(channel.name): motion is not told to the box, because \"notify surveillance center\" is off. Switch it on.")
            }
        }
        let recommendation = Self.recommendation(notes.report.captures)
        let (all, quiet) = (remarks, silent)
        notes.change { report in
            report.remarks = Array(all.prefix(24))
            report.silentEvents = quiet
            report.recommendation = recommendation
            report.set(
                .compatibility, all.isEmpty ? .ok : .attention,
                all.isEmpty
                    ? "Nothing stands against it. \(recommendation ?? "")"
                    : "\(all.count == 1 ? "One thing" : "\(all.count) things") to look at. \(recommendation ?? "")")
        }
    }

    private static func recommendation(_ captures: [OnboardingReport.Capture]) -> String? {
        guard let main = captures.lazy.compactMap({ $0.streams.first { $0.role == .main } }).first else { return nil }
        if main.video.width * main.video.height > 8_300_000 {
            return "More than 8 megapixels cannot be linked; choose a smaller size in the camera."
        }
        let sub = captures.lazy.compactMap { $0.streams.first { $0.role == .sub } }.first
        if let sub, sub.video.codec == .h264, sub.video.width <= 704, sub.keyFrameSeconds == 0 || sub.keyFrameSeconds <= 4 {
            return "Standard definition costs nothing here: the sub stream is copied as it is."
        }
        return main.video.height >= 1080 ? "High definition fits its picture." : "Standard definition fits its picture."
    }
}
