import Synchronization

/// The log level of the running box, which can be changed while it runs.
public final class LogLevel: Sendable {
    private let level: Mutex<String>

    public init(_ level: String) {
        self.level = Mutex(level)
    }

    /// `trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`.
    public var name: String {
        get { level.withLock { $0 } }
        set { level.withLock { $0 = newValue } }
    }
}
