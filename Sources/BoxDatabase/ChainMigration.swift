import GRDB

/// Each channel's footage gets a chain: what was stored and what was given up, one after the other.
enum ChainMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "chain") { table in
            table.primaryKey("channelId", .text)
            table.column("id", .text).notNull()
            table.column("number", .integer).notNull()
            table.column("hash", .text).notNull()
        }
        try database.create(table: "chainEntry") { table in
            table.column("channelId", .text).notNull()
            table.column("chainId", .text).notNull()
            table.column("number", .integer).notNull()
            // UTC, yyyy/MM/dd.
            table.column("day", .text).notNull()
            table.column("text", .text).notNull()
            // The object that it goes to the store in.
            table.column("segment", .text)
            table.column("published", .boolean).notNull().defaults(to: false)
            table.primaryKey(["channelId", "chainId", "number"])
        }
        try database.execute(sql: "CREATE INDEX chainEntry_to_publish ON chainEntry (channelId) WHERE NOT published")
    }
}
