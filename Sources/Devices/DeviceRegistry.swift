import BoxDatabase
public import Cameras
public import Core
import Foundation
public import Logging
public import Recording
import Synchronization

/// What all devices share.
public struct DeviceEnvironment: Sendable {
    let channels: ChannelRegistry
    let spool: any FootageSpool
    let pictures: EventPictures
    let prober: DeviceProber
    let time: TimeSource
    let logger: Logger
    /// How long a device must be away before that is an event.
    let offlineAfter: Duration
    /// Called, from any thread, when a device's view changed.
    let changed: @Sendable (DeviceID) -> Void

    public init(
        channels: ChannelRegistry, spool: any FootageSpool, pictures: EventPictures, prober: DeviceProber, time: TimeSource, logger: Logger,
        offlineAfter: Duration = .seconds(300), changed: @escaping @Sendable (DeviceID) -> Void
    ) {
        self.channels = channels
        self.spool = spool
        self.pictures = pictures
        self.prober = prober
        self.time = time
        self.logger = logger
        self.offlineAfter = offlineAfter
        self.changed = changed
    }
}

/// All devices at work; starts, changes and ends them as they are set.
public final class DeviceRegistry: Sendable {
    private struct Entry {
        let device: DeviceAtWork
        var task: Task<Void, Never>?
    }

    private struct State {
        var entries: [DeviceID: Entry] = [:]
        var running = false
        /// The last change; each begins when the one before has ended, so that no two work on one device.
        var lastChange: Task<Void, any Error>?
    }

    public let environment: DeviceEnvironment
    private let catalogue: DeviceCatalogue
    private let state = Mutex(State())
    private let stopping = Signal()

    public init(environment: DeviceEnvironment, catalogue: DeviceCatalogue) {
        self.environment = environment
        self.catalogue = catalogue
    }

    /// Runs the devices until cancelled.
    public func run() async {
        state.withLock { state in
            state.running = true
            for id in state.entries.keys { Self.start(&state, id) }
        }
        while !Task.isCancelled { await stopping.wait() }
        let tasks = state.withLock { state in
            state.running = false
            return state.entries.values.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private static func start(_ state: inout State, _ id: DeviceID) {
        guard let device = state.entries[id]?.device else { return }
        state.entries[id]?.task = Task { await device.run() }
    }

    /// Starts every device that is set.
    public func startAll() async throws {
        for (device, _) in try await catalogue.devices() {
            // One device that cannot be read must not keep the others, and what waits in the spool, from working.
            do { try await apply(device.id) } catch {
                environment.logger.error("device not started", metadata: ["name": "\(device.name)", "error": "\(error)"])
            }
        }
    }

    /// Takes over a device as it is set now: it begins anew.
    public func apply(_ id: DeviceID) async throws {
        try await inTurn { try await self.applyNow(id) }
    }

    /// Ends a device.
    public func remove(_ id: DeviceID) async {
        try? await inTurn { await self.removeNow(id) }
    }

    private func inTurn(_ change: @escaping @Sendable () async throws -> Void) async throws {
        let task = state.withLock { state in
            let before = state.lastChange
            let task = Task {
                _ = await before?.result
                try await change()
            }
            state.lastChange = task
            return task
        }
        try await task.value
    }

    private func applyNow(_ id: DeviceID) async throws {
        await removeNow(id)
        // Read after the former one has ended, which may have taken a while; a device that was removed meanwhile stays removed.
        let (record, _) = try await catalogue.device(id)
        let entry = try await catalogue.entryPoint(of: record)
        let description = record.description
        let profile = description.map { environment.prober.profiles.profile(of: $0.identity) } ?? .unknown
        let device = DeviceAtWork(
            record, description: description, driver: environment.prober.driver(record.driverKind, entry, profile: profile),
            profile: profile, channels: try await catalogue.channelRecords(of: id), environment: environment,
            pinned: { [catalogue] certificate in
                try? await catalogue.change(id) { $0.pinnedCertificate = $0.pinnedCertificate ?? certificate }
            })
        state.withLock { state in
            state.entries[id] = Entry(device: device)
            if state.running { Self.start(&state, id) }
        }
        environment.changed(id)
    }

    private func removeNow(_ id: DeviceID) async {
        guard let entry = state.withLock({ $0.entries.removeValue(forKey: id) }) else { return }
        await entry.device.lens.stopAll()
        entry.task?.cancel()
        await entry.task?.value
        await entry.device.driver.close()
    }

    /// A document of a channel's metadata track: the same events by another way.
    public func tell(_ channel: ChannelID, _ document: [UInt8]) {
        state.withLock { $0.entries.values.first { $0.device.has(channel) }?.device }?.tell(document)
    }

    public subscript(id: DeviceID) -> DeviceAtWork? { state.withLock { $0.entries[id]?.device } }

    public var devices: [DeviceAtWork] { state.withLock { $0.entries.values.map(\.device) } }
}
