import Core
import Crypto
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Outbound

extension DeviceClient {
    private static let largestHead = 8 << 10
    private static let patience = Duration.seconds(10)

    /// Sends bytes as they come over a connection of its own, behind a request without a body that the device has answered: so Hikvision's devices
    /// take sound. `ready` is called once they may come; ends with `bytes`, or when the device ends it.
    func pour(
        _ method: String, _ path: String, bytes: AsyncStream<[UInt8]>, ready: @escaping @Sendable () -> Void
    ) async throws(DeviceFailure) {
        try await guarded {
            try await self.budget.streams.run {
                let host = try await self.policy.check(host: self.address.host)
                let answered = Signal()
                try await self.connect(to: host).executeThenClose { inbound, outbound in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await Self.read(inbound, answered) }
                        group.addTask {
                            try await outbound.write(ByteBuffer(string: self.head(method, path)))
                            try await Deadline.run(Self.patience, time: self.time) {
                                await answered.wait()
                                try Task.checkCancellation()
                            }
                            ready()
                            for await piece in bytes { try await outbound.write(ByteBuffer(bytes: piece)) }
                        }
                        defer { group.cancelAll() }
                        try await group.next()
                    }
                }
            }
        }
    }

    private func head(_ method: String, _ path: String) -> String {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: \(address.host):\(address.port)", "User-Agent: Gatehouse"]
        if let line = authorization(method, path) { lines.append("Authorization: \(line)") }
        lines += ["Content-Type: application/octet-stream", "Content-Length: 0", "", ""]
        return lines.joined(separator: "\r\n")
    }

    /// Reads the answer; what comes behind it is the device's own sound, which comes with its stream anyway.
    private static func read(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>, _ answered: Signal) async throws {
        var head: [UInt8] = []
        var isAnswered = false
        for try await buffer in inbound where !isAnswered {
            head += buffer.readableBytesView
            guard head.count <= largestHead else { throw DeviceFailure.nonsense("an answer of more than \(largestHead) bytes") }
            let text = String(decoding: head, as: UTF8.self)
            guard text.contains("\r\n\r\n") else { continue }
            let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
            switch words.count > 1 ? Int(words[1]) : nil {
            case 200?: break
            case 401?: throw DeviceFailure.wrongPassword()
            case 403?: throw DeviceFailure(.busy, "Somebody else talks through the device. Try again in a moment.")
            case let status?: throw DeviceFailure.deviceError("talk: status \(status)")
            case nil: throw DeviceFailure.nonsense("talk: no answer of HTTP")
            }
            isAnswered = true
            answered.raise()
        }
        throw DeviceFailure(.silent, "The device has ended the talk.")
    }

    private func connect(to host: String) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        let tls = address.https ? try NIOSSLContext(configuration: Self.tls) : nil
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(5))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: host, port: address.port) { [pin] channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil) { certificates, verified in
                            verified.succeed(pin.accepts(certificates.first) ? .certificateVerified : .failed)
                        }
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }
}
