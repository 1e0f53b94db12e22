import Access
import Core
import Hummingbird
import Logging

/// Who helps viewers from afar to reach the box.
struct ICERoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("relay/ice") { _, _ in try answer(ICEAnswer(try await services.live.whep.settings())) }
        routes.put("relay/ice") { request, context in
            let body = try await RequestBody.read(request)
            let relay = services.live.whep
            var settings = try await relay.settings()
            settings.stunURL = Self.url("stunUrl", .stun, body, settings.stunURL)
            settings.turnURL = Self.url("turnUrl", .turn, body, settings.turnURL)
            if let name = body.string("userName", 1...128) {
                // It goes between quotes to viewers.
                if name.contains(where: { "\"\\".contains($0) }) { body.reject("userName", "userName must not contain \" or \\.") }
                settings.userName = name
            } else if body.isNull("userName") {
                settings.userName = nil
            }
            if let kind = body.word("credentialKind", ICESettings.CredentialKind.self) { settings.credentialKind = kind }
            let credential = body.string("credential", 1...256)
            if body.isNull("credential") { settings.credential = nil }
            settings.firstPort = Self.port("firstPort", body, settings.firstPort)
            settings.lastPort = Self.port("lastPort", body, settings.lastPort)
            Self.check(settings, hasCredential: settings.credential != nil || credential != nil, body)
            for (name, text) in [("stunUrl", settings.stunURL), ("turnUrl", settings.turnURL)] where body.has(name) {
                if let host = text.flatMap({ ICEServerAddress($0) })?.host { await body.admit(host, as: name, services.servers) }
            }
            try body.finish()
            if let credential { settings.credential = try relay.seal(credential) }
            try await relay.set(settings)
            services.logger.notice(
                "servers for viewers from afar set",
                metadata: ["stun": "\(settings.stunURL ?? "")", "turn": "\(settings.turnURL ?? "")", "by": "\(context.caller?.name ?? "")"])
            return try answer(ICEAnswer(settings))
        }
    }

    private static func url(_ name: String, _ kind: ICEServerAddress.Kind, _ body: RequestBody, _ before: String?) -> String? {
        if body.isNull(name) { return nil }
        guard let text = body.string(name, 1...300) else { return before }
        guard let address = ICEServerAddress(text), address.kind == kind else {
            body.reject(name, "\(name) must look like \(kind.rawValue):\(kind.rawValue).example.com:3478.")
            return before
        }
        return address.text
    }

    private static func port(_ name: String, _ body: RequestBody, _ before: Int?) -> Int? {
        body.isNull(name) ? nil : body.integer(name, 1024...65_535) ?? before
    }

    private static func check(_ settings: ICESettings, hasCredential: Bool, _ body: RequestBody) {
        guard body.errors.isEmpty else { return }
        if settings.turnURL != nil, !hasCredential { body.reject("credential", "A TURN server needs a password or a secret.") }
        if settings.turnURL != nil, settings.credentialKind == .password, settings.userName == nil {
            body.reject("userName", "Enter the user name for the TURN server.")
        }
        if (settings.firstPort == nil) != (settings.lastPort == nil) || settings.firstPort.map({ $0 > settings.lastPort ?? 0 }) ?? false {
            body.reject("lastPort", "A range of ports has a first and a last one.")
        }
    }
}

struct ICEAnswer: Encodable {
    let stunUrl: Nullable<String>
    let turnUrl: Nullable<String>
    let userName: Nullable<String>
    let credentialKind: String
    let hasCredential: Bool
    let firstPort: Nullable<Int>
    let lastPort: Nullable<Int>

    init(_ settings: ICESettings) {
        stunUrl = Nullable(settings.stunURL)
        turnUrl = Nullable(settings.turnURL)
        userName = Nullable(settings.userName)
        credentialKind = settings.credentialKind.rawValue
        hasCredential = settings.credential != nil
        firstPort = Nullable(settings.firstPort)
        lastPort = Nullable(settings.lastPort)
    }
}
