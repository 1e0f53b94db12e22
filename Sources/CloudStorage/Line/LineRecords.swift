public import BoxDatabase
public import Core
public import Foundation
public import GRDB
public import Logging

/// One minute of the line.
public struct LineMinute: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    public static let databaseTableName = "lineMinute"
    /// When it began.
    public var at: Date
    /// What went up.
    public var bytes: Int
    /// What waited at its end.
    public var backlogBytes: Int
    /// The store did as asked.
    public var works: Bool
}

/// What is remembered of the line: how much of it footage may take, what it carries, and every minute of the last week.
public final class LineRecords: Sendable {
    private static let settingsKey = "uplink.settings"
    private static let capacityKey = "uplink.capacity"
    private static let memory: TimeInterval = 7 * 86_400

    private let database: BoxDatabase
    private let uploader: Uploader
    private let time: TimeSource
    private let logger: Logger
    private var governor: UplinkGovernor { uploader.governor }

    public init(database: BoxDatabase, uploader: Uploader, time: TimeSource, logger: Logger) {
        self.database = database
        self.uploader = uploader
        self.time = time
        self.logger = logger
    }

    /// Takes up what an earlier life of the box knew.
    public func start() async throws {
        let capacity = try await database.read { try $0.setting(Self.capacityKey, as: Double.self) }
        if let capacity, capacity > 0 { governor.learn(capacity: capacity) }
        try await apply()
    }

    /// Sets how much of the line footage may take, from now on.
    public func set(_ settings: UplinkSettings) async throws {
        try await database.write { try $0.set(Self.settingsKey, to: settings) }
        try await apply()
    }

    /// Windows are read by the clock of the site, which may have been named since.
    private func apply() async throws {
        let (settings, site) = try await database.read { database in
            (try database.setting(Self.settingsKey, as: UplinkSettings.self), try SiteRecord.fetchOne(database))
        }
        governor.use(settings ?? UplinkSettings(), zone: site.flatMap { TimeZone(identifier: $0.timeZone) } ?? .gmt)
    }

    /// Takes down each minute until cancelled.
    public func run() async {
        var sent = governor.sentBytes
        while (try? await time.sleep(.seconds(60))) != nil {
            let now = governor.sentBytes
            do {
                try await apply()
                try await note(bytes: now - sent)
            } catch {
                logger.warning("a minute of the line was not taken down", metadata: ["reason": "\(error)"])
            }
            sent = now
        }
    }

    private func note(bytes: Int) async throws {
        let totals = try await uploader.index.totals()
        let minute = LineMinute(
            at: time.now().addingTimeInterval(-60), bytes: bytes, backlogBytes: totals.backlogBytes, works: uploader.failure == nil)
        let capacity = governor.capacity
        let oldest = minute.at.addingTimeInterval(-Self.memory)
        try await database.write { database in
            try minute.upsert(database)
            try LineMinute.filter(Column("at") < oldest).deleteAll(database)
            if let capacity { try database.set(Self.capacityKey, to: capacity) }
        }
    }

    /// The minutes since `time`, oldest first.
    public func minutes(since time: Date) async throws -> [LineMinute] {
        try await database.read { try LineMinute.filter(Column("at") >= time).order(Column("at")).fetchAll($0) }
    }

    /// When the spool will be full if what waits goes on growing as in the last hour; nil where it does not grow, or not within two days.
    public func fullAt(usedBytes: Int, limitBytes: Int) async throws -> Date? {
        let now = time.now()
        let minutes = try await minutes(since: now.addingTimeInterval(-3600))
        return SpoolForecast.fullAt(minutes, usedBytes: usedBytes, limitBytes: limitBytes, now: now)
    }
}

/// Tells when what waits will have no room any more.
public enum SpoolForecast {
    /// A trend of less than this many minutes is none.
    private static let shortest = 10
    private static let farthest: TimeInterval = 2 * 86_400

    /// When `limitBytes` are reached at the mean growth of these minutes, oldest first.
    public static func fullAt(_ minutes: [LineMinute], usedBytes: Int, limitBytes: Int, now: Date) -> Date? {
        guard minutes.count >= shortest, let first = minutes.first, let last = minutes.last else { return nil }
        let span = last.at.timeIntervalSince(first.at)
        let growth = Double(last.backlogBytes - first.backlogBytes)
        guard span > 0, growth > 0, usedBytes < limitBytes else { return nil }
        let left = Double(limitBytes - usedBytes) / (growth / span)
        return left <= farthest ? now.addingTimeInterval(left) : nil
    }
}
