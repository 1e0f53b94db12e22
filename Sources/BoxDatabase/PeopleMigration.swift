import Core
import Foundation
import GRDB

/// Companies with their roles and people, sign-ins and keys for programs, who manages which site, and what everybody did.
///
/// The one administrator that a box knew before becomes the installer admin of the box's first company, with the same sign-ins.
enum PeopleMigration {
    static func run(_ database: Database) throws {
        try companies(database)
        try people(database)
        try operations(database)
        try moveAdministrator(database, at: Date())
        try database.drop(table: "formerSignIn")
        try database.drop(table: "administrator")
    }

    private static func companies(_ database: Database) throws {
        try database.create(table: "company") { table in
            table.primaryKey("id", .text)
            table.column("name", .text).notNull()
            table.column("createdAt", .datetime).notNull()
        }
        try database.create(table: "role") { table in
            table.primaryKey("id", .text)
            table.column("companyId", .text).notNull().references("company", onDelete: .cascade)
            table.column("name", .text).notNull().collate(.nocase)
            table.column("predefined", .text)
            table.column("permissions", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.uniqueKey(["companyId", "name"])
        }
        try database.create(table: "person") { table in
            table.primaryKey("id", .text)
            table.column("companyId", .text).notNull().references("company", onDelete: .restrict)
            table.column("roleId", .text).notNull().indexed().references("role", onDelete: .restrict)
            table.column("isInstallerAdmin", .boolean).notNull()
            table.column("userName", .text).notNull().unique().collate(.nocase)
            table.column("fullName", .text)
            table.column("passwordHash", .text).notNull()
            table.column("passwordSetAt", .datetime).notNull()
            table.column("sealedOneTimeSecret", .blob)
            table.column("oneTimeConfirmedAt", .datetime)
            table.column("oneTimeStep", .integer).notNull().defaults(to: 0)
            table.column("disabledAt", .datetime)
            table.column("createdAt", .datetime).notNull()
        }
        try database.create(table: "siteAssignment") { table in
            table.column("siteId", .text).notNull().references("site", onDelete: .cascade)
            table.column("personId", .text).notNull().indexed().references("person", onDelete: .cascade)
            table.column("createdAt", .datetime).notNull()
            table.primaryKey(["siteId", "personId"])
        }
    }

    private static func people(_ database: Database) throws {
        try database.rename(table: "signIn", to: "formerSignIn")
        try database.create(table: "signIn") { table in
            table.primaryKey("tokenHash", .text)
            table.column("id", .text).notNull().unique()
            table.column("personId", .text).notNull().indexed().references("person", onDelete: .cascade)
            table.column("createdAt", .datetime).notNull()
            table.column("lastUsedAt", .datetime).notNull()
            table.column("expiresAt", .datetime).notNull()
            table.column("address", .text).notNull()
            table.column("client", .text).notNull()
        }
        try database.create(table: "knownAddress") { table in
            table.column("personId", .text).notNull().references("person", onDelete: .cascade)
            table.column("address", .text).notNull()
            table.column("seenAt", .datetime).notNull()
            table.primaryKey(["personId", "address"])
        }
        try database.create(table: "programKey") { table in
            table.primaryKey("keyHash", .text)
            table.column("id", .text).notNull().unique()
            table.column("personId", .text).notNull().indexed().references("person", onDelete: .cascade)
            table.column("name", .text).notNull()
            table.column("actions", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("lastUsedAt", .datetime)
            table.column("expiresAt", .datetime).notNull()
        }
        try database.create(table: "invitation") { table in
            table.primaryKey("tokenHash", .text)
            table.column("id", .text).notNull().unique()
            table.column("companyId", .text).notNull().references("company", onDelete: .cascade)
            table.column("roleId", .text).notNull().references("role", onDelete: .cascade)
            table.column("invitedBy", .text).notNull().references("person", onDelete: .cascade)
            table.column("name", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("expiresAt", .datetime).notNull()
        }
    }

    private static func operations(_ database: Database) throws {
        // Numbers are never used twice: what is missing is seen.
        try database.create(table: "operation") { table in
            table.autoIncrementedPrimaryKey("number")
            table.column("at", .datetime).notNull().indexed()
            table.column("clock", .text).notNull()
            table.column("personId", .text)
            table.column("person", .text).notNull()
            table.column("role", .text)
            table.column("action", .text).notNull()
            table.column("subject", .text)
            table.column("subjectName", .text)
            table.column("before", .text)
            table.column("after", .text)
            table.column("address", .text).notNull()
            table.column("result", .text).notNull()
            table.column("previous", .text).notNull()
            table.column("digest", .text).notNull()
        }
        try database.create(index: "operation_person", on: "operation", columns: ["person", "number"])
        try database.create(index: "operation_action", on: "operation", columns: ["action", "number"])
        try database.create(index: "operation_subject", on: "operation", columns: ["subject", "number"])
    }

    private static func moveAdministrator(_ database: Database, at now: Date) throws {
        guard let former = try Row.fetchOne(database, sql: "SELECT name, passwordHash, createdAt FROM administrator ORDER BY createdAt")
        else {
            return
        }
        let name: String = former["name"]
        let createdAt: Date = former["createdAt"]
        let administrator = try CompanyRecord.found(in: database, at: now)
        let person = PersonID.timeOrdered(at: createdAt)
        let passwordHash: String = former["passwordHash"]
        try database.execute(
            sql: """
                INSERT INTO person (id, companyId, roleId, isInstallerAdmin, userName, passwordHash, passwordSetAt, createdAt)
                VALUES (?, ?, ?, TRUE, ?, ?, ?, ?)
                """,
            arguments: [person, administrator.companyId, administrator.id, name, passwordHash, createdAt, createdAt])
        let signIns = try Row.fetchCursor(
            database, sql: "SELECT tokenHash, createdAt, expiresAt FROM formerSignIn WHERE administrator = ?", arguments: [name])
        while let row = try signIns.next() {
            try SignInRecord(
                tokenHash: row["tokenHash"], id: .timeOrdered(at: row["createdAt"]), personId: person, createdAt: row["createdAt"],
                lastUsedAt: now, expiresAt: row["expiresAt"], address: "", client: ""
            ).insert(database)
        }
    }
}
