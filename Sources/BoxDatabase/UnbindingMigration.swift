import GRDB

/// Requests to take a device off the site that it is bound to, with what proves that whoever asks has it in their hands.
enum UnbindingMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "unbinding") { table in
            table.primaryKey("id", .text)
            // No reference: the request is to be read after the device is gone.
            table.column("deviceId", .text).notNull().indexed()
            table.column("siteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("targetSiteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("companyId", .text).notNull().indexed().references("company", onDelete: .cascade)
            table.column("requestedBy", .text).references("person", onDelete: .setNull)
            table.column("requestedByName", .text).notNull()
            table.column("model", .text)
            table.column("serialNumber", .text)
            table.column("macAddress", .text)
            table.column("host", .text).notNull()
            table.column("isOnSite", .boolean).notNull()
            table.column("remarks", .text)
            table.column("createdAt", .datetime).notNull()
            table.column("provenAt", .datetime)
            table.column("state", .text).notNull()
            table.column("reason", .text)
            table.column("decidedAt", .datetime)
            table.column("decidedByName", .text)
            table.column("closedAt", .datetime)
        }
        try database.create(table: "unbindingProof") { table in
            table.column("unbindingId", .text).notNull().references("unbinding", onDelete: .cascade)
            table.column("kind", .text).notNull()
            table.column("mediaType", .text).notNull()
            table.column("bytes", .blob).notNull()
            table.primaryKey(["unbindingId", "kind"])
        }
    }
}
