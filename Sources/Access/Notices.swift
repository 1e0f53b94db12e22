public import BoxDatabase
public import Core
import Foundation
import GRDB

/// What people are told about sites, in their own language.
public enum NoticeKind: String, Codable, Sendable, CaseIterable {
    case handoverAccepted = "handover-accepted"
    case handoverRefused = "handover-refused"
    case applied
    case approved
    case refused
    case permissionTaken = "permission-taken"
    case authorizationDiscarded = "authorization-discarded"
    case permissionEndsSoon = "permission-ends-soon"
    case shared
    case shareAccepted = "share-accepted"
    case shareRefused = "share-refused"
    case shareChanged = "share-changed"
    case shareEnded = "share-ended"
    /// The owner is told that a partner is gone.
    case shareOver = "share-over"
    case partnerLeft = "partner-left"
    case moveAsked = "move-asked"
    case devicesMoved = "devices-moved"
    case moveRefused = "move-refused"
    case backedUp = "backed-up"
    case unbindingAsked = "unbinding-asked"
    case unbound
    case unbindingDone = "unbinding-done"
    case unbindingRefused = "unbinding-refused"
}

/// A language that the box speaks to people.
public enum Language: String, Codable, Sendable, CaseIterable {
    case english = "en"
    case italian = "it"
}

extension NoticeRecord {
    /// The sentence that tells it.
    public func sentence(_ language: Language) -> String {
        let site = values["site"] ?? ""
        let person = values["person"] ?? ""
        let told = values["what"] ?? ""
        // Permissions are told by their words in the API; everything else is a name.
        let tellsPermissions = [NoticeKind.permissionTaken, .permissionEndsSoon, .shared, .shareChanged].map(\.rawValue).contains(kind)
        let what =
            !tellsPermissions
            ? told
            : told.split(separator: ", ").map { word in
                SitePermission(rawValue: String(word))?.words(language) ?? String(word)
            }.joined(separator: ", ")
        return switch (NoticeKind(rawValue: kind), language) {
        case (.handoverAccepted, .english): "\(person) has accepted \(site)."
        case (.handoverAccepted, .italian): "\(person) ha accettato \(site)."
        case (.handoverRefused, .english): "\(person) has refused \(site)."
        case (.handoverRefused, .italian): "\(person) ha rifiutato \(site)."
        case (.applied, .english): "\(person) asks you for permissions at \(site)."
        case (.applied, .italian): "\(person) ti chiede dei permessi per \(site)."
        case (.approved, .english): "The owner of \(site) has approved what you asked for."
        case (.approved, .italian): "Il proprietario di \(site) ha approvato la tua richiesta."
        case (.refused, .english): "The owner of \(site) has refused what you asked for."
        case (.refused, .italian): "Il proprietario di \(site) ha rifiutato la tua richiesta."
        case (.permissionTaken, .english): "The owner of \(site) has taken a permission back: \(what)."
        case (.permissionTaken, .italian): "Il proprietario di \(site) ha revocato un permesso: \(what)."
        case (.authorizationDiscarded, .english): "The owner of \(site) no longer lets you look after it."
        case (.authorizationDiscarded, .italian): "Il proprietario di \(site) non ti autorizza più a gestirlo."
        case (.permissionEndsSoon, .english): "A permission at \(site) ends within ten minutes: \(what)."
        case (.permissionEndsSoon, .italian): "Un permesso per \(site) termina entro dieci minuti: \(what)."
        case (.shared, .english): "\(person) now helps your service provider with \(site)\(what.isEmpty ? "" : ": \(what)")."
        case (.shared, .italian): "\(person) ora assiste il tuo fornitore per \(site)\(what.isEmpty ? "" : ": \(what)")."
        case (.shareAccepted, .english): "\(person) now helps you with \(site)."
        case (.shareAccepted, .italian): "\(person) ora ti assiste per \(site)."
        case (.shareRefused, .english): "\(person) does not help you with \(site)."
        case (.shareRefused, .italian): "\(person) non ti assiste per \(site)."
        case (.shareChanged, .english): "What you may do at \(site) has changed: \(what)."
        case (.shareChanged, .italian): "I tuoi permessi per \(site) sono cambiati: \(what)."
        case (.shareEnded, .english): "\(site) is no longer shared with you."
        case (.shareEnded, .italian): "\(site) non è più condiviso con te."
        case (.shareOver, .english): "\(person) no longer helps your service provider with \(site)."
        case (.shareOver, .italian): "\(person) non assiste più il tuo fornitore per \(site)."
        case (.partnerLeft, .english): "\(person) no longer helps you with \(site)."
        case (.partnerLeft, .italian): "\(person) non ti assiste più per \(site)."
        case (.moveAsked, .english): "\(person) asks you to move \(what) away from \(site)."
        case (.moveAsked, .italian): "\(person) ti chiede di spostare \(what) da \(site)."
        case (.devicesMoved, .english): "\(what) is no longer at \(site). Set it anew where it is now."
        case (.devicesMoved, .italian): "\(what) non è più in \(site). Configuralo di nuovo dove si trova ora."
        case (.moveRefused, .english): "The owner does not let \(what) be moved away from \(site)."
        case (.moveRefused, .italian): "Il proprietario non permette di spostare \(what) da \(site)."
        case (.backedUp, .english):
            "\(person) has made a backup of the box that serves \(site). Whoever has it and its passphrase can open your stored footage."
        case (.backedUp, .italian):
            "\(person) ha fatto un backup del gateway di \(site). Chi ha il file e la sua passphrase può aprire i tuoi filmati archiviati."
        case (.unbindingAsked, .english): "\(person) asks for \(what) to be unbound from \(site)."
        case (.unbindingAsked, .italian): "\(person) chiede di scollegare \(what) da \(site)."
        case (.unbound, .english): "\(what) is no longer bound to \(site): \(person) has unbound it."
        case (.unbound, .italian): "\(what) non è più associato a \(site): \(person) lo ha scollegato."
        case (.unbindingDone, .english): "\(what) is unbound. Add it to \(site) now."
        case (.unbindingDone, .italian): "\(what) è stato scollegato. Ora aggiungilo a \(site)."
        case (.unbindingRefused, .english): "\(what), which you wanted to add to \(site), is not unbound: \(values["reason"] ?? "")"
        case (.unbindingRefused, .italian): "\(what), che volevi aggiungere a \(site), non viene scollegato: \(values["reason"] ?? "")"
        case (nil, _): kind
        }
    }
}

extension SitePermission {
    fileprivate func words(_ language: Language) -> String {
        switch (self, language) {
        case (.siteInformation, .english): "site information"
        case (.siteInformation, .italian): "informazioni sul sito"
        case (.configuration, .english): "configuration"
        case (.configuration, .italian): "configurazione"
        case (.liveView, .english): "live view"
        case (.liveView, .italian): "visione dal vivo"
        case (.playback, .english): "playback"
        case (.playback, .italian): "riproduzione"
        }
    }
}

/// What people are told: kept until they have read it, and passed on as it comes.
public final class Notices: Sendable {
    private static let most = 200

    private let database: BoxDatabase
    private let time: TimeSource
    /// Those that are new, with whom they are for.
    public let news = Broadcast<(notice: NoticeRecord, person: PersonRecord)>(capacity: 256)

    init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
    }

    /// Whom a notice is for.
    public enum Audience: Sendable {
        case owner
        /// Who manages the site; the installer admin where nobody in particular does.
        case managers
        case person(PersonID?)
        /// Who may decide about devices that others have in their hands.
        case administrators
        /// Everybody of a partner's company.
        case partner(CompanyID)
    }

    /// Tells somebody something about a site.
    public func tell(_ kind: NoticeKind, about site: SiteID, to audience: Audience, _ values: [String: String] = [:]) async throws {
        let now = time.now()
        let made = try await database.write { database -> [(NoticeRecord, PersonRecord)] in
            guard let record = try SiteRecord.fetchOne(database, key: site) else { return [] }
            return try Self.people(audience, of: record, database).map { person in
                let notice = NoticeRecord(
                    id: .timeOrdered(at: now), personId: person.id, kind: kind.rawValue, siteId: site,
                    values: values.merging(["site": record.name]) { $1 }, createdAt: now)
                try notice.insert(database)
                try database.execute(
                    sql:
                        "DELETE FROM notice WHERE personId = ? AND id NOT IN (SELECT id FROM notice WHERE personId = ? ORDER BY createdAt DESC LIMIT ?)",
                    arguments: [person.id, person.id, Self.most])
                return (notice, person)
            }
        }
        for (notice, person) in made { news.send((notice, person)) }
    }

    private static func people(_ audience: Audience, of site: SiteRecord, _ database: Database) throws -> [PersonRecord] {
        let found: [PersonRecord] =
            switch audience {
            case .owner: try site.ownerId.flatMap { try PersonRecord.fetchOne(database, key: $0) }.map { [$0] } ?? []
            case .partner(let company): try PersonRecord.filter(Column("companyId") == company).fetchAll(database)
            case .person(let id): try id.flatMap { try PersonRecord.fetchOne(database, key: $0) }.map { [$0] } ?? []
            case .administrators:
                try PersonRecord.filter(
                    try RoleRecord.fetchAll(database).filter { Action.granted(by: $0.permissions).contains(.unbind) }.map(\.id)
                        .contains(Column("roleId"))
                ).fetchAll(database)
            case .managers:
                try managers(of: site, database)
            }
        return found.filter { $0.disabledAt == nil }
    }

    /// Those to whom it is assigned; where nobody in particular looks after it, the installer admin, or everybody of another company.
    private static func managers(of site: SiteRecord, _ database: Database) throws -> [PersonRecord] {
        let own = try CompanyRecord.own(database)?.id
        if let company = site.companyId, company != own {
            return try PersonRecord.filter(Column("companyId") == company).fetchAll(database)
        }
        let assigned = try PersonRecord.fetchAll(
            database,
            sql: "SELECT person.* FROM person JOIN siteAssignment ON personId = person.id WHERE siteId = ? AND disabledAt IS NULL",
            arguments: [site.id])
        return assigned.isEmpty ? try PersonRecord.filter(Column("isInstallerAdmin") == true).fetchAll(database) : assigned
    }

    /// Somebody's notices, the newest first.
    public func all(of person: PersonID) async throws -> [NoticeRecord] {
        try await database.read {
            try NoticeRecord.filter(Column("personId") == person).order(Column("createdAt").desc, Column("id").desc).fetchAll($0)
        }
    }

    /// Somebody has read all that there is.
    public func markRead(of person: PersonID) async throws {
        let now = time.now()
        try await database.write { database in
            _ = try NoticeRecord.filter(Column("personId") == person && Column("readAt") == nil).updateAll(
                database, Column("readAt").set(to: now))
        }
    }
}
