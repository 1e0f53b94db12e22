import Access
import BoxDatabase
import Core
import Devices
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Messaging

/// Sites, and their way to their owners.
struct SiteRoutes {
    let services: BoxServices
    private var sites: Sites { services.access.sites }
    private var handovers: Handovers { services.access.handovers }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("sites") { request, context in
            var query = PageQuery(request, known: ["search", "status"])
            let status = query.words.word("status", SiteStatus.self)
            try query.finish()
            let found = try await sites.all(
                context.rights.sites(.viewSite), matching: query.words.search("search"), in: status,
                for: context.caller?.id)
            let (items, next) = query.page.cut(found) { ListPlace(createdAt: $0.record.createdAt, id: $0.record.id.text) }
            return try answer(ListAnswer(items: items.map { SiteAnswer($0, context) }, next: Nullable(next?.text)))
        }
        routes.post("sites") { request, context in try await add(request, context) }
        routes.get("sites/:id") { _, context in
            try answer(SiteAnswer(try await sites.one(try context.identifier("site")), context))
        }
        routes.patch("sites/:id") { request, context in
            let id: SiteID = try context.identifier("site")
            let body = try await RequestBody.read(request)
            let fields = Self.fields(body)
            try body.finish()
            try await sites.change(id, fields)
            return try answer(SiteAnswer(try await sites.one(id), context))
        }
        routes.delete("sites/:id") { _, context in
            try await sites.delete(try context.identifier("site"))
            return Response(status: .noContent)
        }
        routes.get("sites/:id/handovers") { request, context in
            let (state, page) = try NewestQuery.inState(request, HandoverRecord.State.self)
            let found = try await handovers.all(of: try context.identifier("site"), in: state, page)
            return try answer(ListAnswer(found) { HandoverAnswer($0) })
        }
        routes.post("sites/:id/handovers") { request, context in try await send(request, context) }
        routes.delete("sites/:id/handovers") { _, context in
            guard try await handovers.withdraw(try context.identifier("site")) else { throw Problem.notFound("handover") }
            return Response(status: .noContent)
        }
        routes.put("sites/:id/owner-use") { request, context in
            let body = try await RequestBody.read(request)
            let allowed = body.bool("allowed", required: true)
            let device = body.identifier("deviceId", DeviceID.init)
            let givesUp = body.bool("giveUpControl") ?? false
            try body.finish()
            guard let allowed else { return Response(status: .badRequest) }
            let id: SiteID = try context.identifier("site")
            if let device, try await services.access.control.place(of: device)?.site != id { throw Problem.notFound("camera") }
            if givesUp { try await sites.giveUpControl(at: id) } else { try await sites.setOwnerUse(allowed, of: device, at: id) }
            return Response(status: .noContent)
        }
    }

    // MARK: Sites

    private static func fields(_ body: RequestBody, isNew: Bool = false) -> SiteFields {
        var fields = SiteFields()
        func text(_ name: String, _ length: Int, multiline: Bool = false) -> String?? {
            if body.isNull(name) { return .some(nil) }
            return body.string(name, 1...length, multiline: multiline).map { .some($0) }
        }
        fields.name = body.string("name", 1...64, required: isNew)
        fields.scene = text("scene", 64)
        fields.address = text("address", 200)
        fields.city = text("city", 100)
        fields.state = text("state", 100)
        fields.remarks = text("remarks", 1000, multiline: true)
        fields.syncsTime = body.bool("syncTime")
        fields.liveLimitMinutes =
            body.isNull("liveLimitMinutes") ? .some(nil) : body.integer("liveLimitMinutes", 0...1440).map { .some($0) }
        if body.isNull("position") {
            fields.position = .some(nil)
        } else if let position = body.object("position") {
            let latitude = position.number("latitude", -90...90, required: true)
            let longitude = position.number("longitude", -180...180, required: true)
            if let latitude, let longitude { fields.position = .some((latitude, longitude)) }
        }
        return fields
    }

    private func add(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let fields = Self.fields(body, isNew: true)
        let zone = body.timeZone("timeZone")
        try body.finish()
        guard let name = fields.name, let zone, let caller = context.caller else { return Response(status: .badRequest) }
        let id = try await sites.add(fields, name: name, timeZone: zone, by: caller)
        context.notes.note(subject: id.text, name: name)
        let rights = try await services.access.control.rights(of: caller.id, limitedTo: caller.actions)
        return try answer(SiteAnswer(try await sites.one(id), context, rights), status: .created)
    }

    // MARK: Handing over

    private func send(_ request: Request, _ context: APIContext) async throws -> Response {
        let id: SiteID = try context.identifier("site")
        let body = try await RequestBody.read(request)
        let way = body.word("way", HandoverRecord.Way.self, required: true)
        let recipient = body.string("recipient", 3...254, required: true)
        if let way, let recipient, !Self.isRecipient(recipient, way) {
            body.reject(
                "recipient",
                way == .email ? "recipient must be an e-mail address." : "recipient must be a phone number such as +39 055 123456.")
        }
        let remarks = body.string("remarks", 1...1000, multiline: true)
        let wishes = PermissionRoutes.wishes(body, required: false)
        let control = body.bool("allowRemoteUseControl") ?? false
        let language = body.language(services.texts) ?? .english
        try body.finish()
        guard let way, let recipient, let caller = context.caller else { return Response(status: .badRequest) }
        let (record, token) = try await handovers.send(
            id, way: way, to: recipient, remarks: remarks, wishes: wishes, asksRemoteUseControl: control, language: language, by: caller)
        let site = try await sites.one(id)
        context.notes.note(subject: id.text, name: site.record.name)
        var sent = HandoverAnswer(record, token: token)
        let letter = services.texts.letter(
            .handOver,
            [
                "company": site.company ?? "", "site": site.record.name, "link": services.link(sent.path ?? "", request),
                "remarks": MessageTexts.paragraph(remarks),
            ], in: language)
        let posted = SentLetter(letter: letter, recipient: recipient)
        sent.delivery = way == .email ? await posted.mail(by: services.messenger) : await posted.message(by: services.messenger)
        return try answer(sent, status: .created)
    }

    static func isRecipient(_ text: String, _ way: HandoverRecord.Way) -> Bool {
        switch way {
        case .email:
            let parts = text.split(separator: "@", omittingEmptySubsequences: false)
            return parts.count == 2 && !parts[0].isEmpty && parts[1].contains(".") && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
                && !text.hasPrefix("-") && !text.contains { ",;<>()\"'\\`|&$".contains($0) }
        case .phone:
            let digits = text.filter(\.isNumber)
            return (6...15).contains(digits.count) && text.allSatisfy { $0.isASCII && ($0.isNumber || "+ -()/".contains($0)) }
        }
    }
}

struct SiteAnswer: Encodable {
    struct Position: Encodable {
        let latitude: Double
        let longitude: Double
    }

    let id: SiteID
    let name: String
    let timeZone: String
    let status: SiteStatus
    let scene: Nullable<String>
    let address: Nullable<String>
    let city: Nullable<String>
    let state: Nullable<String>
    let position: Nullable<Position>
    let remarks: Nullable<String>
    let syncTime: Bool
    /// Minutes; 0 for no limit, null as the box says.
    let liveLimitMinutes: Nullable<Int>
    let company: Nullable<String>
    let owner: Nullable<String>
    let handedOverAt: Nullable<Date>
    let authorizedAt: Nullable<Date>
    /// The provider may switch the owner's remote use off.
    let controlsRemoteUse: Bool
    let deviceCount: Int
    let managers: [String]
    /// What the asker may do with the site itself.
    let permissions: [String]
    let createdAt: Date

    /// As the caller sees it; with other rights than the context's where they have changed meanwhile.
    init(_ view: SiteView, _ context: APIContext, _ changed: Rights? = nil) {
        let (site, rights) = (view.record, changed ?? context.rights)
        (id, name, timeZone, status) = (site.id, site.name, site.timeZone, view.status)
        // Who may only ask to look after it again knows it by its name.
        let isTold = view.status != .notAuthorized || site.ownerId == context.caller?.id
        func told(_ text: String?) -> Nullable<String> { Nullable(isTold ? text : nil) }
        (scene, address, city, state, remarks) = (
            told(site.scene), told(site.address), told(site.city), told(site.state), told(site.remarks)
        )
        if isTold, let latitude = site.latitude, let longitude = site.longitude {
            position = Nullable(Position(latitude: latitude, longitude: longitude))
        } else {
            position = Nullable(nil)
        }
        syncTime = site.syncsTime
        liveLimitMinutes = Nullable(site.liveLimitMinutes)
        company = Nullable(view.company)
        owner = Nullable(view.owner)
        handedOverAt = Nullable(site.handedOverAt)
        authorizedAt = Nullable(site.authorizedAt)
        controlsRemoteUse = site.controlsRemoteUse
        deviceCount = isTold ? view.devices : 0
        // Names to sign in with: not for a partner.
        managers = rights.sites[site.id]?.site.contains(.leaveSite) == true ? [] : view.managers
        permissions = (rights.sites[site.id]?.site ?? []).words
        createdAt = site.createdAt
    }
}

struct HandoverAnswer: Encodable {
    let id: HandoverID
    let way: String
    let recipient: String
    let remarks: Nullable<String>
    let permissions: [WishAnswer]
    let allowRemoteUseControl: Bool
    let state: String
    let createdAt: Date
    let decidedAt: Nullable<Date>
    /// Shown once, when it is sent.
    var token: String?
    /// What is appended to the box's address; for its recipient.
    var path: String?
    /// Whether the box has brought it to its recipient.
    var delivery: DeliveryAnswer?

    init(_ record: HandoverRecord, token: String? = nil) {
        id = record.id
        way = record.way.rawValue
        recipient = record.recipient
        remarks = Nullable(record.remarks)
        permissions = record.wishes.map { WishAnswer($0) }
        allowRemoteUseControl = record.asksRemoteUseControl
        state = record.state.rawValue
        createdAt = record.createdAt
        decidedAt = Nullable(record.decidedAt)
        self.token = token
        path = token.map { "/#/handover/\($0)" }
    }
}
