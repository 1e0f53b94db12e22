import Core
import Logging
import ManagementAPI

extension Box {
    /// From now on a crash is told to the next life; that of the last is told now.
    static func tellCrashes(_ state: BoxState, _ logger: Logger) {
        do {
            guard let last = try CrashReports(state: state.path).begin(version: state.identity.version) else { return }
            logger.warning(
                "the box crashed in its last life",
                metadata: ["signal": "\(last.signal)", "version": "\(last.version)", "at": "\(last.at)"])
        } catch {
            logger.warning("a crash would not be told", metadata: ["reason": "\(error)"])
        }
    }
}
