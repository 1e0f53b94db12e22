import Core
import HTTPTypes
import Hummingbird
import Synchronization

/// Puts a tag on JSON that can be had again, says 304 to who has it (RFC 9110, section 13.1.2), and keeps two people from undoing one another's changes:
/// a change with `If-Match` is done only where the settings are still those that were seen (section 13.1.1).
final class TagGate: RouterMiddleware, Sendable {
    typealias Context = APIContext

    private struct Waiting {
        let turns = Turns(1)
        var count = 0
    }

    private let viewer: ResourceViewer
    private let settable: SettableFields
    private let changing = Mutex<[String: Waiting]>([:])

    init(viewer: ResourceViewer, settable: SettableFields) {
        self.viewer = viewer
        self.settable = settable
    }

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard request.method == .get, response.status == .ok, response.isJSON, response.body.contentLength != nil,
            response.headers[.eTag] == nil
        else { return response }
        let bytes = try await response.bytes()
        response.body = ResponseBody(byteBuffer: bytes)
        let tag = EntityTag(bytes, settable: settable[context.endpointPath ?? ""])
        response.headers[.eTag] = tag.text
        guard let known = request.headers[.ifNoneMatch], tag.isNamed(inNoneMatch: known) else { return response }
        var headers = response.headers
        headers[.contentType] = nil
        headers[.contentLength] = nil
        return Response(status: .notModified, headers: headers)
    }

    /// Does a change where the request's condition holds, one change of a thing at a time.
    /// - Throws: the problem `changed-meanwhile`.
    func change(
        _ request: Request, _ context: APIContext, _ body: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard [.patch, .put, .delete].contains(request.method) else { return try await body(request, context) }
        if request.headers[.ifMatch] != nil, AccessRules.rule(.get, context.endpointPath ?? "") == nil { throw Self.noTag }
        // Whoever sends slowly holds up nobody else's change.
        var request = request
        _ = try await request.json(upTo: RequestBody.limit)
        let thing = Self.thing(request.uri.path)
        let turns = changing.withLock { changing in
            changing[thing, default: Waiting()].count += 1
            return changing[thing]?.turns ?? Turns(1)
        }
        defer {
            changing.withLock { changing in
                changing[thing]?.count -= 1
                if changing[thing]?.count == 0 { changing[thing] = nil }
            }
        }
        return try await turns.run { [request] in
            if let wanted = request.headers[.ifMatch] {
                let now = try await viewer.json(at: request, context: context)
                let tag = now.map { EntityTag($0, settable: settable[context.endpointPath ?? ""]) }
                guard let tag, tag.isNamed(inMatch: wanted) else { throw Self.changed }
            }
            return try await body(request, context)
        }
    }

    /// What is changed at a path, however that is spelt: `/api/v1/channels/ID` for all that lies below it as well.
    static func thing(_ path: String) -> String { path.split(separator: "/").prefix(4).joined(separator: "/") }

    private static let noTag = Problem(
        .badRequest, "invalid-request", "No tag here",
        "This has no tag, for it is not read at its own address. Leave If-Match out.")
    private static let changed = Problem(
        .preconditionFailed, "changed-meanwhile", "Changed meanwhile",
        "This is no longer as you saw it: somebody changed it meanwhile. Look at it again, then decide.")
}
