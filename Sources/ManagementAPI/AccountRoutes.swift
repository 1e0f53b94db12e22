import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird

/// What people do with their own account.
struct AccountRoutes {
    let services: BoxServices
    private var account: OwnAccount { services.access.account }

    private static let keyDays = 1...366

    func add(to routes: RouterGroup<APIContext>) {
        routes.patch("session/password") { request, context in try await changePassword(request, context) }
        routes.get("sessions") { _, context in
            let caller = try caller(context)
            let records = try await services.access.signIns.signIns(of: caller.id)
            return try answer(ListAnswer(items: records.map { SessionAnswer($0, isThis: $0.id == caller.signIn) }))
        }
        routes.delete("sessions/:id") { _, context in
            guard try await services.access.signIns.revoke(try context.identifier("sign-in"), of: try caller(context).id) else {
                throw Problem.notFound("sign-in")
            }
            return Response(status: .noContent)
        }
        routes.post("session/one-time-passwords") { request, context in try await beginOneTimePasswords(request, context) }
        routes.put("session/one-time-passwords") { request, context in
            let body = try await RequestBody.read(request)
            let password = body.string("oneTimePassword", 6...8, required: true)
            try body.finish()
            guard let password else { return Response(status: .badRequest) }
            try await whileSignedIn { caller in
                try await account.confirmOneTimePasswords(of: caller, password, address: context.remoteAddress)
            } for: {
                try caller(context)
            }
            return Response(status: .noContent)
        }
        routes.delete("session/one-time-passwords") { request, context in
            let password = try await Self.password(request)
            try await whileSignedIn { caller in
                try await account.endOneTimePasswords(of: caller, password: password, address: context.remoteAddress)
            } for: {
                try caller(context)
            }
            return Response(status: .noContent)
        }
        routes.get("keys") { _, context in
            try answer(ListAnswer(items: try await account.keys(of: try caller(context).id).map { KeyAnswer($0) }))
        }
        routes.post("keys") { request, context in try await makeKey(request, context) }
        routes.delete("keys/:id") { _, context in
            guard try await account.removeKey(try context.identifier("key"), of: try caller(context).id) else {
                throw Problem.notFound("key")
            }
            return Response(status: .noContent)
        }
    }

    private func caller(_ context: APIContext) throws -> Caller {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        return caller
    }

    private static func password(_ request: Request) async throws -> String {
        let body = try await RequestBody.read(request)
        let password = body.string("password", 1...256, required: true)
        try body.finish()
        return password ?? ""
    }

    private func changePassword(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let current = body.string("password", 1...256, required: true)
        let new = body.string("newPassword", PasswordRules.length, required: true)
        try body.finish()
        guard let current, let new else { return Response(status: .badRequest) }
        try await whileSignedIn { caller in
            try await account.changePassword(of: caller, from: current, to: new, address: context.remoteAddress)
        } for: {
            try caller(context)
        }
        return Response(status: .noContent)
    }

    private func beginOneTimePasswords(_ request: Request, _ context: APIContext) async throws -> Response {
        let password = try await Self.password(request)
        let caller = try caller(context)
        let secret = try await whileSignedIn { caller in
            try await account.beginOneTimePasswords(of: caller, password: password, address: context.remoteAddress)
        } for: {
            caller
        }
        let issuer = "Gatehouse \(services.identity.serialNumber)"
        return try answer(
            OneTimeSecretAnswer(secret: secret.text, url: secret.address(account: caller.name, issuer: issuer)), status: .created)
    }

    private func makeKey(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let name = body.string("name", 1...64, required: true)
        let actions = body.words("permissions", Action.self, required: true) ?? []
        let days = body.integer("days", Self.keyDays) ?? 90
        let password = body.string("password", 1...256, required: true)
        try body.finish()
        guard let name, let password else { return Response(status: .badRequest) }
        let (record, key) = try await whileSignedIn { caller in
            try await account.makeKey(
                of: caller.id, name: name, actions: actions, lasts: Double(days) * 86_400, password: password,
                address: context.remoteAddress)
        } for: {
            try caller(context)
        }
        context.notes.note(subject: record.id.text, name: record.name)
        return try answer(KeyAnswer(record, key: key), status: .created)
    }

    /// A wrong password is no reason to ask somebody who is signed in to sign in.
    private func whileSignedIn<Value>(_ body: (Caller) async throws -> Value, for caller: () throws -> Caller) async throws -> Value {
        do {
            return try await body(try caller())
        } catch AccessDenied.wrongPassword {
            throw Problem.wrongOwnPassword
        } catch AccessDenied.wrongOneTimePassword {
            let sentence = "The one-time password is wrong. Look at the telephone's clock, and take the one that is shown now."
            throw Problem(
                .forbidden, "wrong-one-time-password", "Wrong", sentence, errors: [.init(field: "/oneTimePassword", detail: sentence)])
        }
    }
}

private struct SessionAnswer: Encodable {
    let id: SignInID
    let isThis: Bool
    let createdAt: Date
    let lastUsedAt: Date
    let expiresAt: Date
    let address: String
    let client: String

    init(_ record: SignInRecord, isThis: Bool) {
        id = record.id
        self.isThis = isThis
        createdAt = record.createdAt
        lastUsedAt = record.lastUsedAt
        expiresAt = record.expiresAt
        address = record.address
        client = record.client
    }
}

private struct OneTimeSecretAnswer: Encodable {
    let secret: String
    let url: String
}

private struct KeyAnswer: Encodable {
    let id: ProgramKeyID
    let name: String
    let permissions: [String]
    let createdAt: Date
    let lastUsedAt: Nullable<Date>
    let expiresAt: Date
    /// Shown once, when it is made.
    var key: String?

    init(_ record: ProgramKeyRecord, key: String? = nil) {
        id = record.id
        name = record.name
        permissions = record.actions.sorted()
        createdAt = record.createdAt
        lastUsedAt = Nullable(record.lastUsedAt)
        expiresAt = record.expiresAt
        self.key = key
    }
}
