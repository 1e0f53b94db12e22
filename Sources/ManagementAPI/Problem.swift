import Cameras
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Playback
import Relay

/// An error as the API answers it: problem details, RFC 9457.
struct Problem: Error, HTTPResponseError {
    /// What is wrong with one field of the request.
    struct FieldError: Codable, Sendable, Equatable {
        /// A JSON pointer, RFC 6901: `/definition/kind`.
        let field: String
        let detail: String
    }

    private struct Body: Encodable {
        let type: String
        let title: String
        let status: Int
        let detail: String
        let errors: [FieldError]?
    }

    let status: HTTPResponse.Status
    /// The stable end of `type`: `wrong-password`.
    let slug: String
    let title: String
    /// A sentence that an installer can act on.
    let detail: String
    var errors: [FieldError] = []
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ slug: String, _ title: String, _ detail: String, errors: [FieldError] = []) {
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = errors
    }

    /// What a device answered, or did not.
    init(_ failure: DeviceFailure) {
        let status: HTTPResponse.Status =
            switch failure.code {
            case .unsupported, .alreadyAdded: .conflict
            case .addressRefused: .unprocessableContent
            default: .badGateway
            }
        self.init(status, failure.code.rawValue, "The device did not do it", failure.sentence)
    }

    /// Why a storage does not give what it has by the box's rows.
    init(reading error: StoreError) {
        switch error.kind {
        case .unreachable, .busy:
            self.init(
                .serviceUnavailable, "storage-away", "The storage does not answer",
                "The clip lies in the cloud storage, which does not give it now. \(error.sentence) Try again in a moment.")
            if let wait = error.retryAfter { headers[.retryAfter] = String(max(1, Int(wait.seconds))) }
        case .refused, .noBucket, .exists, .gone, .corrupted, .full, .nonsense:
            self.init(
                .badGateway, "storage-failed", "The storage does not give the clip",
                "The clip lies in the cloud storage, which does not give it. \(error.sentence)")
        }
    }

    init(_ error: CatalogueError) {
        switch error {
        case .notClaimed: self.init(.conflict, "not-claimed", "Not claimed", "Claim the box first.")
        case .noSuchDevice: self = .notFound("camera")
        case .noSuchChannel: self = .notFound("channel")
        case .alreadyAdded(let sentence): self.init(.conflict, "already-added", "Already added", sentence)
        }
    }

    init(_ refusal: LiveRefusal) {
        switch refusal.kind {
        case .tooMany: self.init(.serviceUnavailable, "too-many-viewers", "Too many viewers", refusal.sentence)
        case .over: self.init(.forbidden, "live-over", "Over", refusal.sentence)
        }
    }

    static func notFound(_ what: String) -> Problem {
        Problem(.notFound, "not-found", "Not found", "There is no such \(what). It may have been removed.")
    }

    static func conflict(_ detail: String) -> Problem {
        Problem(.conflict, "conflict", "Not possible now", detail)
    }

    static let notSignedIn: Problem = {
        var problem = Problem(.unauthorized, "not-signed-in", "Not signed in", "Sign in first.")
        problem.headers[.wwwAuthenticate] = "Bearer"
        return problem
    }()

    static func invalid(_ errors: [FieldError]) -> Problem {
        let detail = errors.count == 1 ? errors[0].detail : "\(errors.count) entries are not right."
        return Problem(.unprocessableContent, "invalid-request", "Not valid", detail, errors: errors)
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        let body = Body(
            type: "https://gatehouse.example/problems/\(slug)", title: title, status: status.code, detail: detail,
            errors: errors.isEmpty ? nil : errors)
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: try GatehouseJSON.encoder.encode(body))))
    }
}
