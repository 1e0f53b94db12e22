import Foundation
import GRDB

/// The tables, by migration; a migration that was released is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: the main job") { database in
            try settings(database)
            try people(database)
            try devices(database)
            try footage(database)
        }
        migrator.registerMigration("2: any camera") { try AnyCameraMigration.run($0) }
        migrator.registerMigration("3: plans") { try PlansMigration.run($0) }
        migrator.registerMigration("4: uplink") { try UplinkMigration.run($0) }
        migrator.registerMigration("5: refill") { try RefillMigration.run($0) }
        migrator.registerMigration("6: encryption") { try EncryptionMigration.run($0) }
        migrator.registerMigration("7: chain") { try ChainMigration.run($0) }
        migrator.registerMigration("8: second target") { try SecondTargetMigration.run($0) }
        migrator.registerMigration("9: exports") { try ExportMigration.run($0) }
        migrator.registerMigration("10: people") { try PeopleMigration.run($0) }
        migrator.registerMigration("11: sites") { try SitesMigration.run($0) }
        migrator.registerMigration("12: shares and moves") { try SharesMigration.run($0) }
        migrator.registerMigration("13: idempotent requests") { try IdempotentRequestsMigration.run($0) }
        migrator.registerMigration("14: unbinding") { try UnbindingMigration.run($0) }
        // Those that are there were entered by others, or by whoever had a sign-in.
        migrator.registerMigration("15: recovery address") { database in
            try database.alter(table: "person") { $0.add(column: "recoversByEmail", .boolean).notNull().defaults(to: false) }
        }
        migrator.registerMigration("16: invitations of providers") { database in
            try database.alter(table: "siteShare") { $0.add(column: "wishes", .text) }
        }
        // Older lines are not told apart by site: who reads a site's finds none of them.
        migrator.registerMigration("17: sites in the operation log") { database in
            try database.alter(table: "operation") { $0.add(column: "siteId", .text) }
            try database.create(index: "operation_site", on: "operation", columns: ["siteId", "number"])
        }
        // What was invited before is for no site in particular.
        migrator.registerMigration("18: sites of invitations") { database in
            try database.alter(table: "invitation") { $0.add(column: "siteIds", .text).notNull().defaults(to: "[]") }
        }
        return migrator
    }

    private static func settings(_ database: Database) throws {
        try database.create(table: "setting") { table in
            table.primaryKey("key", .text)
            table.column("value", .text).notNull()
        }
        try database.create(table: "site") { table in
            table.primaryKey("id", .text)
            table.column("name", .text).notNull()
            table.column("timeZone", .text).notNull()
            table.column("createdAt", .datetime).notNull()
        }
    }

    private static func people(_ database: Database) throws {
        try database.create(table: "administrator") { table in
            table.primaryKey("name", .text)
            table.column("passwordHash", .text).notNull()
            table.column("createdAt", .datetime).notNull()
        }
        try database.create(table: "signIn") { table in
            table.primaryKey("tokenHash", .text)
            table.column("administrator", .text).notNull().references("administrator", onDelete: .cascade)
            table.column("createdAt", .datetime).notNull()
            table.column("expiresAt", .datetime).notNull()
        }
    }

    private static func devices(_ database: Database) throws {
        try database.create(table: "device") { table in
            table.primaryKey("id", .text)
            table.column("siteId", .text).notNull().references("site", onDelete: .restrict)
            table.column("name", .text).notNull()
            table.column("url", .text).notNull().unique()
            table.column("subUrl", .text)
            table.column("userName", .text)
            table.column("sealedPassword", .blob)
            table.column("transport", .text).notNull()
            table.column("createdAt", .datetime).notNull()
        }
        try database.create(table: "channel") { table in
            table.primaryKey("id", .text)
            table.column("deviceId", .text).notNull().indexed().references("device", onDelete: .cascade)
            table.column("siteId", .text).notNull().references("site", onDelete: .restrict)
            table.column("name", .text).notNull()
            table.column("definition", .text)
            table.column("retentionDays", .integer).notNull()
            table.column("armed", .boolean).notNull()
            table.column("motion", .text).notNull()
            table.column("schedule", .text).notNull()
            table.column("createdAt", .datetime).notNull()
        }
    }

    // Clips, events and gaps outlive their channel: footage stays until its retention ends.
    private static func footage(_ database: Database) throws {
        try database.create(table: "clip") { table in
            table.primaryKey("id", .text)
            table.column("channelId", .text).notNull().indexed()
            table.column("channelName", .text).notNull()
            table.column("startsAt", .datetime).notNull().indexed()
            table.column("state", .text).notNull().indexed()
            table.column("manifest", .text).notNull()
            table.column("spoolBytes", .integer).notNull()
            table.column("attempts", .integer).notNull()
            table.column("lastError", .text)
            table.column("storedAt", .datetime)
            table.column("expiresAt", .datetime).indexed()
        }
        try database.create(table: "event") { table in
            table.primaryKey("id", .text)
            table.column("channelId", .text).notNull().indexed()
            table.column("channelName", .text).notNull()
            table.column("category", .text).notNull()
            table.column("source", .text).notNull()
            table.column("startedAt", .datetime).notNull().indexed()
            table.column("endedAt", .datetime)
            table.column("clipId", .text).indexed()
            table.column("dropReason", .text)
        }
        try database.create(table: "gap") { table in
            table.autoIncrementedPrimaryKey("id")
            table.column("channelId", .text).notNull().indexed()
            table.column("from", .datetime).notNull()
            table.column("to", .datetime).notNull()
            table.column("bytes", .integer)
            table.column("reason", .text).notNull()
        }
    }
}
