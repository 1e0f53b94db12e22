import Foundation

/// A resolved address, IPv4 or IPv6, as its bytes.
struct NetworkAddress {
    let bytes: [UInt8]
    /// As one writes it.
    let text: String

    /// What stands before an IPv4 address: mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96), NAT64 (64:ff9b::/96), NAT64 of a site
    /// (64:ff9b:1::/48).
    private static let wrappers: [[UInt8]] = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], [0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0],
        [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0x64, 0xFF, 0x9B, 0, 1],
    ]

    init?(_ pointer: UnsafePointer<sockaddr>, length: socklen_t) {
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(pointer, length, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
        text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch Int32(pointer.pointee.sa_family) {
        case AF_INET:
            bytes = pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) } }
        case AF_INET6:
            let all = pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
            }
            // IPv4-compatible addresses and those behind a prefix are what they wrap at their end, those of 6to4 (2002::/16) what comes next.
            let isCompatible = all.prefix(12).allSatisfy { $0 == 0 } && all[12] != 0
            let wraps = isCompatible || Self.wrappers.contains { all.starts(with: $0) }
            bytes = all.starts(with: [0x20, 0x02]) ? Array(all[2..<6]) : wraps ? Array(all[12...]) : all
        default: return nil
        }
    }

    /// An IPv4 address written out in the usual way; every other spelling is left to the resolver.
    init?(literal text: String) {
        var four = in_addr()
        guard inet_pton(AF_INET, text, &four) == 1 else { return nil }
        bytes = withUnsafeBytes(of: four) { Array($0) }
        self.text = text
    }

    /// IPv4 networks that are not of the internet (RFC 6890), with the lengths of their prefixes.
    private static let privateNetworks: [(network: [UInt8], bits: Int)] = [
        ([10], 8), ([172, 16], 12), ([192, 168], 16), ([100, 64], 10), ([192, 0, 0], 24), ([192, 0, 2], 24), ([198, 51, 100], 24),
        ([203, 0, 113], 24), ([198, 18], 15),
    ]

    /// Whether it is of the internet, and of no network to which the box is attached.
    var isPublic: Bool {
        let isGlobal =
            bytes.count == 4
            ? !Self.privateNetworks.contains { isIn($0.network, bits: $0.bits) }
            : isIn([0x20], bits: 3) && !isIn([0x20, 0x01, 0x0D, 0xB8], bits: 32)
        return isGlobal
            && !LocalInterface.all(loopback: false).contains {
                $0.address.count == bytes.count && $0.prefixLength > 0 && isIn($0.address, bits: $0.prefixLength)
            }
    }

    private func isIn(_ network: [UInt8], bits: Int) -> Bool {
        (0..<bits).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return bytes[bit / 8] & mask == (bit / 8 < network.count ? network[bit / 8] & mask : 0)
        }
    }

    /// What kind of address it is, if no camera can be there.
    var refusalReason: String? {
        bytes.count == 4 ? refusalReasonIPv4 : refusalReasonIPv6
    }

    private var refusalReasonIPv4: String? {
        switch (bytes[0], bytes[1]) {
        case (0, _): "no address of a device"
        case (127, _): "this box itself (loopback)"
        case (169, 254): "a link-local address"
        case (224...255, _): "a multicast or broadcast address"
        default: bytes == [100, 100, 100, 200] ? "a metadata address" : nil
        }
    }

    private var refusalReasonIPv6: String? {
        if bytes.dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] == 1 ? "this box itself (loopback)" : "no address of a device" }
        if bytes[0] == 0xFE, bytes[1] & 0xC0 == 0x80 { return "a link-local address" }
        if bytes[0] == 0xFF { return "a multicast address" }
        if bytes.prefix(6).elementsEqual([0xFD, 0, 0x0E, 0xC2, 0, 0]) { return "a metadata address" }
        return nil
    }
}
