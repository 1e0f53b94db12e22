import Access
import Cameras
import CloudStorage
import Core
import Devices
import Logging
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Playback
import Relay

/// The context of one request: from where, and by whom once that is proved.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The peer's address, for throttling.
    let remoteAddress: String
    /// Set by `AccessGate`, unless the route is open to everybody.
    var caller: Caller?
    /// What the caller may do.
    var rights = Rights.none
    /// The box itself looks at something on behalf of the caller, who has been counted and is known.
    var isLook = false
    /// What the operation log is told besides.
    let notes = OperationNotes()

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remoteAddress = source.channel.remoteAddress?.ipAddress ?? "local"
    }

    var maxUploadSize: Int { 64 << 10 }

    /// The identifier in the path.
    func identifier<Kind>(_ what: String) throws -> Identifier<Kind> {
        guard let text = parameters.get("id"), let id = Identifier<Kind>(text) else { throw Problem.notFound(what) }
        return id
    }
}

/// Refuses what another web page makes a signed-in browser do.
struct OriginGate: RouterMiddleware {
    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        if ![.get, .head, .options].contains(request.method), let origin = request.headers[.origin] {
            let host = URLComponents(string: origin).map { parts in parts.port.map { "\(parts.host ?? ""):\($0)" } ?? parts.host ?? "" }
            guard host == request.head.authority else {
                throw Problem(.forbidden, "other-origin", "Refused", "This request came from another web page.")
            }
        }
        return try await next(request, context)
    }
}

/// Puts the headers that keep browsers safe on every answer, and turns every error into a problem.
struct AnswerGate: RouterMiddleware {
    /// Browsers that know the certificate then come by TLS alone (RFC 6797); they ignore it where they do not.
    let isEncrypted: Bool
    /// Where browsers may fetch footage besides the box.
    let mediaOrigins: @Sendable () -> [String]

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch is CancellationError {
            throw CancellationError()
        } catch  where context.isLook {
            throw error
        } catch {
            if Problem.of(error) == nil {
                context.logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            }
            response = try (Problem.of(error) ?? .internalFailure).response(from: request, context: context)
        }
        for (name, value) in Self.headers where response.headers[name] == nil { response.headers[name] = value }
        if isEncrypted, let name = HTTPField.Name("Strict-Transport-Security") { response.headers[name] = "max-age=31536000" }
        if response.headers[.contentSecurityPolicy] == nil { response.headers[.contentSecurityPolicy] = Self.policy(media: mediaOrigins()) }
        if request.uri.path.hasPrefix("/api"), response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }

    /// Footage may come from the storage itself, and from nowhere else.
    private static func policy(media: [String]) -> String {
        let clean = media.filter {
            $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ",") }
        }
        return
            "default-src 'self'; img-src 'self' data: blob:; media-src \((["'self'", "blob:"] + clean).joined(separator: " ")); style-src 'self'; "
            + "script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    }

    private static let headers: [(HTTPField.Name, String)] = {
        let pairs = [
            ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
            ("X-Frame-Options", "DENY"), ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        return pairs.compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }
    }()
}
