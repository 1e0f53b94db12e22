import Access
import BoxDatabase
import CloudStorage
import Core
import Devices
import Foundation
import HTTPTypes
import Hummingbird

/// Devices that go from one site of an owner to another: asked for, decided, and moved, with all that was set for them void.
struct DeviceMoveRoutes {
    let services: BoxServices
    let maker: AnswerMaker
    let feed: LiveFeed
    private var moves: DeviceMoves { services.access.moves }
    private var catalogue: DeviceCatalogue { maker.catalogue }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("sites/:id/device-moves") { request, context in
            let (state, page) = try NewestQuery.inState(request, DeviceMoveRecord.State.self)
            let found = try await moves.all(of: try context.identifier("site"), for: context.rights, in: state, page)
            return try answer(ListAnswer(found, DeviceMoveAnswer.init))
        }
        routes.post("device-moves") { request, context in try await apply(request, context) }
        routes.delete("device-moves/:move") { _, context in
            let view = try await found(context, .apply)
            _ = try await moves.end(view.record.id, as: .withdrawn)
            return Response(status: .noContent)
        }
        routes.post("device-moves/:move/approve") { _, context in
            let view = try await found(context, .grant)
            return try answer(DeviceMoveAnswer(try await move(view, isFree: false)))
        }
        routes.post("device-moves/:move/refuse") { _, context in
            let view = try await found(context, .grant)
            let refused = try await moves.end(view.record.id, as: .refused)
            try await tell(.moveRefused, refused, to: .person(refused.record.appliedBy))
            return try answer(DeviceMoveAnswer(refused))
        }
    }

    private func apply(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let texts = body.strings("deviceIds", count: 1...DeviceMoves.mostDevices)
        if !body.has("deviceIds") { body.reject("deviceIds", "deviceIds is missing.") }
        let devices = (texts ?? []).compactMap { DeviceID($0) }
        if let texts, Set(devices).count != texts.count { body.reject("deviceIds", "deviceIds must be identifiers, each once.") }
        let site = body.identifier("siteId", SiteID.init, required: true)
        let remarks = body.string("remarks", 1...1000, multiline: true)
        try body.finish()
        guard let site, let caller = context.caller else { return Response(status: .badRequest) }
        let (view, isFree) = try await moves.apply(devices, to: site, remarks: remarks, by: caller, context.rights)
        context.notes.note(subject: view.record.fromSiteId.text, name: view.from)
        for site in [view.record.fromSiteId, view.record.toSiteId] { context.notes.note(site: site) }
        guard isFree else {
            try await tell(.moveAsked, view, to: .owner)
            return try answer(DeviceMoveAnswer(view), status: .created)
        }
        if !(try await isOwned(view)) { try await admitEnding(view, context.rights) }
        return try answer(DeviceMoveAnswer(try await move(view, isFree: true)), status: .created)
    }

    /// One of those whom it concerns; for others there is none.
    private func found(_ context: APIContext, _ action: Action) async throws -> DeviceMoves.View {
        guard let id = context.parameters.get("move").flatMap({ DeviceMoveID($0) }) else { throw Problem.notFound("application") }
        let view = try await moves.one(id)
        let place = Place(site: view.record.fromSiteId)
        guard context.rights.see(place) else { throw Problem.notFound("application") }
        guard context.rights.allow(action, at: place) else { throw AccessGate.refusal(action) }
        context.notes.note(subject: view.record.fromSiteId.text, name: view.from)
        for site in [view.record.fromSiteId, view.record.toSiteId] { context.notes.note(site: site) }
        return view
    }

    private func isOwned(_ view: DeviceMoves.View) async throws -> Bool {
        try await services.access.sites.one(view.record.fromSiteId).record.ownerId != nil
    }

    /// A plan that is active is ended by an owner who knows it, or by who may end plans.
    private func admitEnding(_ view: DeviceMoves.View, _ rights: Rights) async throws {
        for device in view.record.deviceIds {
            for channel in try await catalogue.channelRecords(of: device) where !rights.allow(.managePlans, at: channel.place) {
                try services.plans.admitUnlinking(channel)
            }
        }
    }

    /// All at once, or nothing: the application's end, the plans', and the move.
    private func move(_ view: DeviceMoves.View, isFree: Bool) async throws -> DeviceMoves.View {
        let (record, now) = (view.record, services.time.now())
        let former = try await catalogue.move(record.deviceIds, to: record.toSiteId) { database, channels in
            try moves.close(record, isFree: isFree, database)
            for channel in channels { try PlanLedger.void(channel, at: now, database) }
        }
        try await services.plans.reload(former)
        for channel in former { feed.channelChanged(channel) }
        for device in record.deviceIds {
            try await services.devices.apply(device)
            feed.deviceChanged(device)
            for channel in try await catalogue.channelRecords(of: device) { feed.channelChanged(channel.id) }
        }
        try await tell(.devicesMoved, view, to: .managers)
        return try await moves.one(record.id)
    }

    private func tell(_ kind: NoticeKind, _ view: DeviceMoves.View, to audience: Notices.Audience) async throws {
        try await services.access.notices.tell(
            kind, about: view.record.fromSiteId, to: audience,
            ["person": view.record.appliedByName, "what": view.record.deviceNames.joined(separator: ", ")])
    }
}

private struct DeviceMoveAnswer: Encodable {
    let id: DeviceMoveID
    let fromSiteId: SiteID
    let from: String
    let toSiteId: SiteID
    let to: String
    let deviceIds: [DeviceID]
    let devices: [String]
    let appliedBy: String
    let remarks: Nullable<String>
    let state: String
    let createdAt: Date
    /// When the owner's answer is too late.
    let expiresAt: Date
    let decidedAt: Nullable<Date>

    init(_ view: DeviceMoves.View) {
        let record = view.record
        (id, fromSiteId, from, toSiteId, to) = (record.id, record.fromSiteId, view.from, record.toSiteId, view.to)
        (deviceIds, devices, appliedBy) = (record.deviceIds, record.deviceNames, record.appliedByName)
        remarks = Nullable(record.remarks)
        state = record.state.rawValue
        createdAt = record.createdAt
        expiresAt = record.createdAt.addingTimeInterval(DeviceMoves.pendingFor)
        decidedAt = Nullable(record.decidedAt)
    }
}
