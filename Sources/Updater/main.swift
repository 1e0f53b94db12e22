import Core
import Firmware
import Foundation
import NIOCore

// Upgrades a box that cannot upgrade itself any more. It is apart from what it upgrades: a package brings it, and no release replaces it.

let usage = """
    usage: gatehouse-updater FOLDER [--now]
    Brings a newer release onto a box that has not said for an hour that it lives, and starts it on trial.
    FOLDER is the launcher's; with --now the box is not asked whether it lives.
    """

func say(_ sentence: String) { FileHandle.standardError.write(Data("gatehouse-updater: \(sentence)\n".utf8)) }

let arguments = CommandLine.arguments.dropFirst()
guard let folder = arguments.first, !folder.hasPrefix("-"), arguments.dropFirst().allSatisfy({ $0 == "--now" }), arguments.count <= 2 else {
    FileHandle.standardError.write(Data("\(usage)\n".utf8))
    exit(EX_USAGE)
}
var status = stat()
// What another makes there the box could not read.
guard stat(folder, &status) != 0 || status.st_uid == geteuid() else {
    say("\(folder) is somebody else's. Let its own user do it: runuser -u gatehouse -- gatehouse-updater \(folder)")
    exit(EX_NOPERM)
}
// One connection needs no more.
NIOSingletons.groupLoopCountSuggestion = 1
let rescue = Rescue(URL(filePath: folder, directoryHint: .isDirectory), isTimeKnown: { ClockState.isSynchronized })
do {
    print(try await rescue.run(evenIfItLives: arguments.contains("--now")))
} catch let refusal as UpgradeRefusal {
    say(refusal.description)
    exit(EX_TEMPFAIL)
} catch {
    let sentence = UpgradeTrouble.sentence(error)
    say(sentence == "\(error)" ? sentence : "\(sentence) (\(error))")
    exit(EX_TEMPFAIL)
}
