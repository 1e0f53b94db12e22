// Cameras speaks to devices: finds them, signs in, asks what they are and can. It records nothing and knows no SQL or HTTP server.

import Core
import Foundation

/// Why an address is not connected to.
public struct AddressRefusal: Error, Sendable, Equatable {
    /// `address-refused` or `unreachable`.
    public let code: String
    public let sentence: String
}

/// Which addresses the box connects to on a user's word.
///
/// Names are resolved here and every address they have must pass, so that no spelling (decimal, IPv4-mapped, a name for loopback) slips by. What is
/// connected to afterwards is the address that was found here, for the name may have another one a moment later.
public struct AddressPolicy: Sendable {
    /// What is connected to.
    public enum Target: Sendable {
        case camera
        /// A storage or another server that people enter.
        case server
    }

    let allowsLocal: Bool
    private let allowsPublic: Bool
    private let target: Target

    /// A policy; `allowsLocal` lets everything through, for demonstrations and tests, `allowsPublic` cameras at addresses of the internet.
    public init(allowsLocal: Bool, allowsPublic: Bool = false, target: Target = .camera) {
        self.allowsLocal = allowsLocal
        self.allowsPublic = allowsPublic
        self.target = target
    }

    /// Throws unless `host` may be connected to; the address to connect to.
    @discardableResult
    public func check(host: String) async throws(AddressRefusal) -> String {
        var bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        while bare.hasSuffix(".") { bare.removeLast() }
        // RFC 6761: these names mean this machine, whether they can be looked up or not.
        if !allowsLocal, bare.lowercased() == "localhost" || bare.lowercased().hasSuffix(".localhost") {
            throw refusal(bare, "this box itself")
        }
        // Only link-local addresses have a zone; the resolver does not know others with one.
        if !allowsLocal, bare.contains("%") { throw refusal(bare, "a link-local address") }
        let name = bare
        let addresses: [Address]
        do {
            if let literal = Address(literal: name) {
                addresses = [literal]
            } else {
                // A thread of its own: a name server that does not answer holds up nobody else.
                addresses = try await BlockingQueue(name: "resolver").run { try Self.resolve(name) }
            }
        } catch let refusal as AddressRefusal {
            throw refusal
        } catch {
            throw AddressRefusal(code: "unreachable", sentence: "\(bare) could not be looked up.")
        }
        if !allowsLocal, let reason = addresses.lazy.compactMap(\.refusalReason).first { throw refusal(bare, reason) }
        if case .camera = target, !allowsLocal, !allowsPublic, addresses.contains(where: \.isPublic) {
            throw AddressRefusal(
                code: "address-refused",
                sentence:
                    "\(bare) is an address of the internet, where no camera of this site is. Enter the camera's address on the site's network, or see devices.allow-public in the box's configuration."
            )
        }
        guard let first = addresses.first else { throw Self.unknown(bare) }
        return first.text
    }

    private func refusal(_ host: String, _ reason: String) -> AddressRefusal {
        let advice =
            switch target {
            case .camera: "where no camera can be. Enter the camera's address on the site's network."
            case .server:
                "where the box connects to no server. Enter the server's own address, or see servers.allow-local in the box's configuration."
            }
        return AddressRefusal(code: "address-refused", sentence: "\(host) is \(reason), \(advice)")
    }

    private static func unknown(_ host: String) -> AddressRefusal {
        AddressRefusal(code: "unreachable", sentence: "The name \(host) is not known on this network. Enter the camera's IP address.")
    }

    private static func resolve(_ host: String) throws -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else {
            throw unknown(host)
        }
        defer { freeaddrinfo(first) }
        var addresses: [Address] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            if let address = Address(entry.pointee) { addresses.append(address) }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}

/// A resolved address, IPv4 or IPv6, as its bytes.
private struct Address {
    let bytes: [UInt8]
    /// As one writes it.
    let text: String

    /// What stands before an IPv4 address: mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96), NAT64 (64:ff9b::/96), NAT64 of a site
    /// (64:ff9b:1::/48).
    private static let wrappers: [[UInt8]] = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], [0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0],
        [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0x64, 0xFF, 0x9B, 0, 1],
    ]

    init?(_ entry: addrinfo) {
        var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard getnameinfo(entry.ai_addr, entry.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0 else { return nil }
        text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        switch entry.ai_family {
        case AF_INET:
            guard let pointer = entry.ai_addr else { return nil }
            bytes = pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) } }
        case AF_INET6:
            guard let pointer = entry.ai_addr else { return nil }
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
