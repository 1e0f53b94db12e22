import BoxDatabase
import Core
import GRDB

/// How long viewers may watch, by whichever way.
enum LiveLimit {
    static let setting = "live.limitMinutes"
    private static let usualMinutes = 5

    /// How long viewers from afar may watch without continuing, at sites that say nothing else; nil for no limit.
    static func minutes(_ database: BoxDatabase) async throws -> Int? {
        try await minutes(database, at: nil)
    }

    private static func minutes(_ database: BoxDatabase, at channel: ChannelID?) async throws -> Int? {
        let minutes = try await database.read { database in
            let site = try channel.flatMap { try ChannelRecord.fetchOne(database, key: $0)?.siteId }
            let own = try site.flatMap { try SiteRecord.fetchOne(database, key: $0)?.liveLimitMinutes }
            return try own ?? database.setting(setting, as: Int.self) ?? usualMinutes
        }
        return minutes > 0 ? minutes : nil
    }

    /// How long a viewer may watch a channel; nil for no limit, as in the box's own networks.
    static func duration(of channel: ChannelID, isLocal: Bool, _ database: BoxDatabase) async throws -> Duration? {
        if isLocal { return nil }
        return try await minutes(database, at: channel).map { .seconds(60 * $0) }
    }
}
