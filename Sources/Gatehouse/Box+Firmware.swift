import BoxDatabase
import CloudStorage
import Cameras
import Core
import DeviceFirmware
import Devices
import Firmware
import Foundation
import Logging
import ManagementAPI
import Outbound
import Recording

extension Box {
    /// What brings newer releases onto the box.
    static func upgrader(
        _ settings: Settings, _ launcher: LauncherProcess?, state: BoxState, health: HealthLook, servers: AddressPolicy,
        restart: RestartRequest, changed: @escaping @Sendable () -> Void, logger: Logger
    ) throws -> Upgrader {
        let databasePath = state.databasePath
        let (database, uploader, time) = (health.database, health.uploader, health.time)
        if let launcher, let root = settings.firmwareRoot { try trust(root, launcher.place) }
        var source: (@Sendable () -> any ReleaseSource)?
        if let place = settings.firmwareSource {
            source = { HTTPSource(place, servers: servers, time: time) { try await uploader.governor.admitOther($0) } }
        }
        var report: (@Sendable (UpgradeReport) async throws -> Void)?
        if let place = settings.firmwareReports {
            let reports = ReportPlace(place, servers: servers)
            report = { try await reports.put($0) }
        }
        // What the spool leaves free it needs for recording on, and a copy of the database is made.
        let reserve = max(64 << 20, settings.spoolFreeMegabytes * 1_000_000)
        let environment = Upgrader.Environment(
            place: launcher?.place, serialNumber: state.identity.serialNumber,
            version: ReleaseVersion(state.identity.version) ?? .unknown, model: settings.firmwareModel, source: source,
            server: {
                settings.firmwareSource.map {
                    .init($0, allowsLocal: servers.allowsLocal, bytesPerSecond: uploader.governor.leastBytesPerSecond)
                }
            },
            policy: { try await UpgradePolicy.read(database) },
            isTimeKnown: settings.isTimeKnown, health: { await health.now() },
            snapshot: { place in
                try await BlockingQueue(name: "snapshot", background: true).run { try database.copy(to: place.path) }
            },
            reservedBytes: { reserve + 2 * (DurableFile.size(databasePath) ?? 0) }, restart: { restart.ask() }, changed: changed,
            report: report,
            looksEvery: looksEvery, time: time, logger: logger)
        return Upgrader(environment)
    }

    /// What brings newer firmware onto the devices behind the box.
    static func deviceUpgrader(
        _ settings: Settings, _ launcher: LauncherProcess?, state: BoxState, health: HealthLook, servers: AddressPolicy,
        _ onboarding: Onboarding, _ devices: DeviceRegistry, _ catalogue: DeviceCatalogue, changed: @escaping @Sendable () -> Void,
        logger: Logger
    ) -> DeviceUpgrader {
        let (uploader, time) = (health.uploader, health.time)
        var source: (@Sendable () -> any ReleaseSource)?
        if let place = settings.firmwareSource {
            source = { HTTPSource(place, servers: servers, time: time) { try await uploader.governor.admitOther($0) } }
        }
        let roots = [launcher?.place.trusted.appending(path: "root.json").path, settings.firmwareRoot].compactMap { $0 }
        let reserve = max(64 << 20, settings.spoolFreeMegabytes * 1_000_000)
        let environment = DeviceUpgrader.Environment(
            folder: URL(filePath: state.path, directoryHint: .isDirectory).appending(path: "device-firmware"),
            root: { roots.lazy.compactMap { FileManager.default.contents(atPath: $0) }.first.map(Array.init) }, source: source,
            isTimeKnown: settings.isTimeKnown,
            devices: { try await upgradable(devices, catalogue) }, refresh: { try await onboarding.refresh($0) },
            upgrade: { id, file, bytes async throws(DeviceFailure) in
                guard let device = devices[id] else { throw DeviceFailure(.unreachable, "The device is not there any more.") }
                try await onboarding.upgrade(device, file: file, bytes: bytes)
            },
            reservedBytes: { reserve }, changed: changed, time: time, logger: logger)
        return DeviceUpgrader(environment)
    }

    /// All devices that say who they are, with what the upgrader must know of each.
    private static func upgradable(_ devices: DeviceRegistry, _ catalogue: DeviceCatalogue) async throws -> [DeviceUpgrader.Device] {
        try await catalogue.devices().compactMap { record, channels in
            guard let device = devices[record.id], let description = device.description ?? record.description else { return nil }
            return DeviceUpgrader.Device(
                id: record.id, name: record.name, identity: description.identity,
                takesFirmware: description.capabilities.contains(.firmwareUpgrade), channels: channels.count,
                streaming: channels.count { catalogue.channels[$0]?.reception.hasPicture ?? false })
        }
    }

    /// A minute; tests do not wait for minutes.
    private static var looksEvery: Duration {
        #if DEBUG
            let wait = ProcessInfo.processInfo.environment["GATEHOUSE_TRIAL_LOOK_MILLISECONDS"].flatMap { Int($0) }
            if let wait { return .milliseconds(wait) }
        #endif
        return .seconds(60)
    }

    /// The first root that the box trusts; afterwards it knows the next by itself.
    private static func trust(_ root: String, _ place: UpgradePlace) throws {
        let trusted = place.trusted.appending(path: "root.json")
        guard !FileManager.default.fileExists(atPath: trusted.path) else { return }
        guard let bytes = FileManager.default.contents(atPath: root) else {
            throw SettingsError(description: "firmware.root: \(root) cannot be read.")
        }
        try FileManager.default.createDirectory(at: place.trusted, withIntermediateDirectories: true)
        try DurableFile.write(bytes, to: trusted.path, permissions: 0o644)
    }

    /// The release's version where a launcher started it; else the program's own.
    static func version(_ launcher: LauncherProcess?) -> String { launcher?.place.version?.description ?? GatehouseCommand.version }
}
