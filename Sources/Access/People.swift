public import BoxDatabase
public import Core
public import Foundation
import GRDB

/// Somebody with an account, as their company sees them.
public struct Employee: Sendable {
    public let person: PersonRecord
    public let role: RoleRecord
    public let sites: Set<SiteID>
    /// When they were last seen, to within some minutes; nil for never, or longer ago than sign-ins last.
    public let seenAt: Date?
}

/// The employees of the box's company: who they are, who joins, and what role each has.
///
/// Nobody edits, disables or deletes their own account or the installer admin's, nor makes somebody more than they are themselves.
public struct People: Sendable {
    /// An invitation is good for three days.
    public static let invited: TimeInterval = 3 * 86_400
    public static let most = 500
    /// Site managers of one site.
    public static let mostManagers = 100

    let signIns: SignIns
    var database: BoxDatabase { signIns.database }

    public init(_ signIns: SignIns) {
        self.signIns = signIns
    }

    /// Everybody, in the order they joined; only those with these words in their names, and of this role.
    public func all(matching words: String? = nil, in role: RoleID? = nil) async throws -> [Employee] {
        try await database.read { database in
            var wanted = PersonRecord.filter(Column("roleId") != nil)
            if let role { wanted = wanted.filter(Column("roleId") == role) }
            return try wanted.order(Column("createdAt"), Column("id")).fetchAll(database).compactMap { person in
                // Nothing that is not shown: addresses are found out letter by letter else.
                let texts = [person.userName, person.fullName]
                guard words.map({ words in texts.contains { $0?.localizedCaseInsensitiveContains(words) ?? false } }) ?? true else {
                    return nil
                }
                return try Self.employee(person, database)
            }
        }
    }

    /// Whether anybody has an account of this name: employee, owner or partner.
    /// Looks into the file at `path`, which stays as it is: its box may run.
    public static func isKnown(_ userName: String, inDatabase path: String) throws -> Bool {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration).read { database in
            try PersonRecord.filter(Column("userName") == userName).fetchCount(database) > 0
        }
    }

    /// One of them.
    /// - Throws: `PeopleRefusal` of kind `notFound`.
    public func one(_ id: PersonID) async throws -> Employee {
        try await database.read { database in
            guard let person = try PersonRecord.fetchOne(database, key: id), let employee = try Self.employee(person, database) else {
                throw Self.noPerson
            }
            return employee
        }
    }

    private static func employee(_ person: PersonRecord, _ database: Database) throws -> Employee? {
        guard let role = try person.roleId.flatMap({ try RoleRecord.fetchOne(database, key: $0) }) else { return nil }
        let sites = try SiteAssignmentRecord.filter(Column("personId") == person.id).fetchAll(database).map(\.siteId)
        let seen = try Date.fetchOne(database, sql: "SELECT max(lastUsedAt) FROM signIn WHERE personId = ?", arguments: [person.id])
        return Employee(person: person, role: role, sites: Set(sites), seenAt: seen)
    }

    // MARK: Changing

    /// Another role for somebody.
    /// - Throws: `PeopleRefusal`.
    public func setRole(_ role: RoleID, of id: PersonID, by caller: Caller) async throws {
        try await change(id, by: caller) { database, person in
            // Neither down: whoever has more rights than the caller is not the caller's to change.
            _ = try Self.givable(person.roleId, by: caller, database)
            person.roleId = try Self.givable(role, by: caller, database).id
        }
    }

    /// Whether somebody may sign in; all their sign-ins and keys end when not.
    /// - Throws: `PeopleRefusal`.
    public func setDisabled(_ isDisabled: Bool, _ id: PersonID, by caller: Caller) async throws {
        let now = signIns.time.now()
        try await change(id, by: caller) { database, person in
            _ = try Self.givable(person.roleId, by: caller, database)
            person.disabledAt = isDisabled ? person.disabledAt ?? now : nil
            guard isDisabled else { return }
            try SignInRecord.filter(Column("personId") == id).deleteAll(database)
            try ProgramKeyRecord.filter(Column("personId") == id).deleteAll(database)
        }
    }

    /// Deletes an account.
    /// - Throws: `PeopleRefusal`.
    public func delete(_ id: PersonID, by caller: Caller) async throws {
        try await database.write { database in
            let person = try Self.changeable(id, by: caller, database)
            _ = try Self.givable(person.roleId, by: caller, database)
            try person.delete(database)
        }
    }

    /// The sites that somebody manages, of those that there are.
    /// - Throws: `PeopleRefusal`.
    public func assign(_ sites: Set<SiteID>, to id: PersonID) async throws {
        let now = signIns.time.now()
        try await database.write { database in
            guard try PersonRecord.fetchOne(database, key: id)?.roleId != nil else { throw Self.noPerson }
            try SiteAssignmentRecord.filter(Column("personId") == id && !sites.contains(Column("siteId"))).deleteAll(database)
            for site in sites { try Self.assign(site, to: id, field: "/siteIds", at: now, database) }
        }
    }

    /// Gives somebody sites and takes others, and leaves alone what others have changed meanwhile.
    /// - Throws: `PeopleRefusal`.
    public func assign(adding added: Set<SiteID>, removing removed: Set<SiteID>, to id: PersonID) async throws {
        let now = signIns.time.now()
        try await database.write { database in
            guard try PersonRecord.fetchOne(database, key: id)?.roleId != nil else { throw Self.noPerson }
            try SiteAssignmentRecord.filter(Column("personId") == id && removed.contains(Column("siteId"))).deleteAll(database)
            for site in added { try Self.assign(site, to: id, field: "/add", at: now, database) }
        }
    }

    /// Another manager for a site; one who is it already stays.
    static func assign(_ site: SiteID, to id: PersonID, field: String, at now: Date, _ database: Database) throws {
        guard try SiteAssignmentRecord.fetchOne(database, key: ["siteId": site, "personId": id]) == nil else { return }
        try checkHasRoom(site, field: field, database)
        try SiteAssignmentRecord(siteId: site, personId: id, createdAt: now).insert(database)
    }

    static func checkHasRoom(_ site: SiteID, field: String, _ database: Database) throws {
        guard try SiteRecord.exists(database, key: site) else {
            throw PeopleRefusal(.notFound, "There is no such site.", field: field)
        }
        guard try SiteAssignmentRecord.filter(Column("siteId") == site).fetchCount(database) < mostManagers else {
            throw PeopleRefusal(.tooMany, "A site has at most \(mostManagers) managers.", field: field)
        }
    }

    private func change(
        _ id: PersonID, by caller: Caller, _ body: @escaping @Sendable (Database, inout PersonRecord) throws -> Void
    ) async throws {
        try await database.write { database in
            var person = try Self.changeable(id, by: caller, database)
            try body(database, &person)
            try person.update(database)
        }
    }

    private static func changeable(_ id: PersonID, by caller: Caller, _ database: Database) throws -> PersonRecord {
        guard let person = try PersonRecord.fetchOne(database, key: id), person.roleId != nil else { throw noPerson }
        guard person.id != caller.id else {
            throw PeopleRefusal(.notThisAccount, "Nobody changes, disables or deletes their own account; somebody else has to.")
        }
        guard !person.isInstallerAdmin else {
            throw PeopleRefusal(.notThisAccount, "The installer admin's account cannot be changed, disabled or deleted.")
        }
        return person
    }

    /// A role that `caller` may give: one that lets nobody do more than they may do themselves.
    static func givable(_ role: RoleID?, by caller: Caller, _ database: Database) throws -> RoleRecord {
        guard let role = try role.flatMap({ try RoleRecord.fetchOne(database, key: $0) }) else {
            throw PeopleRefusal(.notFound, "There is no such role.", field: "/roleId")
        }
        guard try Roles.permissions(of: caller.id, database).isSuperset(of: Roles.implied(role.permissions)) else {
            throw PeopleRefusal(.beyondOwnRights, "\(role.name) may do more than your own role.", field: "/roleId")
        }
        return role
    }

    private static let noPerson = PeopleRefusal(.notFound, "There is nobody with this account. It may have been deleted.")
}
