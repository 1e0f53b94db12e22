public import BoxDatabase
public import Core
import Foundation
import GRDB

/// The company's roles: three predefined ones, and those that it makes of the five permissions.
public struct Roles: Sendable {
    public static let most = 50

    private let database: BoxDatabase
    private let time: TimeSource

    public init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
    }

    /// All roles with how many people have each, the predefined ones first.
    public func all() async throws -> [(role: RoleRecord, people: Int)] {
        try await database.read { database in
            try RoleRecord.order(Column("predefined") == nil, Column("createdAt"), Column("id")).fetchAll(database).map { role in
                (role, try PersonRecord.filter(Column("roleId") == role.id).fetchCount(database))
            }
        }
    }

    /// - Throws: `PeopleRefusal`.
    public func make(_ name: String, _ permissions: Set<RolePermission>, by caller: Caller) async throws -> RoleRecord {
        let now = time.now()
        return try await database.write { database in
            guard let company = try CompanyRecord.own(database) else { throw AccessDenied.notClaimed }
            guard try RoleRecord.fetchCount(database) < Self.most else {
                throw PeopleRefusal(.tooMany, "There are \(Self.most) roles already; delete one first.")
            }
            try Self.check(name, permissions, besides: nil, by: caller, database)
            let role = RoleRecord(id: .timeOrdered(at: now), companyId: company.id, name: name, permissions: permissions, createdAt: now)
            try role.insert(database)
            return role
        }
    }

    /// Changes a role of the company's own; it is in force at once for everybody who has it.
    /// - Throws: `PeopleRefusal`.
    public func change(_ id: RoleID, name: String?, permissions: Set<RolePermission>?, by caller: Caller) async throws -> RoleRecord {
        try await database.write { database in
            var role = try Self.own(id, database)
            // Whoever holds it must not be changed by somebody who may do less, nor may one change one's own.
            try Self.check(role.name, role.permissions, besides: id, by: caller, database)
            if try PersonRecord.fetchOne(database, key: caller.id)?.roleId == id {
                throw PeopleRefusal(.notThisAccount, "This is your own role; somebody else has to change it.")
            }
            role.name = name ?? role.name
            role.permissions = permissions ?? role.permissions
            try Self.check(role.name, role.permissions, besides: id, by: caller, database)
            try role.update(database)
            return role
        }
    }

    /// - Throws: `PeopleRefusal`.
    public func delete(_ id: RoleID) async throws {
        try await database.write { database in
            let role = try Self.own(id, database)
            let count = try PersonRecord.filter(Column("roleId") == id).fetchCount(database)
            guard count == 0 else {
                throw PeopleRefusal(.roleInUse, "\(role.name) is the role of \(count) people; give them another one first.")
            }
            try role.delete(database)
        }
    }

    private static func own(_ id: RoleID, _ database: Database) throws -> RoleRecord {
        guard let role = try RoleRecord.fetchOne(database, key: id) else { throw PeopleRefusal(.notFound, "There is no such role.") }
        guard role.predefined == nil else {
            throw PeopleRefusal(.predefinedRole, "\(role.name) is a predefined role, which cannot be changed or deleted.")
        }
        return role
    }

    private static func check(
        _ name: String, _ permissions: Set<RolePermission>, besides id: RoleID?, by caller: Caller, _ database: Database
    ) throws {
        guard !permissions.isEmpty else {
            throw PeopleRefusal(.notPossible, "A role has at least one permission.", field: "/permissions")
        }
        guard try Self.permissions(of: caller.id, database).isSuperset(of: implied(permissions)) else {
            throw PeopleRefusal(.beyondOwnRights, "A role may not do more than your own.", field: "/permissions")
        }
        if try RoleRecord.filter(Column("name") == name && Column("id") != id).fetchCount(database) > 0 {
            throw PeopleRefusal(.nameTaken, "There is a role \(name) already.", field: "/name")
        }
    }

    static func permissions(of person: PersonID, _ database: Database) throws -> Set<RolePermission> {
        guard let record = try PersonRecord.fetchOne(database, key: person),
            let role = try record.roleId.flatMap({ try RoleRecord.fetchOne(database, key: $0) })
        else { return [] }
        return implied(role.permissions)
    }

    /// Whoever manages all sites manages each.
    static func implied(_ permissions: Set<RolePermission>) -> Set<RolePermission> {
        permissions.contains(.manageAllSites) ? permissions.union([.manageAssignedSite]) : permissions
    }
}
