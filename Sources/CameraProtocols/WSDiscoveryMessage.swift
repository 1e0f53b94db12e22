public import Foundation
public import XML

/// Why a datagram is no answer to a WS-Discovery probe.
public enum WSDiscoveryRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    case xml(XMLRefusal)
    /// Another message, such as the own probe; with the name of its element.
    case notAnAnswer(String)

    public var description: String {
        switch self {
        case .xml(let refusal): refusal.description
        case .notAnAnswer(let name): "The message is \(name), not an answer to a probe."
        }
    }
}

/// Web Services Dynamic Discovery (April 2005) as ONVIF uses it (Core Specification, section 7.3): datagrams of UDP port 3702.
public enum WSDiscoveryMessage {
    public static let port = 3702
    public static let group = "239.255.255.250"
    public static let groupIPv6 = "ff02::c"

    /// Which devices are asked; some answer only one of the first two.
    public enum Kind: String, Sendable, CaseIterable {
        case networkVideoTransmitter = "dn:NetworkVideoTransmitter"
        case device = "tds:Device"
        case any = ""
    }

    /// The datagram that asks all devices of the network to tell about themselves; `messageID` comes back in the answers.
    public static func probe(_ kind: Kind = .networkVideoTransmitter, messageID: UUID) -> [UInt8] {
        let types = kind == .any ? "" : "<d:Types>\(kind.rawValue)</d:Types>"
        return Array(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" \
            xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl" \
            xmlns:tds="http://www.onvif.org/ver10/device/wsdl">\
            <e:Header><w:MessageID>uuid:\(messageID.uuidString.lowercased())</w:MessageID>\
            <w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>\
            <w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>\
            <e:Body><d:Probe>\(types)</d:Probe></e:Body></e:Envelope>
            """.utf8)
    }
}

/// A device as it tells about itself by WS-Discovery.
public struct WSDiscoveryMatch: Sendable, Equatable {
    /// What stays the same when the addresses change: `urn:uuid:18ec6401-…`.
    public var endpointReference: String
    /// The addresses of its device service, as it believes: the host may be wrong.
    public var addresses: [String]
    public var types: [String]
    /// Decoded: `onvif://www.onvif.org/name/HIKVISION DS-2CD2386G2`.
    public var scopes: [String]
    /// The message that is answered; nil when the device greets of itself.
    public var relatesTo: String?

    /// Reads the `ProbeMatches` or the `Hello` of a datagram.
    public static func parse(_ bytes: some Sequence<UInt8>) throws(WSDiscoveryRefusal) -> [WSDiscoveryMatch] {
        var limits = XMLLimits()
        limits.elements = 2000
        let tree: XMLTree
        do { tree = try XMLTree(parsing: bytes.prefix(65_536), limits: limits) } catch { throw .xml(error) }
        guard let body = tree["Body"] else { throw .notAnAnswer(tree.name) }
        let matches = (body["ProbeMatches"]?.all("ProbeMatch") ?? []) + body.all("Hello")
        guard !matches.isEmpty || body["ProbeMatches"] != nil else { throw .notAnAnswer(body.children.first?.name ?? "empty") }
        return matches.prefix(64).map { match in
            WSDiscoveryMatch(
                endpointReference: match["EndpointReference", "Address"]?.text ?? "", addresses: words(match["XAddrs"]),
                types: words(match["Types"]), scopes: words(match["Scopes"]).map { $0.removingPercentEncoding ?? $0 },
                relatesTo: tree["Header", "RelatesTo"]?.word)
        }
    }

    private static func words(_ tree: XMLTree?) -> [String] {
        (tree?.text ?? "").split(maxSplits: 128, whereSeparator: \.isWhitespace).prefix(128).map(String.init)
    }

    public var name: String? { scope("name") }
    public var hardware: String? { scope("hardware") }
    public var location: String? { scope("location") }
    /// From the scopes, or from a link-local address of the device; as `44:47:cc:37:ce:81`.
    public var macAddress: String? {
        (scope("mac") ?? scope("macaddr") ?? scope("macaddress")).flatMap(MACAddress.normalized)
            ?? addresses.lazy.compactMap { address in
                guard let open = address.firstIndex(of: "["), let close = address[open...].firstIndex(of: "]") else { return nil }
                return MACAddress.ofLinkLocal(String(address[address.index(after: open)..<close]))
            }.first
    }
    /// `Streaming`, `G`, `T`: what ONVIF says the device can.
    public var profiles: [String] { scopes.compactMap { Self.value("profile", $0) } }

    private func scope(_ name: String) -> String? { scopes.lazy.compactMap { Self.value(name, $0) }.first }

    private static func value(_ name: String, _ scope: String) -> String? {
        let prefix = "onvif://www.onvif.org/\(name)/"
        guard scope.lowercased().hasPrefix(prefix) else { return nil }
        let value = scope.dropFirst(prefix.count)
        return value.isEmpty ? nil : String(value)
    }
}
