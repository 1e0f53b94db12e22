public import CameraProtocols
public import Core
import Synchronization

/// Speaks through a device's loudspeaker by the back channel of one of its streams (ONVIF Streaming, section 5.3); nothing but that is set up.
public final class SpeakerClient: Sendable {
    /// No answer to a request for so long is a failure: somebody waits with a finger on a button.
    private static let patience = Duration.seconds(5)
    /// Packets that a device does not take, one after the other, before it is given up: five seconds.
    private static let mostRefused = 250

    private let connection: RTSPConnection
    private let session: RTSPSession
    /// The interleaved channel of the packets.
    private let channel: UInt8
    private let time: TimeSource
    private let packets: Mutex<SpeechPackets>
    private let news = Signal()

    private init(_ connection: RTSPConnection, session: RTSPSession, channel: UInt8, payloadType: UInt8, time: TimeSource) {
        self.connection = connection
        self.session = session
        self.channel = channel
        self.time = time
        var random = SystemRandomNumberGenerator()
        packets = Mutex(
            SpeechPackets(payloadType: payloadType, source: random.next(), sequence: random.next(), timestamp: random.next()))
    }

    /// The codec in which the stream at `address` (without credentials) takes sound back.
    /// - Throws: `BackchannelRefusal` where it takes none; `RTSPFailure`.
    public static func codec(of address: String, at endpoint: RTSPEndpoint, time: TimeSource) async throws -> Backchannel.Codec {
        try await RTSPConnection.with(endpoint, time: time, ended: {}) { connection in
            try await RTSPSession.describe(address, over: connection, feature: Backchannel.feature, patience: patience).description
                .backchannel().codec
        }
    }

    /// Speaks until `sound`, in `codec`, ends; `ready` is called once the device listens.
    ///
    /// Sound that comes faster than it is spoken waits, four seconds of it at most.
    /// - Throws: `BackchannelRefusal` where the device takes no such sound; `RTSPFailure`, also when the device ends it.
    public static func speak(
        to address: String, at endpoint: RTSPEndpoint, codec: Backchannel.Codec, sound: AsyncStream<[UInt8]>, time: TimeSource,
        ready: @escaping @Sendable () -> Void
    ) async throws {
        let ended = Signal()
        try await RTSPConnection.with(endpoint, time: time, ended: { ended.raise() }) { connection in
            let client = try await open(address, connection, codec: codec, time: time)
            let result: Result<Void, any Error>
            do {
                try await client.session.ask("PLAY")
                ready()
                result = .success(try await client.run(sound, ended: ended))
            } catch {
                result = .failure(error)
            }
            // Devices have few sessions. A task of its own is not cancelled with this one.
            await Task { await client.session.tearDown() }.value
            try result.get()
        }
    }

    private static func open(
        _ address: String, _ connection: RTSPConnection, codec: Backchannel.Codec, time: TimeSource
    ) async throws -> SpeakerClient {
        let chosen = Mutex<UInt8>(0)
        let session = try await RTSPSession.open(
            address, over: connection, feature: Backchannel.feature, patience: patience, time: time
        ) { description in
            let track = try description.backchannel(codec)
            chosen.withLock { $0 = track.payloadType }
            return [track.place]
        }
        return SpeakerClient(
            connection, session: session, channel: session.tracks.first?.channel ?? 0, payloadType: chosen.withLock { $0 }, time: time)
    }

    // MARK: Speaking

    private func run(_ sound: AsyncStream<[UInt8]>, ended: Signal) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await ended.wait()
                try Task.checkCancellation()
                throw connection.end ?? RTSPFailure.closed
            }
            group.addTask { [self] in try await session.keepAlive(endsInSilence: true) }
            group.addTask { [self] in try await say(sound) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func say(_ sound: AsyncStream<[UInt8]>) async throws {
        try await withBackgroundWork {
            await self.take(sound)
        } _: {
            try await send()
        }
    }

    /// Sends what was said, in its time.
    private func send() async throws {
        var refused = 0
        while true {
            switch packets.withLock({ $0.next(at: time.uptime()) }) {
            case .packet(let bytes):
                refused = connection.send(bytes, on: channel) ? 0 : refused + 1
                guard refused < Self.mostRefused else { throw RTSPFailure.silent }
            case .wait(let pause): try await time.sleep(pause)
            case .dry:
                await news.wait()
                try Task.checkCancellation()
            case .done: return
            }
        }
    }

    private func take(_ sound: AsyncStream<[UInt8]>) async {
        for await piece in sound {
            packets.withLock { $0.append(piece) }
            news.raise()
        }
        packets.withLock { $0.finish() }
        news.raise()
    }
}
