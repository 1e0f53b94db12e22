import DequeModule
import NIOCore

/// The last packets of a track, as they were sent: lost ones go again from here.
///
/// Bounded by `most` and by age: what is older would come too late anyhow.
struct SentPackets {
    private struct Entry {
        let packet: ByteBuffer
        let sentAt: Duration
        var resentAt: Duration?
    }

    static let most = 1024
    static let age = Duration.seconds(1)
    /// A viewer asks again before an answer can have come.
    private static let again = Duration.milliseconds(10)
    /// No more go again in a second: asking costs little.
    private static let perSecond = 1000

    private var entries: Deque<Entry> = []
    /// Of `entries.first`.
    private var first: UInt16 = 0
    private var budget = perSecond
    private var budgetAt = Duration.zero

    var count: Int { entries.count }

    /// Keeps a packet; sequences follow one another.
    mutating func add(_ packet: ByteBuffer, sequence: UInt16, now: Duration) {
        if entries.isEmpty || first &+ UInt16(truncatingIfNeeded: entries.count) != sequence {
            entries.removeAll(keepingCapacity: true)
            first = sequence
        }
        entries.append(Entry(packet: packet, sentAt: now))
        while entries.count > Self.most || now - (entries.first?.sentAt ?? now) > Self.age {
            entries.removeFirst()
            first &+= 1
        }
    }

    /// Those of `sequences` that are to go again now.
    mutating func again(_ sequences: [UInt16], now: Duration) -> [ByteBuffer] {
        if now - budgetAt >= .seconds(1) { (budget, budgetAt) = (Self.perSecond, now) }
        var packets: [ByteBuffer] = []
        for sequence in sequences where budget > 0 {
            let index = Int(sequence &- first)
            guard index < entries.count, entries[index].resentAt.map({ now - $0 >= Self.again }) ?? true else { continue }
            entries[index].resentAt = now
            packets.append(entries[index].packet)
            budget -= 1
        }
        return packets
    }
}
