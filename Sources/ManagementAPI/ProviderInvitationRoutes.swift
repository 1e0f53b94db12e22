import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird
import Messaging

/// Service providers whom an owner invites to look after devices of a site.
struct ProviderInvitationRoutes {
    let services: BoxServices
    private var shares: SiteShares { services.access.shares }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("sites/:id/provider-invitations") { request, context in
            let (state, page) = try NewestQuery.inState(request, SiteShareRecord.State.self)
            let found = try await shares.invitations(of: try context.identifier("site"), in: state, page)
            return try answer(ListAnswer(found) { InvitationAnswer($0) })
        }
        routes.post("sites/:id/provider-invitations") { request, context in try await invite(request, context) }
        routes.delete("sites/:id/provider-invitations/:invitation") { _, context in
            let id: SiteID = try context.identifier("site")
            guard let text = context.parameters.get("invitation"), let invitation = SiteShareID(text) else {
                throw Problem.notFound("invitation")
            }
            context.notes.note(subject: id.text, name: try await services.access.sites.one(id).record.name)
            try await shares.takeBack(invitation, at: id)
            return Response(status: .noContent)
        }
    }

    private func invite(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        let id: SiteID = try context.identifier("site")
        let body = try await RequestBody.read(request)
        let recipient = body.string("recipient", 3...254, required: true)
        if let recipient, !SiteRoutes.isRecipient(recipient, .email) { body.reject("recipient", "recipient must be an e-mail address.") }
        let wishes = PermissionRoutes.wishes(body, required: true)
        let remarks = body.string("remarks", 1...1000, multiline: true)
        let language = body.language(services.texts) ?? .english
        try body.finish()
        guard let recipient else { return Response(status: .badRequest) }
        let site = try await services.access.sites.one(id).record.name
        context.notes.note(subject: id.text, name: site)
        let (view, token) = try await shares.invite(recipient, for: wishes, at: id, remarks: remarks, language: language, by: caller)
        var made = InvitationAnswer(view, token: token)
        let owner = try await services.access.account.record(of: caller.id)
        let letter = services.texts.letter(
            .inviteProvider,
            [
                "company": owner.fullName ?? owner.userName, "site": site, "link": services.link(made.path ?? "", request),
                "remarks": MessageTexts.paragraph(view.record.remarks),
            ], in: language)
        made.delivery = await SentLetter(letter: letter, recipient: recipient).mail(by: services.messenger)
        return try answer(made, status: .created)
    }
}

private struct InvitationAnswer: Encodable {
    let id: SiteShareID
    let recipient: String
    /// The company that has accepted.
    let company: Nullable<String>
    let permissions: [WishAnswer]
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
        recipient = record.recipient
        company = Nullable(view.partner)
        permissions = (record.wishes ?? []).map { WishAnswer($0) }
        remarks = Nullable(record.remarks)
        state = record.state.rawValue
        createdAt = record.createdAt
        decidedAt = Nullable(record.decidedAt)
        self.token = token
        path = token.map { "/#/share/\($0)" }
    }
}
