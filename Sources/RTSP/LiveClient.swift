import CameraProtocols
public import Core
import Foundation
public import Media
import RTP
import Synchronization

/// Receives a live stream over one TCP connection, and gives each picture with its last packet, without a wait for the next.
///
/// libavformat's parser gives a picture when the next one begins: a picture's time too late for whoever watches.
public enum LiveClient {
    /// The stream has something that is not received this way; libavformat may know it.
    public struct Unsupported: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// Where a stream is, and how patient to be with it.
    public struct Source: Sendable {
        let address: String
        let endpoint: RTSPEndpoint
        let wantsData: Bool
        let timeout: Duration

        /// A stream at `url`, which may carry percent-encoded credentials; nil for one that is no address of RTSP.
        ///
        /// - Parameters:
        ///   - wantsData: Whether tracks that are neither video nor sound are wanted too.
        ///   - timeout: No answer or no packet for so long is a failure.
        public init?(url: String, wantsData: Bool, timeout: Duration) {
            guard var parts = URLComponents(string: url), parts.scheme?.lowercased() == "rtsp", let host = parts.host, !host.isEmpty else {
                return nil
            }
            let credentials = parts.user.map { DigestCredentials(username: $0, password: parts.password ?? "") }
            (parts.user, parts.password) = (nil, nil)
            guard let address = parts.string else { return nil }
            self.address = address
            endpoint = RTSPEndpoint(
                host: host.trimmingCharacters(in: ["[", "]"]), port: parts.port ?? 554, credentials: credentials, allowsBasic: true)
            self.wantsData = wantsData
            self.timeout = timeout
        }
    }

    /// Whoever takes what comes; called by one task, in order.
    public protocol Taker: Sendable {
        /// Called once before anything is taken, with the tracks by number; nil for data.
        func open(_ tracks: [StreamFormat?]) throws
        func take(_ item: consuming Demuxer.Item) throws
        func takeData(_ bytes: ArraySlice<UInt8>) throws
    }

    /// Receives until the device ends the stream or nothing comes any more, or until cancelled.
    /// - Throws: `StreamTrouble`, `Unsupported`, and what `taker` throws.
    public static func receive(_ source: Source, time: TimeSource, to taker: some Taker) async throws {
        let leave = Leave()
        // A cancelled connection could not be taken leave of, and cameras have few sessions.
        let task = Task { try await receive(source, time: time, to: taker, until: leave) }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            if !leave.ask() { task.cancel() }
        }
    }

    /// Asks the device what it has, before libavformat does: that follows to wherever a device sends it, with the password.
    ///
    /// What this client cannot read is left to libavformat. A device that answers libavformat otherwise than this question is not found out:
    /// libavformat has no way to be kept from following.
    /// - Throws: `StreamTrouble` where the device answers so that there is nothing to be received from it.
    static func examine(_ source: Source, time: TimeSource) async throws {
        do {
            _ = try await RTSPConnection.with(source.endpoint, time: time, ended: {}) { connection in
                try await connection.ask(
                    RTSPRequest("DESCRIBE", source.address, headers: [("Accept", "application/sdp")]), within: source.timeout)
            }
        } catch let failure as RTSPFailure {
            guard let trouble = failure.trouble, ![.notRTSP, .ended].contains(trouble) else { return }
            throw trouble
        }
    }

    /// Examines the device and then has it received by libavformat.
    ///
    /// A device that still holds the connection of the examination, and has no other, says that it is busy: it is asked once more a second later.
    /// - Throws: `StreamTrouble` of the examination, and what `receive` throws.
    public static func examined<Result>(_ source: Source, time: TimeSource, receive: () async throws -> Result) async throws -> Result {
        try await examine(source, time: time)
        do {
            return try await receive()
        } catch {
            guard StreamTrouble(error) == .busy else { throw error }
        }
        try await time.sleep(.seconds(1))
        return try await receive()
    }

    private static func receive(_ source: Source, time: TimeSource, to taker: some Taker, until leave: Leave) async throws {
        let news = leave.news
        do {
            try await RTSPConnection.with(source.endpoint, time: time, ended: { news.raise() }) { connection in
                let chosen = Mutex<LiveTracks?>(nil)
                let session = try await RTSPSession.open(
                    source.address, over: connection, patience: source.timeout, time: time
                ) { description in
                    let tracks = try LiveTracks(description, wantsData: source.wantsData)
                    chosen.withLock { $0 = tracks }
                    return tracks.tracks.map(\.index)
                }
                let tracks = chosen.withLock { $0 }?.tracks ?? []
                let reception = LiveReception(tracks, session: session, time: time, news: news, taker: taker)
                try await withBackgroundWork {
                    try? await session.keepAlive(endsInSilence: false)
                } _: {
                    let result: Result<Void, any Error>
                    do {
                        try taker.open(reception.formats)
                        result = .success(try await reception.run(connection, patience: source.timeout, until: leave))
                    } catch {
                        result = .failure(error)
                    }
                    await session.tearDown()
                    try result.get()
                }
            }
        } catch let failure as RTSPFailure {
            guard let trouble = failure.trouble else { throw Unsupported(description: failure.description) }
            throw trouble
        } catch let unsupported as LiveTracks.Unsupported {
            throw Unsupported(description: unsupported.what)
        }
    }
}

/// Whether a stream that is received is wanted no more.
final class Leave: Sendable {
    private let state = Mutex((isPlaying: false, isAsked: false))
    /// Raised when there is something to look at.
    let news = Signal()

    var isAsked: Bool { state.withLock { $0.isAsked } }

    /// From here on there is a session to be taken leave of.
    func begin() { state.withLock { $0.isPlaying = true } }

    /// Asks for the end; false where there is nothing yet to be taken leave of.
    func ask() -> Bool {
        let isPlaying = state.withLock { state in
            state.isAsked = true
            return state.isPlaying
        }
        news.raise()
        return isPlaying
    }
}

extension RTSPFailure {
    /// The same as trouble with a live stream; nil where another way of asking may help.
    fileprivate var trouble: StreamTrouble? {
        if self == .closed { return .ended }
        return switch code {
        case .unreachable: .unreachable
        case .refused: .refused
        case .silent: .silent
        case .wrongPassword: .wrongPassword
        case .nothingThere: .noSuchPath
        case .busy: .busy
        case .nonsense: .notRTSP
        case .redirected: .redirected
        case .insecure, .forbidden, .unsupported, .deviceError: nil
        }
    }
}
