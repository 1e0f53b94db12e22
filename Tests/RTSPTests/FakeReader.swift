import CameraProtocols
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import RTSP

/// A reader on one connection that takes nothing but what it is told to.
struct FakeReader: ~Copyable {
    /// What came before an answer.
    struct Answered {
        let message: RTSPMessage
        let packetBytes: Int
    }

    private let channel: any Channel
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let url: String
    private var framing = RTSPFraming()
    private var authenticator: HTTPAuthenticator?
    private var number = 0
    private var session: String?

    /// Lets `body` read from a server at `port`; the connection ends with it.
    static func with(port: Int, path: String, _ body: (inout FakeReader) async throws -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 << 10)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
            }
        try await channel.executeThenClose { inbound, outbound in
            var reader = FakeReader(
                channel: channel.channel, inbound: inbound.makeAsyncIterator(), outbound: outbound, url: "rtsp://127.0.0.1:\(port)/\(path)")
            try await body(&reader)
        }
    }

    private init(
        channel: any Channel, inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>, url: String
    ) {
        self.channel = channel
        self.inbound = inbound
        self.outbound = outbound
        self.url = url
    }

    /// Signs in and begins to play the first track; what follows is not read.
    mutating func play(_ credentials: DigestCredentials) async throws {
        let refused = try await ask("DESCRIBE")
        let challenges = refused.message.headers.filter { $0.name == "WWW-Authenticate" }.map(\.value)
        authenticator = try HTTPAuthenticator(
            challenges: HTTPChallenge.parse(headers: challenges), credentials: credentials, allowsBasic: false, makeClientNonce: { "c" })
        try #require(try await ask("DESCRIBE").message.status == 200)
        let made = try await ask("SETUP", track: "/track0", [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")])
        session = made.message["Session"].map { String($0.prefix { $0 != ";" }) }
        try await send("PLAY", track: "", [])
    }

    /// Asks, and reads until it is answered.
    mutating func ask(_ method: String, track: String = "", _ headers: [(name: String, value: String)] = []) async throws -> Answered {
        let number = try await send(method, track: track, headers)
        return try await answer(to: number)
    }

    @discardableResult
    mutating func send(_ method: String, track: String, _ headers: [(name: String, value: String)]) async throws -> Int {
        number += 1
        var headers = [("CSeq", "\(number)")] + headers
        if let session { headers.append(("Session", session)) }
        if let text = authenticator?.authorization(method: method, uri: url + track) { headers.append(("Authorization", text)) }
        try await outbound.write(ByteBuffer(bytes: RTSPRequest(method, url + track, headers: headers).bytes))
        return number
    }

    /// Reads until the answer to a request, and counts what packets come before it.
    mutating func answer(to number: Int) async throws -> Answered {
        var bytes = 0
        while true {
            while let element = try framing.next() {
                switch element {
                case .answer(let message) where message["CSeq"] == "\(number)": return Answered(message: message, packetBytes: bytes)
                case .packet(_, let packet): bytes += packet.count
                default: break
                }
            }
            guard let buffer = try await inbound.next() else { throw CancellationError() }
            framing.append(buffer.readableBytesView)
        }
    }

    /// Goes away without a word, so that nothing can be written to it any more.
    func vanish() async throws {
        try await (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close()
    }
}
