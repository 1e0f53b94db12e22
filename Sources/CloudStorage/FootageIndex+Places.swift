import BoxDatabase
import Core
import Foundation
import GRDB

// Which store has what, where there is more than one, or was.
extension FootageIndex {
    /// The second store has its copy of the clip, verified.
    func noteCopied(_ id: ClipID, objects: [ChainEntry.Object], place: String, at time: Date) async throws {
        try await database.write { database in
            guard var record = try ClipRecord.fetchOne(database, id: id), record.otherCopy == .waiting else { return }
            (record.otherPlace, record.otherCopy) = (place, .stored)
            record.spoolBytes = 0
            record.lastError = nil
            try record.update(database)
            try Self.append(record.channelId, place: place, at: time, database) { [manifest = record.manifest] number, previous in
                ChainEntry(stored: manifest, objects: objects, number: number, previous: previous, at: time)
            }
        }
        setProgress(nil, of: id)
        changes.send(.clip(id))
    }

    /// Second copies that will not be made; the second store's record says why. What may have come there of them is to be removed.
    func noteCopyGivenUp(_ ids: [ClipID], reason: String, at time: Date) async throws {
        try await database.write { database in
            for id in ids {
                guard var record = try ClipRecord.fetchOne(database, id: id), record.otherCopy == .waiting, let place = record.otherPlace
                else { continue }
                (record.otherCopy, record.spoolBytes, record.lastError) = (.leftover, 0, nil)
                try record.update(database)
                try Self.append(record.channelId, place: place, at: time, database) { [manifest = record.manifest] number, previous in
                    ChainEntry(dropped: manifest, reason: reason, previewed: false, number: number, previous: previous, at: time)
                }
            }
        }
        for id in ids { changes.send(.clip(id)) }
    }

    /// The oldest clips whose second copies still wait and are not in hand, with what they occupy.
    func oldestCopies(_ limit: Int, except inHand: Set<ClipID> = []) async throws -> [(id: ClipID, bytes: Int)] {
        try await database.read { database in
            let waiting = ClipRecord.filter(
                Column("otherCopy") == ClipRecord.OtherCopy.waiting.rawValue && !inHand.contains(Column("id")))
            let rows = try Row.fetchAll(
                database, waiting.select(Column("id"), Column("spoolBytes")).order(Column("startsAt")).limit(limit))
            return rows.map { ($0["id"], $0["spoolBytes"]) }
        }
    }

    /// No copies go to any other store than `place` any more; answers the clips that wait for nothing else.
    static func endCopies(except place: String?, _ database: Database) throws -> [ClipID] {
        guard let place else {
            let waiting = try ClipID.fetchAll(database, prepared: "SELECT id FROM clip WHERE otherCopy = 'waiting'")
            try database.execute(
                prepared: "UPDATE clip SET otherCopy = 'leftover', spoolBytes = 0, lastError = NULL WHERE otherCopy = 'waiting'")
            return waiting
        }
        // Where the mirror is what was the first store, the clip is there.
        let there = try ClipID.fetchAll(
            database, prepared: "SELECT id FROM clip WHERE otherCopy = 'waiting' AND place = ?", arguments: [place])
        try database.execute(
            prepared: """
                UPDATE clip SET otherCopy = NULL, otherPlace = NULL, spoolBytes = 0, lastError = NULL
                WHERE otherCopy = 'waiting' AND place = ?
                """, arguments: [place])
        try database.execute(prepared: "UPDATE clip SET otherPlace = ? WHERE otherCopy = 'waiting'", arguments: [place])
        return there
    }

    /// Is a clip kept for the sake of its second copy alone?
    func awaitsCopy(_ id: ClipID) async throws -> Bool {
        try await database.read { database in
            try Bool.fetchOne(database, prepared: "SELECT otherCopy = 'waiting' FROM clip WHERE id = ?", arguments: [id]) ?? false
        }
    }

    // MARK: Retention

    /// The stores that have clips whose retention has ended, or something left over of clips that went elsewhere; nil for clips of before
    /// a box knew more than one.
    func placesToSweep(at time: Date) async throws -> Set<String?> {
        try await database.read { database in
            let rows = try Row.fetchAll(
                database,
                prepared: """
                    SELECT DISTINCT place AS place FROM clip WHERE state = 'stored' AND expiresAt <= :now
                    UNION SELECT otherPlace FROM clip WHERE state = 'stored' AND expiresAt <= :now AND otherPlace IS NOT NULL
                    UNION SELECT otherPlace FROM clip WHERE otherCopy = 'leftover'
                    """, arguments: ["now": time])
            return Set(rows.map { $0["place"] as String? })
        }
    }

    /// Stored clips whose retention has ended and that are not in hand, of which the store `place` has something.
    func expired(at time: Date, in place: String?, except inHand: Set<ClipID>) async throws -> [ClipRecord] {
        try await database.read { database in
            try ClipRecord.filter(Column("state") == ClipState.stored.rawValue && Column("expiresAt") <= time)
                .filter(!inHand.contains(Column("id")))
                .filter(Column("place") == place || (place != nil && Column("otherPlace") == place)).limit(100).fetchAll(database)
        }
    }

    /// Clips that went elsewhere after something of them may have come to the store `place`.
    func leftovers(in place: String) async throws -> [ClipRecord] {
        try await database.read { database in
            try ClipRecord.filter(Column("otherCopy") == ClipRecord.OtherCopy.leftover.rawValue && Column("otherPlace") == place).limit(100)
                .fetchAll(database)
        }
    }

    /// The store `place` has nothing of the clip any more; answers whether any other has.
    func noteGone(_ id: ClipID, from place: String?) async throws -> Bool {
        try await database.write { database in
            guard var record = try ClipRecord.fetchOne(database, id: id) else { return false }
            if record.otherPlace == place, place != nil {
                (record.otherPlace, record.otherCopy) = (nil, nil)
                // What a copy that was never made was kept for.
                record.spoolBytes = 0
            } else if let other = record.otherPlace, record.otherCopy == .stored {
                (record.place, record.otherPlace, record.otherCopy) = (other, nil, nil)
            } else {
                return false
            }
            try record.update(database)
            return true
        }
    }

    /// The stores that have something of ours by the box's rows.
    func placesInUse() async throws -> Set<String> {
        try await database.read { database in
            try Set(
                String.fetchAll(
                    database,
                    prepared: """
                        SELECT DISTINCT place FROM clip WHERE place IS NOT NULL
                        UNION SELECT otherPlace FROM clip WHERE otherCopy IS NOT NULL AND otherPlace IS NOT NULL
                        """))
        }
    }

    // MARK: Numbers

    /// What a store has, and what is still to be copied there.
    public struct PlaceTotals: Sendable, Equatable {
        public var clips = 0
        public var bytes = 0
        public var waiting = 0
    }

    /// What each store has by the box's rows.
    public func placeTotals() async throws -> [String: PlaceTotals] {
        try await database.read { database in
            var totals: [String: PlaceTotals] = [:]
            let sums = "count(*) AS clips, COALESCE(sum(clipBytes), 0) AS bytes FROM clip"
            for row in try Row.fetchAll(
                database, prepared: "SELECT place, \(sums) WHERE state = 'stored' AND place IS NOT NULL GROUP BY place")
            {
                totals[row["place"]] = PlaceTotals(clips: row["clips"], bytes: row["bytes"])
            }
            for row in try Row.fetchAll(
                database,
                sql:
                    "SELECT otherPlace, otherCopy, \(sums) WHERE otherCopy IN ('waiting', 'wanted', 'stored') GROUP BY otherPlace, otherCopy"
            ) {
                var place = totals[row["otherPlace"]] ?? PlaceTotals()
                if row["otherCopy"] != ClipRecord.OtherCopy.stored.rawValue {
                    place.waiting += row["clips"] as Int
                } else {
                    place.clips += row["clips"] as Int
                    place.bytes += row["bytes"] as Int
                }
                totals[row["otherPlace"]] = place
            }
            return totals
        }
    }
}
