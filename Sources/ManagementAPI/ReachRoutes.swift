import Access
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Reach
import Relay

/// The box's way in from the internet: the router's port, the name that leads to it, and the test of both.
struct ReachRoutes {
    let services: BoxServices

    private static let longestURL = 300
    private var reach: ReachServices { services.reach }

    func add(to routes: RouterGroup<APIContext>) {
        // By this whoever comes to the box's address on the internet tells that it is this box; it says nothing else.
        routes.get("reach/echo") { request, _ in
            guard let nonce = request.uri.queryParameters["nonce"].map(String.init), let digest = reach.test.digest(of: nonce) else {
                throw Problem.invalid([.init(field: "/nonce", detail: "nonce must be 16 to 64 hexadecimal digits.")])
            }
            return try answer(EchoAnswer(digest: digest))
        }
        routes.get("relay/reach") { _, _ in try answer(try await view()) }
        routes.put("relay/reach") { request, context in
            let settings = try await mapping(try await RequestBody.read(request), try await reach.mapping.settings())
            try await reach.mapping.set(settings)
            services.logger.notice(
                "way in from the internet set", metadata: ["enabled": "\(settings.enabled)", "by": "\(context.caller?.name ?? "")"])
            return try answer(try await view())
        }
        routes.post("relay/reach/test") { _, _ in try await test() }
        routes.get("relay/ddns") { _, _ in try answer(DynamicDNSAnswer(try await reach.name.settings(), reach.name)) }
        routes.put("relay/ddns") { request, context in
            let settings = try await name(try await RequestBody.read(request), try await reach.name.settings())
            try await reach.name.set(settings)
            services.logger.notice(
                "name on the internet set",
                metadata: [
                    "enabled": "\(settings.enabled)", "name": "\(settings.hostName ?? "")", "by": "\(context.caller?.name ?? "")",
                ])
            return try answer(DynamicDNSAnswer(settings, reach.name))
        }
    }

    private func view() async throws -> ReachAnswer {
        ReachAnswer(try await reach.mapping.settings(), reach.mapping.view, test: reach.test.last)
    }

    // MARK: Bodies

    private func mapping(_ body: RequestBody, _ before: PortMapping.Settings) async throws -> PortMapping.Settings {
        var settings = before
        if let enabled = body.bool("enabled") { settings.enabled = enabled }
        if body.isNull("outsidePort") {
            settings.outsidePort = nil
        } else if let port = body.integer("outsidePort", 1...65_535) {
            settings.outsidePort = port
        }
        if body.isNull("routerUrl") {
            settings.routerURL = nil
        } else if let url = body.string("routerUrl", 1...Self.longestURL) {
            if !reach.mapping.admits(url) {
                body.reject(
                    "routerUrl", "routerUrl must look like http://192.168.1.1:5000/rootDesc.xml, with an address of the site's network.")
            }
            settings.routerURL = url
        }
        if body.isNull("interface") {
            settings.interface = nil
        } else if let interface = body.string("interface", 1...15) {
            if !interface.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) {
                body.reject("interface", "interface must be a name such as eth0, or its address.")
            }
            settings.interface = interface
        }
        if body.isNull("checkerUrl") {
            settings.checkerURL = nil
        } else if let url = body.string("checkerUrl", 1...Self.longestURL) {
            if !isServer(url) { body.reject("checkerUrl", "checkerUrl must look like https://check.example.com/reach.") }
            settings.checkerURL = url
            if let host = URLComponents(string: url)?.host { await body.admit(host, as: "checkerUrl", services.servers) }
        }
        try body.finish()
        return settings
    }

    private func isServer(_ text: String) -> Bool {
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty, parts.user == nil, parts.fragment == nil else {
            return false
        }
        return parts.scheme == "https" || reach.allowsHTTP && parts.scheme == "http"
    }

    private func name(_ body: RequestBody, _ before: DynamicDNS.Settings) async throws -> DynamicDNS.Settings {
        var settings = before
        if let enabled = body.bool("enabled") { settings.enabled = enabled }
        if body.isNull("serverUrl") {
            settings.serverURL = nil
        } else if let url = body.string("serverUrl", 1...Self.longestURL) {
            if !reach.name.admits(url) { body.reject("serverUrl", "serverUrl must look like https://dynupdate.example.com.") }
            settings.serverURL = url
            if let host = URLComponents(string: url)?.host { await body.admit(host, as: "serverUrl", services.servers) }
        }
        if body.isNull("hostName") {
            settings.hostName = nil
        } else if let name = body.string("hostName", 1...253) {
            if !Self.isHostName(name) { body.reject("hostName", "hostName must look like box.example.com.") }
            settings.hostName = name.lowercased()
        }
        if body.isNull("userName") {
            settings.userName = nil
        } else if let name = body.string("userName", 1...128) {
            // RFC 7617: it ends at the first colon.
            if name.contains(":") { body.reject("userName", "userName must not contain a colon.") }
            settings.userName = name
        }
        let password = body.string("password", 1...256)
        if body.isNull("password") { settings.password = nil }
        if settings.enabled, body.errors.isEmpty {
            if settings.serverURL == nil { body.reject("serverUrl", "Enter the address of the server.") }
            if settings.hostName == nil { body.reject("hostName", "Enter the name.") }
            if settings.userName == nil { body.reject("userName", "Enter the user name.") }
            if settings.password == nil, password == nil { body.reject("password", "Enter the password.") }
        }
        try body.finish()
        if let password { settings.password = try reach.name.seal(password) }
        return settings
    }

    /// RFC 1123, section 2.1, with the underscores that some servers give out.
    private static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count > 1
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            }
    }

    // MARK: Test

    private func test() async throws -> Response {
        let view = reach.mapping.view
        guard let address = view.outsideAddress, let port = view.outsidePort else {
            throw Problem.conflict("No port of the router leads to the box, so there is nothing to test.")
        }
        let checker = try await reach.mapping.settings().checkerURL
        guard let result = await reach.test.run(address: address, port: port, checker: checker) else {
            throw Problem.conflict("A test runs already. Wait for it.")
        }
        return try answer(ConditionAnswer(result))
    }
}

extension BoxServices {
    /// Whether a request comes from the site itself. One that a proxy or the router passed on may come from anywhere.
    func isAtSite(_ address: String, _ headers: HTTPFields) -> Bool {
        !reach.mapping.passesOn(address) && ViewerPlace.isLocal(address, headers: headers)
    }
}

private struct EchoAnswer: Encodable {
    let digest: String
}

struct ReachAnswer: Encodable {
    let enabled: Bool
    let outsidePort: Nullable<Int>
    let routerUrl: Nullable<String>
    let interface: Nullable<String>
    let checkerUrl: Nullable<String>
    let state: ConditionAnswer
    let outsideAddress: Nullable<String>
    let openPort: Nullable<Int>
    let openUntil: Nullable<Date>
    let routerAddress: Nullable<String>
    let test: Nullable<ConditionAnswer>

    init(_ settings: PortMapping.Settings, _ view: PortMapping.View, test: Condition?) {
        enabled = settings.enabled
        outsidePort = Nullable(settings.outsidePort)
        routerUrl = Nullable(settings.routerURL)
        interface = Nullable(settings.interface)
        checkerUrl = Nullable(settings.checkerURL)
        state = ConditionAnswer(view.condition)
        outsideAddress = Nullable(view.outsideAddress)
        openPort = Nullable(view.outsidePort)
        openUntil = Nullable(view.until)
        routerAddress = Nullable(view.router)
        self.test = Nullable(test.map { ConditionAnswer($0) })
    }
}

struct DynamicDNSAnswer: Encodable {
    let enabled: Bool
    let serverUrl: Nullable<String>
    let hostName: Nullable<String>
    let userName: Nullable<String>
    let hasPassword: Bool
    let state: ConditionAnswer
    let address: Nullable<String>
    let askedAt: Nullable<Date>

    init(_ settings: DynamicDNS.Settings, _ name: DynamicDNS) {
        enabled = settings.enabled
        serverUrl = Nullable(settings.serverURL)
        hostName = Nullable(settings.hostName)
        userName = Nullable(settings.userName)
        hasPassword = settings.password != nil
        state = ConditionAnswer(name.condition)
        address = Nullable(name.outcome?.address)
        askedAt = Nullable(name.outcome?.at)
    }
}
