import Access
import Backup
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
        case .noSuchSite: self = .notFound("site")
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

extension Problem {
    /// The problem that an error is to whoever asked; nil for one that is the box's own.
    static func of(_ error: any Error) -> Problem? {
        switch error {
        case let problem as Problem: problem
        case let failure as DeviceFailure: Problem(failure)
        case let error as CatalogueError: Problem(error)
        case let refusal as PlanRefusal: Problem(refusal)
        case let refusal as LiveRefusal: Problem(refusal)
        case let failure as PlaybackFailure: Problem(failure)
        case let refusal as EncryptionRefusal: Problem(refusal)
        case let mistake as VoucherMistake: Problem(mistake)
        case let denied as AccessDenied: Problem(denied)
        case let refusal as PeopleRefusal: Problem(refusal)
        case let failure as BackupFailure: Problem.conflict(failure.description)
        case let error as HTTPError: Problem(error)
        default: nil
        }
    }

    /// A wrong password is no reason to ask somebody who is signed in to sign in.
    static let wrongOwnPassword: Problem = {
        let sentence = "This is not the password with which you sign in."
        return Problem(.forbidden, "wrong-password", "Wrong password", sentence, errors: [.init(field: "/password", detail: sentence)])
    }()

    static let internalFailure = Problem(
        .internalServerError, "internal", "The box failed",
        "Something went wrong inside the box. Try again; if it stays, look at the log.")

    private init(_ error: HTTPError) {
        switch error.status {
        case .notFound: self.init(.notFound, "not-found", "Not found", "There is nothing at this address.")
        case .contentTooLarge: self.init(.contentTooLarge, "too-large", "Too large", "The request is too large.")
        default: self.init(error.status, "invalid-request", "Not valid", error.body ?? "The request is not valid.")
        }
    }

    init(_ denied: AccessDenied) {
        switch denied {
        case .notClaimed: self.init(.conflict, "not-claimed", "Not claimed", "Claim the box first.")
        case .alreadyClaimed:
            self.init(.conflict, "already-claimed", "Already claimed", "Somebody has claimed this box already. Sign in instead.")
        case .wrongSetupCode:
            let sentence = "The set-up code is not this box's. It is printed on the box's label, or where the box was started."
            self.init(.forbidden, "wrong-setup-code", "Wrong set-up code", sentence, errors: [.init(field: "/setupCode", detail: sentence)])
        case .wrongResetCode:
            let sentence = "This is not the code that was sent for this account, or it is too old. Ask for a new one."
            self.init(.forbidden, "wrong-code", "Wrong code", sentence, errors: [.init(field: "/code", detail: sentence)])
        case .wrongPassword: self.init(.unauthorized, "wrong-password", "Not signed in", "The user name or the password is wrong.")
        case .oneTimePasswordNeeded:
            self.init(
                .unauthorized, "one-time-password-needed", "One-time password",
                "Give the one-time password that your app shows now, as oneTimePassword.")
        case .wrongOneTimePassword:
            self.init(
                .unauthorized, "wrong-one-time-password", "Not this one-time password",
                "The one-time password is wrong or was used already. Wait for the next one, and look at the telephone's clock.",
                errors: [.init(field: "/oneTimePassword", detail: "The one-time password is wrong.")])
        case .tooManyAttempts(let seconds): self = .tooManyAttempts("Too many attempts failed.", retryAfter: seconds)
        case .notSignedIn: self = .notSignedIn
        case .noResetPermit:
            self.init(
                .forbidden, "no-reset-permit", "Press the button first",
                "Somebody at the box has to allow it first: press its button, or run `gatehouse reset-password` there. It is good for ten minutes."
            )
        }
    }

    init(_ refusal: PeopleRefusal) {
        let status: HTTPResponse.Status =
            switch refusal.kind {
            case .notFound: refusal.field == nil ? .notFound : .unprocessableContent
            case .weakPassword: .unprocessableContent
            case .beyondOwnRights, .notThisAccount, .predefinedRole: .forbidden
            case .roleInUse, .nameTaken, .tooMany, .notPossible: .conflict
            }
        self.init(
            status, refusal.kind.rawValue, "Not done", refusal.sentence,
            errors: refusal.field.map { [.init(field: $0, detail: refusal.sentence)] } ?? [])
    }
}
