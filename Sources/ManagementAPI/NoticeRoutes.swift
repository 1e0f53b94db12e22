import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Messaging

/// What one was told, and how one is reached.
struct NoticeRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("notices") { request, context in
            var query = NewestQuery(request, known: ["unread"])
            let unread: Bool? = query.words.value("unread", "true or false") { Bool($0) }
            try query.finish()
            let caller = try caller(context)
            let language = try await language(of: caller.id)
            let notices = try await services.access.notices.all(of: caller.id, unread: unread, query.page)
            return try answer(ListAnswer(notices) { NoticeAnswer($0, services.texts.sentence(of: $0, in: language)) })
        }
        routes.post("notices/read") { _, context in
            try await services.access.notices.markRead(of: try caller(context).id)
            return Response(status: .noContent)
        }
        routes.get("session/contact") { _, context in
            try answer(ContactAnswer(try await services.access.account.record(of: try caller(context).id), services))
        }
        routes.put("session/contact") { request, context in
            let body = try await RequestBody.read(request)
            let email = body.string("email", 3...254)
            if let email, !SiteRoutes.isRecipient(email, .email) { body.reject("email", "email must be an e-mail address.") }
            let language = body.language(services.texts)
            let password = body.string("password", 1...256)
            try body.finish()
            let id = try caller(context).id
            // Whoever has no more than a sign-in must not get at the account by an address of their own.
            if let password { try await context.confirm(password, services.access) }
            let record = try await services.database.write { database -> PersonRecord? in
                guard var person = try PersonRecord.fetchOne(database, key: id) else { return nil }
                person.recoversByEmail = email != nil && (password != nil || person.recoversByEmail && person.email == email)
                (person.email, person.language) = (email, language?.rawValue)
                try person.update(database)
                return person
            }
            guard let record else { throw Problem.notSignedIn }
            return try answer(ContactAnswer(record, services))
        }
    }

    private func caller(_ context: APIContext) throws -> Caller {
        guard let caller = context.caller else { throw Problem.notSignedIn }
        return caller
    }

    private func language(of person: PersonID) async throws -> Language {
        services.texts.language(try await services.access.account.record(of: person).language)
    }
}

struct NoticeAnswer: Encodable {
    let id: NoticeID
    let kind: String
    let siteId: Nullable<SiteID>
    let sentence: String
    let createdAt: Date
    let readAt: Nullable<Date>

    init(_ record: NoticeRecord, _ sentence: String) {
        id = record.id
        kind = record.kind
        siteId = Nullable(record.siteId)
        self.sentence = sentence
        createdAt = record.createdAt
        readAt = Nullable(record.readAt)
    }
}

private struct ContactAnswer: Encodable {
    let email: Nullable<String>
    let language: String
    /// Whether the box sends e-mails.
    let mails: Bool
    /// A forgotten password is set anew through the address.
    let recovers: Bool

    init(_ person: PersonRecord, _ services: BoxServices) {
        email = Nullable(person.email)
        language = services.texts.language(person.language).rawValue
        mails = services.messenger.hasMail
        recovers = person.recoversByEmail
    }
}
