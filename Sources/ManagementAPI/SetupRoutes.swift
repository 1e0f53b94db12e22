import BoxDatabase
import Access
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Messaging

/// Claiming the box, joining it, signing in and out.
struct SetupRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    let secureCookies: Bool

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("setup") { _, _ in
            let system = try await maker.system(.none)
            return try answer(
                SetupAnswer(
                    claimed: try await services.access.signIns.isClaimed(), serialNumber: system.serialNumber, name: system.name,
                    version: system.version))
        }
        routes.post("setup/claim") { request, context in try await claim(request, context) }
        routes.post("invitation") { request, context in
            let body = try await RequestBody.read(request)
            let token = body.string("token", 1...128, required: true)
            try body.finish()
            let offer = try await Self.orOver { try await services.access.people.offer(token ?? "", from: context.remoteAddress) }
            return try answer(InvitationOfferAnswer(offer))
        }
        routes.post("join") { request, context in try await join(request, context) }
        HandoverRecipientRoutes(services: services, origin: Self.origin, signedIn: signedIn).add(to: routes)
        ShareRecipientRoutes(services: services, origin: Self.origin, signedIn: signedIn).add(to: routes)
        routes.post("session/forgotten") { request, context in try await forgotten(request, context) }
        routes.post("session/new-password") { request, context in try await newPassword(request, context) }
        routes.post("session/reset") { request, context in try await reset(request, context) }
        routes.post("session") { request, context in try await signIn(request, context) }
        routes.get("session") { _, context in
            guard let caller = context.caller else { throw Problem.notSignedIn }
            return try answer(SignInAnswer(expiresAt: caller.expiresAt, user: try await user(caller)))
        }
        routes.delete("session") { request, _ in
            if let token = AccessGate.token(of: request) { try await services.access.signIns.signOut(token: token) }
            var response = Response(status: .noContent)
            response.setCookie(
                Cookie(name: AccessGate.cookie, value: "", maxAge: 0, path: "/", secure: secureCookies, httpOnly: true, sameSite: .strict))
            return response
        }
    }

    private func claim(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let code = body.string("setupCode", 1...32, required: true)
        let userName = body.string("userName", 1...64, required: true)
        let password = body.string("password", PasswordRules.length, required: true)
        let siteName = body.string("siteName", 1...64, required: true)
        let zone = body.timeZone("timeZone")
        try body.finish()
        guard let code, let userName, let password, let siteName, let zone else { return Response(status: .badRequest) }
        context.notes.person = userName
        let signIn = try await services.access.signIns.claim(
            code: code, userName: userName, password: password, siteName: siteName, timeZone: zone, from: Self.origin(request, context))
        services.logger.notice("box claimed", metadata: ["by": "\(userName)"])
        return try await signedIn(signIn, status: .created)
    }

    private func reset(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let code = body.string("setupCode", 1...32, required: true)
        let password = body.string("password", PasswordRules.length, required: true)
        let userName = body.string("userName", 1...64)
        try body.finish()
        guard let code, let password else { return Response(status: .badRequest) }
        context.notes.person = OperationNotes.byCode
        let signIn = try await services.access.signIns.reset(
            userName, code: code, password: password, permit: services.access.resetPermit, from: Self.origin(request, context))
        context.notes.note(subject: signIn.caller.id.text, name: signIn.caller.name)
        services.logger.notice("a password was set anew at the box", metadata: ["user": "\(signIn.caller.name)"])
        return try await signedIn(signIn, status: .ok)
    }

    private func forgotten(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let userName = body.string("userName", 1...64, required: true)
        try body.finish()
        guard let userName else { return Response(status: .badRequest) }
        guard services.messenger.hasMail else {
            throw Problem.conflict("This box sends no e-mails. Ask whoever looks after it for a new invitation.")
        }
        try await services.access.forgotten.ask(for: userName, from: context.remoteAddress)
        return Response(status: .accepted)
    }

    private func newPassword(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let userName = body.string("userName", 1...64, required: true)
        let code = body.string("code", 1...32, required: true)
        let password = body.string("password", PasswordRules.length, required: true)
        try body.finish()
        guard let userName, let code, let password else { return Response(status: .badRequest) }
        context.notes.person = userName
        try await services.access.forgotten.reset(userName, code: code, password: password, from: context.remoteAddress)
        services.logger.notice("a forgotten password was set anew", metadata: ["user": "\(userName)"])
        return Response(status: .noContent)
    }

    private func join(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let token = body.string("token", 1...128, required: true)
        let userName = body.string("userName", 1...64, required: true)
        let fullName = body.string("fullName", 1...64)
        let password = body.string("password", PasswordRules.length, required: true)
        try body.finish()
        guard let token, let userName, let password else { return Response(status: .badRequest) }
        // A name that is taken is somebody else's.
        context.notes.person = OperationNotes.byLink
        let signIn = try await Self.orOver {
            try await services.access.people.join(
                token: token, userName: userName, fullName: fullName, password: password, from: Self.origin(request, context))
        }
        context.notes.person = userName
        return try await signedIn(signIn, status: .created)
    }

    private static func orOver<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch AccessDenied.wrongPassword {
            throw Problem(.forbidden, "invitation-over", "Over", "This invitation is no longer good. Ask for a new one.")
        }
    }

    private func signIn(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let userName = body.string("userName", 1...64, required: true)
        let password = body.string("password", 1...256, required: true)
        let oneTimePassword = body.string("oneTimePassword", 6...8)
        try body.finish()
        guard let userName, let password else { return Response(status: .badRequest) }
        guard try await services.access.signIns.isClaimed() else {
            throw Problem(.conflict, "not-claimed", "Not claimed", "This box is new. Claim it with its set-up code first.")
        }
        context.notes.person = userName
        let signIn = try await services.access.signIns.signIn(
            userName: userName, password: password, oneTimePassword: oneTimePassword, from: Self.origin(request, context))
        return try await signedIn(signIn, status: .ok)
    }

    private static func origin(_ request: Request, _ context: APIContext) -> SignIns.Origin {
        .init(address: context.remoteAddress, client: request.headers[.userAgent] ?? "")
    }

    private func signedIn(_ signIn: SignIn, status: HTTPResponse.Status) async throws -> Response {
        var response = try answer(
            SignInAnswer(token: signIn.token, expiresAt: signIn.caller.expiresAt, user: try await user(signIn.caller)), status: status)
        response.setCookie(
            Cookie(
                name: AccessGate.cookie, value: signIn.token, maxAge: Int(SignIns.lifetime), path: "/", secure: secureCookies,
                httpOnly: true, sameSite: .strict))
        return response
    }

    private func user(_ caller: Caller) async throws -> SignInAnswer.User {
        let rights = try await services.access.control.rights(of: caller.id, limitedTo: caller.actions)
        let record = try await services.access.account.record(of: caller.id)
        return .init(
            id: caller.id, name: caller.name, role: try await services.access.control.role(of: caller.id) ?? "",
            permissions: rights.actions.words, siteIds: rights.sites.keys.sorted { $0.text < $1.text },
            isOwner: try await services.access.control.isOwner(caller.id),
            asksOneTimePassword: record.oneTimeConfirmedAt != nil)
    }
}

private struct InvitationOfferAnswer: Encodable {
    let name: String
    let company: String
    let role: String
    let siteCount: Int
    let expiresAt: Date

    init(_ offer: InvitationOffer) {
        name = offer.name
        company = offer.company
        role = offer.role
        siteCount = offer.siteCount
        expiresAt = offer.expiresAt
    }
}
