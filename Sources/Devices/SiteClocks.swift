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
    private let logger: Logger

    public init(devices: DeviceRegistry, database: BoxDatabase, time: TimeSource, logger: Logger) {
        self.devices = devices
        self.database = database
        self.time = time
        self.logger = logger
    }

    /// Looks and sets until cancelled. What a device's clock says is known from its last look; nothing is asked for this.
    public func run() async {
        var wasSet: [DeviceID: Duration] = [:]
        repeat {
            let zones = (try? await zones()) ?? [:]
            for device in zones.isEmpty ? [] : devices.devices {
                guard let zone = zones[device.record.siteId], let clock = device.view.clock, clock.isOff(in: zone, at: time.now()) else {
                    continue
                }
                let now = time.uptime()
                if let last = wasSet[device.record.id], now - last < Self.setsEvery { continue }
                wasSet[device.record.id] = now
                await set(device, zone)
            }
        } while (try? await time.sleep(Self.looksEvery)) != nil
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
