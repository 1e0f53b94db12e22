public import BoxDatabase
public import Core
import Foundation
import GRDB

/// Which devices or channels are wanted.
public struct DeviceFilter: Sendable {
    /// Only at these sites.
    public var sites: Set<SiteID>
    public var device: DeviceID?
    /// Only with this in the name, or in a device's address.
    public var words: String?
    public var page: ListPage

    public init(sites: Set<SiteID>, device: DeviceID? = nil, words: String? = nil, page: ListPage = ListPage()) {
        self.sites = sites
        self.device = device
        self.words = words
        self.page = page
    }

    /// Where the name or another column has the words; none of their characters means anything else.
    fileprivate func condition(_ columns: [Column]) -> SQLExpression {
        guard let words else { return true.sqlExpression }
        let escaped = ["\\", "%", "_"].reduce(words) { $0.replacingOccurrences(of: $1, with: "\\" + $1) }
        return columns.map { $0.like("%\(escaped)%", escape: "\\") }.joined(operator: .or)
    }
}

extension DeviceCatalogue {
    /// Devices with their channels in the order they were added, of those that `admits`, and where the next page begins.
    public func devices(
        _ filter: DeviceFilter, admits: @escaping @Sendable (DeviceRecord) -> Bool
    ) async throws -> (items: [(DeviceRecord, [ChannelRecord])], next: ListPlace?) {
        try await database.read { database in
            func place(_ row: DeviceRecord) -> ListPlace { ListPlace(createdAt: row.createdAt, id: row.id.text) }
            var rows = DeviceRecord.order(Column("createdAt"), Column("id")).filter(filter.sites.contains(Column("siteId")))
                .filter(filter.condition([Column("name"), Column("host")]))
            if let after = filter.page.after {
                rows = rows.filter(sql: "(createdAt, id) > (?, ?)", arguments: [after.createdAt, after.id])
            }
            let found = try Self.take(rows, filter.page.limit, database, admits)
            let (page, next) = filter.page.cut(found, at: place)
            let channels = try ChannelRecord.filter(page.map(\.id).contains(Column("deviceId"))).order(Column("number")).fetchAll(database)
            let byDevice = Dictionary(grouping: channels, by: \.deviceId)
            return (page.map { ($0, byDevice[$0.id] ?? []) }, next)
        }
    }

    /// Channels in the order they were added, of those that `admits`, and where the next page begins.
    public func channels(
        _ filter: DeviceFilter, admits: @escaping @Sendable (ChannelRecord) -> Bool
    ) async throws -> (items: [ChannelRecord], next: ListPlace?) {
        try await database.read { database in
            var rows = ChannelRecord.order(Column("createdAt"), Column("number"), Column("id")).filter(
                filter.sites.contains(Column("siteId"))
            )
            .filter(filter.condition([Column("name")]))
            if let device = filter.device { rows = rows.filter(Column("deviceId") == device) }
            if let after = filter.page.after {
                rows = rows.filter(sql: "(createdAt, number, id) > (?, ?, ?)", arguments: [after.createdAt, after.number, after.id])
            }
            return filter.page.cut(try Self.take(rows, filter.page.limit, database, admits)) { row in
                ListPlace(createdAt: row.createdAt, number: row.number, id: row.id.text)
            }
        }
    }

    /// One more than `limit`, so that it is known whether there are more; reads no further.
    private static func take<Row: FetchableRecord & TableRecord>(
        _ rows: QueryInterfaceRequest<Row>, _ limit: Int?, _ database: Database, _ admits: (Row) -> Bool
    ) throws -> [Row] {
        var found: [Row] = []
        let cursor = try rows.fetchCursor(database)
        while found.count <= limit ?? .max - 1, let row = try cursor.next() { if admits(row) { found.append(row) } }
        return found
    }
}
