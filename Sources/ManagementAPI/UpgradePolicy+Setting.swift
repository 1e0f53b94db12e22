public import BoxDatabase
public import Firmware
public import Foundation
import GRDB

extension UpgradePolicy {
    private static let setting = "firmware.policy"

    /// The box's policy, and the zone of the clock that its window is read by: the first site's.
    public static func read(_ database: BoxDatabase) async throws -> (UpgradePolicy, TimeZone) {
        let (policy, site) = try await database.read { database in
            (try database.setting(Self.setting, as: UpgradePolicy.self), try SiteRecord.fetchOne(database))
        }
        return (policy ?? UpgradePolicy(), site.flatMap { TimeZone(identifier: $0.timeZone) } ?? .gmt)
    }

    func write(to database: BoxDatabase) async throws {
        try await database.write { [self] in try $0.set(Self.setting, to: self) }
    }
}
