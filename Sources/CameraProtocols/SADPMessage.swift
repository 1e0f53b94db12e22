public import Foundation
public import XML

/// Why a datagram is no answer to a SADP inquiry.
public enum SADPRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case xml(XMLRefusal)
    /// Another message, such as the own inquiry; with the name of its element.
    case notAnAnswer(String)
    /// Too much is missing to say which device it is.
    case incomplete

    public var description: String {
        switch self {
        case .xml(let refusal): refusal.description
        case .notAnAnswer(let name): "The message is \(name), not an answer to an inquiry."
        case .incomplete: "The device's answer does not say which device it is."
        }
    }
}

/// Hikvision's search protocol (SADP): XML in datagrams of UDP port 37020, to and from 239.255.255.250 and the broadcast address.
public enum SADPMessage {
    public static let port = 37_020
    public static let group = "239.255.255.250"

    /// Which devices are asked; newer ones answer the second kind with more.
    public enum Inquiry: String, Sendable, CaseIterable {
        case inquiry
        case inquiryV32 = "inquiry_v32"
    }

    /// The datagram that asks all devices of the network to tell about themselves.
    ///
    /// - Parameter uuid: Comes back in the answers.
    public static func inquiry(_ inquiry: Inquiry = .inquiry, uuid: UUID) -> [UInt8] {
        let probe = XMLTree("Probe", children: [XMLTree("Uuid", text: uuid.uuidString), XMLTree("Types", text: inquiry.rawValue)])
        return Array(("<?xml version=\"1.0\" encoding=\"utf-8\"?>" + probe.written).utf8)
    }
}

/// A device as it tells about itself by SADP.
public struct SADPDevice: Sendable, Equatable {
    /// That of the inquiry, or of an inquiry of somebody else.
    public var uuid: String?
    public var model: String?
    public var serialNumber: String?
    /// As `44:47:cc:37:ce:81`.
    public var macAddress: String?
    public var ipv4Address: String?
    public var subnetMask: String?
    public var gateway: String?
    public var ipv6Address: String?
    public var usesDHCP: Bool?
    /// Of the device network SDK.
    public var commandPort: Int?
    public var httpPort: Int?
    public var analogChannels: Int?
    public var digitalChannels: Int?
    public var firmware: String?
    /// By the device's clock, without zone.
    public var bootTime: DeviceTime?
    /// Whether it has a password. Firmware from before 2015 does not say, because it came with one.
    public var isActivated: Bool
    /// Whether the answer was cut short, so that more may be true of the device than is said here.
    public var isTruncated: Bool

    /// Reads an answer, also one that was cut short.
    public init(parsing bytes: some Sequence<UInt8>) throws(SADPRefusal) {
        let bytes = Array(bytes.prefix(65_536))
        var tree: XMLTree
        var isTruncated = false
        do {
            tree = try XMLTree(parsing: bytes)
        } catch {
            guard case .malformed = error, let whole = Self.completed(bytes), let read = try? XMLTree(parsing: whole) else {
                throw .xml(error)
            }
            tree = read
            isTruncated = true
        }
        guard tree.name == "ProbeMatch" else { throw .notAnAnswer(tree.name) }
        if tree["Types"]?.text.lowercased().hasPrefix("inquiry") == false { throw .notAnAnswer(tree["Types"]?.text ?? "") }
        func port(_ name: String) -> Int? { tree[name]?.integer.flatMap { (1...65_535).contains($0) ? $0 : nil } }
        func address(_ name: String) -> String? { tree[name]?.word.flatMap { ["0.0.0.0", "::"].contains($0) ? nil : $0 } }
        func count(_ name: String) -> Int? { tree[name]?.integer.flatMap { (0...4096).contains($0) ? $0 : nil } }

        uuid = tree["Uuid"]?.word
        model = tree["DeviceDescription"]?.word
        serialNumber = tree["DeviceSN"]?.word
        macAddress = (tree["MAC"]?.word).flatMap(MACAddress.normalized)
        ipv4Address = address("IPv4Address")
        subnetMask = address("IPv4SubnetMask")
        gateway = address("IPv4Gateway")
        ipv6Address = address("IPv6Address")
        usesDHCP = tree["DHCP"]?.flag
        commandPort = port("CommandPort")
        httpPort = port("HttpPort")
        analogChannels = count("AnalogChannelNum")
        digitalChannels = count("DigitalChannelNum")
        firmware = tree["SoftwareVersion"]?.word
        bootTime = (tree["BootTime"]?.word).flatMap(DeviceTime.init)
        isActivated = tree["Activated"]?.flag ?? true
        self.isTruncated = isTruncated
        guard macAddress != nil || serialNumber != nil || ipv4Address != nil else { throw .incomplete }
    }

    /// What is whole of an answer that was cut short: all up to its last end tag, closed.
    private static func completed(_ bytes: [UInt8]) -> [UInt8]? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.contains("<ProbeMatch"), let tag = text.range(of: "</", options: .backwards),
            let end = text[tag.upperBound...].firstIndex(of: ">") ?? text[..<tag.lowerBound].lastIndex(of: ">")
        else { return nil }
        // A last end tag that is itself cut short is left away with its element.
        let whole = end > tag.lowerBound ? text[...end] : text[..<(text[..<end].range(of: "<", options: .backwards)?.lowerBound ?? end)]
        return Array((whole + "</ProbeMatch>").utf8)
    }
}
