import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Messaging

/// Sites that a provider shares with partners, from its side.
struct ShareRoutes {
    let services: BoxServices
    private var shares: SiteShares { services.access.shares }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("sites/:id/shares") { request, context in
            let (state, page) = try NewestQuery.inState(request, SiteShareRecord.State.self)
            let found = try await shares.all(of: try context.identifier("site"), for: try caller(context), in: state, page)
            return try answer(ListAnswer(found) { ShareAnswer($0) })
        }
        routes.post("sites/:id/shares") { request, context in try await share(request, context) }
        routes.patch("sites/:id/shares/:share") { request, context in
            let id: SiteID = try context.identifier("site")
            let body = try await RequestBody.read(request)
            let permissions = Self.sorted(body.words("permissions", SitePermission.self, required: true))
            try body.finish()
            try await note(id, context)
            let changed = try await shares.change(try Self.share(context), at: id, permissions: permissions)
            try await tell(.shareChanged, changed.record)
            if let partner = changed.partner {
                try await services.access.notices.tell(
                    .shared, about: id, to: .owner, ["person": partner, "what": Self.words(permissions)])
            }
            return try answer(ShareAnswer(changed))
        }
        routes.delete("sites/:id/shares/:share") { _, context in
            let id: SiteID = try context.identifier("site")
            try await note(id, context)
            let ended = try await shares.end(try Self.share(context), at: id)
            try await tell(.shareEnded, ended)
            if let partner = try await shares.view(ended.id)?.partner {
                try await services.access.notices.tell(.shareOver, about: id, to: .owner, ["person": partner])
            }
            return Response(status: .noContent)
        }
        routes.post("sites/:id/leave") { _, context in
            let id: SiteID = try context.identifier("site")
            let caller = try caller(context)
            try await note(id, context)
            let company = try await shares.leave(id, by: caller)
            try await services.access.notices.tell(.partnerLeft, about: id, to: .managers, ["person": caller.name])
            try await services.access.notices.tell(.shareOver, about: id, to: .owner, ["person": company])
            return Response(status: .noContent)
        }
    }

    private func share(_ request: Request, _ context: APIContext) async throws -> Response {
        let id: SiteID = try context.identifier("site")
        let body = try await RequestBody.read(request)
        let kind = body.word("kind", SiteShareRecord.Kind.self, required: true)
        if kind == .management { body.reject("kind", "kind must be installation or maintenance.") }
        let recipient = body.string("recipient", 3...254, required: true)
        if let recipient, !SiteRoutes.isRecipient(recipient, .email) { body.reject("recipient", "recipient must be an e-mail address.") }
        let permissions = Self.sorted(body.words("permissions", SitePermission.self))
        if kind == .installation, !permissions.isEmpty {
            body.reject(
                "permissions",
                "An installation partner may do all that there is to do with devices; only a maintenance partner has permissions.")
        }
        let remarks = body.string("remarks", 1...1000, multiline: true)
        let language = body.language(services.texts) ?? .english
        try body.finish()
        guard let kind, let recipient else { return Response(status: .badRequest) }
        try await note(id, context)
        let (view, token) = try await shares.share(
            id, kind, permissions: permissions, with: recipient, remarks: remarks, language: language, by: try caller(context))
        var made = ShareAnswer(view, token: token)
        let link = services.link(made.path ?? "", request)
        let site = try await services.access.sites.one(id)
        let letter = services.texts.letter(
            .share,
            [
                "company": site.company ?? "", "site": site.record.name, "link": link,
                "remarks": MessageTexts.paragraph(view.record.remarks),
            ], in: language)
        made.delivery = await SentLetter(letter: letter, recipient: recipient).mail(by: services.messenger)
        return try answer(made, status: .created)
    }

    private func tell(_ kind: NoticeKind, _ share: SiteShareRecord) async throws {
        guard let partner = share.companyId else { return }
        try await services.access.notices.tell(kind, about: share.siteId, to: .partner(partner), ["what": Self.words(share.permissions)])
    }

    private func note(_ site: SiteID, _ context: APIContext) async throws {
        context.notes.note(subject: site.text, name: try await services.access.sites.one(site).record.name)
    }

    private func caller(_ context: APIContext) throws -> Caller {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        return caller
    }

    private static func share(_ context: APIContext) throws -> SiteShareID {
        guard let text = context.parameters.get("share"), let id = SiteShareID(text) else { throw Problem.notFound("share") }
        return id
    }

    private static func sorted(_ permissions: Set<SitePermission>?) -> [SitePermission] {
        SitePermission.allCases.filter { permissions?.contains($0) ?? false }
    }

    static func words(_ permissions: [SitePermission]) -> String { permissions.map(\.rawValue).joined(separator: ", ") }
}

struct ShareAnswer: Encodable {
    let id: SiteShareID
    let kind: String
    let recipient: String
    /// The partner's company, once somebody has accepted.
    let partner: Nullable<String>
    let permissions: [String]
    let remarks: Nullable<String>
    let state: String
    let createdAt: Date
    let decidedAt: Nullable<Date>
    /// Shown once, when it is made.
    var token: String?
    /// What is appended to the box's address; for its recipient.
    var path: String?
    /// Whether the box has brought it to its recipient.
    var delivery: DeliveryAnswer?

    init(_ view: ShareView, token: String? = nil) {
        let record = view.record
        id = record.id
        kind = record.kind.rawValue
        recipient = record.recipient
        partner = Nullable(view.partner)
        permissions = record.permissions.map(\.rawValue)
        remarks = Nullable(record.remarks)
        state = record.state.rawValue
        createdAt = record.createdAt
        decidedAt = Nullable(record.decidedAt)
        self.token = token
        path = token.map { "/#/share/\($0)" }
    }
}
