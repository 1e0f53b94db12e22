import Core

/// How fast packets go: a key frame at once would overflow the sockets between here and the viewer, so it goes in pieces.
struct Pace {
    /// So many may go at once.
    private static let burst = 24.0
    /// 12 packets in 4 ms are about 29 Mbit/s.
    private static let perSecond = 3000.0
    /// A third of it for viewers that lose packets: what is lost has to come again before too much else does.
    private static let gently = 1000.0

    var isGentle = false
    private var room = burst
    private var at: Duration?

    /// How many of `wanted` packets may go now, and how long to wait where it is none.
    mutating func take(_ wanted: Int, now: Duration) -> (count: Int, wait: Duration) {
        let perSecond = isGentle ? Self.gently : Self.perSecond
        room = min(Self.burst, room + (now - (at ?? now)).seconds * perSecond)
        at = now
        guard room >= 1 else { return (0, .seconds(((isGentle ? 4 : 12) - room) / perSecond)) }
        let count = min(wanted, Int(room))
        room -= Double(count)
        return (count, .zero)
    }
}
