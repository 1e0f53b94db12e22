import Core
public import Foundation
import GRDB

/// A place in a list that is in the order of creation: behind it goes the next page, though the row at it be gone by then.
public struct ListPlace: Sendable, Equatable {
    public let createdAt: Date
    /// Of several that came together.
    public let number: Int
    public let id: String

    public init(createdAt: Date, number: Int = 0, id: String) {
        self.createdAt = createdAt
        self.number = number
        self.id = id
    }

    /// As `text` gave it to a client; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let milliseconds = Int64(parts[0]), abs(milliseconds) < 1 << 48, let number = Int(parts[1]),
            Identifier<Never>(String(parts[2])) != nil
        else { return nil }
        self.init(createdAt: Date(timeIntervalSince1970: Double(milliseconds) / 1000), number: number, id: String(parts[2]))
    }

    public var text: String { "\(Int64((createdAt.timeIntervalSince1970 * 1000).rounded()))-\(number)-\(id)" }
}

/// Which part of a list is wanted.
public struct ListPage: Sendable {
    public var after: ListPlace?
    /// nil for all that follow.
    public var limit: Int?

    public init(after: ListPlace? = nil, limit: Int? = nil) {
        self.after = after
        self.limit = limit
    }

    /// Of what follows the place, in order, as much as is wanted, and where the next page begins.
    public func cut<Row>(_ rows: [Row], at place: (Row) -> ListPlace) -> (items: [Row], next: ListPlace?) {
        guard let limit, rows.count > limit else { return (rows, nil) }
        let page = Array(rows.prefix(limit))
        return (page, page.last.map(place))
    }
}
