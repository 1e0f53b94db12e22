import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
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
        routes.get("storage/encryption") { request, context in
            try answer(encryption(of: try await site(request, .viewSite, context).id, context.rights))
        }
        routes.put("storage/encryption") { request, context in try await set(request, context) }
        routes.get("storage/encryption/recovery-file") { request, context in
            let file = try await services.encryption.recoveryFile(of: try await ownSite(request, context).id)
            let name = "gatehouse-recovery-\(file.siteKey).json"
            return Response(
                status: .ok, headers: [.contentType: "application/json", .contentDisposition: "attachment; filename=\"\(name)\""],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try file.data)))
        }
        routes.post("storage/encryption/recovery-file") { request, context in try await importKey(request, context) }
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
                of: id, encryption, code: VerificationCode(typed: code))
            return try answer(key.clearKeyLicense)
        }
    }

    /// The site that the request names, else the first one with which the caller may do it.
    private func site(_ request: Request, _ action: Action, _ context: APIContext) async throws -> SiteRecord {
        if let text = request.uri.queryParameters["siteId"] {
            guard let id = SiteID(String(text)), context.rights.see(Place(site: id)) else { throw Problem.notFound("site") }
            guard context.rights.allow(action, at: Place(site: id)) else { throw AccessGate.refusal(action) }
            context.notes.note(site: id)
            return try await services.catalogue.site(id)
        }
        let able = context.rights.sites(action)
        let sites = try await services.database.read { try SiteRecord.order(Column("createdAt")).fetchAll($0) }
        guard let site = sites.first(where: { able.contains($0.id) }) else { throw EncryptionRefusal.noSite }
        context.notes.note(site: site.id)
        return site
    }

    /// The site whose key somebody may set or take out: no partner may, who would keep it when the site is shared no longer.
    private func ownSite(_ request: Request, _ context: APIContext) async throws -> SiteRecord {
        let site = try await site(request, .configure, context)
        if let caller = context.caller, try await services.access.control.isPartner(caller.id, at: site.id) {
            throw AccessGate.refusal(.manageSite)
        }
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
        let site = try await ownSite(request, context).id
        var right = present.map { SiteEncryption.Right.presentCode(VerificationCode(typed: $0)) }
        if right == nil, let password {
            try await context.confirm(password, services.access)
            right = .administrator
        }
        let drawn = try await services.encryption.set(
            enabled: enabled, code: code.map(VerificationCode.init(typed:)), by: right, of: site)
        services.logger.notice(
            "encryption of footage set",
            metadata: ["enabled": "\(enabled)", "newCode": "\(code != nil || drawn != nil)", "by": "\(context.caller?.name ?? "")"])
        return try answer(encryption(of: site, context.rights, code: drawn))
    }

    private func encryption(of site: SiteID, _ rights: Rights, code: VerificationCode? = nil) -> EncryptionAnswer {
        // Keys that came with recovery files are the box's.
        let imported = rights.allow(.configureBox) ? services.encryption.importedKeys : []
        return EncryptionAnswer(services.encryption.view(of: site), of: site, imported: imported, code: code)
    }

    /// Takes the key out of a recovery file, for a box in the place of the one that is lost.
    private func importKey(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let text = body.string("recoveryFile", 1...16_384, required: true, multiline: true)
        let code = body.string("code", 1...VerificationCode.longest, required: true)
        let file = text.flatMap { text in
            do throws(FootageKeyError) { return try RecoveryFile.read(Data(text.utf8)) } catch {
                body.reject("recoveryFile", "recoveryFile is no recovery file: \(error.sentence)")
                return nil
            }
        }
        try body.finish()
        guard let file, let code else { return Response(status: .badRequest) }
        let site = try await ownSite(request, context).id
        let outcome = try await services.encryption.importKey(file, code: VerificationCode(typed: code), into: site)
        services.logger.notice(
            "recovery file imported",
            metadata: ["siteKey": "\(file.siteKey)", "outcome": "\(outcome.rawValue)", "by": "\(context.caller?.name ?? "")"])
        return try answer(
            RecoveryImportAnswer(
                siteKey: file.siteKey, outcome: outcome, sentence: outcome.sentence(file), encryption: encryption(of: site, context.rights))
        )
    }
}

struct EncryptionAnswer: Encodable {
    let enabled: Bool
    let siteKey: Nullable<String>
    let codeSetAt: Nullable<Date>
    let recoveryFileUrl: Nullable<String>
    /// The code that the box made; shown once and stored nowhere.
    let code: Nullable<String>
    /// Keys that came with recovery files: they open footage and are used for none that is new.
    let importedKeys: [ImportedKeyAnswer]

    init(_ view: SiteEncryption.View, of site: SiteID, imported: [ImportedKey], code: VerificationCode? = nil) {
        importedKeys = imported.map {
            ImportedKeyAnswer(siteKey: $0.siteKey, box: $0.box, siteName: $0.siteName, codeSetAt: $0.codeSetAt)
        }
        enabled = view.enabled
        siteKey = Nullable(view.siteKey)
        codeSetAt = Nullable(view.codeSetAt)
        recoveryFileUrl = Nullable(view.siteKey.map { _ in "/api/v1/storage/encryption/recovery-file?siteId=\(site)" })
        self.code = Nullable(code?.text)
    }
}

struct ImportedKeyAnswer: Encodable {
    let siteKey: String
    let box: String
    let siteName: String
    let codeSetAt: Date
}

struct RecoveryImportAnswer: Encodable {
    let siteKey: String
    let outcome: RecoveryOutcome
    let sentence: String
    let encryption: EncryptionAnswer
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
        case .key(.otherSiteKey(let name)):
            self = .conflict(
                "The clip was encrypted for a key that is not on this box (\(name)). Import that key's recovery file on the Cloud page.")
        case .key(.damaged("recovery file")):
            let sentence = "The recovery file is damaged, changed, or of a version that is not known here."
            self = .invalid([.init(field: "/recoveryFile", detail: sentence)])
        case .key(let error): self = .conflict(error.sentence)
        case .tooManyAttempts(let seconds): self = .tooManyAttempts("Too many codes were wrong.", retryAfter: seconds)
        }
    }

    static func tooManyAttempts(_ sentence: String, retryAfter seconds: Int) -> Problem {
        var problem = Problem(
            .tooManyRequests, "too-many-attempts", "Wait", "\(sentence) Try again in \((seconds + 59) / 60) minutes.")
        problem.headers[.retryAfter] = String(seconds)
        return problem
    }
}
