import Core
import HTTPTypes
import Hummingbird
import NIOCore
import Relay
import WebRTC

/// Live view by WebRTC (WHEP; draft-ietf-wish-whep): an offer is answered, and the answer's address is the session.
struct WHEPRoutes {
    let services: BoxServices

    private static let sdp = "application/sdp"
    private static let fragment = "application/trickle-ice-sdpfrag"
    static let path = "/api/v1/live/whep"

    /// What a player fetches: the token is its permission.
    func add(to routes: RouterGroup<APIContext>) {
        routes.post("live/whep") { request, context in try await begin(request, context) }
        routes.patch("live/whep/:session") { request, context in try await trickle(request, context) }
        routes.delete("live/whep/:session") { request, context in
            services.live.whep.end(try entry(request, context))
            return Response(status: .ok)
        }
    }

    /// The token of a live view, of the header or of the address.
    private static func token(of request: Request) -> String? {
        if let token = request.uri.queryParameters["token"] { return String(token) }
        guard let header = request.headers[.authorization], header.hasPrefix("Bearer ") else { return nil }
        return String(header.dropFirst(7))
    }

    private func begin(_ request: Request, _ context: APIContext) async throws -> Response {
        let attachment = try services.live.sessions.attach(
            token: Self.token(of: request) ?? "", way: .webrtc, isLocal: services.isAtSite(context.remoteAddress, request.headers))
        let offer = try await Self.text(request, Self.sdp, most: SessionOffer.largestBytes)
        let entry: WHEPRelay.Entry
        do {
            entry = try await services.live.whep.begin(offer, attachment, isStrict: request.uri.queryParameters["strict"] == "1")
        } catch let refusal as OfferRefusal { throw Problem(refusal) }
        let query = request.uri.queryParameters["token"].map { "?token=\($0)" } ?? ""
        var headers: HTTPFields = [
            .contentType: Self.sdp, .location: "\(Self.path)/\(entry.name)\(query)", .eTag: "\"\(entry.session.tag)\"",
            .cacheControl: "no-store",
        ]
        if let name = HTTPField.Name("Accept-Patch") { headers[name] = Self.fragment }
        if let name = HTTPField.Name("Link") {
            let links = try await services.live.whep.links(isLocal: attachment.session.isLocal)
            for link in links { headers.append(HTTPField(name: name, value: link)) }
        }
        return Response(status: .created, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: entry.session.answer)))
    }

    private func trickle(_ request: Request, _ context: APIContext) async throws -> Response {
        let entry = try entry(request, context)
        if let tag = request.headers[.ifMatch], tag != "*", tag != "\"\(entry.session.tag)\"" {
            throw Problem(.preconditionFailed, "other-session", "Another session", "That session's ICE has begun anew.")
        }
        let text = try await Self.text(request, Self.fragment, most: CandidateFragment.largestBytes)
        guard let fragment = CandidateFragment(text) else {
            throw Problem(.badRequest, "invalid-request", "Not valid", "That is no fragment of a session description.")
        }
        guard entry.session.isRemote(fragment.fragment) else {
            throw Problem(
                .unprocessableContent, "no-restart", "Not possible", "ICE is not begun anew here; end this session and begin another one.")
        }
        await entry.session.add(fragment)
        return Response(status: .noContent)
    }

    private func entry(_ request: Request, _ context: APIContext) throws -> WHEPRelay.Entry {
        let live = try services.live.sessions.session(
            token: Self.token(of: request) ?? "", isLocal: services.isAtSite(context.remoteAddress, request.headers))
        guard let entry = services.live.whep.entry(context.parameters.get("session") ?? ""), entry.live == live.id else {
            throw Problem.notFound("session")
        }
        return entry
    }

    private static func text(_ request: Request, _ type: String, most: Int) async throws -> String {
        guard request.headers[.contentType].map({ $0.lowercased().hasPrefix(type) }) ?? false else {
            throw Problem(.unsupportedMediaType, "invalid-request", "Not \(type)", "Send the request as \(type).")
        }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: most)
        } catch {
            throw Problem(.contentTooLarge, "too-large", "Too large", "The request is larger than \(most / 1024) KiB.")
        }
        guard let text = String(validating: buffer.readableBytesView, as: UTF8.self) else {
            throw Problem(.badRequest, "invalid-request", "Not valid", "The request is not UTF-8.")
        }
        return text
    }
}

extension Problem {
    init(_ refusal: OfferRefusal) {
        switch refusal.kind {
        case .malformed: self.init(.badRequest, "invalid-request", "Not valid", refusal.sentence)
        case .notPlayable: self.init(.notAcceptable, "not-playable", "Not playable", refusal.sentence)
        }
    }
}
