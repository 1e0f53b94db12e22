import CameraProtocols
import Foundation
import NIOCore
import NIOPosix

/// How a reader wants a track's packets (RFC 2326, section 12.39).
enum RTSPTransport: Equatable {
    /// Within the connection; channels where it names some.
    case interleaved(rtp: UInt8?, rtcp: UInt8?)
    case datagrams(rtp: UInt16, rtcp: UInt16)

    /// The first of a reader's wishes that is possible here.
    init?(_ header: String) {
        for wish in header.prefix(4096).split(separator: ",").prefix(16) {
            guard let transport = Self.one(wish) else { continue }
            self = transport
            return
        }
        return nil
    }

    private static func one(_ wish: Substring) -> RTSPTransport? {
        let fields = wish.split(separator: ";").prefix(32).map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        guard let profile = fields.first, !fields.contains("multicast") else { return nil }
        func pair(_ name: String, _ range: ClosedRange<Int>) -> (Int, Int)? {
            guard let value = fields.first(where: { $0.hasPrefix(name + "=") })?.dropFirst(name.count + 1) else { return nil }
            let numbers = value.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) ?? -1 }
            guard let first = numbers.first, range.contains(first) else { return nil }
            let second = numbers.count > 1 ? numbers[1] : first + 1
            guard range.contains(second), first != second else { return nil }
            return (first, second)
        }
        switch profile {
        case "rtp/avp/tcp":
            let channels = pair("interleaved", 0...255)
            if channels == nil, fields.contains(where: { $0.hasPrefix("interleaved=") }) { return nil }
            return .interleaved(rtp: channels.map { UInt8($0.0) }, rtcp: channels.map { UInt8($0.1) })
        case "rtp/avp", "rtp/avp/udp":
            guard let ports = pair("client_port", 1024...65_535) else { return nil }
            return .datagrams(rtp: UInt16(ports.0), rtcp: UInt16(ports.1))
        default: return nil
        }
    }
}

/// A pair of ports for one track's packets and the reports about them: they speak with one reader alone.
final class RTSPDatagrams: Sendable {
    private static let attempts = 30

    let rtpPort: Int
    let rtcpPort: Int
    private let rtp: any Channel
    private let rtcp: any Channel
    private let reader: (rtp: SocketAddress, rtcp: SocketAddress)

    private init(_ rtp: any Channel, _ rtcp: any Channel, reader: (rtp: SocketAddress, rtcp: SocketAddress)) {
        self.rtp = rtp
        self.rtcp = rtcp
        self.reader = reader
        rtpPort = rtp.localAddress?.port ?? 0
        rtcpPort = rtcp.localAddress?.port ?? 0
    }

    deinit {
        rtp.close(promise: nil)
        rtcp.close(promise: nil)
    }

    /// Opens an even port and the next (RFC 3550, section 11) at `local`; `heard` gets what the reader says about its reception.
    static func open(
        local: SocketAddress, reader: SocketAddress, ports: (rtp: UInt16, rtcp: UInt16), heard: @escaping @Sendable ([UInt8]) -> Void
    ) async throws -> RTSPDatagrams {
        var (rtpReader, rtcpReader) = (reader, reader)
        rtpReader.port = Int(ports.rtp)
        rtcpReader.port = Int(ports.rtcp)
        for _ in 0..<attempts {
            let first = try await bind(local, port: 0, from: reader) { _ in }
            guard let port = first.localAddress?.port, port.isMultiple(of: 2),
                let second = try? await bind(local, port: port + 1, from: reader, heard: heard)
            else {
                try await first.close()
                continue
            }
            return RTSPDatagrams(first, second, reader: (rtpReader, rtcpReader))
        }
        throw RTSPServerRefusal(status: 500, reason: "Internal Server Error")
    }

    private static func bind(
        _ local: SocketAddress, port: Int, from reader: SocketAddress, heard: @escaping @Sendable ([UInt8]) -> Void
    ) async throws -> any Channel {
        var address = local
        address.port = port
        return try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramListener(reader: reader.ipAddress, heard: heard))
                }
            }
            .bind(to: address).get()
    }

    /// Sends packets of one sample unless the network is full; whether they went.
    func send(_ packets: [ByteBuffer]) -> Bool {
        guard rtp.isWritable else { return false }
        for packet in packets { rtp.write(AddressedEnvelope(remoteAddress: reader.rtp, data: packet), promise: nil) }
        rtp.flush()
        return true
    }

    func send(report: ByteBuffer) {
        guard rtcp.isWritable else { return }
        rtcp.writeAndFlush(AddressedEnvelope(remoteAddress: reader.rtcp, data: report), promise: nil)
    }
}

/// Listens to one address, and to nobody else.
private final class DatagramListener: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let reader: String?
    private let heard: @Sendable ([UInt8]) -> Void

    init(reader: String?, heard: @escaping @Sendable ([UInt8]) -> Void) {
        self.reader = reader
        self.heard = heard
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = unwrapInboundIn(data)
        guard let reader, datagram.remoteAddress.ipAddress == reader else { return }
        heard(Array(datagram.data.readableBytesView))
    }

    /// A reader that has closed its port is noticed by its connection.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
