import Access
import BoxDatabase
import Cameras
import CloudStorage
import Core
import Devices
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import NIOCore

/// Devices that cannot be added because they are bound to another site: asked for with proofs, decided, and taken off there.
struct UnbindingRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    let feed: LiveFeed
    let challenges = PossessionChallenges()
    var unbindings: Unbindings { services.access.unbindings }

    private static let largestProof = 4 << 20

    func add(to routes: RouterGroup<APIContext>) {
        routes.post("onboardings/:id/devices/:index/unbinding") { request, context in try await ask(request, context) }
        addPossession(to: routes)
        routes.get("unbindings") { request, context in try await list(request, context) }
        routes.get("unbindings/:id") { _, context in
            let caller = try caller(context)
            return try answer(UnbindingAnswer(try await unbindings.one(try context.identifier("request"), for: caller, context.rights)))
        }
        routes.delete("unbindings/:id") { _, context in
            _ = try await unbindings.end(try context.identifier("request"), confirmed: false, by: try caller(context), context.rights)
            return Response(status: .noContent)
        }
        routes.get("unbindings/:id/label") { _, context in try await proof(.label, context) }
        routes.put("unbindings/:id/label") { request, context in try await send(.label, request, context) }
        routes.get("unbindings/:id/device-file") { _, context in try await proof(.deviceFile, context) }
        routes.put("unbindings/:id/device-file") { request, context in try await send(.deviceFile, request, context) }
        routes.post("unbindings/:id/unbind") { _, context in try await unbind(context) }
        routes.post("unbindings/:id/refuse") { request, context in try await refuse(request, context) }
        routes.post("unbindings/:id/confirm") { _, context in
            let view = try await unbindings.end(try context.identifier("request"), confirmed: true, by: try caller(context), context.rights)
            return try answer(UnbindingAnswer(view))
        }
    }

    func caller(_ context: APIContext) throws -> Caller {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        return caller
    }

    // MARK: Asking

    private func ask(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let remarks = body.string("remarks", 1...1000, multiline: true)
        try body.finish()
        let (job, item, bound) = try self.bound(context)
        let view = try await unbindings.ask(
            for: bound,
            to: job.site, remarks: remarks,
            isOnSite: isOnSite(item, request, context), by: try caller(context), context.rights)
        context.notes.note(subject: view.record.targetSiteId.text, name: view.what)
        context.notes.note(site: view.record.targetSiteId)
        return try answer(UnbindingAnswer(view), status: .created)
    }

    /// What could not be added because it is bound to another site.
    func bound(_ context: APIContext) throws -> (Onboarding.Job, Onboarding.Item, Unbindings.Bound) {
        guard let id = context.parameters.get("id"), let job = services.onboarding[id],
            context.rights.allow(.configure, at: Place(site: job.site)),
            let index = context.parameters.get("index").flatMap({ Int($0) }), job.items.indices.contains(index)
        else { throw Problem.notFound("onboarding") }
        let item = job.items[index]
        guard let bound = item.bound else {
            throw Problem.conflict("Only a device that could not be added because it is bound to another site can be asked for.")
        }
        return (
            job, item,
            Unbindings.Bound(
                device: bound.device, host: item.request.entry.address.host, model: bound.identity.model,
                serialNumber: bound.identity.serialNumber, macAddress: bound.identity.macAddress)
        )
    }

    /// Both whoever asks and the device are in the box's own network.
    func isOnSite(_ item: Onboarding.Item, _ request: Request, _ context: APIContext) -> Bool {
        services.isAtSite(context.remoteAddress, request.headers)
            && services.isAtSite(item.request.entry.address.host, HTTPFields())
    }

    private func send(_ kind: UnbindingProofRecord.Kind, _ request: Request, _ context: APIContext) async throws -> Response {
        let id: UnbindingID = try context.identifier("request")
        let caller = try caller(context)
        let before = try await unbindings.one(id, for: caller, context.rights)
        let buffer: ByteBuffer
        do { buffer = try await request.body.collect(upTo: Self.largestProof) } catch {
            throw Problem(.contentTooLarge, "too-large", "Too large", "This may have at most \(Self.largestProof >> 20) MB.")
        }
        let bytes = Data(buffer.readableBytesView)
        guard let type = Self.mediaType(bytes), kind == .deviceFile || type.hasPrefix("image/") else {
            throw Problem(
                .unsupportedMediaType, "invalid-request", "Not such a file",
                kind == .label ? "Send a photograph as JPEG or PNG." : "Send a picture (JPEG, PNG) or a document that is text.")
        }
        let view = try await unbindings.attach(.init(mediaType: type, bytes: bytes), as: kind, to: id, by: caller, context.rights)
        context.notes.note(subject: id.text, name: view.what)
        context.notes.note(site: view.record.siteId)
        if before.record.provenAt == nil, view.record.provenAt != nil { try await tellOfRequest(view) }
        return try answer(UnbindingAnswer(view))
    }

    /// What a file is by its own bytes; nil for what nobody should open.
    static func mediaType(_ bytes: Data) -> String? {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return "image/jpeg" }
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return "image/png" }
        guard !bytes.isEmpty, !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else { return nil }
        return "text/plain; charset=utf-8"
    }

    private func tellOfRequest(_ view: Unbindings.View) async throws {
        let values = ["person": "\(view.record.requestedByName) (\(view.company))", "what": view.what]
        try await services.access.notices.tell(.unbindingAsked, about: view.record.siteId, to: .owner, values)
        // Who asked, and may not decide, learns not even where the device is.
        guard view.isAdministrators else { return }
        try await services.access.notices.tell(.unbindingAsked, about: view.record.siteId, to: .administrators, values)
    }

    // MARK: Looking

    private func list(_ request: Request, _ context: APIContext) async throws -> Response {
        var query = NewestQuery(request, known: ["state", "region"])
        let filter = Unbindings.Filter(
            state: query.words.word("state", UnbindingRecord.State.self), region: query.words.search("region"))
        try query.finish()
        let found = try await unbindings.all(filter, for: try caller(context), context.rights, query.page)
        return try answer(ListAnswer(found, UnbindingAnswer.init))
    }

    private func proof(_ kind: UnbindingProofRecord.Kind, _ context: APIContext) async throws -> Response {
        let id: UnbindingID = try context.identifier("request")
        _ = try await unbindings.one(id, for: try caller(context), context.rights)
        let proof = try await unbindings.proof(kind, of: id)
        return Response(
            status: .ok, headers: [.contentType: proof.mediaType, .contentDisposition: "inline"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: proof.bytes)))
    }

    // MARK: Deciding

    private func unbind(_ context: APIContext) async throws -> Response {
        let id: UnbindingID = try context.identifier("request")
        let (caller, rights) = (try caller(context), context.rights)
        let view = try await unbindings.one(id, for: caller, rights)
        context.notes.note(subject: id.text, name: view.what)
        context.notes.note(site: view.record.siteId)
        let device = view.record.deviceId
        do {
            try await takeOff(device) { [unbindings] database in
                try unbindings.decide(id, unbind: true, reason: nil, by: caller, rights, database)
            }
        } catch CatalogueError.noSuchDevice {
            throw Problem.conflict("The device is not bound to any account. Refuse the request, and say so.")
        }
        let decided = try await unbindings.one(id, for: caller, rights)
        let values = ["person": caller.name, "what": view.device ?? view.what]
        try await services.access.notices.tell(.unbound, about: view.record.siteId, to: .owner, values)
        try await services.access.notices.tell(.unbound, about: view.record.siteId, to: .managers, values)
        try await services.access.notices.tell(
            .unbindingDone, about: view.record.targetSiteId, to: .person(view.record.requestedBy), ["what": view.what])
        return try answer(UnbindingAnswer(decided))
    }

    /// Takes a device off its site, and writes down why in the same transaction.
    func takeOff(_ device: DeviceID, because write: @escaping @Sendable (Database) throws -> Void) async throws {
        let now = services.time.now()
        let channels = try await maker.catalogue.remove(device) { database, channels in
            try write(database)
            for channel in channels { try PlanLedger.void(channel, at: now, database) }
        }
        await services.devices.remove(device)
        try await services.plans.reload(channels)
        feed.deviceChanged(device)
        for channel in channels { feed.channelChanged(channel) }
    }

    private func refuse(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let reason = body.string("reason", 1...500, required: true, multiline: true)
        try body.finish()
        let id: UnbindingID = try context.identifier("request")
        let (caller, rights) = (try caller(context), context.rights)
        try await services.database.write { [unbindings] database in
            try unbindings.decide(id, unbind: false, reason: reason, by: caller, rights, database)
        }
        let view = try await unbindings.one(id, for: caller, rights)
        context.notes.note(subject: id.text, name: view.what)
        context.notes.note(site: view.record.siteId)
        try await services.access.notices.tell(
            .unbindingRefused, about: view.record.targetSiteId, to: .person(view.record.requestedBy),
            ["what": view.what, "reason": reason ?? ""])
        return try answer(UnbindingAnswer(view))
    }
}

private struct UnbindingAnswer: Encodable {
    let id: UnbindingID
    let state: String
    let company: String
    let requestedBy: String
    let targetSiteId: SiteID
    let targetSite: String
    let model: Nullable<String>
    let serialNumber: Nullable<String>
    let macAddress: Nullable<String>
    let address: String
    /// Asked from the box's own network.
    let onSite: Bool
    let remarks: Nullable<String>
    /// Kinds of proof that are there, and that have to come before anybody decides.
    let proofs: [String]
    let missing: [String]
    let createdAt: Date
    let reason: Nullable<String>
    let decidedAt: Nullable<Date>
    let decidedBy: Nullable<String>
    let closedAt: Nullable<Date>
    /// Of the company that asked.
    let isOwn: Bool
    let mayDecide: Bool
    // For who decides.
    let site: Nullable<String>
    let city: Nullable<String>
    let region: Nullable<String>
    let owner: Nullable<String>
    let device: Nullable<String>

    init(_ view: Unbindings.View) {
        let record = view.record
        (id, state, company, requestedBy) = (record.id, record.state.rawValue, view.company, record.requestedByName)
        (targetSiteId, targetSite) = (record.targetSiteId, view.target)
        model = Nullable(record.model)
        serialNumber = Nullable(record.serialNumber)
        macAddress = Nullable(record.macAddress)
        address = record.host
        onSite = record.isOnSite
        remarks = Nullable(record.remarks)
        proofs = view.proofs.map(\.rawValue).sorted()
        missing = view.missing.map(\.rawValue)
        createdAt = record.createdAt
        reason = Nullable(record.reason)
        decidedAt = Nullable(record.decidedAt)
        // Whose device it was its new holder does not learn.
        decidedBy = Nullable(view.mayDecide ? record.decidedByName : nil)
        closedAt = Nullable(record.closedAt)
        isOwn = view.isOwn
        mayDecide = view.mayDecide && record.state == .inProgress
        site = Nullable(view.site?.name)
        city = Nullable(view.site?.city)
        region = Nullable(view.site?.state)
        owner = Nullable(view.owner)
        device = Nullable(view.device)
    }
}
