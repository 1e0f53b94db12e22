import Core

/// How fast packets go: a key frame at once would overflow the sockets between here and the viewer, so it goes in pieces.
struct Pace {
    /// So many may go at once.
    private static let burst = 24.0
    /// 12 packets in 4 ms are about 29 Mbit/s.
    private static let perSecond = 3000.0

    private var room = burst
    private var at: Duration?

    /// How many of `wanted` packets may go now, and how long to wait where it is none.
    mutating func take(_ wanted: Int, now: Duration) -> (count: Int, wait: Duration) {
        room = min(Self.burst, room + (now - (at ?? now)).seconds * Self.perSecond)
        at = now
        guard room >= 1 else { return (0, .seconds((12 - room) / Self.perSecond)) }
        let count = min(wanted, Int(room))
        room -= Double(count)
        return (count, .zero)
    }
}
