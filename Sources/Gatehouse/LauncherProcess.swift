import Firmware
import Foundation
import Synchronization

/// The launcher that started this program, if one did; what it says in the environment.
struct LauncherProcess: Sendable {
    let program: String
    let place: UpgradePlace

    /// Nil where the program was started by something else.
    init?(_ environment: [String: String]) {
        guard let program = environment["GATEHOUSE_LAUNCHER"], let folder = environment["GATEHOUSE_RELEASES"],
            let slot = environment["GATEHOUSE_RELEASE"]
        else { return nil }
        self.program = program
        place = UpgradePlace(folder: URL(filePath: folder, directoryHint: .isDirectory), slot: slot)
    }

    /// The launcher takes this process over, and starts what is due, with the same arguments.
    /// - Returns: only where that failed.
    func start() {
        NextProgram.start(program, [program, place.folder.path, "start"] + CommandLine.arguments.dropFirst())
    }
}

/// Asked for while the box runs, done when it has ended.
final class RestartRequest: Sendable {
    private let asked = Mutex(false)
    var isAsked: Bool { asked.withLock { $0 } }

    /// Ends the box in order; it begins with the release that is due then.
    func ask() {
        asked.withLock { $0 = true }
        kill(getpid(), SIGTERM)
    }
}
