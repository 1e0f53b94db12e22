import Access
import BoxDatabase
import CloudStorage
import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Whether footage is encrypted, the recovery file, and keys of clips for whoever knows the verification code.
struct EncryptionRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage/encryption") { _, _ in try answer(EncryptionAnswer(services.encryption.view(of: try await site().id))) }
        routes.put("storage/encryption") { request, context in try await set(request, context) }
        routes.get("storage/encryption/recovery-file") { _, _ in
            let file = try await services.encryption.recoveryFile(of: try await site().id)
            let name = "gatehouse-recovery-\(file.siteKey).json"
            return Response(
                status: .ok, headers: [.contentType: "application/json", .contentDisposition: "attachment; filename=\"\(name)\""],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try file.data)))
        }
        routes.post("clips/:id/key") { request, context in
            let body = try await RequestBody.read(request)
            let code = body.string("code", 1...VerificationCode.longest, required: true)
            try body.finish()
            guard let code else { return Response(status: .badRequest) }
            let id: ClipID = try context.identifier("clip")
            guard let record = try await services.spool.index.clip(id) else { throw Problem.notFound("clip") }
            guard let encryption = record.manifest.encryption else {
                throw Problem.conflict("The clip is not encrypted; it needs no code.")
            }
            let key = try await services.encryption.key(
                of: id, encryption, site: record.manifest.site, code: VerificationCode(typed: code))
            return try answer(key.clearKeyLicense)
        }
    }

    private func site() async throws -> SiteRecord {
        guard let site = try await services.database.read({ try SiteRecord.fetchOne($0) }) else { throw EncryptionRefusal.noSite }
        return site
    }

    private func set(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let enabled = body.bool("enabled", required: true)
        let code = body.string("code", VerificationCode.shortest...VerificationCode.longest)
        let present = body.string("currentCode", 1...VerificationCode.longest)
        let password = body.string("password", 1...256)
        try body.finish()
        guard let enabled else { return Response(status: .badRequest) }
        let site = try await site().id
        var right = present.map { SiteEncryption.Right.presentCode(VerificationCode(typed: $0)) }
        if right == nil, let password {
            try await confirm(password, context)
            right = .administrator
        }
        let drawn = try await services.encryption.set(
            enabled: enabled, code: code.map(VerificationCode.init(typed:)), by: right, of: site)
        services.logger.notice(
            "encryption of footage set",
            metadata: ["enabled": "\(enabled)", "newCode": "\(code != nil || drawn != nil)", "by": "\(context.caller?.name ?? "")"])
        return try answer(EncryptionAnswer(services.encryption.view(of: site), code: drawn))
    }

    private func confirm(_ password: String, _ context: APIContext) async throws {
        do {
            try await services.administration.confirm(
                userName: context.caller?.name ?? "", password: password, from: context.remoteAddress)
        } catch AccessDenied.wrongPassword {
            // Not 401: the caller is signed in and stays so.
            let sentence = "The password is not the one with which you sign in."
            throw Problem(.forbidden, "wrong-password", "Wrong password", sentence, errors: [.init(field: "/password", detail: sentence)])
        } catch AccessDenied.tooManyAttempts(let seconds) {
            throw Problem.tooManyAttempts("Too many attempts failed.", retryAfter: seconds)
        }
    }
}

struct EncryptionAnswer: Encodable {
    let enabled: Bool
    let siteKey: Nullable<String>
    let codeSetAt: Nullable<Date>
    let recoveryFileUrl: Nullable<String>
    /// The code that the box made; shown once and stored nowhere.
    let code: Nullable<String>

    init(_ view: SiteEncryption.View, code: VerificationCode? = nil) {
        enabled = view.enabled
        siteKey = Nullable(view.siteKey)
        codeSetAt = Nullable(view.codeSetAt)
        recoveryFileUrl = Nullable(view.siteKey.map { _ in "/api/v1/storage/encryption/recovery-file" })
        self.code = Nullable(code?.text)
    }
}

struct ClipEncryptionAnswer: Encodable {
    let scheme: String
    let kid: String
    let siteKey: String
}

extension Problem {
    init(_ refusal: EncryptionRefusal) {
        switch refusal {
        case .noSite: self.init(.conflict, "not-claimed", "Not claimed", "Claim the box first.")
        case .notSet: self = .conflict("Footage has never been encrypted here. Switch encryption on first.")
        case .weakCode(let sentence): self = .invalid([.init(field: "/code", detail: sentence)])
        case .key(.wrongCode):
            let sentence = "The verification code is not the right one. Whoever switched encryption on has it."
            self.init(.forbidden, "wrong-code", "Wrong code", sentence, errors: [.init(field: "/code", detail: sentence)])
        case .presentCodeMissing:
            self = .invalid([
                .init(field: "/currentCode", detail: "Enter the present code; where it is lost, the password with which you sign in.")
            ])
        case .presentCodeWrong:
            let sentence = "The present code is another one."
            self.init(.forbidden, "wrong-code", "Wrong code", sentence, errors: [.init(field: "/currentCode", detail: sentence)])
        case .key(let error): self = .conflict(error.sentence)
        case .tooManyAttempts(let seconds): self = .tooManyAttempts("Too many codes were wrong.", retryAfter: seconds)
        }
    }

    fileprivate static func tooManyAttempts(_ sentence: String, retryAfter seconds: Int) -> Problem {
        var problem = Problem(
            .tooManyRequests, "too-many-attempts", "Wait", "\(sentence) Try again in \((seconds + 59) / 60) minutes.")
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }
}
