import GRDB

/// What was answered to requests that may be sent again without being done again.
enum IdempotentRequestsMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "idempotentRequest") { table in
            table.primaryKey("key", .text)
            table.column("personId", .text).notNull().indexed().references("person", onDelete: .cascade)
            table.column("fingerprint", .text).notNull()
            table.column("createdAt", .datetime).notNull().indexed()
            table.column("status", .integer)
            table.column("answer", .blob)
        }
    }
}
