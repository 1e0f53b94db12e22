import Core
import Firmware
import Foundation
import Logging
import Synchronization

extension DeviceUpgrader {
    private var files: URL { environment.folder.appending(path: "files") }

    /// The firmware's file, verified, on the box's disk.
    func fetch(_ upgrade: DeviceUpgrade) async throws -> URL {
        guard let make = environment.source else {
            throw DeviceUpgradeRefusal(description: "The box knows no server of releases any more.")
        }
        fetched.withLock { $0 = (0, 0) }
        set(.fetching(done: 0, of: 0))
        let source = make()
        do {
            // As it is offered now: since it was found it may have been withdrawn, or be for other devices.
            guard let firmware = try await listed(source).first(where: { $0.path == upgrade.path && $0.offer.version == upgrade.to }) else {
                throw DeviceUpgradeRefusal(description: "The firmware is not offered any more.")
            }
            let file = try await file(of: firmware, from: source)
            await source.close()
            take(firmware.offer, at: firmware.path)
            try await remember { $0[upgrade.device]?.file = file.path }
            return file
        } catch {
            await source.close()
            throw error
        }
    }

    private func file(of firmware: ListedDeviceFirmware, from source: any ReleaseSource) async throws -> URL {
        let manifest = try await firmware.manifest(from: source)
        let folder = files.appending(path: firmware.name)
        let reserve = environment.reservedBytes()
        try await Self.disk.run {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let there = DurableFile.size(folder.appending(path: manifest.file.path).path) ?? 0
            let needed = manifest.file.size - there + reserve
            guard DurableFile.freeBytes(folder.path) >= needed else { throw ReleaseRefusal.noRoom(needed) }
        }
        try await ReleaseUnpacking(from: source).unpack(manifest, into: folder) { [self] done in
            fetched.withLock { $0 = (done, manifest.file.size) }
            environment.changed()
        }
        return folder.appending(path: manifest.file.path)
    }

    /// Files that nobody needs go, and what is known of devices that are no more.
    func sweep() async {
        do {
            let devices = Set(try await environment.devices().map(\.id))
            if memory.upgrades.contains(where: { !devices.contains($0.device) }) {
                try await remember { memory in
                    memory.upgrades.removeAll { !devices.contains($0.device) }
                    memory.held?.removeAll { !devices.contains($0.device) }
                }
            }
            let needed = memory.upgrades.filter { $0.state != .done }.compactMap(\.file)
            let files = files
            try await Self.disk.run {
                for name in (try? FileManager.default.contentsOfDirectory(atPath: files.path)) ?? [] {
                    let folder = files.appending(path: name)
                    guard !needed.contains(where: { $0.hasPrefix(folder.path + "/") }) else { continue }
                    try FileManager.default.removeItem(at: folder)
                }
            }
        } catch {
            environment.logger.notice("files of firmware could not be removed", metadata: ["reason": "\(error)"])
        }
    }
}
