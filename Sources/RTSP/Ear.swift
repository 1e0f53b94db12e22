import RTP
import Synchronization

/// When a reader was last heard of, from whichever thread.
final class Ear: Sendable {
    private let state: Mutex<(last: Duration, goodbyes: Int)>

    init(now: Duration) {
        state = Mutex((now, 0))
    }

    var lastHeard: Duration { state.withLock { $0.last } }
    /// How many of its tracks it has left.
    var goodbyes: Int { state.withLock { $0.goodbyes } }

    func hear(now: Duration) {
        state.withLock { $0.last = now }
    }

    /// Takes what may be a report about its reception.
    func hear(_ bytes: [UInt8], now: Duration) {
        guard let items = RTCP.read(bytes) else { return }
        let goodbyes = items.count { if case .goodbye = $0 { true } else { false } }
        state.withLock { state in
            state.last = now
            state.goodbyes += goodbyes
        }
    }
}
