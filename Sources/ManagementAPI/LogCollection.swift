public import BoxDatabase
public import Core
public import Foundation
import GRDB
public import Logging
import Synchronization

/// Whether more of the log is kept for whoever helps with the box; it ends by itself.
public final class LogCollection: Sendable {
    private static let setting = "support.collectsUntil"
    private static let look = Duration.seconds(60)

    public let keeper: LogKeeper
    private let level: LogLevel
    /// As the configuration says, or somebody set it since.
    private let usual: Mutex<String?>
    private let until = Mutex<Date?>(nil)

    public init(keeper: LogKeeper, level: LogLevel) {
        self.keeper = keeper
        self.level = level
        usual = Mutex(nil)
    }

    /// When it ends; nil where nothing is collected.
    public var endsAt: Date? { until.withLock { $0 } }

    /// Begins, goes on until another time, or ends (nil).
    func set(_ end: Date?, in database: BoxDatabase) async throws {
        try await database.write { try $0.set(Self.setting, to: end) }
        apply(end)
    }

    private func apply(_ end: Date?) {
        until.withLock { $0 = end }
        keeper.collect(end != nil)
        usual.withLock { usual in
            if end != nil {
                usual = usual ?? level.name
                level.name = "debug"
            } else if let before = usual {
                level.name = before
                usual = nil
            }
        }
    }

    /// Takes up what an earlier life began, and ends it in time, until cancelled.
    public func run(_ database: BoxDatabase, _ time: TimeSource, _ logger: Logger) async {
        apply((try? await database.read { try $0.setting(Self.setting, as: Date?.self) ?? nil }) ?? nil)
        while !Task.isCancelled {
            if let end = endsAt, end <= time.now() {
                try? await set(nil, in: database)
                logger.notice("the log is not collected any more")
            }
            guard (try? await time.sleep(Self.look)) != nil else { return }
        }
    }
}
