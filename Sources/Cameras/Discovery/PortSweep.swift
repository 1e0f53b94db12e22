import AsyncHTTPClient
public import Core
import Foundation
import NIOCore
import NIOPosix
import Outbound

/// Knocks politely at the ports of cameras, on the private networks that the box is attached to.
public struct PortSweep: Sendable {
    /// RTSP, HTTP, HTTPS, Hikvision's, and what simulators and small cameras use.
    public static let ports = [554, 80, 443, 8554, 8000, 8080]
    /// Connections begun in a second, on all networks together.
    static let perSecond = 200
    /// Addresses looked at of one network.
    static let hostLimit = 1022

    private let time: TimeSource

    public init(time: TimeSource) {
        self.time = time
    }

    /// How many addresses would be looked at.
    public func hosts() -> [String] {
        LocalInterface.all(loopback: false).filter { $0.isIPv4 && $0.isPrivate && !$0.isLinkLocal }
            .flatMap { $0.hosts(limit: Self.hostLimit) }
    }

    /// Goes through all `hosts`; `found` gets what answers, `progress` the share that is done.
    public func run(
        hosts: [String], ports: [Int] = PortSweep.ports, found: @escaping @Sendable (DiscoveredDevice) -> Void,
        progress: @escaping @Sendable (Double) -> Void
    ) async {
        let pause = Duration.seconds(1) / Self.perSecond * ports.count
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for (index, host) in hosts.enumerated() {
                if running >= 48 {
                    await group.next()
                    running -= 1
                }
                group.addTask { if let device = await look(at: host, ports: ports) { found(device) } }
                running += 1
                progress(Double(index) / Double(hosts.count))
                guard (try? await time.sleep(pause)) != nil else { return group.cancelAll() }
            }
            await group.waitForAll()
        }
        progress(1)
    }

    /// What answers at an address: a camera must speak RTSP, or HTTP as cameras do.
    private func look(at host: String, ports: [Int]) async -> DiscoveredDevice? {
        var open: [Int] = []
        for port in ports where await connects(host, port) { open.append(port) }
        guard !open.isEmpty else { return nil }
        var device = DiscoveredDevice(address: host, way: .sweep, identity: DeviceIdentity(), seenAt: time.now())
        for port in open where ![80, 443, 8000, 8080].contains(port) {
            if await RTSPGreeting.answers(host: host, port: port) { device.rtspPort = device.rtspPort ?? port }
        }
        device.httpPort = open.first { [80, 8080].contains($0) } ?? (open.contains(443) ? 443 : nil)
        device.https = device.httpPort == 443 ? true : nil
        // A web server alone is no camera; Hikvision's port beside it is.
        guard device.rtspPort != nil || device.httpPort != nil && open.contains(8000) else { return nil }
        device.identity.kind = .camera
        return device
    }

    private func connects(_ host: String, _ port: Int) async -> Bool {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.milliseconds(800))
        guard let channel = try? await bootstrap.connect(host: host, port: port).get() else { return false }
        try? await channel.close()
        return true
    }
}

/// Asks an address for `OPTIONS`, as any RTSP server answers without a password.
enum RTSPGreeting {
    static func answers(host: String, port: Int) async -> Bool {
        let bracketed = host.contains(":") ? "[\(host)]" : host
        let request = "OPTIONS rtsp://\(bracketed):\(port)/ RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Gatehouse\r\n\r\n"
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(1))
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            return try await Deadline.run(.seconds(2), time: .system) {
                try await channel.executeThenClose { inbound, outbound in
                    try await outbound.write(ByteBuffer(string: request))
                    for try await buffer in inbound { return String(buffer: buffer).hasPrefix("RTSP/1.0") }
                    return false
                }
            }
        } catch {
            return false
        }
    }
}
