import GRDB

/// The times in which a channel could not be recorded, and the clips that are fetched for them from the device.
enum RefillMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "absence") { table in
            table.autoIncrementedPrimaryKey("id")
            table.column("channelId", .text).notNull().indexed()
            table.column("channelName", .text).notNull()
            table.column("from", .datetime).notNull()
            table.column("to", .datetime)
            table.column("reason", .text).notNull()
            table.column("state", .text).notNull().indexed()
            table.column("sentence", .text)
            table.column("clips", .integer).notNull()
            table.column("attempts", .integer).notNull()
            table.column("nextAttemptAt", .datetime)
        }
        // Written before the first byte is fetched, so that a clip has one identity however often the box begins anew.
        try database.create(table: "refillPiece") { table in
            table.primaryKey("clipId", .text)
            table.column("absenceId", .integer).notNull().indexed().references("absence", onDelete: .cascade)
            table.column("channelId", .text).notNull().indexed()
            table.column("from", .datetime).notNull()
            table.column("to", .datetime).notNull()
            table.column("recording", .text).notNull()
            table.column("clockOffset", .double).notNull()
            table.column("events", .text).notNull()
            table.column("state", .text).notNull()
            table.column("sentence", .text)
        }
    }
}
