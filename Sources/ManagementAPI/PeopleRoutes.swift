import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Messaging

/// The company, its people and their roles, invitations, and who manages which site.
struct PeopleRoutes {
    let services: BoxServices
    private var people: People { services.access.people }
    private var roles: Roles { services.access.roles }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("company") { _, _ in try answer(CompanyAnswer(name: try await company().name)) }
        routes.patch("company") { request, _ in try await changeCompany(request) }
        routes.get("people") { request, _ in
            var query = PageQuery(request, known: ["search", "roleId"])
            let role: RoleID? = query.words.identifier("roleId")
            try query.finish()
            let found = try await people.all(matching: query.words.search("search"), in: role)
            let (items, next) = query.page.cut(found) { ListPlace(createdAt: $0.person.createdAt, id: $0.person.id.text) }
            return try answer(ListAnswer(items: items.map(PersonAnswer.init), next: Nullable(next?.text)))
        }
        routes.get("people/:id") { _, context in try answer(PersonAnswer(try await people.one(try context.identifier("person")))) }
        routes.patch("people/:id") { request, context in try await change(request, context) }
        routes.delete("people/:id") { _, context in
            try await people.delete(try context.identifier("person"), by: try caller(context))
            return Response(status: .noContent)
        }
        routes.put("people/:id/sites") { request, context in try await assign(request, context) }
        routes.patch("people/:id/sites") { request, context in try await reassign(request, context) }
        routes.get("invitations") { _, _ in
            try answer(ListAnswer(items: try await people.invitations().map { InvitationAnswer($0.record, role: $0.role) }))
        }
        routes.post("invitations") { request, context in try await invite(request, context) }
        routes.delete("invitations/:id") { _, context in
            let id: InvitationID = try context.identifier("invitation")
            context.notes.note(subject: id.text, name: try await people.invitations().first { $0.record.id == id }?.record.name)
            guard try await people.withdraw(id) else { throw Problem.notFound("invitation") }
            return Response(status: .noContent)
        }
        routes.get("roles") { _, _ in
            try answer(ListAnswer(items: try await roles.all().map { RoleAnswer($0.role, people: $0.people) }))
        }
        routes.post("roles") { request, context in
            let (name, permissions) = try await role(request, required: true)
            guard let name, let permissions else { return Response(status: .badRequest) }
            let role = try await roles.make(name, permissions, by: try caller(context))
            context.notes.note(subject: role.id.text, name: role.name)
            return try answer(RoleAnswer(role, people: 0), status: .created)
        }
        routes.patch("roles/:id") { request, context in
            let (name, permissions) = try await role(request, required: false)
            let id: RoleID = try context.identifier("role")
            try await noteRole(id, context)
            let role = try await roles.change(id, name: name, permissions: permissions, by: try caller(context))
            context.notes.note(subject: role.id.text, name: role.name)
            return try answer(RoleAnswer(role, people: try await roles.all().first { $0.role.id == id }?.people ?? 0))
        }
        routes.delete("roles/:id") { _, context in
            let id: RoleID = try context.identifier("role")
            try await noteRole(id, context)
            try await roles.delete(id)
            return Response(status: .noContent)
        }
    }

    /// How a role was, for the log.
    private func noteRole(_ id: RoleID, _ context: APIContext) async throws {
        guard let role = try await roles.all().first(where: { $0.role.id == id })?.role else { return }
        context.notes.note(subject: id.text, name: role.name)
        context.notes.before = [
            "name": .string(role.name), "permissions": .array(role.permissions.map(\.rawValue).sorted().map { .string($0) }),
        ]
    }

    private func caller(_ context: APIContext) throws -> Caller {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        return caller
    }

    // MARK: The company

    private func company() async throws -> CompanyRecord {
        guard let company = try await services.database.read({ try CompanyRecord.own($0) }) else { throw AccessDenied.notClaimed }
        return company
    }

    private func changeCompany(_ request: Request) async throws -> Response {
        let body = try await RequestBody.read(request)
        let name = body.string("name", 1...64, required: true)
        try body.finish()
        var company = try await company()
        company.name = name ?? company.name
        let changed = company
        try await services.database.write { try changed.update($0) }
        return try answer(CompanyAnswer(name: changed.name))
    }

    // MARK: People

    private func change(_ request: Request, _ context: APIContext) async throws -> Response {
        let id: PersonID = try context.identifier("person")
        let body = try await RequestBody.read(request)
        let role = body.identifier("roleId", RoleID.init)
        let disabled = body.bool("disabled")
        try body.finish()
        let caller = try caller(context)
        context.notes.note(subject: id.text, name: try await people.one(id).person.userName)
        if let role { try await people.setRole(role, of: id, by: caller) }
        if let disabled { try await people.setDisabled(disabled, id, by: caller) }
        return try answer(PersonAnswer(try await people.one(id)))
    }

    private func assign(_ request: Request, _ context: APIContext) async throws -> Response {
        let id: PersonID = try context.identifier("person")
        let body = try await RequestBody.read(request)
        let sites = Self.sites("siteIds", body)
        if !body.has("siteIds") { body.reject("siteIds", "siteIds is missing.") }
        try body.finish()
        let former = try await people.one(id)
        context.notes.note(subject: id.text, name: former.person.userName)
        context.notes.before = ["siteIds": .array(former.sites.sorted { $0.text < $1.text }.map { .string($0.text) })]
        try await people.assign(sites, to: id)
        return try answer(PersonAnswer(try await people.one(id)))
    }

    private func reassign(_ request: Request, _ context: APIContext) async throws -> Response {
        let id: PersonID = try context.identifier("person")
        let body = try await RequestBody.read(request)
        let (added, removed) = (Self.sites("add", body), Self.sites("remove", body))
        if !added.isDisjoint(with: removed) { body.reject("remove", "A site is added or removed, not both.") }
        try body.finish()
        context.notes.note(subject: id.text, name: try await people.one(id).person.userName)
        try await people.assign(adding: added, removing: removed, to: id)
        return try answer(PersonAnswer(try await people.one(id)))
    }

    private static func sites(_ name: String, _ body: RequestBody) -> Set<SiteID> {
        let texts = body.strings(name, count: 0...1_000) ?? []
        let sites = Set(texts.compactMap { SiteID($0) })
        if sites.count != texts.count { body.reject(name, "\(name) must be identifiers of sites, each once.") }
        return sites
    }

    private func invite(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let name = body.string("name", 1...64, required: true)
        let role = body.identifier("roleId", RoleID.init, required: true)
        let email = body.string("email", 3...254)
        if let email, !SiteRoutes.isRecipient(email, .email) { body.reject("email", "email must be an e-mail address.") }
        let language = body.language(services.texts) ?? .english
        let sites = Self.sites("siteIds", body)
        try body.finish()
        guard let name, let role else { return Response(status: .badRequest) }
        let (record, token) = try await people.invite(name, role: role, sites: sites, by: try caller(context))
        context.notes.note(subject: record.id.text, name: record.name)
        let found = try await people.invitations().first { $0.record.id == record.id }
        var made = InvitationAnswer(record, role: found?.role ?? "", token: token)
        if let email {
            let letter = services.texts.letter(
                .invite,
                ["company": try await company().name, "role": made.role, "link": services.link(made.path ?? "", request)], in: language)
            made.delivery = await SentLetter(letter: letter, recipient: email).mail(by: services.messenger)
        }
        return try answer(made, status: .created)
    }

    private func role(_ request: Request, required: Bool) async throws -> (String?, Set<RolePermission>?) {
        let body = try await RequestBody.read(request)
        let name = body.string("name", 1...64, required: required)
        let permissions = body.words("permissions", RolePermission.self, required: required)
        try body.finish()
        return (name, permissions)
    }
}

private struct CompanyAnswer: Encodable {
    let name: String
}

private struct RoleAnswer: Encodable {
    let id: RoleID
    let name: String
    let predefined: Bool
    let permissions: [String]
    /// How many have it.
    let people: Int

    init(_ role: RoleRecord, people: Int) {
        id = role.id
        name = role.name
        predefined = role.predefined != nil
        permissions = role.permissions.map(\.rawValue).sorted()
        self.people = people
    }
}

private struct PersonAnswer: Encodable {
    let id: PersonID
    let name: String
    let fullName: Nullable<String>
    let roleId: RoleID
    let role: String
    let installerAdmin: Bool
    let disabled: Bool
    let asksOneTimePassword: Bool
    let siteIds: [SiteID]
    let createdAt: Date
    let seenAt: Nullable<Date>

    init(_ employee: Employee) {
        id = employee.person.id
        name = employee.person.userName
        fullName = Nullable(employee.person.fullName)
        roleId = employee.role.id
        role = employee.role.name
        installerAdmin = employee.person.isInstallerAdmin
        disabled = employee.person.disabledAt != nil
        asksOneTimePassword = employee.person.oneTimeConfirmedAt != nil
        siteIds = employee.sites.sorted { $0.text < $1.text }
        createdAt = employee.person.createdAt
        seenAt = Nullable(employee.seenAt)
    }
}

private struct InvitationAnswer: Encodable {
    let id: InvitationID
    let name: String
    let roleId: RoleID
    let role: String
    let siteIds: [SiteID]
    let createdAt: Date
    let expiresAt: Date
    /// Shown once, when somebody is invited.
    var token: String?
    /// What is appended to the box's address; for the one who is invited.
    var path: String?
    /// Whether the box has brought it to its recipient, where an address was given.
    var delivery: DeliveryAnswer?

    init(_ record: InvitationRecord, role: String, token: String? = nil) {
        id = record.id
        name = record.name
        roleId = record.roleId
        self.role = role
        siteIds = record.siteIds
        createdAt = record.createdAt
        expiresAt = record.expiresAt
        self.token = token
        path = token.map { "/#/join/\($0)" }
    }
}
