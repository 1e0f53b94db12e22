import BoxDatabase
public import Core
public import Foundation
import GRDB

// What is counted over many rows.
extension FootageIndex {
    /// The share of the time since `start` in which each channel recorded, of channels with at least a day of footage.
    public func duties(since start: Date, now: Date) async throws -> [ChannelID: Double] {
        let rows = try await database.read { database in
            try Row.fetchAll(
                database,
                prepared: """
                    SELECT channelId, sum(json_extract(manifest, '$.footage.duration')) AS seconds, min(startsAt) AS first
                    FROM clip WHERE startsAt >= ? GROUP BY channelId
                    """, arguments: [start]
            ).map { ($0["channelId"] as ChannelID, $0["seconds"] as Double?, $0["first"] as Date) }
        }
        var duties: [ChannelID: Double] = [:]
        for (channel, seconds, first) in rows where now.timeIntervalSince(first) >= 86_400 {
            duties[channel] = min(1, max(0.05, (seconds ?? 0) / now.timeIntervalSince(first)))
        }
        return duties
    }

    /// Numbers of what waits and what is stored.
    public struct Totals: Sendable, Equatable {
        /// Clips whose upload is not done, and what they occupy.
        public var backlogClips = 0
        public var backlogBytes = 0
        public var oldest: Date?
        public var storedClips = 0
        public var storedBytes = 0
        public var gaps = 0
    }

    /// Counts what waits and what is stored.
    public func totals() async throws -> Totals {
        try await database.read { database in
            var totals = Totals()
            if let row = try Row.fetchOne(
                database,
                prepared: """
                    SELECT count(*) AS clips, COALESCE(sum(spoolBytes), 0) AS bytes, min(startsAt) AS oldest
                    FROM clip WHERE state IN ('captured', 'transcoding', 'queued', 'sending')
                    """)
            {
                totals.backlogClips = row["clips"]
                totals.backlogBytes = row["bytes"]
                totals.oldest = row["oldest"]
            }
            if let row = try Row.fetchOne(
                database,
                prepared: """
                    SELECT count(*) AS clips, COALESCE(sum(clipBytes), 0) AS bytes FROM clip WHERE state = 'stored'
                    """)
            {
                totals.storedClips = row["clips"]
                totals.storedBytes = row["bytes"]
            }
            totals.gaps = try GapRecord.fetchCount(database)
            return totals
        }
    }
}
