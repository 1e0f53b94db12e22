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
    /// Set by `SignInGate`.
    var caller: Caller?

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

/// Lets only signed-in callers through.
struct SignInGate: RouterMiddleware {
    static let cookie = "gatehouse_session"
    let administration: Administration

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let token = Self.token(of: request) else { throw Problem.notSignedIn }
        var context = context
        do {
            context.caller = try await administration.authenticate(token: token)
        } catch is AccessDenied {
            throw Problem.notSignedIn
        }
        return try await next(request, context)
    }

    /// The token of the header or of the cookie.
    static func token(of request: Request) -> String? {
        if let header = request.headers[.authorization], header.hasPrefix("Bearer ") { return String(header.dropFirst(7)) }
        return request.cookies[cookie]?.value
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
    /// Where browsers may fetch footage besides the box.
    let mediaOrigins: @Sendable () -> [String]

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let problem as Problem {
            response = try problem.response(from: request, context: context)
        } catch let failure as DeviceFailure {
            response = try Problem(failure).response(from: request, context: context)
        } catch let error as CatalogueError {
            response = try Problem(error).response(from: request, context: context)
        } catch let refusal as PlanRefusal {
            response = try Problem(refusal).response(from: request, context: context)
        } catch let refusal as LiveRefusal {
            response = try Problem(refusal).response(from: request, context: context)
        } catch let failure as PlaybackFailure {
            response = try Problem(failure).response(from: request, context: context)
        } catch let refusal as EncryptionRefusal {
            response = try Problem(refusal).response(from: request, context: context)
        } catch let mistake as VoucherMistake {
            response = try Problem(mistake).response(from: request, context: context)
        } catch let error as HTTPError {
            response = try Self.problem(of: error).response(from: request, context: context)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            context.logger.error("request failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            let problem = Problem(
                .internalServerError, "internal", "The box failed",
                "Something went wrong inside the box. Try again; if it stays, look at the log.")
            response = try problem.response(from: request, context: context)
        }
        for (name, value) in Self.headers where response.headers[name] == nil { response.headers[name] = value }
        if response.headers[.contentSecurityPolicy] == nil { response.headers[.contentSecurityPolicy] = Self.policy(media: mediaOrigins()) }
        if request.uri.path.hasPrefix("/api"), response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }

    private static func problem(of error: HTTPError) -> Problem {
        switch error.status {
        case .notFound: Problem(.notFound, "not-found", "Not found", "There is nothing at this address.")
        case .contentTooLarge: Problem(.contentTooLarge, "too-large", "Too large", "The request is too large.")
        default: Problem(error.status, "invalid-request", "Not valid", error.body ?? "The request is not valid.")
        }
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
