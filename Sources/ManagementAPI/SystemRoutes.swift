import Access
import Core
import BoxDatabase
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import NIOCore

/// The box itself: version, health, log level, live messages, metrics.
struct SystemRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    let feed: LiveFeed

    /// For so long a sign-in is not looked at again.
    private static let trust = Duration.seconds(2)

    private enum Level: String, CaseIterable {
        case trace, debug, info, notice, warning, error
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("system") { _, context in try answer(try await maker.system(context.rights)) }
        routes.patch("system") { request, context in
            let body = try await RequestBody.read(request)
            let name = body.string("name", 1...64)
            let level = body.word("logLevel", Level.self)
            let liveLimit = body.isNull("liveLimitMinutes") ? 0 : body.integer("liveLimitMinutes", 1...1440)
            try body.finish()
            try await services.database.write { database in
                if let name { try database.set("box.name", to: name) }
                if let liveLimit { try database.set(LiveLimit.setting, to: liveLimit) }
            }
            if let level { services.logLevel.name = level.rawValue }
            return try answer(try await maker.system(context.rights))
        }
        routes.get("health") { _, context in try answer(try await maker.health(context.rights)) }
        routes.get("stream") { request, context in try stream(request, context) }
    }

    /// Server-sent events (HTML Living Standard, 9.2): what changes, as it changes.
    private func stream(_ request: Request, _ context: APIContext) throws -> Response {
        guard let caller = context.caller, let token = AccessGate.token(of: request) else { throw Problem.notSignedIn }
        let (access, time) = (services.access, services.time)
        let body = ResponseBody { writer in
            let messages = feed.listen()
            try await writer.write(ByteBuffer(string: "retry: 2000\n: Gatehouse\n\n"))
            var lookedAt = time.uptime()
            var last = context.rights
            // Ends when the feed does, at the box's shutdown, when the client has gone, or when the sign-in is over.
            for await message in messages {
                if time.uptime() - lookedAt > Self.trust {
                    lookedAt = time.uptime()
                    do { _ = try await access.signIns.authenticate(token: token) } catch is AccessDenied { break } catch {}
                }
                let rights = try await access.control.rights(of: caller.id, limitedTo: caller.actions)
                if last != rights { try await writer.write(ByteBuffer(string: "event: rights\ndata: {}\n\n")) }
                last = rights
                if try await message.audience.includes(rights, of: caller.id, access.control) { try await writer.write(message.bytes) }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
    }
}
