public import Core
public import Logging
public import Media
public import Recording
import Synchronization

/// The streams that are watched: each is made into fragments once, from the first viewer until a while after the last.
public final class LiveStreams: Sendable {
    struct Key: Hashable, Sendable {
        let channel: ChannelID
        let role: StreamRole
    }

    private final class Entry: Sendable {
        let key: Key
        /// Another one after the channel's settings changed.
        let lease: Mutex<StreamLease>
        let fragments: LiveFragments
        let changed = Signal()
        let viewers = Mutex(0)

        init(key: Key, lease: StreamLease, logger: Logger) {
            self.key = key
            self.lease = Mutex(lease)
            fragments = LiveFragments(logger: logger)
        }
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var waiting: [Entry] = []
    }

    /// How long fragments are made that nobody reads any more.
    private static let linger = Duration.seconds(10)

    /// A channel whose settings change is away for a moment: it is looked for so often, after such pauses.
    private static let patience = 25
    private static let pause = Duration.milliseconds(200)

    private let stream: @Sendable (ChannelID, StreamRole) -> StreamLease?
    private let state = Mutex(State())
    private let begun = Signal()
    private let time: TimeSource
    private let logger: Logger

    /// `stream` opens a channel's stream; nil where there is none.
    public init(stream: @escaping @Sendable (ChannelID, StreamRole) -> StreamLease?, time: TimeSource, logger: Logger) {
        self.stream = stream
        self.time = time
        self.logger = logger
    }

    /// Makes fragments until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                // Nothing of it may be held while nothing begins: an entry keeps its stream open.
                for entry in takeWaiting() { group.addTask { await self.feed(entry) } }
                await begun.wait()
            }
        }
    }

    private func takeWaiting() -> [Entry] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func feed(_ entry: Entry) async {
        let about: Logger.Metadata = ["channel": "\(entry.key.channel)", "stream": "\(entry.key.role.rawValue)"]
        logger.debug("a stream is relayed", metadata: about)
        defer { logger.debug("a stream is not relayed any more", metadata: about) }
        await withTaskGroup { group in
            group.addTask { await self.relay(entry) }
            group.addTask { await self.awaitUnwatched(entry) }
            await group.next()
            group.cancelAll()
        }
        state.withLock { state in
            if state.entries[entry.key] === entry { state.entries[entry.key] = nil }
        }
    }

    /// Goes on with the channel's new stream where the settings changed; ends when the channel is gone.
    private func relay(_ entry: Entry) async {
        var clock = ViewerClock()
        var missing = 0
        while !Task.isCancelled, missing < Self.patience {
            guard let lease = stream(entry.key.channel, entry.key.role) else {
                missing += 1
                try? await time.sleep(Self.pause)
                continue
            }
            missing = 0
            entry.lease.withLock { $0 = lease }
            await entry.fragments.take(lease.packets, clock: &clock) { lease.status?.audio }
        }
        entry.fragments.end()
    }

    private func awaitUnwatched(_ entry: Entry) async {
        while !Task.isCancelled {
            if entry.viewers.withLock({ $0 }) > 0 {
                await entry.changed.wait()
                continue
            }
            await entry.changed.wait(atMost: Self.linger, time: time)
            let isOver = state.withLock { state in
                guard entry.viewers.withLock({ $0 }) == 0 else { return false }
                state.entries[entry.key] = nil
                return true
            }
            if isOver { return }
        }
    }

    /// A viewer of a stream; nil where there is no such stream. The stream is kept open while the viewer lives.
    public func viewer(of channel: ChannelID, _ role: StreamRole) -> LiveViewer? {
        let key = Key(channel: channel, role: role)
        let entry = state.withLock { state -> Entry? in
            let entry = state.entries[key] ?? stream(channel, role).map { Entry(key: key, lease: $0, logger: logger) }
            guard let entry else { return nil }
            if state.entries[key] == nil {
                state.entries[key] = entry
                state.waiting.append(entry)
            }
            entry.viewers.withLock { $0 += 1 }
            return entry
        }
        guard let entry else { return nil }
        begun.raise()
        entry.changed.raise()
        return LiveViewer(reader: entry.fragments.reader(), stream: { entry.lease.withLock { $0 } }) { [logger] in
            let left = entry.viewers.withLock { viewers in
                viewers -= 1
                return viewers
            }
            logger.debug("a viewer left", metadata: ["channel": "\(key.channel)", "stream": "\(key.role.rawValue)", "left": "\(left)"])
            entry.changed.raise()
        }
    }
}

/// One viewer's part of a stream.
public final class LiveViewer: Sendable {
    public let reader: LiveFragments.Reader
    private let stream: @Sendable () -> StreamLease
    private let leave: @Sendable () -> Void

    fileprivate init(
        reader: LiveFragments.Reader, stream: @escaping @Sendable () -> StreamLease, leave: @escaping @Sendable () -> Void
    ) {
        self.reader = reader
        self.stream = stream
        self.leave = leave
    }

    /// The stream itself, for its figures.
    public var lease: StreamLease { stream() }

    deinit { leave() }
}
