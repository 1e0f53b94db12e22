import ArgumentParser
import Firmware
import Foundation

extension ReleaseCommand {
    /// Stops a rollout that boxes report failures of.
    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what boxes report of a release, and stop it where too many gave it up.",
            discussion: """
                The reports are what boxes put below firmware.reports, in a folder. Where too many gave the release up it is offered to nobody any \
                more, as by `offer --rollout 0`: sign and publish that. Ends with 1 then, so that a timer can call somebody.
                """)

        @OptionGroup var repository: Repository

        @Argument(help: "As `gatehouse release build` printed it.")
        var release: String

        @Option(help: "The folder of reports.", completion: .directory)
        var reports: String

        @Option(help: "More than so many percent of those that tried it.")
        var above = 2

        @Option(help: "As many boxes at least.")
        var boxes = 3

        @Option(help: "Days that the list of releases is good for.")
        var days = 365

        func validate() throws {
            guard (0...100).contains(above), boxes > 0 else { throw ValidationError("--above is 0 to 100, --boxes 1 or more.") }
        }

        func run() throws {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: reports, isDirectory: &isFolder), isFolder.boolValue else {
                throw ValidationError("There is no folder \(reports).")
            }
            let repository = repository.opened
            let listed = try repository.listed(release)
            let watch = RolloutWatch(of: listed.slot, in: URL(filePath: reports, directoryHint: .isDirectory))
            print("\(watch.stayed) stayed with it, \(watch.wentBack) gave it up, \(watch.didNotBegin) did not come to its start")
            if watch.notUnderstood > 0 { NewFile.note("\(watch.notUnderstood) files in \(reports)/\(listed.slot) are no reports of it.") }
            for (reason, boxes) in watch.reasons.prefix(10) { print("  \(boxes): \(Self.plain(reason))") }
            guard watch.isToStop(above: above, boxes: boxes) else { return }
            if listed.offer.rollout > 0 {
                try repository.change(release, expires: ReleaseCommand.day(days)) { $0.rollout = 0 }
                try ReleaseCommand.sayPending(repository.pending())
            } else {
                NewFile.note("It is offered to nobody already.")
            }
            throw ExitCode(1)
        }

        /// Whoever wrote the report may have written what a terminal obeys.
        private static func plain(_ text: String) -> String {
            String(text.unicodeScalars.prefix(300).map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : Character($0) })
        }
    }
}
