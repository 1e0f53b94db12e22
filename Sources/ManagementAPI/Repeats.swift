import Core
import Synchronization

/// Tells what comes many times in a row, so that once a minute is written down.
final class Repeats: Sendable {
    private static let once = Duration.seconds(60)
    /// More than these are not told apart.
    private static let most = 2_000

    private let recent = Mutex<[String: Duration]>([:])
    private let time: TimeSource

    init(time: TimeSource) {
        self.time = time
    }

    /// Forgets what could not be written down after all.
    func forget(_ key: String) { recent.withLock { _ = $0.removeValue(forKey: key) } }

    /// Whether `key` came less than a minute ago; where too many are to be told apart, `whenFull`.
    func isRepeated(_ key: String, whenFull: Bool) -> Bool {
        let now = time.uptime()
        return recent.withLock { recent in
            if let last = recent[key], now - last < Self.once { return true }
            if recent.count >= Self.most { recent = recent.filter { now - $0.value < Self.once } }
            guard recent.count < Self.most else { return whenFull }
            recent[key] = now
            return false
        }
    }
}
