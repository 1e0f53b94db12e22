import GRDB

/// Each channel's footage gets a chain in each store: what was stored and what was given up, one after the other.
enum ChainMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "chain") { table in
            table.column("channelId", .text).notNull()
            // Which store; nothing of it is secret.
            table.column("place", .text).notNull()
            table.column("id", .text).notNull()
            // The last link, and the last that the store has.
            table.column("number", .integer).notNull()
            table.column("hash", .text).notNull()
            table.column("publishedNumber", .integer).notNull().defaults(to: 0)
            table.column("publishedHash", .text).notNull().defaults(to: "")
            table.primaryKey(["channelId", "place"])
        }
        try database.create(table: "chainEntry") { table in
            table.column("channelId", .text).notNull()
            table.column("place", .text).notNull()
            table.column("chainId", .text).notNull()
            table.column("number", .integer).notNull()
            // UTC, yyyy/MM/dd.
            table.column("day", .text).notNull()
            table.column("text", .text).notNull()
            // The object that it goes to the store in.
            table.column("segment", .text).indexed()
            table.column("published", .boolean).notNull().defaults(to: false)
            table.primaryKey(["channelId", "chainId", "number"])
        }
        try database.execute(sql: "CREATE INDEX chainEntry_to_publish ON chainEntry (place) WHERE NOT published")
        try database.create(index: "chainEntry_by_day", on: "chainEntry", columns: ["place", "day", "channelId", "chainId", "published"])
    }
}
