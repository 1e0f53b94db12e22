import BoxDatabase

/// How long viewers may watch, by whichever way.
enum LiveLimit {
    static let setting = "live.limitMinutes"
    private static let usualMinutes = 5

    /// How long viewers from afar may watch without continuing; nil for no limit.
    static func minutes(_ database: BoxDatabase) async throws -> Int? {
        let minutes = try await database.read { try $0.setting(setting, as: Int.self) } ?? usualMinutes
        return minutes > 0 ? minutes : nil
    }

    /// How long a viewer may watch; nil for no limit, as in the box's own networks.
    static func duration(isLocal: Bool, _ database: BoxDatabase) async throws -> Duration? {
        if isLocal { return nil }
        return try await minutes(database).map { .seconds(60 * $0) }
    }
}
