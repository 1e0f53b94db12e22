import BoxDatabase
public import Core
import Foundation
import GRDB

/// How a channel's chain is.
public struct ChainState: Sendable, Equatable {
    public let channel: ChannelID
    public let chain: String
    /// Links so far.
    public let number: Int
    public let hash: String
    /// Links that the store does not have yet.
    public let unpublished: Int
}

// The rows of the chains. A link is made in the transaction that says that its clip is stored, or given up.
extension FootageIndex {
    /// Adds a link to the channel's chain.
    static func append(
        _ channel: ChannelID, at time: Date, _ database: Database, _ make: (_ number: Int, _ previous: String) -> ChainEntry
    ) throws {
        let head = try Row.fetchOne(database, sql: "SELECT id, number, hash FROM chain WHERE channelId = ?", arguments: [channel])
        let chain: String = head?["id"] ?? String(ClipID.timeOrdered(at: time).text.suffix(16))
        let number: Int = (head?["number"] ?? 0) + 1
        let text = try make(number, head?["hash"] ?? "").text()
        try database.execute(
            sql: "INSERT INTO chainEntry (channelId, chainId, number, day, text) VALUES (?, ?, ?, ?, ?)",
            arguments: [channel, chain, number, ChainKeys.day(time), text])
        try database.execute(
            sql: "INSERT OR REPLACE INTO chain (channelId, id, number, hash) VALUES (?, ?, ?, ?)",
            arguments: [channel, chain, number, ChainEntry.hash(text)])
    }

    /// How the chains are.
    public func chains() async throws -> [ChainState] {
        try await database.read { database in
            let unpublished = try Row.fetchAll(
                database, sql: "SELECT channelId, COUNT(*) AS count FROM chainEntry WHERE NOT published GROUP BY channelId"
            ).reduce(into: [String: Int]()) { $0[$1["channelId"]] = $1["count"] }
            return try Row.fetchAll(database, sql: "SELECT channelId, id, number, hash FROM chain ORDER BY channelId").compactMap { row in
                guard let channel = ChannelID(row["channelId"]) else { return nil }
                return ChainState(
                    channel: channel, chain: row["id"], number: row["number"], hash: row["hash"],
                    unpublished: unpublished[channel.text] ?? 0)
            }
        }
    }

    /// An object of the chain that the store shall have.
    struct Segment: Sendable {
        let key: String
        let document: ChainDocument
    }

    private static let mostLinks = 1_000

    /// Settles which links go in which object, and gives those that the store lacks; what an object holds never changes again.
    func segments(box: String) async throws -> [Segment] {
        try await database.write { database in
            let loose = try Row.fetchAll(
                database,
                sql:
                    "SELECT channelId, chainId, number, day FROM chainEntry WHERE NOT published AND segment IS NULL ORDER BY channelId, chainId, number"
            )
            var (current, key, count) = ("", "", 0)
            for row in loose {
                guard let channel = ChannelID(row["channelId"]) else { continue }
                let (chain, day, number): (String, String, Int) = (row["chainId"], row["day"], row["number"])
                let place = "\(channel) \(chain) \(day)"
                if place != current || count >= Self.mostLinks {
                    (current, count) = (place, 0)
                    key = ChainKeys.segment(box, channel, day: day, chain: chain, first: number)
                }
                count += 1
                try database.execute(
                    sql: "UPDATE chainEntry SET segment = ? WHERE channelId = ? AND chainId = ? AND number = ?",
                    arguments: [key, channel, chain, number])
            }
            let keys = try String.fetchAll(database, sql: "SELECT DISTINCT segment FROM chainEntry WHERE NOT published")
            return try keys.compactMap { key in
                let rows = try Row.fetchAll(database, sql: "SELECT * FROM chainEntry WHERE segment = ? ORDER BY number", arguments: [key])
                return try Self.document(rows, box: box, complete: false).map { Segment(key: key, document: $0) }
            }
        }
    }

    private static func document(_ rows: [Row], box: String, complete: Bool) throws -> ChainDocument? {
        guard let first = rows.first, let channel = ChannelID(first["channelId"]) else { return nil }
        let entries = try rows.map { try GatehouseJSON.decoder.decode(ChainEntry.self, from: Data(($0["text"] as String).utf8)) }
        return ChainDocument(
            box: box, channel: channel, chain: first["chainId"], day: first["day"], complete: complete, entries: entries)
    }

    func notePublished(segment: String) async throws {
        try await database.write { try $0.execute(sql: "UPDATE chainEntry SET published = 1 WHERE segment = ?", arguments: [segment]) }
    }

    /// A day that is over, with the objects that its index replaces.
    struct FinishedDay: Sendable {
        let key: String
        let document: ChainDocument
        let segments: [String]
    }

    /// The days before `today` whose links the store has all, without an index so far.
    func finishedDays(before today: String, box: String) async throws -> [FinishedDay] {
        try await database.read { database in
            let days = try Row.fetchAll(
                database,
                sql:
                    "SELECT channelId, chainId, day FROM chainEntry WHERE day < ? GROUP BY channelId, chainId, day HAVING MIN(published) = 1",
                arguments: [today])
            return try days.compactMap { day in
                let rows = try Row.fetchAll(
                    database, sql: "SELECT * FROM chainEntry WHERE channelId = ? AND chainId = ? AND day = ? ORDER BY number",
                    arguments: [day["channelId"] as String, day["chainId"] as String, day["day"] as String])
                guard let document = try Self.document(rows, box: box, complete: true) else { return nil }
                return FinishedDay(
                    key: ChainKeys.index(box, document.channel, day: document.day, chain: document.chain), document: document,
                    segments: Set(rows.compactMap { $0["segment"] as String? }).sorted())
            }
        }
    }

    /// The store has the day's index; its rows are not needed any more.
    func forget(_ day: FinishedDay) async throws {
        let document = day.document
        try await database.write { database in
            try database.execute(
                sql: "DELETE FROM chainEntry WHERE channelId = ? AND chainId = ? AND day = ?",
                arguments: [document.channel, document.chain, document.day])
        }
    }

    /// Another store has nothing of what was before: every channel begins a new chain there.
    func beginChainsAnew() async throws {
        try await database.write { database in
            try database.execute(sql: "DELETE FROM chain")
            try database.execute(sql: "DELETE FROM chainEntry")
            try database.execute(sql: "UPDATE clip SET previewed = 0 WHERE state IN ('queued', 'sending')")
        }
    }

    /// Goes on with a chain that lies in the store.
    func takeUp(_ head: CheckpointDocument.Head) async throws {
        try await database.write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO chain (channelId, id, number, hash) VALUES (?, ?, ?, ?)",
                arguments: [head.channel, head.chain, head.number, head.hash])
        }
    }
}
