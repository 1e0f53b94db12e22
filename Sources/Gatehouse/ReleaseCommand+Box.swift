import ArgumentParser
import Firmware
import Foundation
import Slots

/// How a release comes to a box that does not fetch it itself.
extension ReleaseCommand {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a release into one file, for boxes without a line.",
            discussion:
                "Boxes take it on their page, or by `gatehouse upgrade --file`. It is good as long as the timestamp that is published now.")

        @OptionGroup var repository: Repository

        @Argument(help: "As `gatehouse release build` printed it.")
        var release: String

        @Argument(help: "The file; nothing is replaced.", completion: .file())
        var file: String

        @Option(help: "The root that is trusted: 1.root.json of the first release, or a newer one.", completion: .file())
        var root: String

        func run() async throws {
            guard !FileManager.default.fileExists(atPath: file) else { throw ValidationError("\(file) is there already.") }
            try await ReleaseFile.write(
                release, of: URL(filePath: repository.repository, directoryHint: .isDirectory),
                root: ReleaseCommand.bytes(root), to: URL(filePath: file), at: Date())
        }
    }

    struct Install: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a release where gatehouse-launcher starts it: the first of a box.",
            discussion: "Where the folder has a release already, the new one is put on trial, as the box itself would do it.")

        @OptionGroup var repository: Repository

        @Argument(help: "As `gatehouse release build` printed it.")
        var release: String

        @Argument(help: "The launcher's folder.", completion: .directory)
        var folder: String

        @Option(help: "The root that the box trusts.", completion: .file())
        var root: String

        func run() async throws {
            let place = UpgradePlace(folder: URL(filePath: folder, directoryHint: .isDirectory), slot: "")
            guard !SlotFolder(folder).isSomebodyElses else {
                throw BoxFailure(
                    description: "\(folder) is somebody else's. Let its own user do it: runuser -u gatehouse -- gatehouse release install …"
                )
            }
            let source = FolderSource(URL(filePath: repository.repository, directoryHint: .isDirectory))
            let before = UpgradePlace.version(ofSlot: SlotFolder(folder).current)
            let slot = try await place.install(release, from: source, root: ReleaseCommand.bytes(root), at: Date())
            print(slot)
            if let before, let version = UpgradePlace.version(ofSlot: slot), version < before {
                NewFile.note("It is older than \(before), which was started there.")
            }
            let own = UpgradePlace.ownArchitecture
            if !release.split(separator: "/").contains(Substring(own)) { NewFile.note("It is not for this machine, which is \(own).") }
        }
    }
}
