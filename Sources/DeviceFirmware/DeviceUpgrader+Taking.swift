import Cameras
import Core
import Firmware
import Foundation
import Logging
import Synchronization

extension DeviceUpgrader {
    /// So long a device may need until its pictures are back; some write their flash a second time at the start.
    private static let patience = Duration.seconds(600)
    private static let lookEvery = Duration.seconds(5)

    /// What an earlier life of the box began: the device may have it by now.
    func resume() async {
        guard let begun = memory.upgrades.first(where: { $0.state == .running }) else { return }
        await verify(begun, failure: "The box was restarted meanwhile. Look at the device, and try again.")
    }

    func take(_ upgrade: DeviceUpgrade) async {
        do {
            if let held = try await held(upgrade) { return try await end(upgrade, .failed, because: held) }
            let file = try await fetch(upgrade)
            try await awaitTurn(upgrade)
            let device = try await device(upgrade.device)
            if let reason = Self.obstacle(device) { throw DeviceUpgradeRefusal(description: reason) }
            try await remember { $0[upgrade.device]?.streaming = device.streaming }
            environment.logger.notice("a device is upgraded", metadata: ["device": "\(device.name)", "to": "\(upgrade.to)"])
            set(.sending)
            try await environment.upgrade(upgrade.device, file.path, DurableFile.size(file.path) ?? 0)
            try Task.checkCancellation()
            await verify(upgrade, failure: nil)
        } catch is CancellationError {
            // The box ends; its next life looks what became of it.
        } catch {
            environment.logger.warning("a device was not upgraded", metadata: ["device": "\(upgrade.device)", "reason": "\(error)"])
            try? await end(upgrade, .failed, because: Self.sentence(error))
        }
        set(nil)
    }

    private func device(_ id: DeviceID) async throws -> Device {
        guard let device = try await environment.devices().first(where: { $0.id == id }) else {
            throw DeviceUpgradeRefusal(description: "The device is not there any more.")
        }
        return device
    }

    /// Why nothing may be begun: a device that was upgraded before has not come back, and a second camera would be without recording.
    private func held(_ upgrade: DeviceUpgrade) async throws -> String? {
        let devices = try await environment.devices()
        for last in memory.upgrades where last.state == .failed && last.streaming > 0 && last.device != upgrade.device {
            guard let device = devices.first(where: { $0.id == last.device }), device.streaming < last.streaming else { continue }
            return "\(device.name) has no picture since its upgrade, and no second camera is to be without recording. See to it first."
        }
        return nil
    }

    private func fetch(_ upgrade: DeviceUpgrade) async throws -> URL {
        guard let make = environment.source else {
            throw DeviceUpgradeRefusal(description: "The box knows no server of releases any more.")
        }
        fetched.withLock { $0 = (0, 0) }
        try await remember { $0[upgrade.device]?.state = .running }
        set(.fetching(done: 0, of: 0))
        let source = make()
        do {
            // As it is offered now: since it was found it may have been withdrawn.
            guard let firmware = try await listed(source).first(where: { $0.path == upgrade.path }) else {
                throw DeviceUpgradeRefusal(description: "The firmware is not offered any more.")
            }
            let file = try await file(of: firmware, from: source)
            await source.close()
            try await remember { $0[upgrade.device]?.file = file.path }
            return file
        } catch {
            await source.close()
            throw error
        }
    }

    private func file(of firmware: ListedDeviceFirmware, from source: any ReleaseSource) async throws -> URL {
        let manifest = try await firmware.manifest(from: source)
        let folder = environment.folder.appending(path: "files/\(firmware.name)")
        let needed = Set(memory.upgrades.filter { $0.state != .done }.compactMap(\.file))
        let reserve = environment.reservedBytes()
        try await Self.disk.run {
            try Self.makeRoom(for: manifest, in: folder, keeping: needed, reserve: reserve)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        try await ReleaseUnpacking(from: source).unpack(manifest, into: folder) { [self] done in
            fetched.withLock { $0 = (done, manifest.file.size) }
            environment.changed()
        }
        return folder.appending(path: manifest.file.path)
    }

    /// What nobody needs any more goes.
    private static func makeRoom(for manifest: DeviceFirmwareManifest, in folder: URL, keeping: Set<String>, reserve: Int) throws {
        let all = folder.deletingLastPathComponent()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: all.path)) ?? [] where name != folder.lastPathComponent {
            let other = all.appending(path: name)
            guard !keeping.contains(where: { $0.hasPrefix(other.path + "/") }) else { continue }
            try FileManager.default.removeItem(at: other)
        }
        try FileManager.default.createDirectory(at: all, withIntermediateDirectories: true)
        let there = DurableFile.size(folder.appending(path: manifest.file.path).path) ?? 0
        let needed = manifest.file.size - there + reserve
        guard DurableFile.freeBytes(all.path) >= needed else { throw ReleaseRefusal.noRoom(needed) }
    }

    /// Waits while somebody upgrades another device by hand.
    private func awaitTurn(_ upgrade: DeviceUpgrade) async throws {
        while try await environment.devices().contains(where: \.isBeingUpgraded) {
            set(.waiting)
            try await time.sleep(Self.lookEvery)
        }
    }

    /// Waits until the device says the new version and its pictures are back.
    ///
    /// - Parameter failure: Why it failed where the device has not got the version; nil where the device said that it took it.
    private func verify(_ upgrade: DeviceUpgrade, failure: String?) async {
        set(.verifying)
        let wanted = DeviceFirmwareVersion(upgrade.to)
        let streaming = memory[upgrade.device]?.streaming ?? 0
        let until = time.uptime() + Self.patience
        var reason = failure ?? "The device has not come back."
        while time.uptime() < until {
            try? await environment.refresh(upgrade.device)
            if let device = try? await device(upgrade.device), let says = device.identity.firmware {
                let isThere = DeviceFirmwareVersion(says).agrees(with: wanted)
                if isThere, device.streaming >= streaming {
                    try? await end(upgrade, .done)
                    return set(nil)
                }
                if isThere {
                    reason = "The device has \(upgrade.to), and its picture has not come back."
                } else if failure == nil {
                    reason = "The device took the firmware, and still says \(says)."
                }
            }
            guard (try? await time.sleep(Self.lookEvery)) != nil else { return }
        }
        environment.logger.warning("a device was not upgraded", metadata: ["device": "\(upgrade.device)", "reason": "\(reason)"])
        try? await end(upgrade, .failed, because: reason)
        set(nil)
    }

    private func end(_ upgrade: DeviceUpgrade, _ state: DeviceUpgrade.State, because reason: String? = nil) async throws {
        try await remember { [time] memory in
            memory[upgrade.device]?.state = state
            memory[upgrade.device]?.reason = reason
            memory[upgrade.device]?.endedAt = time.now()
            if state == .done { memory[upgrade.device]?.file = nil }
        }
    }
}
