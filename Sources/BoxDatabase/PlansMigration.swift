import GRDB

/// Vouchers with their service keys and packages, the plans of channels, and what happened to them.
///
/// Plans and their history outlive their channel: the accountant asks later.
enum PlansMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "voucher") { table in
            table.primaryKey("id", .text)
            table.column("issuer", .text).notNull()
            table.column("importedAt", .datetime).notNull()
        }
        try database.create(table: "serviceKey") { table in
            table.primaryKey("sha256", .text)
            table.column("voucherId", .text).notNull().references("voucher", onDelete: .restrict)
            table.column("package", .text).notNull()
            table.column("redeemUntil", .text)
            table.column("box", .text)
            table.column("usedAt", .datetime)
            table.column("usedFor", .text)
        }
        try database.create(table: "stockedPackage") { table in
            table.autoIncrementedPrimaryKey("id")
            table.column("voucherId", .text).notNull().references("voucher", onDelete: .restrict)
            table.column("package", .text).notNull()
            table.column("usedAt", .datetime)
        }
        try database.create(table: "planPeriod") { table in
            table.autoIncrementedPrimaryKey("id")
            table.column("channelId", .text).notNull().indexed()
            table.column("package", .text).notNull()
            table.column("from", .datetime).notNull()
            table.column("until", .datetime).notNull()
            table.column("anchorDay", .integer).notNull()
        }
        try database.create(table: "planSetting") { table in
            table.primaryKey("channelId", .text)
            table.column("automaticRenewal", .boolean).notNull()
            table.column("expiryTold", .boolean).notNull()
        }
        try database.create(table: "planHistory") { table in
            table.autoIncrementedPrimaryKey("id")
            table.column("at", .datetime).notNull()
            table.column("kind", .text).notNull()
            table.column("channelId", .text).notNull()
            table.column("channelName", .text).notNull()
            table.column("package", .text).notNull()
            table.column("until", .datetime).notNull()
            table.column("source", .text)
            table.column("voucherId", .text)
            table.column("toChannelId", .text)
            table.column("toChannelName", .text)
        }
    }
}
