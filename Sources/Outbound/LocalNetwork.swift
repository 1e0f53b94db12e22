import Foundation

/// The box's own addresses.
public enum LocalAddresses {
    /// Those in private networks, without those of one link.
    public static var ofPrivateNetworks: [String] {
        LocalInterface.all(loopback: false).filter { $0.isPrivate && !$0.isLinkLocal }.map(\.text)
    }
}

/// An address of the box on a network it is attached to.
public struct LocalInterface: Sendable, Equatable {
    public let name: String
    public let index: UInt32
    /// Four bytes, or sixteen.
    public let address: [UInt8]
    public let prefixLength: Int

    /// As people write it (RFC 5952).
    public var text: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(isIPv4 ? AF_INET : AF_INET6, address, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    public var isIPv4: Bool { address.count == 4 }
    public var isLoopback: Bool { isIPv4 ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address.last == 1 }
    public var isLinkLocal: Bool { isIPv4 ? address[0] == 169 && address[1] == 254 : address[0] == 0xFE && address[1] & 0xC0 == 0x80 }

    /// RFC 1918, and link-local and loopback: networks of this place.
    public var isPrivate: Bool {
        guard isIPv4 else { return address[0] & 0xFE == 0xFC || isLinkLocal }
        return address[0] == 10 || address[0] == 172 && (16...31).contains(address[1]) || address[0] == 192 && address[1] == 168
            || isLinkLocal || isLoopback
    }

    public var broadcast: [UInt8] {
        let host = UInt32.max >> UInt32(min(prefixLength, 32))
        let value = prefixLength >= 32 ? number : number | host
        return [UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    private var number: UInt32 { address.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } }

    /// The other hosts of an IPv4 network, of which at most `limit` around the own address.
    public func hosts(limit: Int) -> [String] {
        guard isIPv4, prefixLength < 31 else { return [] }
        let size = UInt32(1) << UInt32(32 - max(prefixLength, 8))
        let network = number & ~(size - 1)
        var first = network + 1
        var last = network + size - 2
        if Int(last - first) >= limit {
            first = max(first, number > UInt32(limit / 2) ? number - UInt32(limit / 2) : first)
            last = min(last, first + UInt32(limit) - 1)
        }
        return (first...last).filter { $0 != number }.map { "\($0 >> 24).\($0 >> 16 & 255).\($0 >> 8 & 255).\($0 & 255)" }
    }

    /// The addresses that are up; loopback only where devices may be on the box itself.
    public static func all(loopback: Bool) -> [LocalInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0, let first = list else { return [] }
        defer { freeifaddrs(first) }
        var found: [LocalInterface] = []
        var next: UnsafeMutablePointer<ifaddrs>? = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard entry.ifa_flags & UInt32(IFF_UP) != 0, let address = entry.ifa_addr, let name = entry.ifa_name,
                let bytes = bytes(address)
            else { continue }
            let mask = entry.ifa_netmask.flatMap { Self.bytes($0) } ?? []
            let interface = LocalInterface(
                name: String(cString: name), index: if_nametoindex(name), address: bytes,
                prefixLength: mask.reduce(0) { $0 + $1.nonzeroBitCount })
            if loopback || !interface.isLoopback { found.append(interface) }
        }
        return found
    }

    private static func bytes(_ address: UnsafeMutablePointer<sockaddr>) -> [UInt8]? {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) } }
        case AF_INET6:
            address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) } }
        default: nil
        }
    }
}
