public import Core
import Foundation
public import Logging
public import Media
import Outbound
import RTSP
import Synchronization

/// How a stream is reached; the URL carries the credentials, so it is never logged.
public struct StreamSource: Sendable, Equatable {
    let url: String
    let transport: RTSPOptions.Transport
    /// Whether the camera's events are expected in the stream.
    let metadata: Bool
    /// The host that is connected to.
    public var host: String { URLComponents(string: url)?.host ?? "" }

    /// A source at `url` (without credentials), signing in as `userName` where given.
    public init(url: String, userName: String?, password: String?, transport: RTSPOptions.Transport, metadata: Bool = false) {
        if var parts = URLComponents(string: url), let userName {
            parts.user = userName
            parts.password = password
            self.url = parts.string ?? url
        } else {
            self.url = url
        }
        self.transport = transport
        self.metadata = metadata
    }

    private init(pinning source: StreamSource, to address: String) {
        url = PinnedHost.url(source.url, at: address)
        transport = source.transport
        metadata = source.metadata
    }

    /// The same at an address that was looked up.
    public func at(_ address: String) -> StreamSource { StreamSource(pinning: self, to: address) }
}

/// Waits and patience of a session; tests shorten them.
public struct SessionTiming: Sendable {
    /// No answer to a request, no packet on any track.
    public var timeout = Duration.seconds(10)
    /// No picture while other packets come.
    public var videoSilence = Duration.seconds(10)
    /// Bounds of the waits between attempts.
    public var firstWait = Duration.seconds(1)
    public var longestWait = Duration.seconds(60)
    /// live555 servers keep a lost session this long and may refuse another meanwhile.
    public var staleSession = Duration.seconds(65)

    public init() {}
}

/// The one connection to one stream of a channel: it receives into `RecentPackets` and comes back by itself, whatever happens.
///
/// Nothing else ever opens the stream: cameras allow few sessions.
public final class CameraSession: ReceivedStream {
    private struct State {
        var condition: Condition
        var status: StreamStatus?
        var lastStatus: StreamStatus?
        /// No attempt is made before a person has changed something.
        var needsPerson = false
        var lastLoss: Duration?
        /// The stream has what the box does not receive by itself.
        var needsLibavformat = false
    }

    public let role: StreamRole
    public let packets: RecentPackets
    private let source: StreamSource
    private let admits: @Sendable (StreamSource) async throws -> StreamSource
    private let timing: SessionTiming
    private let time: TimeSource
    private let logger: Logger
    private let queue: BlockingQueue
    private let state: Mutex<State>
    private let retry = Signal()
    /// Called, from any thread, when condition or status changed.
    private let changed: @Sendable () -> Void
    /// Called, from the session's thread, with each document of the metadata track.
    private let told: @Sendable ([UInt8]) -> Void

    public init(
        role: StreamRole, source: StreamSource, admits: @escaping @Sendable (StreamSource) async throws -> StreamSource,
        packets: RecentPackets,
        timing: SessionTiming, time: TimeSource, logger: Logger, told: @escaping @Sendable ([UInt8]) -> Void = { _ in },
        changed: @escaping @Sendable () -> Void
    ) {
        self.role = role
        self.source = source
        self.admits = admits
        self.packets = packets
        self.timing = timing
        self.time = time
        self.logger = logger
        self.changed = changed
        self.told = told
        queue = BlockingQueue(name: "camera-\(role.rawValue)")
        state = Mutex(
            State(condition: Condition(code: "connecting", severity: .attention, sentence: "Connecting to the camera.", since: time.now())))
    }

    /// How the session is.
    public var condition: Condition { state.withLock { $0.condition } }
    /// What the stream sends; nil while there is no picture.
    public var status: StreamStatus? { state.withLock { $0.status } }

    /// Nobody wants the stream for the time being; what it last sent stays known.
    func rest() {
        // Trouble that needs a person does not go by looking away.
        let needsPerson = state.withLock { state in
            state.status = state.lastStatus
            return state.needsPerson
        }
        guard !needsPerson else { return }
        set(Condition(code: "resting", severity: .ok, sentence: "Opened when somebody watches.", since: time.now()))
    }

    /// Tries again now, for instance after a new password was entered at the camera.
    public func retryNow() {
        retry.raise()
    }

    /// Tries again now if the camera refused the password.
    func retryIfRefused() {
        if state.withLock({ $0.needsPerson }) { retry.raise() }
    }

    /// Receives until cancelled.
    public func run() async {
        var backOff = BackOff(first: timing.firstWait, longest: timing.longestWait)
        state.withLock { $0.status = nil }
        if state.withLock({ $0.needsPerson }) { await waitForPerson() }
        while !Task.isCancelled {
            let outcome: Result<Void, any Error>
            do {
                // Asked at each connection, for a name may have got another address.
                outcome = .success(try await receiveOnce(from: try await admits(source)))
            } catch {
                outcome = .failure(error)
            }
            packets.restart()
            let hadPicture = state.withLock { state in
                defer { state.status = nil }
                return state.status != nil
            }
            guard !Task.isCancelled, case .failure(let error) = outcome else { continue }
            if hadPicture {
                backOff.succeeded()
                state.withLock { $0.lastLoss = time.uptime() }
            } else {
                // What stood in the way of the box's own reception may have been of that moment.
                state.withLock { $0.needsLibavformat = false }
            }
            await recover(from: error, backOff: &backOff)
        }
        packets.restart()
    }

    private func recover(from error: any Error, backOff: inout BackOff) async {
        let trouble = StreamTrouble(error)
        // What a person did while the session still ran is no answer to this.
        retry.lower()
        // Cameras lock accounts after a few wrong passwords.
        let pause = trouble.needsPerson ? " The box does not try again by itself, so that the camera does not lock its account." : ""
        set(
            Condition(code: trouble.code, severity: .trouble, sentence: trouble.sentence + pause, since: time.now(), detail: trouble.detail)
        )
        guard !trouble.needsPerson else {
            // Cameras lock accounts after a few wrong passwords: no second try until a person has changed something.
            logger.warning("camera session stopped", metadata: ["role": "\(role.rawValue)", "reason": "\(trouble.code)"])
            state.withLock { $0.needsPerson = true }
            await waitForPerson()
            return
        }
        var wait = backOff.failed()
        if trouble == .busy, let lost = state.withLock({ $0.lastLoss }) {
            wait = max(wait, lost + timing.staleSession - time.uptime())
        }
        if backOff.failures == 1 {
            logger.warning(
                "camera session lost", metadata: ["role": "\(role.rawValue)", "reason": "\(trouble.code)", "detail": "\(error)"])
        }
        await retry.wait(atMost: wait, time: time)
    }

    private func waitForPerson() async {
        await retry.wait()
        if !Task.isCancelled { state.withLock { $0.needsPerson = false } }
    }

    private func set(_ condition: Condition) {
        let isNew = state.withLock { state in
            let continued = condition.continuing(state.condition)
            defer { state.condition = continued }
            return continued != state.condition
        }
        if isNew { changed() }
    }

    // MARK: Receiving

    /// What one connection brings.
    private var intake: CameraIntake {
        CameraIntake(
            role: role, packets: packets, silence: timing.videoSilence, time: time, told: told, published: { [self] in publish($0) })
    }

    /// Over TCP the box receives by itself, each picture at once; whatever it does not know that way, and over UDP, libavformat receives.
    private func receiveOnce(from source: StreamSource) async throws {
        let live = LiveClient.Source(url: source.url, wantsData: source.metadata, timeout: timing.timeout)
        if source.transport == .tcp, !state.withLock({ $0.needsLibavformat }), let live {
            do {
                return try await LiveClient.receive(live, time: time, to: intake)
            } catch let unsupported as LiveClient.Unsupported {
                logger.info(
                    "libavformat receives the stream", metadata: ["role": "\(role.rawValue)", "reason": "\(unsupported.description)"])
                state.withLock { $0.needsLibavformat = true }
            }
        }
        guard let live else { return try await receiveByLibavformat(from: source) }
        try await LiveClient.examined(live, time: time) { try await receiveByLibavformat(from: source) }
    }

    private func receiveByLibavformat(from source: StreamSource) async throws {
        let interrupt = Interrupt()
        try await withTaskCancellationHandler {
            try await queue.run { [self] in Result { try receive(from: source, interrupt) } }.get()
        } onCancel: {
            interrupt.stop()
        }
    }

    /// On a thread of its own.
    private func receive(from source: StreamSource, _ interrupt: Interrupt) throws {
        var demuxer = try Demuxer(
            rtsp: source.url, options: RTSPOptions(transport: source.transport, timeout: timing.timeout, data: source.metadata),
            interrupt: interrupt)
        let intake = intake
        try intake.open(demuxer.formats)
        while let item = try demuxer.read() {
            if source.metadata, demuxer.isData(item.track) {
                try item.packet.withBytes { try intake.takeData($0) }
            } else {
                try intake.take(item)
            }
        }
        throw MediaError("read", kind: .ended)
    }

    private func publish(_ status: StreamStatus) {
        let isFirst = state.withLock { state in
            defer {
                state.status = status
                state.lastStatus = status
            }
            return state.status == nil
        }
        set(Condition(code: "ok", severity: .ok, sentence: "The picture is there.", since: time.now()))
        if isFirst {
            logger.info(
                "camera session runs",
                metadata: [
                    "role": "\(role.rawValue)", "codec": "\(status.video.codec.rawValue)",
                    "size": "\(status.video.width)x\(status.video.height)",
                ])
        }
        changed()
    }
}
