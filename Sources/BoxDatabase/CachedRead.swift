public import GRDB
import Synchronization

/// What is read from the database once, and again only after a transaction has touched one of its tables.
///
/// Whoever asks after a change was committed gets what it made.
public final class CachedRead<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        /// Rises with each change.
        var version = 0
        var valueVersion = -1
    }

    private let database: BoxDatabase
    private let state = Mutex(State())
    private let observer: ChangeObserver
    private let read: @Sendable (Database) throws -> Value

    /// - Parameter tables: all that `read` looks at.
    public init(_ database: BoxDatabase, tables: Set<String>, _ read: @escaping @Sendable (Database) throws -> Value) {
        self.database = database
        self.read = read
        observer = ChangeObserver(tables)
        observer.changed = { [weak self] in self?.state.withLock { $0.version += 1 } }
        database.queue.add(transactionObserver: observer, extent: .observerLifetime)
    }

    /// What there is now.
    public func value() async throws -> Value { try await versioned().value }

    /// The same with a number that rises with each change.
    public func versioned() async throws -> (value: Value, version: Int) {
        let known = state.withLock { state in (state.valueVersion == state.version ? state.value : nil, state.version) }
        if let value = known.0 { return (value, known.1) }
        let value = try await database.read(read)
        state.withLock { state in
            // What changed meanwhile raised the version: this is good for one answer and no longer.
            guard known.1 > state.valueVersion else { return }
            (state.value, state.valueVersion) = (value, known.1)
        }
        return (value, known.1)
    }
}

/// Hears of changes on the database's own queue, before whoever made them goes on.
private final class ChangeObserver: TransactionObserver, Sendable {
    private struct State {
        var isDirty = false
        var changed: @Sendable () -> Void = {}
    }

    private let tables: Set<String>
    private let state = Mutex(State())

    init(_ tables: Set<String>) { self.tables = tables }

    var changed: @Sendable () -> Void {
        get { state.withLock { $0.changed } }
        set { state.withLock { $0.changed = newValue } }
    }

    func observes(eventsOfKind kind: DatabaseEventKind) -> Bool { tables.contains(kind.tableName) }

    func databaseDidChange(with event: DatabaseEvent) { state.withLock { $0.isDirty = true } }

    func databaseDidCommit(_ database: Database) {
        let changed: (@Sendable () -> Void)? = state.withLock { state in
            defer { state.isDirty = false }
            return state.isDirty ? state.changed : nil
        }
        changed?()
    }

    func databaseDidRollback(_ database: Database) { state.withLock { $0.isDirty = false } }
}
