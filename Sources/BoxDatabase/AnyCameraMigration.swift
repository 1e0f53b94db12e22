import Foundation
import GRDB

/// Devices get a driver and an address; streams move to the channels, of which a device may have many; events get what devices tell.
enum AnyCameraMigration {
    static func run(_ database: Database) throws {
        try database.create(table: "newDevice") { table in
            table.primaryKey("id", .text)
            table.column("siteId", .text).notNull().references("site", onDelete: .restrict)
            table.column("name", .text).notNull()
            table.column("driver", .text).notNull()
            table.column("driverChosen", .boolean).notNull()
            table.column("host", .text).notNull()
            table.column("httpPort", .integer).notNull()
            table.column("https", .boolean).notNull()
            table.column("rtspPort", .integer).notNull()
            table.column("userName", .text)
            table.column("sealedPassword", .blob)
            table.column("transport", .text).notNull()
            table.column("allowsBasic", .boolean).notNull()
            table.column("pinnedCertificate", .text)
            table.column("serialNumber", .text)
            table.column("macAddress", .text)
            table.column("details", .text)
            table.column("report", .text)
            table.column("createdAt", .datetime).notNull()
        }
        try database.alter(table: "channel") { table in
            table.add(column: "number", .integer).notNull().defaults(to: 1)
            table.add(column: "url", .text).notNull().defaults(to: "")
            table.add(column: "subUrl", .text)
            table.add(column: "proxied", .boolean).notNull().defaults(to: true)
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM device") { try move(row, database) }
        try database.drop(table: "device")
        try database.rename(table: "newDevice", to: "device")
        try database.alter(table: "event") { table in
            table.add(column: "deviceId", .text)
            table.add(column: "region", .text)
            table.add(column: "target", .text)
            table.add(column: "deviceTime", .datetime)
            table.add(column: "deviceType", .text)
            table.add(column: "details", .text)
            table.add(column: "noted", .boolean).notNull().defaults(to: false)
        }
    }

    private static func move(_ row: Row, _ database: Database) throws {
        let url: String = row["url"]
        let parts = URLComponents(string: url)
        try database.execute(
            sql: """
                INSERT INTO newDevice (id, siteId, name, driver, driverChosen, host, httpPort, https, rtspPort, userName, sealedPassword,
                    transport, allowsBasic, createdAt)
                VALUES (?, ?, ?, 'rtsp', 0, ?, 80, 0, ?, ?, ?, ?, 0, ?)
                """,
            arguments: [
                row["id"], row["siteId"], row["name"], parts?.host ?? "", parts?.port ?? 554, row["userName"], row["sealedPassword"],
                row["transport"], row["createdAt"],
            ])
        try database.execute(
            sql: "UPDATE channel SET url = ?, subUrl = ? WHERE deviceId = ?", arguments: [url, row["subUrl"], row["id"]])
    }
}
