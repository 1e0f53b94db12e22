import ArgumentParser
import Firmware
import Foundation

/// Firmware of cameras and recorders in the vendor's catalogue.
extension ReleaseCommand {
    struct Device: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "device", abstract: "Add firmware of a camera or recorder to the catalogue.",
            discussion:
                "Sign and publish it like a release. Boxes that have such a device then offer it. Make and models are as the box shows them; name every model it is for, and no other."
        )

        @OptionGroup var repository: Repository

        @Argument(help: "The maker's file, as it is.", completion: .file())
        var file: String

        @Option(help: "Who makes the device: Hikvision.")
        var make: String

        @Option(help: "Which it is for; several times.")
        var model: [String]

        @Option(help: "As the device says it once it has it: \"V5.7.13 build 230713\".")
        var version: String

        @Option(help: "Where its maker has it, for people: https://…")
        var page: String?

        @Option(help: "What is new, for people: a file.", completion: .file())
        var notes: String?

        @Option(help: "Days that the list is good for.")
        var days = 365

        func run() throws {
            guard FileManager.default.isReadableFile(atPath: file) else { throw ValidationError("\(file) cannot be read.") }
            let offer = DeviceFirmwareOffer(make: make, models: model, version: version, page: page)
            let path = try repository.opened.add(
                deviceFirmware: URL(filePath: file), offer, notes: try notes.map(ReleaseCommand.text) ?? "",
                expires: ReleaseCommand.day(days))
            print(path)
            try ReleaseCommand.sayPending(repository.opened.pending())
        }
    }

    struct WithdrawDevice: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "withdraw-device", abstract: "Offer firmware of a device no longer.",
            discussion: "Sign and publish it like a release. Devices that have it keep it.")

        @OptionGroup var repository: Repository

        @Argument(help: "As `gatehouse release device` printed it.")
        var firmware: String

        @Option(help: "Days that the list is good for.")
        var days = 365

        func run() throws {
            try repository.opened.withdraw(deviceFirmware: firmware, expires: ReleaseCommand.day(days))
            try ReleaseCommand.sayPending(repository.opened.pending())
        }
    }
}
