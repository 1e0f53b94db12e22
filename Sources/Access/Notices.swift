public import BoxDatabase
public import Core
import Foundation
import GRDB

/// What people are told about sites; how it is said, the profiles know.
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
    /// Those who were to decide are told how it ended.
    case unbindingWithdrawn = "unbinding-withdrawn"
    case unbindingClosed = "unbinding-closed"
    /// Who asked is told that nobody decides any more.
    case unbindingGone = "unbinding-gone"
    case unbindingGivenUp = "unbinding-given-up"

    /// Those that tell permissions, by their words in the API, separated by commas; what the others tell is a name.
    public var tellsPermissions: Bool { [.permissionTaken, .permissionEndsSoon, .shared, .shareChanged].contains(self) }
}

/// What people are told: kept until they have read it, and passed on as it comes.
public final class Notices: Sendable {
    private static let most = 200

    private let database: BoxDatabase
    private let time: TimeSource
    /// Those that are new, with whom they are for.
    public let news = Broadcast<Told>(capacity: 256)

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

    /// A notice, and whom it is for.
    public typealias Told = (notice: NoticeRecord, person: PersonRecord)

    /// Tells somebody something about a site.
    public func tell(_ kind: NoticeKind, about site: SiteID, to audience: Audience, _ values: [String: String] = [:]) async throws {
        let now = time.now()
        announce(try await database.write { try Self.write(kind, about: site, to: audience, values, at: now, $0) })
    }

    /// Writes down what somebody is told, but not who did it, in the transaction that makes it true; `announce` passes it on afterwards.
    static func write(
        _ kind: NoticeKind, about site: SiteID, to audience: Audience, except actor: PersonID? = nil, _ values: [String: String],
        at now: Date, _ database: Database
    ) throws -> [Told] {
        guard let record = try SiteRecord.fetchOne(database, key: site) else { return [] }
        return try people(audience, of: record, database).filter { $0.id != actor }.map { person in
            let notice = NoticeRecord(
                id: .timeOrdered(at: now), personId: person.id, kind: kind.rawValue, siteId: site,
                values: values.merging(["site": record.name]) { $1 }, createdAt: now)
            try notice.insert(database)
            try database.execute(
                sql:
                    "DELETE FROM notice WHERE personId = ? AND id NOT IN (SELECT id FROM notice WHERE personId = ? ORDER BY createdAt DESC LIMIT ?)",
                arguments: [person.id, person.id, most])
            return (notice, person)
        }
    }

    /// Passes on what has been written down.
    func announce(_ told: [Told]) {
        for one in told { news.send(one) }
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
    public func all(of person: PersonID, unread: Bool? = nil, _ page: NewestPage = NewestPage()) async throws -> ListPart<NoticeRecord> {
        try await database.read { database in
            var wanted = NoticeRecord.filter(Column("personId") == person)
            if let unread { wanted = wanted.filter((Column("readAt") == nil) == unread) }
            return try page.cut(wanted, \.id, database) { $0 }
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
