public import Core
import Synchronization

/// All channels at work; starts, changes and ends them as they are set.
public final class ChannelRegistry: Sendable {
    private struct Entry {
        let channel: ChannelAtWork
        let configuration: ChannelConfiguration
        var task: Task<Void, Never>?
    }

    private struct State {
        var entries: [ChannelID: Entry] = [:]
        var running = false
        /// The last change; each begins when the one before has ended, so that no two work on one channel.
        var lastChange: Task<Void, Never>?
    }

    private let environment: ChannelEnvironment
    private let state = Mutex(State())
    private let stopping = Signal()

    public init(environment: ChannelEnvironment) {
        self.environment = environment
    }

    /// Runs the channels until cancelled, then ends them in order.
    public func run() async {
        state.withLock { state in
            state.running = true
            for id in state.entries.keys { start(&state, id) }
        }
        while !Task.isCancelled { await stopping.wait() }
        let tasks = state.withLock { state in
            state.running = false
            return state.entries.values.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func start(_ state: inout State, _ id: ChannelID) {
        guard let channel = state.entries[id]?.channel else { return }
        state.entries[id]?.task = Task { await channel.run() }
    }

    /// Starts the channel or takes over its new settings; a new source ends the old session first.
    public func apply(_ configuration: ChannelConfiguration) async {
        await inTurn { await self.applyNow(configuration) }
    }

    /// Ends the channel.
    public func remove(_ id: ChannelID) async {
        await inTurn { await self.removeNow(id) }
    }

    private func inTurn(_ change: @escaping @Sendable () async -> Void) async {
        let task = state.withLock { state in
            let before = state.lastChange
            let task = Task {
                await before?.value
                await change()
            }
            state.lastChange = task
            return task
        }
        await task.value
    }

    private func applyNow(_ configuration: ChannelConfiguration) async {
        let old = state.withLock { $0.entries[configuration.id] }
        if let old, old.configuration.main == configuration.main, old.configuration.sub == configuration.sub {
            old.channel.update(configuration)
            return
        }
        await removeNow(configuration.id)
        let channel = ChannelAtWork(configuration, environment: environment)
        state.withLock { state in
            state.entries[configuration.id] = Entry(channel: channel, configuration: configuration)
            if state.running { start(&state, configuration.id) }
        }
        environment.changed(configuration.id)
    }

    private func removeNow(_ id: ChannelID) async {
        guard let entry = state.withLock({ $0.entries.removeValue(forKey: id) }) else { return }
        entry.task?.cancel()
        await entry.task?.value
    }

    public subscript(id: ChannelID) -> ChannelAtWork? { state.withLock { $0.entries[id]?.channel } }

    /// All channels at work.
    public var channels: [ChannelAtWork] { state.withLock { $0.entries.values.map(\.channel) } }

    /// The most that can be linked: what a small box transcodes when all see something at once.
    public static let mostLinked = 8

    /// How many are linked to cloud storage.
    public var linkedCount: Int { channels.count { $0.configuration.definition != nil } }

    /// Megapixels of the linked channels, `except` one; what is not known yet counts as 2.
    public func linkedMegapixels(except: ChannelID? = nil) -> Double {
        channels.filter { $0.configuration.definition != nil && $0.configuration.id != except }
            .reduce(0) { $0 + ($1.view.megapixels ?? 2.1) }
    }
}
