public import Foundation
import Slots

/// Where the launcher has its releases, and what the upgrader keeps beside them: outside of every release, and apart from the box's database.
///
///     slots, current, previous, trial-…, starts, bad    the launcher's
///     manifests/<name>.json                             what each release consists of
///     trusted/root.json …                               the metadata that is trusted
///     upgrades.json                                     what became of each upgrade
///     before/<name>.sqlite                              the database as it was before that release
public struct UpgradePlace: Sendable {
    public let folder: URL
    /// The release that runs.
    public let slot: String
    /// As Debian calls it.
    public let architecture: String

    public init(folder: URL, slot: String, architecture: String = Self.ownArchitecture) {
        self.folder = folder
        self.slot = slot
        self.architecture = architecture
    }

    #if arch(arm64)
        public static let ownArchitecture = "arm64"
    #elseif arch(x86_64)
        public static let ownArchitecture = "amd64"
    #else
        public static let ownArchitecture = "unknown"
    #endif

    /// The version of a release by its slot, which is called by it.
    public var version: ReleaseVersion? { Self.version(ofSlot: slot) }

    public static func version(ofSlot slot: String?) -> ReleaseVersion? {
        slot.flatMap { slot in slot.lastIndex(of: "-").flatMap { ReleaseVersion(String(slot[..<$0])) } }
    }

    var slots: SlotFolder { SlotFolder(folder.path) }
    public var trusted: URL { folder.appending(path: "trusted") }
    var memory: URL { folder.appending(path: "upgrades.json") }
    func before(_ slot: String) -> URL { folder.appending(path: "before/\(slot).sqlite") }

    /// Slots of releases that were tried and were bad.
    var bad: Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "bad").path)) ?? [])
    }

    /// Databases of before that are there; while a release is on trial there is one.
    public var snapshots: [URL] {
        let place = folder.appending(path: "before")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        return names.filter { $0.hasSuffix(".sqlite") }.map { place.appending(path: $0) }
    }

    /// The release that runs, and ran well enough to be used, ends because somebody wants it to: within a trial that says nothing of it. Where that
    /// cannot be written the start counts.
    public func endInOrder() { try? slots.endInOrder(slot) }

    /// The box has another owner from now on: what was known of the one before goes, what is known of releases stays.
    /// - Throws: what the file system throws.
    public func forgetOwner() throws {
        forgetSnapshots()
        guard FileManager.default.fileExists(atPath: memory.path) else { return }
        do {
            _ = try UpgradeMemory.change(memory) { known in
                for index in known.upgrades.indices where known.upgrades[index].origin == .person {
                    known.upgrades[index].by = UpgradeMemory.somebody
                }
            }
        } catch {
            // A disk that is full must not keep a box from being reset.
            try FileManager.default.removeItem(at: memory)
        }
    }

    func forgetSnapshots() {
        for snapshot in snapshots { try? FileManager.default.removeItem(at: snapshot) }
    }
}
