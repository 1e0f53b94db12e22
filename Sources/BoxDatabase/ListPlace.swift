import Core
public import Foundation
import GRDB

/// A place in a list that is in the order of creation: behind it goes the next page, though the row at it be gone by then.
public struct ListPlace: Sendable {
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

    public var text: String { "\(milliseconds)-\(number)-\(id)" }

    private var milliseconds: Int64 { Int64((createdAt.timeIntervalSince1970 * 1000).rounded()) }
}

extension ListPlace: Comparable {
    public static func < (one: ListPlace, other: ListPlace) -> Bool {
        (one.milliseconds, one.number, one.id) < (other.milliseconds, other.number, other.id)
    }

    public static func == (one: ListPlace, other: ListPlace) -> Bool { !(one < other) && !(other < one) }
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

    /// Of rows in order, those behind the place that `admits`, as many as are wanted, and where the next page begins; looks no further.
    public func cut<Row>(
        _ rows: [Row], at place: (Row) -> ListPlace, where admits: (Row) -> Bool = { _ in true }
    ) -> (items: [Row], next: ListPlace?) {
        let begin = after.map { after in rows.partitioned { place($0) > after } } ?? rows.startIndex
        var found: [Row] = []
        for row in rows[begin...] where admits(row) {
            if let limit, found.count == limit { return (found, found.last.map(place)) }
            found.append(row)
        }
        return (found, nil)
    }
}

extension Array {
    /// The first index from which on `isBehind` holds; it holds for all that follow.
    fileprivate func partitioned(_ isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
