import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird

/// What owners let their providers do: applications, permissions, and their end.
struct PermissionRoutes {
    let services: BoxServices
    private var permissions: SitePermissions { services.access.permissions }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("sites/:id/permissions") { request, context in
            let query = PageQuery(request)
            try query.finish()
            return try await list(context, query.page)
        }
        routes.post("sites/:id/permissions") { request, context in
            let body = try await RequestBody.read(request)
            let wishes = Self.wishes(body, required: true)
            let person = body.identifier("personId", PersonID.init)
            try body.finish()
            let id: SiteID = try context.identifier("site")
            try await permissions.give(wishes, to: person, at: id)
            try await note(id, context)
            return try await list(context)
        }
        routes.delete("sites/:id/permissions/:permission") { _, context in
            let id: SiteID = try context.identifier("site")
            try await note(id, context)
            let permission: SitePermissionID = try Self.part("permission", context)
            let former = try await permissions.all(at: id).first { $0.record.id == permission }
            context.notes.before = former.map(Self.fields)
            guard try await permissions.withdraw(permission, at: id) else { throw Problem.notFound("permission") }
            try await services.access.notices.tell(
                .permissionTaken, about: id, to: former?.record.personId.map { .person($0) } ?? .managers,
                ["what": former?.record.permission.rawValue ?? ""])
            return Response(status: .noContent)
        }
        routes.post("sites/:id/permissions/:permission/release") { _, context in
            let id: SiteID = try context.identifier("site")
            try await note(id, context)
            let permission: SitePermissionID = try Self.part("permission", context)
            context.notes.before = try await permissions.all(at: id).first { $0.record.id == permission }.map(Self.fields)
            try await permissions.release(permission, at: id)
            return Response(status: .noContent)
        }
        routes.delete("sites/:id/authorization") { _, context in
            let id: SiteID = try context.identifier("site")
            try await note(id, context)
            try await permissions.discard(at: id)
            try await services.access.notices.tell(.authorizationDiscarded, about: id, to: .managers)
            return Response(status: .noContent)
        }
        routes.get("sites/:id/applications") { request, context in
            let (state, page) = try NewestQuery.inState(request, PermissionApplicationRecord.State.self)
            let id: SiteID = try context.identifier("site")
            guard let caller = context.caller else { throw Problem.notSignedIn }
            if try await isPartner(at: id, context) { return try answer(ListAnswer<ApplicationAnswer>(items: [])) }
            return try answer(
                ListAnswer(try await permissions.applications(at: id, for: caller, in: state, page), ApplicationAnswer.init))
        }
        routes.post("sites/:id/applications") { request, context in
            let body = try await RequestBody.read(request)
            let wishes = Self.wishes(body, required: true)
            let remarks = body.string("remarks", 1...1000, multiline: true)
            try body.finish()
            guard let caller = context.caller else { throw Problem.notSignedIn }
            let id: SiteID = try context.identifier("site")
            try await note(id, context)
            let made = try await permissions.apply(wishes, remarks: remarks, at: id, by: caller)
            try await services.access.notices.tell(.applied, about: id, to: .owner, ["person": caller.name])
            return try answer(ApplicationAnswer(made), status: .created)
        }
        routes.delete("sites/:id/applications/:application") { _, context in
            let id: SiteID = try context.identifier("site")
            try await note(id, context)
            guard let caller = context.caller else { throw Problem.notSignedIn }
            try await permissions.takeBack(try Self.part("application", context), at: id, by: caller)
            return Response(status: .noContent)
        }
        for (word, isApproved) in [("approve", true), ("refuse", false)] {
            routes.post("sites/:id/applications/:application/\(word)") { _, context in
                let id: SiteID = try context.identifier("site")
                try await note(id, context)
                let decided = try await permissions.decide(try Self.part("application", context), at: id, isApproved: isApproved)
                context.notes.before = [
                    "appliedBy": .string(decided.appliedByName),
                    "permissions": .array(decided.wishes.map { .string($0.permission.rawValue) }),
                ]
                try await services.access.notices.tell(
                    isApproved ? .approved : .refused, about: id, to: decided.appliedBy.map { .person($0) } ?? .managers)
                return try answer(ApplicationAnswer(decided))
            }
        }
    }

    private func list(_ context: APIContext, _ page: ListPage = ListPage()) async throws -> Response {
        let id: SiteID = try context.identifier("site")
        let (found, next) = page.cut(try await isPartner(at: id, context) ? [] : try await permissions.all(at: id)) {
            ListPlace(createdAt: $0.record.grantedAt, id: $0.record.id.text)
        }
        let mayGive = context.rights.allow(.grant, at: Place(site: id))
        let people = mayGive ? try await services.access.sites.providers(of: id) : []
        return try answer(
            PermissionListAnswer(
                items: found.map(PermissionAnswer.init), next: Nullable(next?.text),
                people: people.map { .init(id: $0.id, name: $0.fullName ?? $0.userName) }))
    }

    /// What a permission was, for the operation log.
    private static func fields(_ view: SitePermissions.View) -> [String: JSONValue] {
        let told = ["permission": view.record.permission.rawValue, "person": view.person, "device": view.device, "channel": view.channel]
        return told.compactMapValues { $0.map { .string($0) } }
    }

    /// What is between owner and provider is not a partner's to know.
    private func isPartner(at site: SiteID, _ context: APIContext) async throws -> Bool {
        guard let caller = context.caller else { return false }
        return try await services.access.control.isPartner(caller.id, at: site)
    }

    private func note(_ site: SiteID, _ context: APIContext) async throws {
        context.notes.note(subject: site.text, name: try await services.access.sites.one(site).record.name)
    }

    private static func part<Kind>(_ name: String, _ context: APIContext) throws -> Identifier<Kind> {
        guard let text = context.parameters.get(name), let id = Identifier<Kind>(text) else { throw Problem.notFound(name) }
        return id
    }

    /// What is asked for or given: each permission of the site, a device or a channel, for good, some hours or until a moment.
    static func wishes(_ body: RequestBody, required: Bool) -> [PermissionWish] {
        let items = body.objects("permissions", count: (required ? 1 : 0)...SitePermissions.mostWishes)
        if required, !body.has("permissions") { body.reject("permissions", "permissions is missing.") }
        return (items ?? []).compactMap { item in
            let permission = item.word("permission", SitePermission.self, required: true)
            let device = item.identifier("deviceId", DeviceID.init)
            let channel = item.identifier("channelId", ChannelID.init)
            if device != nil, channel != nil { item.reject("channelId", "A permission is of a device or of a channel, not of both.") }
            let hours = item.integer("hours", 1...8)
            if let hours, !Validity.hoursToChoose.contains(hours) { item.reject("hours", "hours must be 1, 2, 4 or 8.") }
            let until = item.moment("until")
            if hours != nil, until != nil { item.reject("until", "A permission ends after some hours or at a moment, not both.") }
            return permission.map {
                PermissionWish(permission: $0, deviceId: device, channelId: channel, validity: Validity(hours: hours, until: until))
            }
        }
    }
}

struct WishAnswer: Encodable {
    let permission: String
    let deviceId: Nullable<DeviceID>
    let channelId: Nullable<ChannelID>
    /// Names, for who may know them.
    var device: String?
    var channel: String?
    let hours: Nullable<Int>
    let until: Nullable<Date>

    init(_ wish: PermissionWish, device: String? = nil, channel: String? = nil) {
        permission = wish.permission.rawValue
        deviceId = Nullable(wish.deviceId)
        channelId = Nullable(wish.channelId)
        hours = Nullable(wish.validity.hours)
        until = Nullable(wish.validity.until)
        self.device = device
        self.channel = channel
    }
}

private struct PermissionAnswer: Encodable {
    let id: SitePermissionID
    let permission: String
    let company: String
    /// The user name of the one employee who has it; null for all who look after the site.
    let person: Nullable<String>
    let deviceId: Nullable<DeviceID>
    let device: Nullable<String>
    let channelId: Nullable<ChannelID>
    let channel: Nullable<String>
    let grantedAt: Date
    let endsAt: Nullable<Date>

    init(_ view: SitePermissions.View) {
        id = view.record.id
        permission = view.record.permission.rawValue
        company = view.company
        person = Nullable(view.person)
        deviceId = Nullable(view.record.deviceId)
        device = Nullable(view.device)
        channelId = Nullable(view.record.channelId)
        channel = Nullable(view.channel)
        grantedAt = view.record.grantedAt
        endsAt = Nullable(view.record.endsAt)
    }
}

private struct PermissionListAnswer: Encodable {
    struct Provider: Encodable {
        let id: PersonID
        let name: String
    }

    let items: [PermissionAnswer]
    let next: Nullable<String>
    /// Those of the service provider who look after the site, for who may give something to one of them.
    let people: [Provider]
}

private struct ApplicationAnswer: Encodable {
    let id: ApplicationID
    let kind: String
    let appliedBy: String
    let permissions: [WishAnswer]
    let remarks: Nullable<String>
    let state: String
    let createdAt: Date
    let decidedAt: Nullable<Date>

    init(_ record: PermissionApplicationRecord) {
        id = record.id
        kind = record.kind.rawValue
        appliedBy = record.appliedByName
        permissions = record.wishes.map { WishAnswer($0) }
        remarks = Nullable(record.remarks)
        state = record.state.rawValue
        createdAt = record.createdAt
        decidedAt = Nullable(record.decidedAt)
    }
}
