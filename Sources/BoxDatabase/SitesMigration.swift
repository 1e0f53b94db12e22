import GRDB

/// Sites with their owners, handovers, and permissions that are asked for, given, and end.
///
/// People need no company any more: site owners have none. What is there already is not handed over, and of the box's company.
enum SitesMigration {
    static func run(_ database: Database) throws {
        try people(database)
        try sites(database)
        try handovers(database)
        try permissions(database)
        try formerChannels(database)
        try notices(database)
    }

    private static func people(_ database: Database) throws {
        try database.create(table: "newPerson") { table in
            table.primaryKey("id", .text)
            table.column("companyId", .text).references("company", onDelete: .restrict)
            table.column("roleId", .text).references("role", onDelete: .restrict)
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
        let columns =
            "id, companyId, roleId, isInstallerAdmin, userName, fullName, passwordHash, passwordSetAt, sealedOneTimeSecret, "
            + "oneTimeConfirmedAt, oneTimeStep, disabledAt, createdAt"
        try database.execute(sql: "INSERT INTO newPerson (\(columns)) SELECT \(columns) FROM person")
        try database.drop(table: "person")
        try database.rename(table: "newPerson", to: "person")
        try database.create(index: "person_on_roleId", on: "person", columns: ["roleId"])
        try database.alter(table: "person") { table in
            table.add(column: "email", .text)
            table.add(column: "phone", .text)
            table.add(column: "language", .text)
        }
    }

    private static func sites(_ database: Database) throws {
        try database.alter(table: "site") { table in
            table.add(column: "companyId", .text).references("company", onDelete: .restrict)
            table.add(column: "ownerId", .text).references("person", onDelete: .restrict)
            table.add(column: "handedOverAt", .datetime)
            table.add(column: "authorizedAt", .datetime)
            table.add(column: "controlsRemoteUse", .boolean).notNull().defaults(to: false)
            table.add(column: "syncsTime", .boolean).notNull().defaults(to: false)
            table.add(column: "liveLimitMinutes", .integer)
            for name in ["scene", "address", "city", "state", "remarks"] { table.add(column: name, .text) }
            for name in ["latitude", "longitude"] { table.add(column: name, .double) }
        }
        try database.execute(sql: "UPDATE site SET companyId = (SELECT id FROM company ORDER BY createdAt LIMIT 1)")
        try database.create(index: "site_owner", on: "site", columns: ["ownerId"])
        try database.alter(table: "device") { table in
            table.add(column: "ownerUseDisabled", .boolean).notNull().defaults(to: false)
        }
    }

    private static func handovers(_ database: Database) throws {
        try database.create(table: "handover") { table in
            table.primaryKey("id", .text)
            table.column("tokenHash", .text).notNull().unique()
            table.column("siteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("way", .text).notNull()
            table.column("recipient", .text).notNull()
            table.column("remarks", .text)
            table.column("wishes", .text).notNull()
            table.column("asksRemoteUseControl", .boolean).notNull()
            table.column("language", .text).notNull()
            table.column("sentBy", .text).references("person", onDelete: .setNull)
            table.column("createdAt", .datetime).notNull()
            table.column("state", .text).notNull()
            table.column("decidedAt", .datetime)
        }
    }

    private static func permissions(_ database: Database) throws {
        try database.create(table: "sitePermission") { table in
            table.primaryKey("id", .text)
            table.column("siteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("companyId", .text).notNull().references("company", onDelete: .cascade)
            table.column("personId", .text).references("person", onDelete: .cascade)
            table.column("deviceId", .text).references("device", onDelete: .cascade)
            table.column("channelId", .text).references("channel", onDelete: .cascade)
            table.column("permission", .text).notNull()
            table.column("grantedAt", .datetime).notNull()
            table.column("endsAt", .datetime)
            table.column("spentSeconds", .double).notNull().defaults(to: 0)
            table.column("endTold", .boolean).notNull().defaults(to: false)
        }
        try database.create(table: "permissionApplication") { table in
            table.primaryKey("id", .text)
            table.column("siteId", .text).notNull().indexed().references("site", onDelete: .cascade)
            table.column("companyId", .text).notNull().references("company", onDelete: .cascade)
            table.column("appliedBy", .text).references("person", onDelete: .setNull)
            table.column("appliedByName", .text).notNull()
            table.column("kind", .text).notNull()
            table.column("wishes", .text).notNull()
            table.column("remarks", .text)
            table.column("createdAt", .datetime).notNull()
            table.column("state", .text).notNull()
            table.column("decidedAt", .datetime)
        }
    }

    private static func notices(_ database: Database) throws {
        try database.create(table: "notice") { table in
            table.primaryKey("id", .text)
            table.column("personId", .text).notNull().indexed().references("person", onDelete: .cascade)
            table.column("kind", .text).notNull()
            table.column("siteId", .text).references("site", onDelete: .cascade)
            table.column("values", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("readAt", .datetime)
        }
    }

    /// Where footage belongs whose channel is no more.
    private static func formerChannels(_ database: Database) throws {
        try database.create(table: "formerChannel") { table in
            table.primaryKey("channelId", .text)
            table.column("siteId", .text).notNull().references("site", onDelete: .cascade)
        }
        // Footage of channels that were removed before belongs to the one site that there was.
        for table in ["clip", "event"] {
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO formerChannel (channelId, siteId)
                    SELECT DISTINCT channelId, (SELECT id FROM site ORDER BY createdAt LIMIT 1) FROM \(table)
                    WHERE channelId NOT IN (SELECT id FROM channel) AND EXISTS (SELECT 1 FROM site)
                    """)
        }
        try database.execute(
            sql: """
                CREATE TRIGGER channelBecomesFormer AFTER DELETE ON channel
                BEGIN INSERT OR REPLACE INTO formerChannel (channelId, siteId) VALUES (OLD.id, OLD.siteId); END
                """)
    }
}
