import BoxDatabase
public import Cameras
public import Core
public import Foundation
import Logging
import Synchronization

/// The list of devices on the LAN: looked for on request, live as answers come; and the following of devices whose address changed.
public final class DiscoveryList: Sendable {
    /// What is shown.
    public struct Snapshot: Sendable {
        public var running = false
        public var startedAt: Date?
        public var finishedAt: Date?
        /// Share of the sweep that is done; nil where none was wanted.
        public var sweep: Double?
        public var devices: [DiscoveredDevice] = []
    }

    private struct State {
        var snapshot = Snapshot()
        var task: Task<Void, Never>?
        var nextID = 1
    }

    private static let limit = 1024
    /// Of devices that may have moved.
    private let away: [DeviceFailure.Code] = [.unreachable, .refused, .silent]
    private let finder: DeviceFinder
    private let sweeper: PortSweep
    private let catalogue: DeviceCatalogue
    private let registry: DeviceRegistry
    private let time: TimeSource
    private let logger: Logger
    private let state = Mutex(State())
    /// Called, from any thread, with a device that is new or changed; nil when the search itself changed.
    private let changed: @Sendable (DiscoveredDevice?) -> Void

    public init(
        finder: DeviceFinder, sweeper: PortSweep, catalogue: DeviceCatalogue, registry: DeviceRegistry, time: TimeSource,
        changed: @escaping @Sendable (DiscoveredDevice?) -> Void
    ) {
        self.finder = finder
        self.sweeper = sweeper
        self.catalogue = catalogue
        self.registry = registry
        self.time = time
        self.changed = changed
        logger = registry.environment.logger
    }

    public var snapshot: Snapshot { state.withLock { $0.snapshot } }

    /// Begins a search; one that runs goes on instead.
    public func begin(seconds: Int, sweep: Bool, unicast: [String]) {
        let began = state.withLock { state in
            guard !state.snapshot.running else { return false }
            state.snapshot = Snapshot(running: true, startedAt: time.now(), sweep: sweep ? 0 : nil)
            state.task = Task { await self.search(seconds: seconds, sweep: sweep, unicast: unicast) }
            return true
        }
        if began { changed(nil) }
    }

    /// Ends the search; what was found stays.
    public func cancel() {
        state.withLock { $0.task }?.cancel()
    }

    private func search(seconds: Int, sweep: Bool, unicast: [String]) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.finder.probe(for: .seconds(seconds), unicast: unicast) { self.merge($0) } }
            if sweep {
                group.addTask {
                    // First those that answer: what they are need not be knocked at.
                    guard (try? await self.time.sleep(.seconds(2))) != nil else { return }
                    let known = Set(self.snapshot.devices.map(\.address))
                    let hosts = self.sweeper.hosts().filter { !known.contains($0) }
                    await self.sweeper.run(hosts: hosts) {
                        self.merge($0)
                    } progress: { share in
                        self.state.withLock { $0.snapshot.sweep = share }
                        self.changed(nil)
                    }
                }
            }
            await group.waitForAll()
        }
        state.withLock { state in
            state.snapshot.running = false
            state.snapshot.finishedAt = time.now()
        }
        changed(nil)
    }

    private func merge(_ seen: DiscoveredDevice) {
        var seen = seen
        let result = state.withLock { state -> DiscoveredDevice? in
            if let index = state.snapshot.devices.firstIndex(where: { $0.isSame(as: seen) }) {
                var merged = state.snapshot.devices[index]
                merged.merge(seen)
                // Each probe is answered again; only what is news is told.
                var before = state.snapshot.devices[index]
                before.seenAt = merged.seenAt
                state.snapshot.devices[index] = merged
                return before == merged ? nil : merged
            }
            guard state.snapshot.devices.count < Self.limit else { return nil }
            seen.id = state.nextID
            state.nextID += 1
            state.snapshot.devices.append(seen)
            return seen
        }
        if let result { changed(result) }
    }

    // MARK: Following

    /// Looks now and then whether a device has another address, until cancelled; often while one is lost.
    public func follow() async {
        var quiet = Duration.zero
        while (try? await time.sleep(.seconds(15))) != nil {
            quiet += .seconds(15)
            let lost = registry.devices.contains { device in away.contains { $0.rawValue == device.view.condition.code } }
            guard lost || quiet >= .seconds(600) else { continue }
            quiet = .zero
            await followNow()
        }
    }

    /// Whether the device answers there, and says itself who it is when signed in to by digest.
    private func isSame(_ device: DeviceRecord, at host: String) async -> Bool {
        guard var entry = try? await catalogue.entryPoint(of: device) else { return false }
        entry.address.host = host
        entry.allowsBasic = false
        let driver = registry.environment.prober.driver(device.driverKind, entry, profile: .unknown)
        let identity = try? await driver.describe().identity
        await driver.close()
        guard let identity else { return false }
        if let serial = device.serialNumber { return identity.serialNumber == serial }
        return device.macAddress != nil && identity.macAddress == device.macAddress
    }

    /// Finds the devices of the box by their identity and moves those whose address changed.
    public func followNow() async {
        let found = Mutex<[DiscoveredDevice]>([])
        await finder.probe(for: .seconds(3)) { device in found.withLock { if $0.count < Self.limit { $0.append(device) } } }
        let seen = found.withLock { $0 }
        guard let devices = try? await catalogue.devices() else { return }
        for (device, _) in devices {
            guard
                let here = seen.first(where: { one in
                    if let serial = device.serialNumber, one.identity.serialNumber == serial { return true }
                    return device.macAddress != nil && one.identity.macAddress == device.macAddress
                }), here.address != device.host
            else { continue }
            // An answer may be anybody's word: only a device that is silent at its old address is looked for, and it must prove itself at the new.
            guard let view = registry[device.id]?.view, away.contains(where: { $0.rawValue == view.condition.code }),
                await isSame(device, at: here.address)
            else { continue }
            do {
                try await catalogue.move(device.id, to: here.address)
                try await registry.apply(device.id)
                logger.notice(
                    "device has another address, followed",
                    metadata: ["name": "\(device.name)", "from": "\(device.host)", "to": "\(here.address)"])
            } catch {
                logger.warning("device could not be followed", metadata: ["name": "\(device.name)", "error": "\(error)"])
            }
        }
    }
}
