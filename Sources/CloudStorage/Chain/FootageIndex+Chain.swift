import BoxDatabase
public import Core
import Foundation
import GRDB

/// How a channel's chain in one store is.
public struct ChainState: Sendable, Equatable {
    public let channel: ChannelID
    public let chain: String
    /// Links so far.
    public let number: Int
    public let hash: String
    /// Links that the store has, and what the last of them is.
    public let publishedNumber: Int
    public let publishedHash: String
}

// The rows of the chains. A link is made in the transaction that says that its clip is stored, or given up.
extension FootageIndex {
    /// The setting that names the store in use.
    static let placeKey = "storage.place"
    /// The setting that names the second store where every clip goes there too.
    static let mirrorKey = "storage.mirror-place"

    /// Adds a link to the channel's chain in the store `place`.
    static func append(
        _ channel: ChannelID, place: String, at time: Date, _ database: Database, _ make: (_ number: Int, _ previous: String) -> ChainEntry
    ) throws {
        let head = try Row.fetchOne(
            database, prepared: "SELECT id, number, hash FROM chain WHERE channelId = ? AND place = ?", arguments: [channel, place])
        let chain: String = head?["id"] ?? String(ClipID.timeOrdered(at: time).text.suffix(16))
        let number: Int = (head?["number"] ?? 0) + 1
        let text = try make(number, head?["hash"] ?? "").text()
        try database.execute(
            prepared: "INSERT INTO chainEntry (channelId, place, chainId, number, day, text) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [channel, place, chain, number, ChainKeys.day(time), text])
        try database.execute(
            prepared: """
                INSERT INTO chain (channelId, place, id, number, hash) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET number = excluded.number, hash = excluded.hash
                """, arguments: [channel, place, chain, number, ChainEntry.hash(text)])
    }

    /// How the chains in a store are.
    public func chains(place: String) async throws -> [ChainState] {
        try await database.read { database in
            try Row.fetchAll(database, prepared: "SELECT * FROM chain WHERE place = ? ORDER BY channelId", arguments: [place]).compactMap {
                row in
                guard let channel = ChannelID(row["channelId"]) else { return nil }
                return ChainState(
                    channel: channel, chain: row["id"], number: row["number"], hash: row["hash"], publishedNumber: row["publishedNumber"],
                    publishedHash: row["publishedHash"])
            }
        }
    }

    private static let mostLinks = 1_000

    /// Settles which links go in which object, for what an object holds never changes again; answers the objects that the store lacks.
    func segments(box: String, place: String) async throws -> [String] {
        try await database.write { database in
            let loose = try Row.fetchAll(
                database,
                prepared: """
                    SELECT channelId, chainId, number, day FROM chainEntry WHERE place = ? AND NOT published AND segment IS NULL
                    ORDER BY channelId, chainId, number
                    """, arguments: [place])
            var (current, key, count) = ("", "", 0)
            for row in loose {
                guard let channel = ChannelID(row["channelId"]) else { continue }
                let (chain, day, number): (String, String, Int) = (row["chainId"], row["day"], row["number"])
                let run = "\(channel) \(chain) \(day)"
                if run != current || count >= Self.mostLinks {
                    (current, count) = (run, 0)
                    key = ChainKeys.segment(box, channel, day: day, chain: chain, first: number)
                }
                count += 1
                try database.execute(
                    prepared: "UPDATE chainEntry SET segment = ? WHERE channelId = ? AND chainId = ? AND number = ?",
                    arguments: [key, channel, chain, number])
            }
            return try String.fetchAll(
                database, prepared: "SELECT DISTINCT segment FROM chainEntry WHERE place = ? AND NOT published ORDER BY segment",
                arguments: [place])
        }
    }

    /// What the object `segment` holds.
    func document(segment: String, box: String) async throws -> ChainDocument? {
        try await database.read { database in
            let rows = try Row.fetchAll(
                database, prepared: "SELECT * FROM chainEntry WHERE segment = ? ORDER BY number", arguments: [segment])
            return try Self.document(rows, box: box, complete: false)
        }
    }

    private static func document(_ rows: [Row], box: String, complete: Bool) throws -> ChainDocument? {
        guard let first = rows.first, let channel = ChannelID(first["channelId"]) else { return nil }
        let entries = try rows.map { try GatehouseJSON.decoder.decode(ChainEntry.self, from: Data(($0["text"] as String).utf8)) }
        return ChainDocument(
            box: box, channel: channel, chain: first["chainId"], day: first["day"], complete: complete, entries: entries)
    }

    /// The store has the object `segment`, which ends with the link `last`.
    func notePublished(segment: String, last: ChainEntry, of document: ChainDocument, place: String) async throws {
        let hash = ChainEntry.hash(try last.text())
        try await database.write { database in
            try database.execute(prepared: "UPDATE chainEntry SET published = 1 WHERE segment = ?", arguments: [segment])
            try database.execute(
                prepared: """
                    UPDATE chain SET publishedNumber = ?, publishedHash = ?
                    WHERE channelId = ? AND place = ? AND id = ? AND publishedNumber < ?
                    """, arguments: [last.number, hash, document.channel, place, document.chain, last.number])
        }
    }

    /// A day of a chain that is over.
    struct FinishedDay: Sendable {
        let channel: ChannelID
        let chain: String
        let day: String
    }

    /// The days before `today` whose links the store has all, without an index so far.
    func finishedDays(before today: String, place: String) async throws -> [FinishedDay] {
        try await database.read { database in
            try Row.fetchAll(
                database,
                prepared: """
                    SELECT channelId, chainId, day FROM chainEntry WHERE place = ? AND day < ?
                    GROUP BY day, channelId, chainId HAVING MIN(published) = 1
                    """, arguments: [place, today]
            ).compactMap { row in
                ChannelID(row["channelId"]).map { FinishedDay(channel: $0, chain: row["chainId"], day: row["day"]) }
            }
        }
    }

    /// The day's index, and the objects that it replaces.
    func document(_ day: FinishedDay, box: String) async throws -> (document: ChainDocument, segments: [String])? {
        try await database.read { database in
            let rows = try Row.fetchAll(
                database,
                prepared: "SELECT * FROM chainEntry WHERE channelId = ? AND chainId = ? AND day = ? AND published ORDER BY number",
                arguments: [day.channel, day.chain, day.day])
            guard let document = try Self.document(rows, box: box, complete: true) else { return nil }
            return (document, Set(rows.compactMap { $0["segment"] as String? }).sorted())
        }
    }

    /// The store has the index `document`; its rows are not needed any more. What came to that day meanwhile stays.
    func forget(_ document: ChainDocument) async throws {
        try await database.write { database in
            for entry in document.entries {
                try database.execute(
                    prepared: "DELETE FROM chainEntry WHERE channelId = ? AND chainId = ? AND number = ?",
                    arguments: [document.channel, document.chain, entry.number])
            }
        }
    }

    /// Goes on with a chain that lies in the store `place`.
    func takeUp(_ head: CheckpointDocument.Head, place: String) async throws {
        try await database.write { database in
            try database.execute(
                prepared: """
                    INSERT OR IGNORE INTO chain (channelId, place, id, number, hash, publishedNumber, publishedHash) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """, arguments: [head.channel, place, head.chain, head.number, head.hash, head.number, head.hash])
        }
    }
}
