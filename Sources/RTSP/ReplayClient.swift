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
        var headers = [(name: "Require", value: ReplayClient.feature), (name: "Rate-Control", value: keepsPace ? "yes" : "no")]
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
    /// One track that was set up.
    struct Track: Sendable {
        /// The place in the description.
        let index: Int
        /// The interleaved channel of its RTP; its RTCP has the next.
        let channel: UInt8
    }

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
    private static let mostTracks = 8

    private struct State {
        var progress: ReplayProgress
        var session: RTSPMessage.Session?
        var lastHeard: Duration
        var isDelivering = false
        var isPlaying = false
    }

    let description: SessionDescription
    let descriptionBytes: [UInt8]
    let tracks: [Track]
    private let address: String
    private let connection: RTSPConnection
    private let time: TimeSource
    private let state: Mutex<State>
    private let news: Signal

    private init(
        _ connection: RTSPConnection, address: String, description: SessionDescription, bytes: [UInt8], tracks: [Track],
        session: RTSPMessage.Session?, asked: ReplayRange, news: Signal, time: TimeSource
    ) {
        self.connection = connection
        self.address = address
        self.description = description
        descriptionBytes = bytes
        self.tracks = tracks
        self.news = news
        self.time = time
        let known = tracks.map { track in
            let media = description.media[track.index]
            let rates = media.formats.compactMap { format in
                UInt8(format.payloadType).flatMap { type in format.clockRate.map { (type, $0) } }
            }
            return (
                track.channel, ReplayProgress.Track(isVideo: media.kind == "video", clockRates: Dictionary(rates) { first, _ in first })
            )
        }
        var state = State(
            progress: ReplayProgress(asked: asked, tracks: Dictionary(known) { first, _ in first }), lastHeard: time.uptime())
        state.session = session
        self.state = Mutex(state)
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
            let client = try await open(address, connection, asked: asked, news: news, time: time)
            // Ends with the body.
            async let _: Void = client.keepAlive()
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(client)) } catch { result = .failure(error) }
            // Devices have few sessions. A task of its own is not cancelled with this one.
            await Task { await client.tearDown() }.value
            return try result.get()
        }
    }

    private static func open(
        _ address: String, _ connection: RTSPConnection, asked: ReplayRange, news: Signal, time: TimeSource
    ) async throws -> ReplayClient {
        let answer = try await connection.ask(
            RTSPRequest("DESCRIBE", address, headers: [("Accept", "application/sdp"), ("Require", feature)]))
        let description: SessionDescription
        do { description = try SessionDescription(parsing: answer.body) } catch {
            throw RTSPFailure(.nonsense, error.description)
        }
        let base = answer["Content-Base"] ?? answer["Content-Location"]
        var tracks: [Track] = []
        var session: RTSPMessage.Session?
        for (index, media) in description.media.enumerated() where isWanted(media) && tracks.count < mostTracks {
            let control = SessionDescription.address(control: media.control, base: base, requested: address)
            let wish = UInt8(tracks.count * 2)
            var headers = [(name: "Transport", value: "RTP/AVP/TCP;unicast;interleaved=\(wish)-\(wish + 1)"), ("Require", feature)]
            if let session { headers.append(("Session", session.id)) }
            let answer: RTSPMessage
            do {
                answer = try await connection.ask(RTSPRequest("SETUP", control, headers: headers))
            } catch let failure as RTSPFailure where media.kind != "video" && Self.isOfTheTrack(failure) {
                continue
            }
            session = session ?? answer.session
            // Some devices give other channels than they were asked for.
            let given = answer.transport["interleaved"].flatMap { UInt8($0.prefix { $0 != "-" }) } ?? wish
            guard !tracks.contains(where: { $0.channel == given }), given < 255 else { throw RTSPFailure.sorted(RTSPRefusal.notAnAnswer) }
            tracks.append(Track(index: index, channel: given))
        }
        guard !tracks.isEmpty else { throw RTSPFailure(.nonsense, SDPRefusal.noMedia.description) }
        return ReplayClient(
            connection, address: SessionDescription.address(control: description.control, base: base, requested: address),
            description: description, bytes: answer.body, tracks: tracks, session: session, asked: asked, news: news, time: time)
    }

    /// The device lists sound that it does not play: its pictures are wanted all the same.
    private static func isOfTheTrack(_ failure: RTSPFailure) -> Bool { [.nothingThere, .unsupported, .deviceError].contains(failure.code) }

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
        _ = try await connection.ask(RTSPRequest("PAUSE", address, headers: sessionHeaders + [("Require", Self.feature)]))
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
        state.withLock { state in
            state.lastHeard = time.uptime()
            state.isPlaying = true
        }
        // What the answer says counts from the first packet behind it.
        _ = try await connection.ask(RTSPRequest("PLAY", address, headers: sessionHeaders + request.headers)) { [self] answer in
            guard request.range != nil else { return }
            let range = answer["Range"].flatMap { ReplayRange($0) }
            state.withLock { $0.progress.answer(range) }
        }
    }

    private var sessionHeaders: [(name: String, value: String)] {
        state.withLock { $0.session }.map { [("Session", $0.id)] } ?? []
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

    // MARK: The session

    /// Tells the device from time to time that somebody is there, until cancelled.
    private func keepAlive() async {
        var method = "GET_PARAMETER"
        while true {
            let timeout = state.withLock { $0.session?.timeout ?? 60 }
            guard (try? await time.sleep(.seconds(min(max(Double(timeout) / 2, 5), 300)))) != nil else { return }
            do {
                _ = try await connection.ask(RTSPRequest(method, address, headers: sessionHeaders))
            } catch {
                // Every device knows this one.
                method = "OPTIONS"
            }
        }
    }

    private func tearDown() async {
        connection.deliver(to: nil)
        _ = try? await connection.ask(RTSPRequest("TEARDOWN", address, headers: sessionHeaders), within: .seconds(2))
    }
}
