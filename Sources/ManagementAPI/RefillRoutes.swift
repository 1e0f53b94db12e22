import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import Hummingbird
import Refill

/// The times in which channels could not be recorded, and what was fetched for them from the devices.
struct RefillRoutes {
    let services: BoxServices

    func add(to routes: RouterGroup<APIContext>) {
        routes.get("storage/refills") { _, context in
            let channels = try await context.channels(.playBack, services.access.control)
            let absences = try await AbsenceList.newest(200, in: services.database).filter { channels?.contains($0.channelId) ?? true }
            return try answer(ListAnswer(items: absences.map(RefillAnswer.init)))
        }
    }
}

struct RefillAnswer: Encodable {
    let id: Int64
    let channelId: ChannelID
    let channelName: String
    let from: Date
    let to: Nullable<Date>
    let reason: String
    let state: String
    let sentence: String
    let clips: Int
    let attempts: Int
    let nextAttemptAt: Nullable<Date>

    init(_ record: AbsenceRecord) {
        id = record.id ?? 0
        channelId = record.channelId
        channelName = record.channelName
        from = record.from
        to = Nullable(record.to)
        reason = record.reason
        state = record.state.rawValue
        sentence = record.whatBecameOfIt
        clips = record.clips
        attempts = record.attempts
        nextAttemptAt = Nullable(record.nextAttemptAt)
    }
}

extension ClipRecord {
    /// The times of refilled clips of these channels since `start`, by channel.
    static func refilled(since start: Date, _ database: Database) throws -> [ChannelID: [(from: Date, to: Date)]] {
        let clips = try ClipRecord.filter(Column("bulk") == true && Column("startsAt") >= start.addingTimeInterval(-600))
            .filter(Column("state") != ClipState.recording.rawValue && Column("state") != ClipState.dropped.rawValue)
            .order(Column("startsAt").desc).limit(2000).fetchAll(database)
        return Dictionary(
            grouping: clips.filter { $0.manifest.refilled == true }, by: \.channelId
        ).mapValues { clips in
            clips.map { ($0.startsAt, $0.startsAt.addingTimeInterval($0.manifest.footage?.duration ?? 0)) }
        }
    }
}
