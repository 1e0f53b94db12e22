import Access
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// Claiming the box, signing in and out.
struct SetupRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    let secureCookies: Bool

    /// The routes that are open to everybody.
    func addPublic(to routes: RouterGroup<APIContext>) {
        routes.get("setup") { _, _ in
            let system = try await maker.system()
            return try answer(
                SetupAnswer(
                    claimed: try await services.administration.isClaimed(), serialNumber: system.serialNumber, name: system.name,
                    version: system.version))
        }
        routes.post("setup/claim") { request, context in try await claim(request, context) }
        routes.post("session") { request, context in try await signIn(request, context) }
    }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("session") { _, context in
            guard let caller = context.caller else { throw Problem.notSignedIn }
            return try answer(SignInAnswer(expiresAt: caller.expiresAt, user: .init(name: caller.name)))
        }
        routes.delete("session") { request, _ in
            if let token = SignInGate.token(of: request) { try await services.administration.signOut(token: token) }
            var response = Response(status: .noContent)
            response.setCookie(
                Cookie(name: SignInGate.cookie, value: "", maxAge: 0, path: "/", secure: secureCookies, httpOnly: true, sameSite: .strict))
            return response
        }
    }

    private func claim(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let code = body.string("setupCode", 1...32, required: true)
        let userName = body.string("userName", 1...64, required: true)
        let password = body.string("password", 12...256, required: true)
        let siteName = body.string("siteName", 1...64, required: true)
        let zone = body.string("timeZone", 1...64, required: true)
        if let zone, TimeZone(identifier: zone) == nil || !zone.contains("/") && zone != "UTC" {
            body.reject("timeZone", "\(zone) is not a time zone such as Europe/Rome.")
        }
        try body.finish()
        guard let code, let userName, let password, let siteName, let zone else { return Response(status: .badRequest) }
        return try await translating {
            let signIn = try await services.administration.claim(
                code: code, userName: userName, password: password, siteName: siteName, timeZone: zone, from: context.remoteAddress)
            services.logger.notice("box claimed", metadata: ["by": "\(userName)"])
            return try signedIn(signIn, status: .created)
        }
    }

    private func signIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let userName = body.string("userName", 1...64, required: true)
        let password = body.string("password", 1...256, required: true)
        try body.finish()
        guard let userName, let password else { return Response(status: .badRequest) }
        guard try await services.administration.isClaimed() else {
            throw Problem(.conflict, "not-claimed", "Not claimed", "This box is new. Claim it with its set-up code first.")
        }
        return try await translating {
            try signedIn(
                try await services.administration.signIn(userName: userName, password: password, from: context.remoteAddress), status: .ok)
        }
    }

    private func signedIn(_ signIn: SignIn, status: HTTPResponse.Status) throws -> Response {
        var response = try answer(
            SignInAnswer(token: signIn.token, expiresAt: signIn.caller.expiresAt, user: .init(name: signIn.caller.name)), status: status)
        response.setCookie(
            Cookie(
                name: SignInGate.cookie, value: signIn.token, maxAge: Int(Administration.lifetime), path: "/", secure: secureCookies,
                httpOnly: true, sameSite: .strict))
        return response
    }

    private func translating(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let denied as AccessDenied {
            throw Self.problem(of: denied)
        }
    }

    private static func problem(of denied: AccessDenied) -> Problem {
        switch denied {
        case .notClaimed: return Problem(.conflict, "not-claimed", "Not claimed", "Claim the box first.")
        case .alreadyClaimed:
            return Problem(.conflict, "already-claimed", "Already claimed", "Somebody has claimed this box already. Sign in instead.")
        case .wrongSetupCode:
            let sentence = "The set-up code is not this box's. It is printed on the box's label, or where the box was started."
            return Problem(
                .forbidden, "wrong-setup-code", "Wrong set-up code", sentence, errors: [.init(field: "/setupCode", detail: sentence)])
        case .wrongPassword:
            return Problem(.unauthorized, "wrong-password", "Not signed in", "The user name or the password is wrong.")
        case .tooManyAttempts(let seconds):
            var problem = Problem(
                .tooManyRequests, "too-many-attempts", "Wait", "Too many attempts failed. Try again in \((seconds + 59) / 60) minutes.")
            problem.headers[.retryAfter] = String(seconds)
            return problem
        case .notSignedIn: return .notSignedIn
        }
    }
}
