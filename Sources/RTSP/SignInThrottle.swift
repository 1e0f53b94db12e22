import Synchronization

/// Lets nobody guess passwords: after some failures an address has to wait.
final class SignInThrottle: Sendable {
    private struct Entry {
        var failures = 0
        var last: Duration
    }

    private static let allowed = 5
    private static let pause = Duration.seconds(60)
    private static let most = 1024

    private let state = Mutex<[String: Entry]>([:])

    func isBlocked(_ address: String, now: Duration) -> Bool {
        state.withLock { state in
            guard let entry = state[address], entry.failures >= Self.allowed else { return false }
            guard now - entry.last >= Self.pause else { return true }
            state[address] = nil
            return false
        }
    }

    func failed(_ address: String, now: Duration) {
        state.withLock { state in
            if state[address] == nil, state.count >= Self.most, let oldest = state.min(by: { $0.value.last < $1.value.last }) {
                state[oldest.key] = nil
            }
            var entry = state[address] ?? Entry(last: now)
            // What was long ago does not count.
            if now - entry.last > Self.pause * 10 { entry.failures = 0 }
            entry.failures += 1
            entry.last = now
            state[address] = entry
        }
    }

    func succeeded(_ address: String) {
        state.withLock { $0[address] = nil }
    }
}
