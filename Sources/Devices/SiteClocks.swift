public import BoxDatabase
import CameraProtocols
import Cameras
public import Core
import Foundation
import GRDB
public import Logging

/// Keeps the clocks of devices right, in their site's time zone, where the site says so ("sync time and zone to devices").
public struct SiteClocks: Sendable {
    private static let looksEvery = Duration.seconds(15)
    /// A device whose clock does not stay as it is set is left alone for so long.
    private static let setsEvery = Duration.seconds(3600)

    private let devices: DeviceRegistry
    private let database: BoxDatabase
    private let time: TimeSource
    private let isRight: @Sendable () -> Bool
    private let logger: Logger

    /// `isRight` says whether the box's own clock is to be believed: a wrong one is given to nobody.
    public init(
        devices: DeviceRegistry, database: BoxDatabase, time: TimeSource, isRight: @escaping @Sendable () -> Bool, logger: Logger
    ) {
        self.devices = devices
        self.database = database
        self.time = time
        self.isRight = isRight
        self.logger = logger
    }

    /// Looks and sets until cancelled. What a device's clock says is known from its last look; nothing is asked for this.
    public func run() async {
        var wasSet: [DeviceID: Duration] = [:]
        repeat {
            let now = time.uptime()
            wasSet = wasSet.filter { now - $0.value < Self.setsEvery }
            let wrong = await wrong().filter { wasSet[$0.device.record.id] == nil }
            for (device, _) in wrong { wasSet[device.record.id] = now }
            // At once: one that is slow to answer holds up no other.
            await withTaskGroup { group in
                for (device, zone) in wrong { group.addTask { await set(device, zone) } }
            }
        } while (try? await time.sleep(Self.looksEvery)) != nil
    }

    /// Devices that can be reached and whose clocks are wrong, with the zones that they should have.
    private func wrong() async -> [(device: DeviceAtWork, zone: TimeZone)] {
        guard isRight(), let zones = try? await zones(), !zones.isEmpty else { return [] }
        return devices.devices.compactMap { device in
            let view = device.view
            guard view.condition.severity == .ok, let zone = zones[device.record.siteId], let clock = view.clock,
                clock.isOff(in: zone, at: time.now())
            else { return nil }
            return (device, zone)
        }
    }

    /// The zones of the sites that say so.
    private func zones() async throws -> [SiteID: TimeZone] {
        try await database.read { database in
            try SiteRecord.filter(Column("syncsTime") == true).fetchAll(database).reduce(into: [:]) { zones, site in
                zones[site.id] = TimeZone(identifier: site.timeZone)
            }
        }
    }

    private func set(_ device: DeviceAtWork, _ zone: TimeZone) async {
        do throws(DeviceFailure) {
            try await device.driver.setClock(ClockChange(zone: zone, networkTimeServer: nil))
            await device.lookNow()
            logger.notice("a device's clock was set", metadata: ["name": "\(device.record.name)", "zone": "\(zone.identifier)"])
        } catch {
            logger.warning(
                "a device's clock could not be set", metadata: ["name": "\(device.record.name)", "reason": "\(error.sentence)"])
        }
    }
}

extension DeviceClock {
    private static let tolerated = 2.0

    /// Whether it is wrong, or shows the time of another zone than `zone`.
    func isOff(in zone: TimeZone?, at now: Date) -> Bool {
        if abs(offset) >= Self.tolerated { return true }
        guard let zone, let own = self.zone.flatMap({ POSIXTimeZone($0) }) else { return false }
        return own.offset(at: now) != zone.secondsFromGMT(for: now)
    }
}
