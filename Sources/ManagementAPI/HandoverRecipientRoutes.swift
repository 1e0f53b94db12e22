import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird

/// What whoever holds a handover's link sees and answers; the token is the permission.
struct HandoverRecipientRoutes {
    let services: BoxServices
    let origin: @Sendable (Request, APIContext) -> SignIns.Origin
    let signedIn: @Sendable (SignIn, HTTPResponse.Status) async throws -> Response
    private var handovers: Handovers { services.access.handovers }

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("handover") { request, context in
            let body = try await RequestBody.read(request)
            let token = body.string("token", 1...128, required: true)
            try body.finish()
            let offer = try await Self.orOver { try await handovers.offer(token ?? "", from: context.remoteAddress) }
            return try answer(OfferAnswer(offer))
        }
        routes.post("handover/accept") { request, context in try await accept(request, context) }
        routes.post("handover/refuse") { request, context in
            let body = try await RequestBody.read(request)
            let token = body.string("token", 1...128, required: true)
            try body.finish()
            let refused = try await Self.orOver { try await handovers.refuse(token ?? "", from: context.remoteAddress) }
            context.notes.person = OperationNotes.byLink
            context.notes.note(subject: refused.siteId.text, name: try await services.access.sites.one(refused.siteId).record.name)
            try await tell(.handoverRefused, refused, by: refused.recipient)
            return Response(status: .noContent)
        }
    }

    private func tell(_ kind: NoticeKind, _ handover: HandoverRecord, by person: String) async throws {
        let notices = services.access.notices
        try await notices.tell(kind, about: handover.siteId, to: handover.sentBy.map { .person($0) } ?? .managers, ["person": person])
    }

    private func accept(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let token = body.string("token", 1...128, required: true)
        let userName = body.string("userName", 1...64, required: true)
        let fullName = body.string("fullName", 1...64)
        let password = body.string("password", 1...256, required: true)
        let oneTimePassword = body.string("oneTimePassword", 6...8)
        let hasAccount = body.bool("hasAccount") ?? false
        try body.finish()
        guard let token, let userName, let password else { return Response(status: .badRequest) }
        let recipient: Handovers.Recipient =
            hasAccount
            ? .known(userName: userName, password: password, oneTimePassword: oneTimePassword)
            : .new(userName: userName, fullName: fullName, password: password)
        // The link is looked at first: a wrong password afterwards is a wrong password.
        let offer = try await Self.orOver { try await handovers.offer(token, from: context.remoteAddress) }
        context.notes.person = hasAccount ? userName : OperationNotes.byLink
        context.notes.note(subject: offer.site.id.text, name: offer.site.name)
        let signIn = try await handovers.accept(token, recipient, from: origin(request, context))
        context.notes.person = userName
        try await tell(.handoverAccepted, offer.record, by: signIn.caller.name)
        return try await signedIn(signIn, .created)
    }

    private static func orOver<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch AccessDenied.wrongPassword {
            throw Problem(.forbidden, "handover-over", "Over", "This link is no longer good. Ask the service provider for a new one.")
        }
    }
}

private struct OfferAnswer: Encodable {
    let site: String
    let address: Nullable<String>
    let company: String
    let recipient: String
    let remarks: Nullable<String>
    let siteRemarks: Nullable<String>
    let devices: [String]
    let permissions: [WishAnswer]
    let allowRemoteUseControl: Bool

    init(_ offer: HandoverOffer) {
        site = offer.site.name
        address = Nullable(offer.site.address ?? offer.site.city)
        company = offer.company
        recipient = offer.record.recipient
        remarks = Nullable(offer.record.remarks)
        siteRemarks = Nullable(offer.site.remarks)
        devices = offer.devices.values.sorted()
        permissions = offer.record.wishes.map { wish in
            WishAnswer(wish, device: wish.deviceId.flatMap { offer.devices[$0] }, channel: wish.channelId.flatMap { offer.channels[$0] })
        }
        allowRemoteUseControl = offer.record.asksRemoteUseControl
    }
}
