public import CameraProtocols
import Core
import Foundation
import Synchronization

/// What is to be played (ONVIF Streaming, section 6: replay).
public struct ReplayRequest: Sendable {
    public enum Frames: String, Sendable {
        /// Key frames alone.
        case intra
    }

    /// By the device's clock; nil goes on where it was paused.
    public var range: ReplayRange?
    /// Times the pace of recording, below zero backwards; nil for as it was.
    public var scale: Double?
    /// Whether the device keeps the pace; otherwise it sends as fast as is taken.
    public var keepsPace: Bool
    public var frames: Frames?

    public init(range: ReplayRange?, scale: Double? = nil, keepsPace: Bool = false, frames: Frames? = nil) {
        self.range = range
        self.scale = scale
        self.keepsPace = keepsPace
        self.frames = frames
    }

    var headers: [(name: String, value: String)] {
        var headers = [(name: "Rate-Control", value: keepsPace ? "yes" : "no")]
        if let range { headers.append(("Range", range.text)) }
        if let scale { headers.append(("Scale", "\(scale)")) }
        if let frames { headers.append(("Frames", frames.rawValue)) }
        // Otherwise a device that plays first finishes what it plays.
        headers.append(("Immediate", "yes"))
        return headers
    }
}

/// Plays the recordings of one device by time.
final class ReplayClient: Sendable {
    /// How it came to an end.
    enum End: Sendable, Equatable {
        /// All was played.
        case complete
        /// The device closed the connection.
        case closed
        /// Nothing came any more.
        case silent
    }

    static let feature = "onvif-replay"
    /// A device that has sent nothing for so long has played all, or never will.
    static let silence = Duration.seconds(8)

    private struct State {
        var progress: ReplayProgress
        var lastHeard: Duration
        var isDelivering = false
        var isPlaying = false
    }

    private let session: RTSPSession
    private let connection: RTSPConnection
    private let time: TimeSource
    private let state: Mutex<State>
    private let news: Signal

    var description: SessionDescription { session.description }
    var descriptionBytes: [UInt8] { session.descriptionBytes }
    var tracks: [RTSPSession.Track] { session.tracks }

    private init(_ session: RTSPSession, over connection: RTSPConnection, asked: ReplayRange, news: Signal, time: TimeSource) {
        self.session = session
        self.connection = connection
        self.news = news
        self.time = time
        let known = session.tracks.map { track in
            let media = session.description.media[track.index]
            let rates = media.formats.compactMap { format in
                UInt8(format.payloadType).flatMap { type in format.clockRate.map { (type, $0) } }
            }
            return (
                track.channel, ReplayProgress.Track(isVideo: media.kind == "video", clockRates: Dictionary(rates) { first, _ in first })
            )
        }
        state = Mutex(
            State(progress: ReplayProgress(asked: asked, tracks: Dictionary(known) { first, _ in first }), lastHeard: time.uptime()))
    }

    /// Opens the recording at `address` (without credentials) and sets up its video and sound; afterwards it is let go of.
    ///
    /// - Parameter asked: What is going to be played, by which its end is known.
    /// - Throws: `RTSPFailure`, and what `body` throws.
    static func with<Result: Sendable>(
        _ address: String, at endpoint: RTSPEndpoint, asked: ReplayRange, time: TimeSource,
        body: @escaping @Sendable (ReplayClient) async throws -> Result
    ) async throws -> Result {
        let news = Signal()
        return try await RTSPConnection.with(endpoint, time: time, ended: { news.raise() }) { connection in
            let session = try await RTSPSession.open(address, over: connection, feature: feature, time: time) { description in
                description.media.indices.filter { isWanted(description.media[$0]) }
            }
            let client = ReplayClient(session, over: connection, asked: asked, news: news, time: time)
            return try await withBackgroundWork {
                try? await session.keepAlive(endsInSilence: false)
            } _: {
                let result: Swift.Result<Result, any Error>
                do { result = .success(try await body(client)) } catch { result = .failure(error) }
                // Devices have few sessions. A task of its own is not cancelled with this one.
                await Task { await session.tearDown() }.value
                return try result.get()
            }
        }
    }

    private static func isWanted(_ media: SessionDescription.Media) -> Bool {
        ["video", "audio"].contains(media.kind) && media.direction != .inactive
    }

    // MARK: Playing

    /// Begins to play. `take` gets each packet with the interleaved channel it came on; while it lasts the device has to wait.
    /// - Throws: `RTSPFailure`.
    func play(_ request: ReplayRequest, take: @escaping RTSPConnection.Taker) async throws {
        connection.deliver(to: { [self] channel, bytes in
            guard accept(channel, bytes) else { return }
            defer { delivered() }
            try await take(channel, bytes)
        })
        try await play(request)
    }

    /// Halts the device until `resume`.
    /// - Throws: `RTSPFailure`.
    func pause() async throws {
        try await session.ask("PAUSE")
        state.withLock { $0.isPlaying = false }
    }

    /// Goes on where the device was halted.
    /// - Throws: `RTSPFailure`.
    func resume(_ request: ReplayRequest) async throws {
        var request = request
        request.range = nil
        try await play(request)
    }

    private func play(_ request: ReplayRequest) async throws {
        // What the answer says counts from the first packet behind it. Until it comes the device searches its disk, and is not silent: an answer has
        // its own patience.
        try await session.ask("PLAY", headers: request.headers) { [self] answer in
            state.withLock { state in
                state.lastHeard = time.uptime()
                state.isPlaying = true
                if request.range != nil { state.progress.answer(answer["Range"].flatMap { ReplayRange($0) }) }
            }
        }
    }

    private func accept(_ channel: UInt8, _ bytes: [UInt8]) -> Bool {
        guard tracks.contains(where: { $0.channel == channel || $0.channel + 1 == channel }) else { return false }
        state.withLock { state in
            state.progress.take(channel, bytes)
            state.isDelivering = true
        }
        return true
    }

    private func delivered() {
        let isComplete = state.withLock { state in
            state.isDelivering = false
            state.lastHeard = time.uptime()
            return state.progress.isComplete
        }
        if isComplete { news.raise() }
    }

    /// Waits until nothing more comes.
    func ended() async -> End {
        while !Task.isCancelled {
            let wait: Duration? = state.withLock { state in
                if state.progress.isComplete, !state.isDelivering { return nil }
                // Whoever takes slowly, or paused, is not the device's silence.
                return state.isDelivering || !state.isPlaying ? Self.silence : state.lastHeard + Self.silence - time.uptime()
            }
            guard let wait else { return .complete }
            if connection.end != nil { return .closed }
            guard wait > .zero else { return .silent }
            await news.wait(atMost: wait, time: time)
        }
        return .closed
    }

    /// When the first frame was recorded, by the device's clock; nil before it came.
    var startsAt: Date? { state.withLock { $0.progress.startsAt } }
    /// Whether all was played that was asked for.
    var hasPlayedAll: Bool { state.withLock { $0.progress.isComplete || $0.progress.reachedEnd } }
}
