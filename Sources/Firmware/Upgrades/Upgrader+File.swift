import Core
public import Foundation

extension Upgrader {
    /// A file is about to come: nothing else is begun meanwhile.
    /// - Throws: `UpgradeRefusal` where that is not possible now.
    public func beginReceiving() throws(UpgradeRefusal) {
        _ = try place()
        try mayBegin()
        set(.receiving)
    }

    /// No file came.
    public func endReceiving() {
        if condition.phase == .receiving { set(.idle) }
    }

    /// Takes a release out of a file, now. It is begun when this returns, and goes on by itself.
    ///
    /// - Parameter file: It is read, and not needed afterwards; `beginReceiving` went before.
    /// - Returns: The version that is in it.
    /// - Throws: `UpgradeRefusal` with a sentence for each kind of file that is none for this box.
    public func upgrade(fromFile file: URL, by person: String) async throws -> String {
        let place = try place()
        set(.checking)
        let folder = place.folder.appending(path: Self.incoming + UUID().uuidString)
        do {
            let reserved = environment.reservedBytes()
            try await Self.disk.run {
                let needed = (DurableFile.size(file.path) ?? 0) + reserved
                guard DurableFile.freeBytes(place.folder.path) >= needed else { throw ReleaseRefusal.noRoom(needed) }
                try ReleaseFile.unpack(file, into: folder)
            }
            let release = try await choose(inFolder: folder, place)
            begin(Wish(slot: release.slot, by: person, folder: folder))
            return release.offer.version.description
        } catch {
            await Self.disk.run { try? FileManager.default.removeItem(at: folder) }
            set(.idle)
            throw (error as? UpgradeRefusal) ?? UpgradeRefusal(description: Self.sentence(error))
        }
    }

    /// The newest in a folder that this box may take.
    private func choose(inFolder folder: URL, _ place: UpgradePlace) async throws -> ListedRelease {
        let source = FolderSource(folder)
        let all = try await releases(of: source, place)
        // The list tells of every release; the file has one.
        var there: [ListedRelease] = []
        for release in all where (try? await release.manifest(from: source)) != nil { there.append(release) }
        guard let newest = there.max(by: { $0.offer.version < $1.offer.version }) else {
            throw UpgradeRefusal(description: "The file has no release in it that its list tells of.")
        }
        let box = try await box(place)
        let fitting = there.filter { $0.offer.model == box.model && $0.offer.architecture == box.architecture }
        guard let release = fitting.max(by: { $0.offer.version < $1.offer.version }) else {
            throw UpgradeRefusal(
                description:
                    "The release is for \(newest.offer.model) (\(newest.offer.architecture)); this box is \(box.model) (\(box.architecture))."
            )
        }
        try check(release, box, among: all)
        return release
    }

    private func check(_ release: ListedRelease, _ box: ReleaseChoice.Box, among all: [ListedRelease]) throws(UpgradeRefusal) {
        let version = release.offer.version
        guard version != box.version else { throw UpgradeRefusal(description: "This box has version \(version) already.") }
        guard version > box.version else {
            throw UpgradeRefusal(description: "Version \(version) is older than \(box.version), which this box has.")
        }
        guard release.offer.rollout > 0 else { throw UpgradeRefusal(description: "Its vendor has stopped version \(version).") }
        guard release.offer.epoch >= box.epoch else {
            throw UpgradeRefusal(description: "Version \(version) is not safe any more, and is not taken.")
        }
        guard !box.bad.contains(release.slot) else {
            throw UpgradeRefusal(description: "Version \(version) was tried on this box, and was bad.")
        }
        let between = all.filter { other in
            other.offer.mustPassThrough && other.offer.model == box.model && other.offer.architecture == box.architecture
                && other.offer.version > box.version && other.offer.version < version
        }
        if let first = between.min(by: { $0.offer.version < $1.offer.version }) {
            throw UpgradeRefusal(description: "Version \(first.offer.version) has to be installed before \(version).")
        }
    }
}
