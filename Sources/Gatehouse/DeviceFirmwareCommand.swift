import ArgumentParser
import Core
import Foundation
import NIOHTTP1

/// Asks a box which of its devices there is newer firmware for, and lets it upgrade them.
struct DeviceFirmwareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device-firmware", abstract: "Shows which devices there is newer firmware for; upgrades them, one after the other.",
        discussion: "Without an option it asks the catalogue and says what there is.")

    @OptionGroup var box: BoxArguments

    @Option(help: ArgumentHelp("Upgrade this device, by its name or identifier; several times.", valueName: "device"))
    var upgrade: [String] = []

    @Flag(help: "Upgrade every device that the box can.")
    var all = false

    @Flag(help: "Say how far it is, without asking the catalogue.")
    var status = false

    private struct Firmware: Decodable {
        struct Item: Decodable {
            struct Available: Decodable {
                let version: String
                let notes: String
                let page: String?
            }

            struct Upgrade: Decodable {
                struct Progress: Decodable {
                    let step: String
                    let share: Double?
                }

                let to: String
                let state: String
                let reason: String?
                let progress: Progress?
            }

            let deviceId: String
            let deviceName: String
            let installed: String?
            let available: Available?
            let obstacle: String?
            let upgrade: Upgrade?

            var isDue: Bool { available != nil && obstacle == nil && !["waiting", "running"].contains(upgrade?.state) }
        }

        let hasSource: Bool
        let trouble: String?
        let items: [Item]
    }

    private struct Order: Encodable { let deviceIds: [String] }

    func validate() throws {
        guard [!upgrade.isEmpty, all, status].count(where: { $0 }) < 2 else {
            throw ValidationError("--upgrade, --all and --status do not go together.")
        }
    }

    func run() async throws {
        try await box.withClient { try await run($0) }
    }

    private func run(_ client: BoxClient) async throws {
        var firmware: Firmware = try await client.call(.GET, "/device-firmware")
        if !status, firmware.hasSource {
            firmware = try await client.call(.POST, "/device-firmware/check", patience: BoxClient.patienceOfCheck)
        }
        if !status, !firmware.hasSource { NewFile.note("The box's configuration names no server of releases (firmware.source).") }
        let wanted = all ? firmware.items.filter(\.isDue).map(\.deviceId) : try upgrade.map { try identifier($0, firmware.items) }
        if !wanted.isEmpty {
            firmware = try await client.call(.POST, "/device-firmware/upgrades", Order(deviceIds: wanted))
        } else if all {
            NewFile.note("There is no device to upgrade.")
        }
        if let trouble = firmware.trouble { NewFile.note(trouble) }
        if firmware.items.isEmpty, !all { NewFile.note("The box has no device.") }
        for item in firmware.items { say(item) }
    }

    private func identifier(_ text: String, _ items: [Firmware.Item]) throws -> String {
        let found = items.filter { $0.deviceId == text || $0.deviceName == text }
        guard let one = found.first else { throw ValidationError("The box has no device \(text).") }
        guard found.count == 1 else { throw ValidationError("Several devices are called \(text): name its identifier.") }
        return one.deviceId
    }

    private func say(_ item: Firmware.Item) {
        print("\(item.deviceName)  \(item.deviceId)  \(item.installed ?? "-")")
        if let upgrade = item.upgrade {
            let share = upgrade.progress?.share.map { " \(Int($0 * 100)) %" } ?? ""
            print("    \(upgrade.to): \(upgrade.progress?.step ?? upgrade.state)\(share)")
            if let reason = upgrade.reason { print("    \(reason)") }
        }
        guard let available = item.available else { return }
        print("    newer: \(available.version)\(available.page.map { "  \($0)" } ?? "")")
        if let obstacle = item.obstacle { print("    \(obstacle)") }
    }
}
