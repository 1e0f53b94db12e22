public import Core
public import Media
import Synchronization

/// The playlists of streams that are watched by HTTP Live Streaming: made from the first request until a while after the last.
public final class LivePlaylists: Sendable {
    private struct Entry {
        let playlist: Playlist
        let viewer: LiveViewer
        var asked: Duration
        /// When somebody far away asked last.
        var askedFromAfar: Duration?
    }

    private struct State {
        var entries: [LiveStreams.Key: Entry] = [:]
        var waiting: [LiveStreams.Key] = []
    }

    /// A playlist that nobody asks for for so long is let go.
    private static let linger = Duration.seconds(20)

    /// Somebody far away watches while one of his requests is not older.
    private static let pause = Duration.seconds(10)
    private static let looksEvery = Duration.seconds(2)

    private let streams: LiveStreams
    private let watch: @Sendable () -> @Sendable () -> Void
    private let time: TimeSource
    private let state = Mutex(State())
    private let begun = Signal()

    /// `watch` is told that somebody far away begins to watch, and answers what is to be called at the end.
    public init(streams: LiveStreams, watch: @escaping @Sendable () -> @Sendable () -> Void, time: TimeSource) {
        self.streams = streams
        self.watch = watch
        self.time = time
    }

    /// Makes playlists until cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let keys = state.withLock { state in
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for key in keys { group.addTask { await self.make(key) } }
                await begun.wait()
            }
        }
    }

    private func make(_ key: LiveStreams.Key) async {
        guard let entry = state.withLock({ $0.entries[key] }) else { return }
        await withTaskGroup { group in
            group.addTask { await entry.playlist.run(entry.viewer) }
            group.addTask { await self.awaitUnwanted(key) }
            await group.next()
            group.cancelAll()
        }
        state.withLock { $0.entries[key] = nil }
    }

    private func awaitUnwanted(_ key: LiveStreams.Key) async {
        var leave: (@Sendable () -> Void)?
        defer { leave?() }
        while let entry = state.withLock({ $0.entries[key] }), time.uptime() - entry.asked < Self.linger {
            let isWatched = entry.askedFromAfar.map { time.uptime() - $0 < Self.pause } ?? false
            if isWatched, leave == nil { leave = watch() }
            if !isWatched, let end = leave {
                end()
                leave = nil
            }
            guard (try? await time.sleep(Self.looksEvery)) != nil else { return }
        }
    }

    /// The playlist of a stream; nil where there is no such stream.
    public func playlist(of channel: ChannelID, _ role: StreamRole, isLocal: Bool) -> Playlist? {
        let key = LiveStreams.Key(channel: channel, role: role)
        let now = time.uptime()
        let playlist = state.withLock { state -> Playlist? in
            if state.entries[key] == nil {
                guard let viewer = streams.viewer(of: channel, role) else { return nil }
                state.entries[key] = Entry(playlist: Playlist(time: time), viewer: viewer, asked: now)
                state.waiting.append(key)
            }
            state.entries[key]?.asked = now
            if !isLocal { state.entries[key]?.askedFromAfar = now }
            return state.entries[key]?.playlist
        }
        begun.raise()
        return playlist
    }
}
