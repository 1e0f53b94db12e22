public import GRDB

// Statements that are compiled once for the connection. Compiling costs several times what most of them take to run: what is asked for
// each clip or event goes this way. Not for SQL with values in its text, which would fill the cache.

extension Database {
    /// Executes `sql`, which is compiled when it is first used.
    public func execute(prepared sql: String, arguments: StatementArguments = []) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

extension FetchableRecord {
    /// The first record that `sql` gives, compiled when it is first used.
    public static func fetchOne(_ database: Database, prepared sql: String, arguments: StatementArguments = []) throws -> Self? {
        try fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    /// All records that `sql` gives, compiled when it is first used.
    public static func fetchAll(_ database: Database, prepared sql: String, arguments: StatementArguments = []) throws -> [Self] {
        try fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }
}

extension FetchableRecord where Self: TableRecord {
    /// The record whose column `id` is this.
    public static func fetchOne(_ database: Database, id: some DatabaseValueConvertible) throws -> Self? {
        try fetchOne(database, prepared: "SELECT * FROM \(databaseTableName) WHERE id = ?", arguments: [id])
    }
}

extension Row {
    /// The first row that `sql` gives, compiled when it is first used.
    public static func fetchOne(_ database: Database, prepared sql: String, arguments: StatementArguments = []) throws -> Row? {
        try fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    /// All rows that `sql` gives, compiled when it is first used.
    public static func fetchAll(_ database: Database, prepared sql: String, arguments: StatementArguments = []) throws -> [Row] {
        try fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }
}

extension DatabaseValueConvertible {
    /// The first value that `sql` gives, compiled when it is first used.
    public static func fetchOne(_ database: Database, prepared sql: String, arguments: StatementArguments = []) throws -> Self? {
        try fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    /// All values that `sql` gives, compiled when it is first used.
    public static func fetchAll(_ database: Database, prepared sql: String, arguments: StatementArguments = []) throws -> [Self] {
        try fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }
}
