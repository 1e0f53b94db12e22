import BoxDatabase
import CloudStorage
import Core
import Firmware
import Foundation
import Logging
import ManagementAPI
import Outbound

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
        // What the spool leaves free it needs for recording on, and a copy of the database is made.
        let reserve = max(64 << 20, settings.spoolFreeMegabytes * 1_000_000)
        let environment = Upgrader.Environment(
            place: launcher?.place, serialNumber: state.identity.serialNumber,
            version: ReleaseVersion(state.identity.version) ?? .unknown, model: settings.firmwareModel, source: source,
            policy: { try await UpgradePolicy.read(database) },
            isTimeKnown: { settings.clockIsRight || ClockState.word == "synchronized" }, health: { await health.now() },
            snapshot: { place in
                try await BlockingQueue(name: "snapshot", background: true).run { try database.copy(to: place.path) }
            },
            reservedBytes: { reserve + 2 * (DurableFile.size(databasePath) ?? 0) }, restart: { restart.ask() }, changed: changed,
            looksEvery: looksEvery, time: time, logger: logger)
        return Upgrader(environment)
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
