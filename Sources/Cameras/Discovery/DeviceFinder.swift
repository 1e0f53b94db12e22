import CameraProtocols
public import Core
import Foundation
public import Outbound
import Synchronization
import XML

/// Looks for devices on the networks that the box is attached to.
///
/// WS-Discovery and SADP at once, each asked three times because datagrams get lost; then, if wanted, a polite sweep of camera ports for
/// what answers neither. Everything is merged into one list as it comes.
public struct DeviceFinder: Sendable {
    public struct Ports: Sendable {
        public var wsDiscovery: UInt16 = 3702
        public var sadp: UInt16 = 37020

        public init() {}
    }

    private static let group = "239.255.255.250"
    private static let groupIPv6 = "ff02::c"

    private let policy: AddressPolicy
    private let ports: Ports
    private let time: TimeSource

    public init(policy: AddressPolicy, ports: Ports = Ports(), time: TimeSource) {
        self.policy = policy
        self.ports = ports
        self.time = time
    }

    /// Looks for `duration`; `found` gets each answer as it comes, from any thread.
    ///
    /// `unicast` are addresses that are asked besides, wherever they are.
    public func probe(
        for duration: Duration, unicast: [String] = [], found: @escaping @Sendable (DiscoveredDevice) -> Void
    ) async {
        let interfaces = LocalInterface.all(loopback: policy.allowsLocal)
        let stop = Mutex(false)
        await withTaskCancellationHandler {
            // A thread of its own each: a search does not wait for another.
            await BlockingQueue(name: "discovery").run { [self] in
                listen(interfaces, duration: duration, unicast: unicast, stop: { stop.withLock { $0 } }, found: found)
            }
        } onCancel: {
            stop.withLock { $0 = true }
        }
    }

    private func listen(
        _ interfaces: [LocalInterface], duration: Duration, unicast: [String], stop: () -> Bool, found: (DiscoveredDevice) -> Void
    ) {
        let sockets = interfaces.compactMap { ProbeSockets(interface: $0, sadpPort: ports.sadp) }
        let began = time.uptime()
        var asked = 0
        while time.uptime() - began < duration, !stop() {
            if asked < 3, time.uptime() - began >= .milliseconds(700 * asked) {
                for socket in sockets { ask(socket, unicast: unicast) }
                asked += 1
            }
            var descriptors = sockets.flatMap { $0.descriptors }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&descriptors, nfds_t(descriptors.count), 50) > 0 else { continue }
            for socket in sockets {
                // A flood must not keep it here for ever.
                for _ in 0..<2000 {
                    guard let datagram = socket.receive() else { break }
                    if let device = read(datagram.bytes, from: datagram.from) { found(device) }
                }
            }
        }
    }

    private func ask(_ sockets: ProbeSockets, unicast: [String]) {
        let probe = WSDiscoveryMessage.probe(.any, messageID: UUID())
        guard sockets.interface.isIPv4 else {
            sockets.answers.send(probe, toGroup: Self.groupIPv6, interface: sockets.interface, port: ports.wsDiscovery)
            return
        }
        let inquiries = [SADPMessage.inquiry(.inquiry, uuid: UUID()), SADPMessage.inquiry(.inquiryV32, uuid: UUID())]
        let broadcast = sockets.interface.broadcast.map(String.init).joined(separator: ".")
        sockets.answers.send(probe, to: Self.group, port: ports.wsDiscovery)
        for address in unicast { sockets.answers.send(probe, to: address, port: ports.wsDiscovery) }
        for inquiry in inquiries {
            for address in [Self.group, broadcast, "255.255.255.255"] + unicast {
                sockets.sendSADP(inquiry, to: address, port: ports.sadp)
            }
        }
    }

    // MARK: Answers

    /// What an answer tells; nil for what is none.
    func read(_ bytes: [UInt8], from sender: String) -> DiscoveredDevice? {
        guard let tree = try? XMLTree(parsing: bytes, limits: Self.limits) else { return nil }
        switch tree.name {
        case "ProbeMatch": return sadp(bytes, sender: sender)
        case "Envelope": return wsDiscovery(bytes, sender: sender)
        default: return nil
        }
    }

    private static let limits: XMLLimits = {
        var limits = XMLLimits()
        limits.bytes = 65_536
        limits.elements = 1000
        return limits
    }()

    private func sadp(_ bytes: [UInt8], sender: String) -> DiscoveredDevice? {
        guard let match = try? SADPDevice(parsing: bytes) else { return nil }
        var device = DiscoveredDevice(
            // Where it answers from, not where it says it is: what it says may be anybody's word.
            address: sender, way: .sadp,
            identity: DeviceIdentity(
                kind: Self.kind(ofModel: match.model), make: "Hikvision", model: match.model, serialNumber: match.serialNumber,
                firmware: match.firmware, macAddress: match.macAddress),
            seenAt: time.now())
        device.activated = match.isActivated
        if let said = match.ipv4Address, said != sender { device.otherAddresses = [said] }
        device.httpPort = match.httpPort
        return device
    }

    /// Hikvision's model names begin with what the device is.
    static func kind(ofModel model: String?) -> DeviceIdentity.Kind {
        guard let model = model?.uppercased() else { return .unknown }
        if model.contains("DS-K") || model.contains("DS-KV") || model.contains("DS-KD") { return .doorController }
        let digits = model.drop { !$0.isNumber }
        if model.hasPrefix("DS-7") || model.hasPrefix("DS-8") || model.hasPrefix("DS-9") || model.hasPrefix("IDS-7")
            || model.hasPrefix("IDS-9")
        {
            return .recorder
        }
        return digits.isEmpty ? .unknown : .camera
    }

    private func wsDiscovery(_ bytes: [UInt8], sender: String) -> DiscoveredDevice? {
        guard let match = (try? WSDiscoveryMatch.parse(bytes))?.first else { return nil }
        let places = match.addresses.compactMap { URLComponents(string: $0) }
        // The host that answered is the one that can be reached; the addresses it gives may be of another network.
        let address = sender.split(separator: "%").first.map(String.init) ?? sender
        let mine = places.first { $0.host.map(Self.bare) == address } ?? places.first
        let isRecorder = match.profiles.contains("G") && !match.profiles.contains("Streaming")
        var device = DiscoveredDevice(
            address: address, way: .wsDiscovery,
            identity: DeviceIdentity(
                kind: isRecorder ? .recorder : .camera, make: Self.make(match.name), model: match.hardware, name: match.name,
                macAddress: match.macAddress),
            seenAt: time.now())
        device.onvifAddress = mine?.path.isEmpty == false ? mine?.string : nil
        device.https = mine?.scheme == "https" ? true : nil
        device.httpPort = mine.map { $0.port ?? ($0.scheme == "https" ? 443 : 80) }
        device.otherAddresses = places.compactMap { $0.host.map(Self.bare) }.filter { $0 != address }.prefix(4).map { $0 }
        return device
    }

    /// Many devices put their maker before the model in the name: `HIKVISION DS-2CD3955FWD-IWS`.
    private static func make(_ name: String?) -> String? {
        guard let first = name?.split(separator: " ").first, first.allSatisfy(\.isLetter), first.count >= 3 else { return nil }
        return first.lowercased() == "hikvision" ? "Hikvision" : String(first)
    }

    private static func bare(_ host: String) -> String { host.trimmingCharacters(in: ["[", "]"]) }
}

/// The sockets of one interface: one for answers to itself, and for SADP one on its port, where the answers are sent by multicast.
private final class ProbeSockets {
    let interface: LocalInterface
    let answers: DatagramSocket
    private let multicast: DatagramSocket?

    init?(interface: LocalInterface, sadpPort: UInt16) {
        guard interface.isIPv4 || interface.isLinkLocal, let answers = DatagramSocket(interface: interface, port: 0, shared: false) else {
            return nil
        }
        self.interface = interface
        self.answers = answers
        multicast = interface.isIPv4 ? DatagramSocket(interface: interface, port: sadpPort, shared: true) : nil
    }

    var descriptors: [Int32] {
        var all = [answers.descriptor]
        switch multicast {
        case .some(let socket): all.append(socket.descriptor)
        case .none: break
        }
        return all
    }

    func receive() -> (bytes: [UInt8], from: String)? {
        if let datagram = answers.receive() { return datagram }
        switch multicast {
        case .some(let socket): return socket.receive()
        case .none: return nil
        }
    }

    func sendSADP(_ bytes: [UInt8], to address: String, port: UInt16) {
        switch multicast {
        case .some(let socket): socket.send(bytes, to: address, port: port)
        case .none: break
        }
        answers.send(bytes, to: address, port: port)
    }
}
