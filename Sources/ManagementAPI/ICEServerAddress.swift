import Foundation
import Outbound
import WebRTC

/// The address of a STUN or TURN server as people write it (RFC 7064, RFC 7065): `stun:host:port`, `turn:host:port?transport=tcp`.
struct ICEServerAddress: Equatable {
    enum Kind: String { case stun, turn }

    let kind: Kind
    let host: String
    let port: UInt16
    let transport: ICEServers.Relay.Transport

    static let usualPort: UInt16 = 3478
    private static let longestHost = 253

    /// Reads an address; nil where it is none.
    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let kind = Kind(rawValue: text[..<colon].lowercased()) else { return nil }
        let parts = text[text.index(after: colon)...].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let (host, port) = Self.place(parts[0]) else { return nil }
        var transport = ICEServers.Relay.Transport.udp
        if parts.count == 2 {
            guard kind == .turn, parts[1].hasPrefix("transport="),
                let named = ICEServers.Relay.Transport(rawValue: String(parts[1].dropFirst(10)))
            else { return nil }
            transport = named
        }
        self.kind = kind
        self.host = host
        self.port = port
        self.transport = transport
    }

    /// `host`, `host:port`, `[::1]:port`.
    private static func place(_ text: Substring) -> (host: String, port: UInt16)? {
        let isBracketed = text.hasPrefix("[")
        let host = isBracketed ? text.dropFirst().prefix { $0 != "]" } : text.prefix { $0 != ":" }
        let rest = text.dropFirst(host.count + (isBracketed ? 2 : 0))
        let allowed: (Character) -> Bool = {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || isBracketed && $0 == ":")
        }
        guard (1...longestHost).contains(host.utf8.count), host.allSatisfy(allowed) else { return nil }
        if rest.isEmpty { return (String(host), usualPort) }
        guard rest.first == ":", let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return (String(host), port)
    }

    /// As it is written.
    var text: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(kind.rawValue):\(name):\(port)" + (kind == .turn ? "?transport=\(transport.rawValue)" : "")
    }

    /// Looks the name up; nil where it has no address, or one that the box does not connect to.
    func look(_ servers: AddressPolicy) async -> ICEServers.Place? {
        (try? await servers.check(host: host)).map { ICEServers.Place(address: $0, port: port) }
    }
}
