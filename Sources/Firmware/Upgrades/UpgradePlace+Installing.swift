import Core
public import Foundation
import Slots

extension UpgradePlace {
    /// Puts a release there, from outside of a box: the first is started at once, another is put on trial.
    ///
    /// - Parameters:
    ///   - release: The path of its manifest.
    ///   - root: Trusted where the folder trusts none yet.
    /// - Returns: The name of its slot.
    /// - Throws: `UpgradeRefusal` where somebody else does so at this moment, `ReleaseRefusal`, `SlotError`, and what the source or the file system throws.
    public func install(_ release: String, from source: any ReleaseSource, root: [UInt8], at now: Date) async throws -> String {
        for name in ["slots", "trusted"] {
            try FileManager.default.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        let trustedRoot = trusted.appending(path: "root.json")
        if !FileManager.default.fileExists(atPath: trustedRoot.path) {
            try DurableFile.write(Data(root), to: trustedRoot.path, permissions: 0o644)
        }
        return try await locked { try await installLocked(release, from: source, at: now) }
    }

    private func installLocked(_ release: String, from source: any ReleaseSource, at now: Date) async throws -> String {
        let releases = try await MetadataUpdate(from: source, into: MetadataFolder(trusted)).refresh(at: now)
        guard let listed = releases.first(where: { $0.path == release }) else { throw ReleaseRefusal.notThere(release) }
        guard listed.offer.rollout > 0 else { throw UpgradeRefusal(description: "The release was withdrawn: it is offered to nobody.") }
        let slot = try await ReleaseInstalling(from: source, into: folder, reserve: 64 << 20).install(listed)
        let isFirst = slots.current == nil
        try slots.beginTrial(of: slot)
        if isFirst { try slots.confirm(slot) }
        return slot
    }

    static let isLocked = UpgradeRefusal(
        description: "Another program brings a release onto this box at this moment. Try again when it is done.")

    /// Does what changes the releases while nobody else does: not the box, nor the updater, nor a person with a command.
    /// - Throws: `UpgradeRefusal` where somebody else does at this moment, and what the body throws.
    func locked<Value>(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value) async throws -> Value {
        guard let lock = try FileLock(ifFree: folder.appending(path: "lock").path) else { throw Self.isLocked }
        let value: Value
        do { value = try await body() } catch {
            lock.release()
            throw error
        }
        lock.release()
        return value
    }
}
