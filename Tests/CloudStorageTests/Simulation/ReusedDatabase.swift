import BoxDatabase
import GRDB

/// A database in memory that runs have one after the other: to make and to open one for each life would take as long as all the rest of a run.
///
/// Its content outlives a life as that of a file does.
final class ReusedDatabase: Sendable {
    let database: BoxDatabase
    /// Those that refer to others first.
    private let tables: [String]

    init() throws {
        database = try BoxDatabase(path: ":memory:")
        tables = try database.queue.read { try Self.tables($0) }
    }

    private static func tables(_ database: Database) throws -> [String] {
        let names = try String.fetchAll(
            database,
            sql:
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'grdb_migrations' ORDER BY name"
        )
        var waiting: [(name: String, parents: Set<String>)] = try names.map { name in
            (name, Set(try database.foreignKeys(on: name).map(\.destinationTable)).subtracting([name]))
        }
        var ordered: [String] = []
        while !waiting.isEmpty {
            let free = waiting.filter { one in !waiting.contains { $0.parents.contains(one.name) } }.map(\.name)
            guard !free.isEmpty else { throw DatabaseError(message: "tables refer to one another: \(waiting)") }
            ordered += free
            waiting.removeAll { free.contains($0.name) }
        }
        return ordered
    }

    /// As a box begins with it.
    func clear() throws {
        try database.queue.write { database in
            let counts = tables.map { "(SELECT count(*) FROM \($0))" }.joined(separator: ", ")
            guard let row = try Row.fetchOne(database, prepared: "SELECT \(counts)") else { return }
            for (table, count) in zip(tables, row.databaseValues) where count != 0.databaseValue {
                try database.execute(prepared: "DELETE FROM \(table)")
            }
            try database.execute(prepared: "DELETE FROM sqlite_sequence")
        }
    }
}
