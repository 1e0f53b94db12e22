import Access
import Core
import Hummingbird
import Logging

/// Whether other programs may open the cameras by RTSP.
struct RTSPRoutes {
    let services: BoxServices

    static let shortestPassword = 12

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("relay/rtsp") { _, _ in try answer(try await view()) }
        routes.put("relay/rtsp") { request, context in
            let body = try await RequestBody.read(request)
            let relay = services.live.rtsp
            var settings = try await relay.settings()
            if let enabled = body.bool("enabled") { settings.enabled = enabled }
            if let port = body.integer("port", 1...65_535) { settings.port = port }
            if let name = body.string("userName", 1...64) {
                // Digest puts it between colons and quotes.
                if name.contains(where: { ":\"\\".contains($0) }) { body.reject("userName", "userName must not contain : \" or \\.") }
                settings.userName = name
            }
            let password = body.string("password", Self.shortestPassword...128)
            if settings.enabled, settings.password == nil, password == nil, !body.errors.contains(where: { $0.field == "/password" }) {
                body.reject("password", "Choose a password of at least \(Self.shortestPassword) characters.")
            }
            try body.finish()
            if let password { settings.password = try relay.seal(password) }
            try await relay.set(settings)
            services.logger.notice(
                "RTSP set",
                metadata: ["enabled": "\(settings.enabled)", "port": "\(settings.port)", "by": "\(context.caller?.name ?? "")"])
            return try answer(try await view())
        }
    }

    private func view() async throws -> RTSPAnswer {
        RTSPAnswer(try await services.live.rtsp.settings(), services.live.rtsp.condition)
    }
}

struct RTSPAnswer: Encodable {
    let enabled: Bool
    let port: Int
    let userName: String
    let hasPassword: Bool
    let state: ConditionAnswer

    init(_ settings: RTSPRelay.Settings, _ condition: Condition) {
        enabled = settings.enabled
        port = settings.port
        userName = settings.userName
        hasPassword = settings.password != nil
        state = ConditionAnswer(condition)
    }
}
