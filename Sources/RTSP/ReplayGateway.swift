public import CameraProtocols
public import Core
public import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A recording that a device plays by time, as a stream on this box that libavformat can open.
///
/// libavformat's RTSP neither names a time nor asks for ONVIF's replay. So the box speaks to the device itself and gives the packets on,
/// as they come, to one reader over loopback, at an address that nobody else can guess.
public final class ReplayGateway: Sendable {
    /// So long the reader may take for what is on its way when the device is done.
    private static let farewell = Duration.seconds(30)

    private let client: ReplayClient
    private let request: ReplayRequest
    private let path: String
    private let time: TimeSource
    private let failure = Mutex<RTSPFailure?>(nil)
    private let port = Mutex(0)
    /// The device's channels of tracks whose time the reader was told.
    private let timed = Mutex<Set<UInt8>>([])
    private let hasBegun = Mutex(false)
    /// Whoever connected; all but the first get nothing.
    private let connected = Mutex<[any Channel]>([])

    private init(_ client: ReplayClient, request: ReplayRequest, time: TimeSource) {
        self.client = client
        self.request = request
        self.time = time
        // 128 bits of the system's random numbers.
        var random = SystemRandomNumberGenerator()
        path = "/" + (0..<2).map { _ in String(random.next(), radix: 16) }.joined(separator: "-")
    }

    /// What to open, over TCP; it can be opened once.
    public var url: String { "rtsp://127.0.0.1:\(port.withLock { $0 })\(path)" }
    /// When the first frame was recorded, by the device's clock; nil before it came.
    public var startsAt: Date? { client.startsAt }
    /// Whether the device has played all that was asked for, rather than broken off.
    public var hasPlayedAll: Bool { client.hasPlayedAll }

    /// Halts the device until `resume`.
    /// - Throws: `RTSPFailure`.
    public func pause() async throws { try await client.pause() }
    /// Goes on where the device was halted.
    /// - Throws: `RTSPFailure`.
    public func resume() async throws { try await client.resume(request) }

    /// Opens the recording at `address` (without credentials), and plays `request` to whoever `body` lets open the gateway's `url`.
    /// - Throws: `RTSPFailure` where the device does not play, and otherwise what `body` throws.
    public static func with<Result: Sendable>(
        _ address: String, at endpoint: RTSPEndpoint, request: ReplayRequest, asked: ReplayRange, time: TimeSource,
        body: @escaping @Sendable (ReplayGateway) async throws -> Result
    ) async throws -> Result {
        try await ReplayClient.with(address, at: endpoint, asked: asked, time: time) { client in
            let gateway = ReplayGateway(client, request: request, time: time)
            do {
                return try await gateway.run(body)
            } catch {
                // Whatever the reader makes of it, what the device said is the cause.
                throw gateway.failure.withLock { $0 } ?? error as any Error
            }
        }
    }

    private func run<Result: Sendable>(_ body: @escaping @Sendable (ReplayGateway) async throws -> Result) async throws -> Result {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { [self] channel in
                connected.withLock { $0.append(channel) }
                // One that nobody takes must not be an asynchronous channel yet, and must not be read.
                return channel.setOption(.autoRead, value: false).map { channel }
            }
        defer { for channel in connected.withLock({ $0 }) { channel.close(promise: nil) } }
        port.withLock { $0 = server.channel.localAddress?.port ?? 0 }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { [self] in
                do { try await serve(server) } catch let failure as RTSPFailure { self.failure.withLock { $0 = failure } } catch {}
                return nil
            }
            group.addTask { [self] in try await body(self) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }

    // MARK: The reader

    private typealias Reader = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// Serves one reader, and closes the port to all others.
    private func serve(_ server: NIOAsyncChannel<any Channel, Never>) async throws {
        let channel: (any Channel)? = try await server.executeThenClose { readers in
            for try await reader in readers { return reader }
            return nil
        }
        guard let channel else { return }
        let reader = try await channel.eventLoop.submit { try Reader(wrappingChannelSynchronously: channel) }.get()
        try await channel.setOption(.autoRead, value: true).get()
        try await reader.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [self] in try await answer(inbound, outbound) }
                group.addTask { [self] in try await finish(reader.channel) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    /// When the device is done, lets the reader have what is on its way, and waits until it goes.
    private func finish(_ channel: any Channel) async throws {
        guard await client.ended() != .silent || client.startsAt != nil else {
            failure.withLock { $0 = RTSPFailure(.silent, "The device plays nothing of this time.") }
            return
        }
        try await channel.writeAndFlush(ByteBuffer())
        try? await channel.close(mode: .output)
        try await time.sleep(Self.farewell)
    }

    /// Answers the reader's requests until it goes. What else it sends, RTCP about its reception, the device can do without over TCP.
    private func answer(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) async throws {
        var framing = RTSPFraming()
        /// What the reader calls the device's channels of RTP.
        var channels: [UInt8: UInt8] = [:]
        for try await buffer in inbound {
            framing.append(buffer.readableBytesView)
            while let element = try framing.next() {
                guard case .request(let request) = element else { continue }
                let answer = answer(to: request, &channels)
                try await outbound.write(ByteBuffer(bytes: answer.bytes))
                guard answer.status == 200 else { return }
                if request.method == "PLAY" { try await play(channels, outbound) }
            }
        }
    }

    private func answer(to request: RTSPRequest, _ channels: inout [UInt8: UInt8]) -> RTSPMessage {
        var answer = RTSPMessage(status: 200, reason: "OK", headers: request["CSeq"].map { [("CSeq", $0)] } ?? [])
        // Whoever does not know the path gets nothing.
        guard request.address.hasPrefix(url) else { return Self.refusal(404, answer) }
        switch request.method {
        case "OPTIONS": answer.headers.append(("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"))
        case "DESCRIBE":
            answer.headers += [("Content-Type", "application/sdp"), ("Content-Base", url + "/")]
            answer.body = SessionDescription.relayed(client.descriptionBytes, keeping: client.tracks.map(\.index))
        case "SETUP":
            let names = client.tracks.indices.map { "/" + SessionDescription.relayedName(of: $0) }
            guard let track = names.firstIndex(where: { request.address.hasSuffix($0) }),
                let numbers = request["Transport"]?.split(separator: ";").first(where: { $0.hasPrefix("interleaved=") }),
                let first = UInt8(numbers.dropFirst(12).prefix { $0 != "-" }), first < 255
            else { return Self.refusal(461, answer) }
            channels[client.tracks[track].channel] = first
            answer.headers += [
                ("Session", "1;timeout=60"), ("Transport", "RTP/AVP/TCP;unicast;interleaved=\(first)-\(first + 1)"),
            ]
        case "PLAY", "GET_PARAMETER", "TEARDOWN": answer.headers.append(("Session", "1"))
        default: return Self.refusal(501, answer)
        }
        return answer
    }

    private static func refusal(_ status: Int, _ answer: RTSPMessage) -> RTSPMessage {
        RTSPMessage(status: status, reason: "No", headers: answer.headers)
    }

    /// The reader was told that it plays: what came before that it would not take for packets.
    private func play(_ channels: [UInt8: UInt8], _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws {
        try await client.play(request) { [self] channel, bytes in
            // The device's own reports are left out: where it sends faster than it recorded, their times say when it sent.
            guard let number = channels[channel], let packet = RTPPacket(bytes), isTurn(of: channel) else { return }
            if let report = packet.senderReport, timed.withLock({ $0.insert(channel).inserted }) {
                try await outbound.write(Self.interleaved(number + 1, report))
            }
            try await outbound.write(Self.interleaved(number, bytes))
        }
    }

    /// Sound waits for the first picture, which so is zero in the reader's time.
    private func isTurn(of channel: UInt8) -> Bool {
        guard let track = client.tracks.first(where: { $0.channel == channel }) else { return false }
        let isVideo = client.description.media[track.index].kind == "video"
        return hasBegun.withLock { hasBegun in
            hasBegun = hasBegun || isVideo
            return hasBegun
        }
    }

    private static func interleaved(_ channel: UInt8, _ bytes: [UInt8]) -> ByteBuffer {
        var packet = ByteBuffer()
        packet.reserveCapacity(bytes.count + 4)
        packet.writeInteger(UInt8(ascii: "$"))
        packet.writeInteger(channel)
        packet.writeInteger(UInt16(truncatingIfNeeded: bytes.count))
        packet.writeBytes(bytes)
        return packet
    }
}
