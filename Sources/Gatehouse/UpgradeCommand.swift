import ArgumentParser
import Core
import Foundation
import NIOHTTP1

/// Asks a box how it is upgraded, and upgrades it.
struct UpgradeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade", abstract: "Shows a box's version and what is newer; upgrades it.",
        discussion:
            "Without an option it asks the server of releases and says what there is. The box goes back by itself where the new version does less."
    )

    @OptionGroup var box: BoxArguments

    @Flag(name: .customLong("now"), help: "Take the newest release that there is for it.")
    var takesIt = false

    @Option(help: "Take the release in this file, as `gatehouse release export` makes it.", completion: .file())
    var file: String?

    @Flag(help: "Say what became of its upgrades.")
    var history = false

    private struct Firmware: Decodable {
        struct Release: Decodable {
            let version: String
            let notes: String
            let missingBytes: Int
            let obstacle: String?
            let canUpgrade: Bool
        }

        struct Progress: Decodable {
            let done: Int
            let total: Int
        }

        let version: String
        let isManaged: Bool
        let hasSource: Bool
        let phase: String
        let progress: Progress?
        let available: Release?
        let trouble: String?
    }

    private struct Upgrade: Decodable {
        let from: String
        let to: String
        let origin: String
        let by: String?
        let startedAt: Date
        let endedAt: Date?
        let state: String
        let reason: String?
    }

    private struct List: Decodable { let items: [Upgrade] }

    func validate() throws {
        guard [takesIt, file != nil, history].count(where: { $0 }) < 2 else {
            throw ValidationError("--now, --file and --history do not go together.")
        }
    }

    func run() async throws {
        try await box.withClient { try await run($0) }
    }

    private func run(_ client: BoxClient) async throws {
        if history {
            let list: List = try await client.call(.GET, "/firmware/history")
            if list.items.isEmpty { print("There was none yet.") }
            for one in list.items { sayOutcome(of: one) }
            return
        }
        if let file {
            say(try await client.call(.PUT, "/firmware/file", file: file))
            sayWhatFollows()
            return
        }
        var firmware: Firmware = try await client.call(.GET, "/firmware")
        var wasInVain = false
        if firmware.isManaged, firmware.hasSource, firmware.phase == "idle" {
            firmware = try await client.call(.POST, "/firmware/check", patience: BoxClient.patienceOfCheck)
            wasInVain = firmware.trouble != nil && firmware.available == nil
        }
        guard takesIt, let release = firmware.available, release.canUpgrade else {
            say(firmware)
            if firmware.phase == "idle", firmware.isManaged, firmware.hasSource, firmware.available == nil, firmware.trouble == nil {
                print("There is no newer release for it.")
            }
            guard takesIt || wasInVain else { return }
            if takesIt { NewFile.note("No upgrade was begun.") }
            throw ExitCode.failure
        }
        say(try await client.call(.POST, "/firmware/upgrade", ["version": release.version]))
        sayWhatFollows()
    }

    private func sayOutcome(of upgrade: Upgrade) {
        let end = upgrade.endedAt.map { " to \(GatehouseJSON.text($0))" } ?? ""
        let origins = ["outside": "from outside of it", "updater": "by the updater", "former-owner": "by a former owner"]
        let by = upgrade.by.map { "by \($0)" } ?? origins[upgrade.origin] ?? "by itself"
        let outcome = ["running": "goes on", "confirmed": "stayed", "rolled-back": "went back", "failed": "did not begin"]
        print(
            "\(GatehouseJSON.text(upgrade.startedAt))\(end): \(upgrade.from) -> \(upgrade.to) \(outcome[upgrade.state] ?? upgrade.state), \(by)"
        )
        if let reason = upgrade.reason { print("    \(reason)") }
    }

    private func sayWhatFollows() {
        print(
            "It goes on by itself: the box begins with the new release, is away for some seconds, and proves it for a quarter of an hour. --history says what became of it."
        )
    }

    private func say(_ firmware: Firmware) {
        print("version: \(firmware.version)")
        if !firmware.isManaged { print("It was not started by gatehouse-launcher, and is upgraded as it was installed.") }
        if firmware.isManaged, !firmware.hasSource { print("No server of releases is set on it: firmware.source in its configuration.") }
        switch (firmware.phase, firmware.progress) {
        case ("idle", _): break
        case ("trial", let progress?): print("on trial: \(progress.done) of \(progress.total) minutes")
        case (let phase, let progress?): print("\(phase): \(progress.done) of \(progress.total) bytes")
        case (let phase, nil): print(phase)
        }
        if let trouble = firmware.trouble { print(trouble) }
        guard let release = firmware.available else { return }
        print("newer: \(release.version), \(release.missingBytes) bytes to fetch")
        if !release.notes.isEmpty { print(release.notes) }
        if let obstacle = release.obstacle { print(obstacle) }
    }
}
