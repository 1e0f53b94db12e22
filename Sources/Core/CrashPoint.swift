import Foundation

/// A named place where the fault tests end the process, to see what survives.
///
/// The environment variable `GATEHOUSE_CRASH_AT` names one place, optionally with `:n` for its n-th passing; without it nothing happens.
public enum CrashPoint {
    private static let target = ProcessInfo.processInfo.environment["GATEHOUSE_CRASH_AT"]?.split(separator: ":").map(String.init) ?? []
    private static let passings = Counter()

    /// Ends the process at once, as a power cut would, if this is the named place.
    public static func reach(_ name: String) {
        if let rehearsal = Rehearsal.current { return rehearsal.reach(name) }
        guard let wanted = target.first, wanted == name else { return }
        if passings.next() >= (target.count > 1 ? Int(target[1]) ?? 1 : 1) { kill(getpid(), SIGKILL) }
    }
}
