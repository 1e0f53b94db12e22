import GRDB

/// Clips get what the uplink chooses by; uploads in parts, the line's history and its tests get tables.
enum UplinkMigration {
    static func run(_ database: Database) throws {
        try database.alter(table: "clip") { table in
            table.add(column: "clipBytes", .integer).notNull().defaults(to: 0)
            table.add(column: "bulk", .boolean).notNull().defaults(to: false)
            table.add(column: "previewed", .boolean).notNull().defaults(to: false)
        }
        try database.execute(sql: "UPDATE clip SET clipBytes = COALESCE(json_extract(manifest, '$.clip.bytes'), 0)")
        try database.execute(sql: "UPDATE clip SET bulk = COALESCE(json_extract(manifest, '$.asItCame'), 0)")
        // The next clip of a class is found by one step into this index, and the totals are read from it alone.
        try database.execute(sql: "DROP INDEX IF EXISTS clip_on_state")
        try database.create(index: "clip_by_turn", on: "clip", columns: ["state", "bulk", "startsAt", "spoolBytes", "clipBytes"])
        try database.execute(sql: "CREATE INDEX clip_without_preview ON clip (startsAt) WHERE state = 'queued' AND NOT previewed")
        try parts(database)
        try line(database)
    }

    private static func parts(_ database: Database) throws {
        try database.create(table: "multipartUpload") { table in
            table.primaryKey("objectKey", .text)
            table.column("uploadId", .text).notNull()
            table.column("partBytes", .integer).notNull()
            table.column("sha256", .text).notNull()
            table.column("store", .text).notNull()
            table.column("startedAt", .datetime).notNull()
        }
    }

    private static func line(_ database: Database) throws {
        try database.create(table: "lineMinute") { table in
            table.primaryKey("at", .datetime)
            table.column("bytes", .integer).notNull()
            table.column("backlogBytes", .integer).notNull()
            table.column("works", .boolean).notNull()
        }
        try database.create(table: "networkTest") { table in
            table.autoIncrementedPrimaryKey("id")
            table.column("at", .datetime).notNull()
            table.column("result", .text).notNull()
        }
    }
}
