public import Core
public import Foundation
public import GRDB

// What is done to the rows of each clip several times on its way: by statements that are prepared once, and without reading the row first.

extension ClipRecord {
    // One for all rows; GRDB would make a new one for each.
    private static let encoder = {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .millisecondsSince1970
        encoder.outputFormatting = .sortedKeys
        return encoder
    }()
    private static let decoder = {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .millisecondsSince1970
        return decoder
    }()

    public static func databaseJSONEncoder(for column: String) -> JSONEncoder { encoder }
    public static func databaseJSONDecoder(for column: String) -> JSONDecoder { decoder }

    /// Inserts a new clip's row, or takes manifest, state and size over into the row that there is; what was wrong before is over for a clip that
    /// waits for its upload.
    public func put(_ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO clip (id, channelId, channelName, startsAt, state, manifest, spoolBytes, attempts, clipBytes, bulk, previewed)
                VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0)
                ON CONFLICT (id) DO UPDATE SET startsAt = excluded.startsAt, state = excluded.state, manifest = excluded.manifest,
                    spoolBytes = excluded.spoolBytes, clipBytes = excluded.clipBytes, bulk = excluded.bulk,
                    lastError = CASE WHEN excluded.state = 'queued' THEN NULL ELSE lastError END
                """)
        let text = String(decoding: try Self.encoder.encode(manifest), as: UTF8.self)
        statement.setUncheckedArguments([id, channelId, channelName, startsAt.stored, state.rawValue, text, spoolBytes, clipBytes, bulk])
        try statement.execute()
    }

    /// The clip is in the store at `place`, and `other` says what another store shall have or may have of it.
    public static func noteStored(
        _ id: ClipID, place: String, other: (place: String, copy: OtherCopy)?, at time: Date, expiresAt: Date?, _ database: Database
    ) throws {
        let statement = try database.cachedStatement(
            sql: """
                UPDATE clip SET state = 'stored', spoolBytes = CASE WHEN ? THEN spoolBytes ELSE 0 END, place = ?, otherPlace = ?, otherCopy = ?,
                    attempts = 0, lastError = NULL, storedAt = ?, expiresAt = ?
                WHERE id = ?
                """)
        statement.setUncheckedArguments([
            other?.copy == .waiting, place, other?.place, other?.copy.rawValue, time.stored, expiresAt?.stored, id,
        ])
        try statement.execute()
    }
}

extension EventRecord {
    /// Inserts the row of an event that a clip shows, or completes the one that there is: its clip and its end, where they are not known yet; with
    /// `hasFootage` there is no reason any more why there should be none.
    public func put(hasFootage: Bool, _ database: Database) throws {
        guard try !insertIfNew(database) else { return }
        let statement = try database.cachedStatement(
            sql: """
                UPDATE event SET clipId = COALESCE(clipId, ?), endedAt = COALESCE(endedAt, ?), dropReason = CASE WHEN ? THEN NULL ELSE dropReason END
                WHERE id = ?
                """)
        statement.setUncheckedArguments([clipId, endedAt?.stored, hasFootage, id])
        try statement.execute()
    }
}
