import ArgumentParser
import Core
import Foundation

/// What stands on the box's label.
struct LabelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Print what stands on the box's label.",
        discussion: """
            Run on the box, as its own user. A box that has never started gets its serial number and its set-up code by it, as it would by its \
            first start: a factory prints its label and ships it. Both stay over every factory reset.
            """)

    @Option(help: "The configuration file.", completion: .file())
    var config: String?

    @Option(help: "The box's state folder; that of the configuration where it is not given.")
    var state: String?

    @Flag(help: "As JSON, for a printer of labels.")
    var json = false

    private struct Label: Encodable {
        let model: String
        let serialNumber: String
        let setupCode: String
        let board: String?
        let macAddresses: [String]
    }

    func run() async throws {
        let settings = try await Settings(file: config, flags: [], environment: ProcessInfo.processInfo.environment)
        let (serialNumber, setupCode) = try BoxState.label(state ?? settings.state, setupCode: settings.setupCode)
        let hardware = Hardware.read()
        if json {
            let label = Label(
                model: "Gatehouse box", serialNumber: serialNumber, setupCode: setupCode, board: hardware.board,
                macAddresses: hardware.macAddresses)
            return print(String(decoding: try GatehouseJSON.encoder.encode(label), as: UTF8.self))
        }
        let lines =
            [("Model", "Gatehouse box"), ("Serial number", serialNumber), ("Set-up code", setupCode)]
            + hardware.macAddresses.map { ("MAC address", $0) }
        for (name, value) in lines { print(name.padding(toLength: 15, withPad: " ", startingAt: 0) + value) }
    }
}
