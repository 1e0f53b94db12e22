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
    private let address: String
    private let session: RTSPMessage.Session?
    /// The interleaved channel of the packets.
    private let channel: UInt8
    private let time: TimeSource
    private let packets: Mutex<SpeechPackets>
    private let news = Signal()

    private init(
        _ connection: RTSPConnection, address: String, session: RTSPMessage.Session?, channel: UInt8, payloadType: UInt8, time: TimeSource
    ) {
        self.connection = connection
        self.address = address
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
            try await describe(address, connection).description.backchannel().codec
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
                try await client.play()
                ready()
                result = .success(try await client.run(sound, ended: ended))
            } catch {
                result = .failure(error)
            }
            // Devices have few sessions. A task of its own is not cancelled with this one.
            await Task { await client.tearDown() }.value
            try result.get()
        }
    }

    // MARK: Opening

    private static var require: (name: String, value: String) { ("Require", Backchannel.feature) }

    private static func describe(
        _ address: String, _ connection: RTSPConnection
    ) async throws -> (description: SessionDescription, base: String?) {
        let answer = try await connection.ask(
            RTSPRequest("DESCRIBE", address, headers: [("Accept", "application/sdp"), require]), within: patience)
        do {
            return (try SessionDescription(parsing: answer.body), answer["Content-Base"] ?? answer["Content-Location"])
        } catch {
            throw RTSPFailure(.nonsense, error.description)
        }
    }

    private static func open(
        _ address: String, _ connection: RTSPConnection, codec: Backchannel.Codec, time: TimeSource
    ) async throws -> SpeakerClient {
        let (description, base) = try await describe(address, connection)
        let track = try description.backchannel(codec)
        let control = SessionDescription.address(control: description.media[track.place].control, base: base, requested: address)
        let answer = try await connection.ask(
            RTSPRequest("SETUP", control, headers: [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"), require]), within: patience)
        // Some devices give other channels than they were asked for.
        let channel = answer.transport["interleaved"].flatMap { UInt8($0.prefix { $0 != "-" }) } ?? 0
        return SpeakerClient(
            connection, address: SessionDescription.address(control: description.control, base: base, requested: address),
            session: answer.session, channel: channel, payloadType: track.payloadType, time: time)
    }

    // MARK: The session

    private var sessionHeaders: [(name: String, value: String)] { session.map { [("Session", $0.id)] } ?? [] }

    private func play() async throws {
        _ = try await connection.ask(RTSPRequest("PLAY", address, headers: sessionHeaders + [Self.require]), within: Self.patience)
    }

    private func tearDown() async {
        _ = try? await connection.ask(RTSPRequest("TEARDOWN", address, headers: sessionHeaders), within: .seconds(2))
    }

    /// Tells the device from time to time that somebody is there.
    /// - Throws: When it answers no more, or the task is cancelled.
    private func keepAlive() async throws {
        var method = "GET_PARAMETER"
        while true {
            try await time.sleep(.seconds(min(max(Double(session?.timeout ?? 60) / 2, 1), 300)))
            do {
                _ = try await connection.ask(RTSPRequest(method, address, headers: sessionHeaders), within: Self.patience)
            } catch let failure as RTSPFailure where failure.code == .silent {
                throw failure
            } catch is RTSPFailure {
                // Every device knows this one; also a refusal is a sign of life.
                method = "OPTIONS"
            }
        }
    }

    // MARK: Speaking

    private func run(_ sound: AsyncStream<[UInt8]>, ended: Signal) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await ended.wait()
                try Task.checkCancellation()
                throw connection.end ?? RTSPFailure.closed
            }
            group.addTask { [self] in try await keepAlive() }
            group.addTask { [self] in try await say(sound) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func say(_ sound: AsyncStream<[UInt8]>) async throws {
        // Ends with this.
        async let _: Void = take(sound)
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
