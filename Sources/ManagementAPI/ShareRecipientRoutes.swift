import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird

/// What whoever holds a share's link sees and answers; the token is the permission.
struct ShareRecipientRoutes {
    let services: BoxServices
    let origin: @Sendable (Request, APIContext) -> SignIns.Origin
    let signedIn: @Sendable (SignIn, HTTPResponse.Status) async throws -> Response
    private var shares: SiteShares { services.access.shares }

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("share") { request, context in
            let token = try await Self.token(request)
            return try answer(OfferAnswer(try await Self.orOver { try await shares.offer(token, from: context.remoteAddress) }))
        }
        routes.post("share/accept") { request, context in try await accept(request, context) }
        routes.post("share/refuse") { request, context in
            let token = try await Self.token(request)
            let refused = try await Self.orOver { try await shares.refuse(token, from: context.remoteAddress) }
            context.notes.person = OperationNotes.byLink
            context.notes.note(subject: refused.siteId.text, name: try await services.access.sites.one(refused.siteId).record.name)
            try await tell(.shareRefused, refused, by: refused.recipient)
            return Response(status: .noContent)
        }
    }

    private static func token(_ request: Request) async throws -> String {
        let body = try await RequestBody.read(request)
        let token = body.string("token", 1...128, required: true)
        try body.finish()
        return token ?? ""
    }

    /// Told to whoever sent the link.
    private func tell(_ kind: NoticeKind, _ share: SiteShareRecord, by person: String) async throws {
        try await services.access.notices.tell(
            kind, about: share.siteId, to: share.sentBy.map { .person($0) } ?? .managers, ["person": person])
    }

    private func accept(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let token = body.string("token", 1...128, required: true)
        let userName = body.string("userName", 1...64, required: true)
        let fullName = body.string("fullName", 1...64)
        let password = body.string("password", 1...256, required: true)
        let oneTimePassword = body.string("oneTimePassword", 6...8)
        let hasAccount = body.bool("hasAccount") ?? false
        let company = body.string("company", 1...64, required: !hasAccount)
        try body.finish()
        guard let token, let userName, let password else { return Response(status: .badRequest) }
        let recipient: SiteShares.Recipient =
            hasAccount
            ? .known(userName: userName, password: password, oneTimePassword: oneTimePassword)
            : .new(userName: userName, fullName: fullName, company: company ?? "", password: password)
        // The link is looked at first: a wrong password afterwards is a wrong password.
        let offer = try await Self.orOver { try await shares.offer(token, from: context.remoteAddress) }
        context.notes.person = hasAccount ? userName : OperationNotes.byLink
        context.notes.note(subject: offer.site.id.text, name: offer.site.name)
        let signIn = try await shares.accept(token, recipient, from: origin(request, context))
        context.notes.person = userName
        let known = try await shares.view(offer.record.id)
        let partner = known?.partner ?? signIn.caller.name
        try await tell(.shareAccepted, offer.record, by: partner)
        if offer.record.kind != .management {
            try await services.access.notices.tell(
                .shared, about: offer.site.id, to: .owner,
                ["person": partner, "what": ShareRoutes.words(known?.record.permissions ?? [])])
        }
        return try await signedIn(signIn, .created)
    }

    private static func orOver<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch AccessDenied.wrongPassword {
            throw Problem(.forbidden, "share-over", "Over", "This link is no longer good. Ask whoever sent it for a new one.")
        }
    }
}

private struct OfferAnswer: Encodable {
    let site: String
    let address: Nullable<String>
    let company: String
    let recipient: String
    let remarks: Nullable<String>
    let kind: String
    let permissions: [String]
    /// Of an owner's invitation: what the provider is given when it accepts.
    let wishes: [WishAnswer]

    init(_ offer: ShareOffer) {
        site = offer.site.name
        address = Nullable(offer.site.address ?? offer.site.city)
        company = offer.from
        recipient = offer.record.recipient
        remarks = Nullable(offer.record.remarks)
        kind = offer.record.kind.rawValue
        permissions = offer.record.permissions.map(\.rawValue)
        wishes = (offer.record.wishes ?? []).map { wish in
            WishAnswer(wish, device: wish.deviceId.flatMap { offer.devices[$0] }, channel: wish.channelId.flatMap { offer.channels[$0] })
        }
    }
}
