public import CameraProtocols
public import Core
import Foundation
public import Logging
import NIOCore
import NIOPosix
import RTP
import Synchronization

/// An RTSP server (RFC 2326) for readers that sign in: what it plays comes from an `RTSPSource`.
public struct RTSPServer: Sendable {
    /// What the server is called towards readers.
    static let name = "Gatehouse"
    /// No more connections at a time; others are closed at once.
    static let mostConnections = 64
    private static let sendBuffer: SocketOptionValue = 512 << 10

    private let address: String
    private let port: Int
    private let credentials: DigestCredentials
    private let source: any RTSPSource
    private let time: TimeSource
    private let logger: Logger

    /// A server on `address` and `port`; nobody gets anything without `credentials`.
    public init(
        address: String, port: Int, credentials: DigestCredentials, source: any RTSPSource, time: TimeSource, logger: Logger
    ) {
        self.address = address
        self.port = port
        self.credentials = credentials
        self.source = source
        self.time = time
        self.logger = logger
    }

    /// Serves until cancelled; `started` gets the port. All connections end with it.
    /// - Throws: What opening the port throws.
    public func run(started: @escaping @Sendable (Int) -> Void) async throws {
        // All readers on one loop: each picture wakes one thread, and what they share stays in its core's cache.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try await ServerBootstrap(group: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // The kernel would keep megabytes for each slow reader.
            .childChannelOption(.socketOption(.so_sndbuf), value: Self.sendBuffer)
            .bind(host: address, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        started(server.channel.localAddress?.port ?? port)
        let throttle = SignInThrottle()
        let templates = PacketTemplates()
        let open = Counter()
        try await server.executeThenClose { readers in
            try await withThrowingDiscardingTaskGroup { group in
                defer { group.cancelAll() }
                for try await reader in readers {
                    let isOneTooMany = open.next() > Self.mostConnections
                    group.addTask {
                        if isOneTooMany {
                            try? await reader.executeThenClose { _, _ in }
                        } else {
                            await withTaskExecutorPreference(LoopExecutor(reader.channel.eventLoop)) {
                                await serve(reader, throttle, templates)
                            }
                        }
                        open.add(-1)
                    }
                }
            }
        }
    }

    private func serve(
        _ reader: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ throttle: SignInThrottle, _ templates: PacketTemplates
    ) async {
        // That a reader goes without a word is no failure.
        try? await reader.executeThenClose { inbound, _ in
            guard let remote = reader.channel.remoteAddress, let local = reader.channel.localAddress else { return }
            let connection = RTSPServerConnection(
                remote: remote, local: local,
                sign: DigestVerifier(credentials: credentials, realm: Self.name, makeNonce: Self.random), user: credentials.username,
                source: source, throttle: throttle, templates: templates, channel: reader.channel, time: time, logger: logger)
            try await connection.run(inbound)
        }
    }

    /// 128 bits of the system's random numbers.
    @Sendable static func random() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
