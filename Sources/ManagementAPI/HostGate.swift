import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Reach

/// Refuses requests for other names than the box's: another web page whose name was made to lead here (DNS rebinding) would speak with a visitor's browser.
///
/// Addresses are nobody's name, so they pass.
struct HostGate: RouterMiddleware {
    /// Endings that are nobody's on the internet (RFC 6762, RFC 8375, and what routers use).
    private static let endings = ["local", "lan", "home", "home.arpa", "internal", "localdomain", "fritz.box"]

    private let names: Set<String>
    private let reach: ReachServices

    /// `machine` is the machine's own name, `others` are names that the configuration adds.
    init(machine: String, others: [String], reach: ReachServices) {
        let own = machine.lowercased().split(separator: ".").first.map(String.init) ?? "gatehouse"
        let bases: Set<String> = [own, "gatehouse"]
        names = bases.union(bases.flatMap { base in Self.endings.map { "\(base).\($0)" } }).union(["localhost", machine.lowercased()])
            .union(others.map { $0.lowercased() })
        self.reach = reach
    }

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let authority = request.head.authority else { return try await next(request, context) }
        let host = Self.host(of: authority)
        guard Self.isAddress(host) || names.contains(host) else {
            guard try await isNameOnTheInternet(host) else { throw Self.otherName(host) }
            return try await next(request, context)
        }
        return try await next(request, context)
    }

    /// The name that the box itself tells to a server of names.
    private func isNameOnTheInternet(_ host: String) async throws -> Bool {
        let settings = try await reach.name.settings()
        return settings.enabled && settings.hostName?.lowercased() == host
    }

    /// Without port, brackets and the dot that ends a whole name; in small letters.
    static func host(of authority: String) -> String {
        var host = Substring(authority.lowercased())
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.lastIndex(of: ":") {
            host = host[..<colon]
        }
        if host.hasSuffix(".") { host = host.dropLast() }
        return String(host)
    }

    static func isAddress(_ host: String) -> Bool { (try? SocketAddress(ipAddress: host, port: 0)) != nil }

    private static func otherName(_ host: String) -> Problem {
        Problem(
            .misdirectedRequest, "other-name", "Another name",
            "This box is not called \(host.prefix(64)). Open it by its address, or have the name put under http.hosts of its configuration."
        )
    }
}
