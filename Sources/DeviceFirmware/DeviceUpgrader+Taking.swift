import Cameras
public import Core
import Firmware
import Foundation
import Logging
import Synchronization

extension DeviceUpgrader {
    /// So long a device may need until its pictures are back; some write their flash a second time at the start.
    private static let patience = Duration.seconds(600)
    private static let lookEvery = Duration.seconds(5)
    /// Looks in a row that must be good: a device that goes down in a moment has its picture still, and the box notices late that it has not.
    private static let goodLooks = 5

    /// Somebody left it out meanwhile.
    private struct LeftOut: Error {}

    // MARK: The line

    /// What an earlier life of the box began: the device may have it by now.
    func resume() async {
        for begun in memory.upgrades where begun.state == .running {
            if begun.isGiven, takeTurn(begun.device) {
                defer { endTurn() }
                await judge(begun, failure: "The box was restarted meanwhile. Look at the device, and try again.")
            } else if !begun.isGiven {
                try? await remember { $0[begun.device]?.state = .waiting }
            }
        }
    }

    /// Upgrades one device; false where the disk does not let it begin.
    func take(_ upgrade: DeviceUpgrade) async -> Bool {
        do {
            try await remember { $0[upgrade.device]?.state = .running }
        } catch {
            return false
        }
        var hasTurn = false
        do {
            try mustBeWanted(upgrade)
            let file = try await fetch(upgrade)
            try mustBeWanted(upgrade)
            try await awaitTurn(upgrade.device)
            hasTurn = true
            try await give(file, upgrade)
        } catch is LeftOut {
            environment.logger.notice("a device's upgrade was left out", metadata: ["device": "\(upgrade.device)"])
        } catch {
            // The box ends; its next life looks what became of it.
            if !Task.isCancelled { await fail(upgrade, Self.sentence(error)) }
        }
        if hasTurn { endTurn() }
        set(nil)
        await sweep()
        return true
    }

    private func mustBeWanted(_ upgrade: DeviceUpgrade) throws {
        guard let now = memory[upgrade.device], now.askedAt == upgrade.askedAt, now.state == .running else { throw LeftOut() }
    }

    /// Looks once more whether it is for the device as it is now, and gives it the file.
    private func give(_ file: URL, _ upgrade: DeviceUpgrade) async throws {
        try await mustBeFree(for: upgrade.device)
        try await environment.refresh(upgrade.device)
        let device = try await device(upgrade.device)
        if let reason = Self.obstacle(device) { throw DeviceUpgradeRefusal(description: reason) }
        guard let offered = available(for: device.identity), offered.path == upgrade.path, offered.version == upgrade.to else {
            throw DeviceUpgradeRefusal(description: "The device is another one by now, or has a newer firmware.")
        }
        try mustBeWanted(upgrade)
        try await remember { memory in
            guard memory[upgrade.device]?.askedAt == upgrade.askedAt else { return }
            memory[upgrade.device]?.isGiven = true
            memory.hold(device)
        }
        try mustBeWanted(upgrade)
        environment.logger.notice("a device is upgraded", metadata: ["device": "\(device.name)", "to": "\(upgrade.to)"])
        set(.sending)
        var failure: String?
        do throws(DeviceFailure) {
            try await environment.upgrade(upgrade.device, file.path, DurableFile.size(file.path) ?? 0)
        } catch {
            failure = error.sentence
        }
        try Task.checkCancellation()
        await judge(upgrade, failure: failure)
    }

    // MARK: By hand

    /// Gives a device a file that somebody brought, in the background, when nothing else is being upgraded; the file is removed afterwards.
    /// - Throws: `DeviceUpgradeRefusal` where another device is upgraded, or has not come back.
    public func upgradeByHand(_ id: DeviceID, file: String, bytes: Int) async throws {
        guard takeTurn(id) else { throw Self.busy }
        do {
            try await mustBeFree(for: id)
            let device = try await device(id)
            try await remember { $0.hold(device) }
        } catch {
            endTurn()
            throw error
        }
        Task {
            try? await environment.upgrade(id, file, bytes)
            try? FileManager.default.removeItem(atPath: file)
            _ = await awaitPicture(of: id) { _ in true }
            endTurn()
        }
    }

    /// Whether somebody could bring a device a file now.
    /// - Throws: `DeviceUpgradeRefusal` where another device is upgraded, or has not come back.
    public func mayUpgradeByHand(_ id: DeviceID) async throws {
        guard turn == nil else { throw Self.busy }
        try await mustBeFree(for: id)
    }

    private static var busy: DeviceUpgradeRefusal {
        DeviceUpgradeRefusal(
            description: "Another device is being upgraded. No second camera is to be without recording meanwhile: wait until it is done.")
    }

    /// A second camera is not to be without recording beside one that has not come back from its upgrade.
    private func mustBeFree(for id: DeviceID) async throws {
        let devices = try await environment.devices()
        let dark = (memory.held ?? []).filter { held in
            devices.contains { $0.id == held.device && $0.streaming < held.streaming }
        }
        try await remember { $0.held = dark }
        guard dark.allSatisfy({ $0.device == id }) else {
            throw DeviceUpgradeRefusal(
                description:
                    "Another camera has no picture since its upgrade, and no second one is to be without recording. See to it first.")
        }
    }

    // MARK: What became of it

    /// Waits until the device says the new version and its pictures are back, and says what became of it.
    ///
    /// - Parameter failure: Why the device did not take it, as it says; nil where it did.
    private func judge(_ upgrade: DeviceUpgrade, failure: String?) async {
        set(.verifying)
        let wanted = DeviceFirmwareVersion(upgrade.to)
        let says = Mutex<String?>(nil)
        let isBack = await awaitPicture(of: upgrade.device) { device in
            says.withLock { $0 = device.identity.firmware }
            let hasIt = device.identity.firmware.map { DeviceFirmwareVersion($0).agrees(with: wanted) } ?? false
            // One that refused it goes on with what it has.
            return hasIt || failure != nil
        }
        guard !Task.isCancelled else { return }
        let version = says.withLock { $0 }
        if version.map({ DeviceFirmwareVersion($0).agrees(with: wanted) }) ?? false {
            return isBack
                ? await end(upgrade, .done)
                : await fail(upgrade, "The device has \(upgrade.to), and its picture has not come back.")
        }
        await fail(
            upgrade,
            failure ?? version.map { "The device took the firmware, and still says \($0)." } ?? "The device has not come back.")
    }

    /// Whether the device has its pictures again, for some looks in a row, and is as `isGood` wants it; what is held of it is let go of then.
    private func awaitPicture(of id: DeviceID, isGood: @Sendable (Device) -> Bool) async -> Bool {
        let until = time.uptime() + Self.patience
        var good = 0
        while time.uptime() < until {
            guard (try? await time.sleep(Self.lookEvery)) != nil else { return false }
            try? await environment.refresh(id)
            guard let device = try? await device(id) else {
                good = 0
                continue
            }
            let expected = memory.held?.first { $0.device == id }?.streaming ?? 0
            good = isGood(device) && device.streaming >= expected ? good + 1 : 0
            if good >= Self.goodLooks {
                try? await remember { $0.held?.removeAll { $0.device == id } }
                return true
            }
        }
        return false
    }

    private func device(_ id: DeviceID) async throws -> Device {
        guard let device = try await environment.devices().first(where: { $0.id == id }) else {
            throw DeviceUpgradeRefusal(description: "The device is not there any more.")
        }
        return device
    }

    private func fail(_ upgrade: DeviceUpgrade, _ reason: String) async {
        environment.logger.warning("a device was not upgraded", metadata: ["device": "\(upgrade.device)", "reason": "\(reason)"])
        await end(upgrade, .failed, because: reason)
    }

    private func end(_ upgrade: DeviceUpgrade, _ state: DeviceUpgrade.State, because reason: String? = nil) async {
        let now = time.now()
        do {
            try await remember { memory in
                guard memory[upgrade.device]?.askedAt == upgrade.askedAt else { return }
                memory[upgrade.device]?.state = state
                memory[upgrade.device]?.reason = reason
                memory[upgrade.device]?.endedAt = now
                if state == .done { memory[upgrade.device]?.file = nil }
            }
        } catch {
            environment.logger.warning("what became of a device's upgrade could not be kept", metadata: ["reason": "\(error)"])
        }
    }
}

extension DeviceUpgradeMemory {
    /// From now on the device may be without its pictures. What was expected of it before is expected still.
    mutating func hold(_ device: DeviceUpgrader.Device) {
        let before = held?.first { $0.device == device.id }?.streaming ?? 0
        held = (held ?? []).filter { $0.device != device.id } + [HeldDevice(device: device.id, streaming: max(before, device.streaming))]
    }
}
