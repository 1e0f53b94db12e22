import CLinux
import Foundation
import Outbound

/// A UDP socket that sends probes and takes what comes; closed with its owner.
struct DatagramSocket: ~Copyable {
    let descriptor: Int32
    private let family: Int32

    /// A socket for one interface; `port` 0 is any free one. Several programs may have the same port.
    init?(interface: LocalInterface, port: UInt16, shared: Bool) {
        family = interface.isIPv4 ? AF_INET : AF_INET6
        descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if shared {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, size)
        }
        setsockopt(descriptor, SOL_SOCKET, SO_BROADCAST, &on, size)
        var room: Int32 = 1 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, size)
        guard interface.isIPv4 ? bindIPv4(interface, port: port) : bindIPv6(interface) else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    private func bindIPv4(_ interface: LocalInterface, port: UInt16) -> Bool {
        var here = in_addr()
        withUnsafeMutableBytes(of: &here) { $0.copyBytes(from: interface.address) }
        setsockopt(descriptor, Int32(IPPROTO_IP), IP_MULTICAST_IF, &here, socklen_t(MemoryLayout<in_addr>.size))
        // A port that answers are sent to by multicast must be bound to every address to get them.
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        if port == 0 { address.sin_addr = here }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard bound == 0 else { return false }
        if port != 0 {
            var group = ip_mreq()
            group.imr_multiaddr.s_addr = inet_addr("239.255.255.250")
            group.imr_interface = here
            setsockopt(descriptor, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, &group, socklen_t(MemoryLayout<ip_mreq>.size))
        }
        return true
    }

    private func bindIPv6(_ interface: LocalInterface) -> Bool {
        var index = Int32(interface.index)
        setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_MULTICAST_IF, &index, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_scope_id = interface.index
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: interface.address) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) }
        } == 0
    }

    /// Sends to an IPv4 address.
    func send(_ bytes: [UInt8], to address: String, port: UInt16) {
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = port.bigEndian
        guard inet_pton(AF_INET, address, &target.sin_addr) == 1 else { return }
        _ = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Sends to an IPv6 multicast group on one interface.
    func send(_ bytes: [UInt8], toGroup group: String, interface: LocalInterface, port: UInt16) {
        var target = sockaddr_in6()
        target.sin6_family = sa_family_t(AF_INET6)
        target.sin6_port = port.bigEndian
        target.sin6_scope_id = interface.index
        guard inet_pton(AF_INET6, group, &target.sin6_addr) == 1 else { return }
        _ = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    /// A datagram that waits, with its sender's address; nil when none does.
    func receive() -> (bytes: [UInt8], from: String)? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var sender = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length) }
        }
        guard count >= 0 else { return nil }
        var host = [CChar](repeating: 0, count: 128)
        let named = withUnsafePointer(to: &sender) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo($0, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
            }
        }
        guard named == 0 else { return nil }
        return (Array(buffer.prefix(count)), String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
}
