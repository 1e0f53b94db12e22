public import Core
public import Media
import Synchronization

/// Whether somebody wants a stream; it is opened for the first and closed a while after the last.
final class StreamDemand: Sendable {
    private struct State {
        var leases = 0
        /// The box itself needs the stream.
        var isNeeded = false
    }

    private let state = Mutex(State())
    private let changed = Signal()

    /// How long a stream stays open that nobody wants any more: people change their minds.
    static let linger = Duration.seconds(20)

    var isWanted: Bool { state.withLock { $0.leases > 0 || $0.isNeeded } }

    func need(_ isNeeded: Bool) {
        state.withLock { $0.isNeeded = isNeeded }
        changed.raise()
    }

    func take() {
        state.withLock { $0.leases += 1 }
        changed.raise()
    }

    func release() {
        state.withLock { $0.leases -= 1 }
        changed.raise()
    }

    /// Runs `work` while the stream is wanted and a while longer, once at the start in any case; `rests` is called when it has ended.
    func run(time: TimeSource, _ work: @escaping @Sendable () async -> Void, rests: @Sendable () -> Void) async {
        while !Task.isCancelled {
            await withTaskGroup { group in
                group.addTask { await work() }
                group.addTask { await self.awaitUnwanted(time) }
                await group.next()
                group.cancelAll()
            }
            rests()
            while !Task.isCancelled, !isWanted { await changed.wait() }
        }
    }

    /// The same, but not before somebody wants it.
    func runWhileWanted(time: TimeSource, _ work: @escaping @Sendable () async -> Void, rests: @Sendable () -> Void) async {
        while !Task.isCancelled, !isWanted { await changed.wait() }
        await run(time: time, work, rests: rests)
    }

    private func awaitUnwanted(_ time: TimeSource) async {
        var since = time.uptime()
        while !Task.isCancelled {
            if isWanted {
                await changed.wait()
                since = time.uptime()
            } else {
                let left = since + Self.linger - time.uptime()
                guard left > .zero else { return }
                await changed.wait(atMost: left, time: time)
            }
        }
    }
}

/// A stream of a channel, wherever it comes from.
protocol ReceivedStream: Sendable {
    var packets: RecentPackets { get }
    /// What the stream sends; nil while there is no picture.
    var status: StreamStatus? { get }
    /// How the stream is.
    var condition: Condition { get }
}

/// The right to one stream of a channel: it is received while somebody holds one.
public final class StreamLease: Sendable {
    /// What is received.
    public let packets: RecentPackets
    private let stream: any ReceivedStream
    private let demand: StreamDemand?

    init(_ stream: any ReceivedStream, demand: StreamDemand?) {
        self.stream = stream
        self.demand = demand
        packets = stream.packets
        demand?.take()
    }

    deinit { demand?.release() }

    /// What the stream sends; nil while there is no picture.
    public var status: StreamStatus? { stream.status }
    /// How the stream is.
    public var condition: Condition { stream.condition }
}
