// Outbound decides where the box connects to on somebody's word: devices, storages, other servers. It connects to nothing itself.

import Core
import Foundation
public import NIOCore

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

    /// Whether everything is let through.
    public let allowsLocal: Bool
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
        let addresses: [NetworkAddress]
        do {
            if let literal = NetworkAddress(literal: name) {
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

    /// Looks at whom a new connection leads to, and ends it where that is nobody to speak to (the future fails with an `AddressRefusal`): for clients
    /// that look names up by themselves. A name that leads elsewhere than it did when it was entered (DNS rebinding) gets a connection and no request.
    public func admit(_ channel: any Channel) -> EventLoopFuture<Void> {
        if allowsLocal { return channel.eventLoop.makeSucceededVoidFuture() }
        let peer = channel.remoteAddress?.withSockAddr { NetworkAddress($0, length: socklen_t($1)) }
        guard let peer else { return refuse(channel, "A connection", "no address of the network") }
        guard let reason = peer.refusalReason else { return channel.eventLoop.makeSucceededVoidFuture() }
        return refuse(channel, peer.text, reason)
    }

    private func refuse(_ channel: any Channel, _ host: String, _ reason: String) -> EventLoopFuture<Void> {
        let refusal = refusal(host, reason)
        // The end comes before the failure: AsyncHTTPClient waits a while after a failure, and traps where the connection ends in that time.
        channel.close(promise: nil)
        return channel.closeFuture.flatMapThrowing { throw refusal }
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

    private static func resolve(_ host: String) throws -> [NetworkAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let first = list else {
            throw unknown(host)
        }
        defer { freeaddrinfo(first) }
        var addresses: [NetworkAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            if let pointer = entry.pointee.ai_addr, let address = NetworkAddress(pointer, length: entry.pointee.ai_addrlen) {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
