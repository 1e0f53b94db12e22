import GRDB

/// Sites that a provider shares with partners (other companies, whose people have no role here), and devices on their way to another site.
enum SharesMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "deviceMove") { table in
            table.primaryKey("id", .text)
            table.column("fromSiteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("toSiteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("deviceIds", .text).notNull()
            table.column("deviceNames", .text).notNull()
            table.column("appliedBy", .text).references("person", onDelete: .setNull)
            table.column("appliedByName", .text).notNull()
            table.column("remarks", .text)
            table.column("createdAt", .datetime).notNull()
            table.column("state", .text).notNull()
            table.column("decidedAt", .datetime)
        }
        try database.create(table: "siteShare") { table in
            table.primaryKey("id", .text)
            table.column("tokenHash", .text).notNull().unique()
            table.column("siteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("companyId", .text).indexed().references("company", onDelete: .cascade)
            table.column("kind", .text).notNull()
            table.column("permissions", .text).notNull()
            table.column("recipient", .text).notNull()
            table.column("remarks", .text)
            table.column("language", .text).notNull()
            table.column("sentBy", .text).references("person", onDelete: .setNull)
            table.column("createdAt", .datetime).notNull()
            table.column("state", .text).notNull()
            table.column("decidedAt", .datetime)
        }
    }
}
