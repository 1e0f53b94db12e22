import Foundation

/// An IPv4 address as routers tell it.
public struct OutsideAddress: Sendable, Equatable {
    /// Who can reach it.
    public enum Kind: Sendable, Equatable {
        /// Everybody.
        case open
        /// Nobody outside a private network (RFC 1918, link-local, loopback).
        case ofNetwork
        /// Nobody outside the provider's network, which shares one address among many (RFC 6598).
        case shared
        /// Nobody: reserved, multicast, none.
        case none
    }

    let bytes: [UInt8]

    /// Reads four numbers with dots; nil for everything else, names and other spellings too.
    public init?(_ text: String) {
        var address = in_addr()
        guard text.utf8.count <= 15, !text.utf8.contains(0), inet_pton(AF_INET, text, &address) == 1 else { return nil }
        bytes = withUnsafeBytes(of: address) { Array($0) }
    }

    /// Who can reach the address (RFC 6890).
    public var kind: Kind {
        switch (bytes[0], bytes[1]) {
        case (10, _), (127, _), (169, 254), (172, 16...31), (192, 168): .ofNetwork
        case (100, 64...127): .shared
        case (0, _), (224...255, _), (198, 18...19): .none
        default: bytes[0...2] == [192, 0, 0] ? .none : .open
        }
    }

    var isLoopback: Bool { bytes[0] == 127 }

    /// A router may be at this address: one of the site's network (RFC 1918), or of this machine where that is allowed.
    func isRouter(allowsLoopback: Bool) -> Bool {
        isLoopback ? allowsLoopback : kind == .ofNetwork && !(bytes[0] == 169)
    }
}

/// An address of a router's page: plain HTTP to numbers, in the site's network.
struct RouterURL: Equatable {
    static let longest = 256

    let text: String
    let host: String

    /// Reads an address; nil where it is none that the box speaks to. Routers name addresses in their answers, which may come from anybody.
    init?(_ text: String, allowsLoopback: Bool) {
        guard text.utf8.count <= Self.longest, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), text.lowercased().hasPrefix("http://"),
            !text.contains("@"), !text.contains("\\")
        else { return nil }
        let rest = text.dropFirst("http://".count)
        let place = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let parts = place.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.count == 1 || UInt16(parts[1]).map({ $0 > 0 }) == true,
            let address = OutsideAddress(String(parts[0])), address.isRouter(allowsLoopback: allowsLoopback)
        else { return nil }
        self.text = text
        host = String(parts[0])
    }
}
