public import Core
public import GRDB

/// Which part of a list is wanted that begins with its newest.
public struct NewestPage: Sendable {
    public static let usual = 200

    /// Only what was made before the one with this identifier, which need not be there any more.
    public var before: String?
    public var limit: Int

    public init(before: String? = nil, limit: Int = usual) {
        self.before = before
        self.limit = limit
    }

    /// Of rows whose identifiers are in the order of their making, those that `make` gives something for; looks no further than it must.
    public func cut<Row: FetchableRecord, Kind, Item>(
        _ rows: QueryInterfaceRequest<Row>, _ id: KeyPath<Row, Identifier<Kind>>, _ database: Database, make: (Row) throws -> Item?
    ) throws -> ListPart<Item> {
        let older = before.map { before in rows.filter(Column("id") < before) } ?? rows
        let cursor = try older.order(Column("id").desc).fetchCursor(database)
        var (items, last) = ([Item](), String?.none)
        while let row = try cursor.next() {
            guard let item = try make(row) else { continue }
            if items.count == limit { return ListPart(items: items, next: last) }
            items.append(item)
            last = row[keyPath: id].text
        }
        return ListPart(items: items, next: nil)
    }
}

/// A part of a list, and where the next one begins; nil where the list ends.
public struct ListPart<Item> {
    public let items: [Item]
    public let next: String?

    public init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}

extension ListPart: Sendable where Item: Sendable {}
