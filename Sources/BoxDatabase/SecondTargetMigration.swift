import GRDB

/// Clips know which store has them, for there may be more than one.
enum SecondTargetMigration {
    static func run(_ database: Database) throws {
        try database.alter(table: "clip") { table in
            table.add(column: "place", .text)
            table.add(column: "otherPlace", .text)
            table.add(column: "otherCopy", .text)
        }
        try database.execute(
            sql: """
                UPDATE clip SET place = (SELECT json_extract(value, '$') FROM setting WHERE key = 'storage.place') WHERE state = 'stored'
                """)
        // Few rows have anything elsewhere, or are to be copied.
        try database.execute(sql: "CREATE INDEX clip_elsewhere ON clip (otherCopy, startsAt) WHERE otherCopy IS NOT NULL")
        try database.create(index: "clip_by_place", on: "clip", columns: ["place", "state", "clipBytes"])
    }
}
