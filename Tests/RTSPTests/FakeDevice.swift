import CameraProtocols
import NIOCore
import NIOPosix
import Synchronization

/// A device with one recording, as much of it as a test needs; it is let go of with its test.
final class FakeDevice: Sendable {
    /// What it answers to a request, and the packets that follow the answer.
    typealias Script = @Sendable (RTSPRequest) async -> (RTSPMessage, [(channel: UInt8, bytes: [UInt8])], closes: Bool)

    private let asked = Mutex<[RTSPRequest]>([])
    private let bound = Mutex(0)
    private let script: Script

    init(_ script: @escaping Script) { self.script = script }

    var port: Int { bound.withLock { $0 } }
    /// What it was asked, in order.
    var requests: [RTSPRequest] { asked.withLock { $0 } }

    static func ok(_ request: RTSPRequest, _ headers: [(name: String, value: String)] = [], body: [UInt8] = []) -> RTSPMessage {
        RTSPMessage(status: 200, reason: "OK", headers: [("CSeq", request["CSeq"] ?? "")] + headers, body: body)
    }

    /// Serves while `body` runs.
    func run<Result: Sendable>(_ body: @escaping @Sendable (FakeDevice) async throws -> Result) async throws -> Result {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0) { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        bound.withLock { $0 = server.channel.localAddress?.port ?? 0 }
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { [self] in
                try? await server.executeThenClose { connections in
                    for try await connection in connections { try? await serve(connection) }
                }
                return nil
            }
            group.addTask { [self] in try await body(self) }
            defer { group.cancelAll() }
            while let result = try await group.next() { if let result { return result } }
            throw CancellationError()
        }
    }

    private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>) async throws {
        try await connection.executeThenClose { inbound, outbound in
            var framing = RTSPFraming()
            for try await buffer in inbound {
                framing.append(buffer.readableBytesView)
                while let element = try framing.next() {
                    guard case .request(let request) = element else { continue }
                    asked.withLock { $0.append(request) }
                    let (answer, packets, closes) = await script(request)
                    try await outbound.write(ByteBuffer(bytes: answer.bytes))
                    for packet in packets {
                        let length = [UInt8(packet.bytes.count >> 8), UInt8(packet.bytes.count & 0xFF)]
                        try await outbound.write(ByteBuffer(bytes: [0x24, packet.channel] + length + packet.bytes))
                    }
                    if closes { return }
                }
            }
        }
    }
}
