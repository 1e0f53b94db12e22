public import Cameras
public import Core

/// Keeps a lens moving for as long as somebody holds it, and no longer.
///
/// A movement is a lease: who moves a lens renews it several times a second, and when the last renewal is older than the lease the box stops
/// the lens itself. So a lost client, a closed page or a dead network stops it within a second.
public actor LensControl {
    /// How long a movement lasts without renewal.
    public static let lease = Duration.milliseconds(750)

    private struct Lease {
        var movement: LensMovement
        var until: Duration
    }

    private let time: TimeSource
    private var leases: [Int: Lease] = [:]
    private var moving: [Int: (DeviceChannel, any CameraDriver)] = [:]
    private var watchers: [Int: Task<Void, Never>] = [:]
    /// The last command of each channel; each begins when the one before has ended, so that a stop never overtakes a movement.
    private var last: [Int: Task<Void, Never>] = [:]

    public init(time: TimeSource) {
        self.time = time
    }

    /// Moves or goes on moving.
    public func hold(_ channel: DeviceChannel, _ movement: LensMovement, driver: any CameraDriver) async throws(DeviceFailure) {
        guard movement != .none else { return try await release(channel, driver: driver) }
        let isNew = leases[channel.number]?.movement != movement
        leases[channel.number] = Lease(movement: movement, until: time.uptime() + Self.lease)
        if isNew {
            do throws(DeviceFailure) {
                try await inTurn(channel.number) { () async throws(DeviceFailure) in try await driver.move(channel, movement) }
            } catch {
                // The lens may turn all the same: the answer may have been lost, not the command.
                leases[channel.number]?.until = time.uptime()
                watch(channel, with: driver)
                throw error
            }
        }
        watch(channel, with: driver)
    }

    private func watch(_ channel: DeviceChannel, with driver: any CameraDriver) {
        moving[channel.number] = (channel, driver)
        if watchers[channel.number] == nil {
            watchers[channel.number] = Task { await self.watch(channel, driver: driver) }
        }
    }

    /// Stops now.
    public func release(_ channel: DeviceChannel, driver: any CameraDriver) async throws(DeviceFailure) {
        leases[channel.number] = nil
        watchers.removeValue(forKey: channel.number)?.cancel()
        try await inTurn(channel.number) { () async throws(DeviceFailure) in try await driver.stop(channel) }
    }

    /// Stops whatever moves, because its driver ends.
    func stopAll() async {
        for (channel, driver) in moving.values where leases[channel.number] != nil || watchers[channel.number] != nil {
            try? await release(channel, driver: driver)
        }
    }

    private func watch(_ channel: DeviceChannel, driver: any CameraDriver) async {
        while let lease = leases[channel.number] {
            let left = lease.until - time.uptime()
            if left <= .zero { break }
            guard (try? await time.sleep(left)) != nil else { return }
        }
        leases[channel.number] = nil
        watchers[channel.number] = nil
        // A lens that cannot be told to stop is tried again: it would turn for ever.
        for attempt in 0..<6 {
            do throws(DeviceFailure) {
                try await inTurn(channel.number) { () async throws(DeviceFailure) in try await driver.stop(channel) }
                return
            } catch {
                guard leases[channel.number] == nil, (try? await time.sleep(.milliseconds(250 << attempt))) != nil else { return }
            }
        }
    }

    private func inTurn(
        _ channel: Int, _ command: @escaping @Sendable () async throws(DeviceFailure) -> Void
    ) async throws(DeviceFailure) {
        let before = last[channel]
        let task = Task { () -> Result<Void, DeviceFailure> in
            await before?.value
            do throws(DeviceFailure) {
                try await command()
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        last[channel] = Task { _ = await task.value }
        try await task.value.get()
    }
}
