import CLinux
import Foundation

/// Another program takes this process over.
enum NextProgram {
    /// Returns only where that failed.
    static func start(_ path: String, _ arguments: [String]) {
        // Connections that this program accepted would stay open, with nobody who answers; swift-nio does not see to that.
        let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in open.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO { _ = gatehouse_close_on_exec(descriptor) }
        var all = arguments.map { strdup($0) } + [nil]
        execv(path, &all)
    }
}
