import CLinux

/// How far the machine's time is to be believed.
public enum ClockState {
    /// Whether a network time service sets it.
    public static var isSynchronized: Bool { word == "synchronized" }

    /// `synchronized` where the kernel is told by a network time service, `not-synchronized` where it is not (adjtimex(2)).
    public static var word: String {
        var parts = timex()
        // Only asked: no mode is set.
        switch adjtimex(&parts) {
        case -1: return "unknown"
        case TIME_ERROR: return "not-synchronized"
        default: return "synchronized"
        }
    }
}
