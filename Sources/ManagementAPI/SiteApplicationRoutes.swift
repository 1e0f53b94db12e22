import Access
import BoxDatabase
import Core
import Foundation
import HTTPTypes
import Hummingbird

/// Other companies that ask owners to be let into sites that nobody looks after any more.
struct SiteApplicationRoutes {
    let services: BoxServices
    private var applications: SiteApplications { services.access.siteApplications }

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("site-applications") { request, context in
            let (state, page) = try NewestQuery.inState(request, PermissionApplicationRecord.State.self)
            return try answer(
                ListAnswer(try await applications.all(for: try caller(context), in: state, page), SiteApplicationAnswer.init))
        }
        routes.post("site-applications") { request, context in try await apply(request, context) }
        routes.delete("site-applications/:id") { _, context in
            let taken = try await applications.takeBack(try context.identifier("application"), by: try caller(context))
            context.notes.note(subject: taken.record.siteId.text, name: taken.site)
            return Response(status: .noContent)
        }
    }

    private func caller(_ context: APIContext) throws -> Caller {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        return caller
    }

    private func apply(_ request: Request, _ context: APIContext) async throws -> Response {
        let body = try await RequestBody.read(request)
        let site = body.identifier("siteId", SiteID.init, required: true)
        let wishes = PermissionRoutes.wishes(body, required: true)
        let remarks = body.string("remarks", 1...1000, multiline: true)
        try body.finish()
        guard let site else { return Response(status: .badRequest) }
        let caller = try caller(context)
        let made = try await applications.apply(for: site, wishes, remarks: remarks, by: caller)
        context.notes.note(subject: site.text, name: made.site)
        try await services.access.notices.tell(.applied, about: site, to: .owner, ["person": made.record.appliedByName])
        return try answer(SiteApplicationAnswer(made), status: .created)
    }
}

private struct SiteApplicationAnswer: Encodable {
    let id: ApplicationID
    let siteId: SiteID
    /// Known once the owner has approved.
    let site: Nullable<String>
    let state: String
    let remarks: Nullable<String>
    let createdAt: Date
    let decidedAt: Nullable<Date>

    init(_ view: SiteApplications.View) {
        let record = view.record
        (id, siteId, state, createdAt) = (record.id, record.siteId, record.state.rawValue, record.createdAt)
        site = Nullable(view.site)
        remarks = Nullable(record.remarks)
        decidedAt = Nullable(record.decidedAt)
    }
}
