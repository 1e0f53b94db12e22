import Access
import Backup
import Core
import Foundation

/// A restoring that was asked for on the page: the backup is unpacked while the box runs, and begun with by its next start.
enum StagedRestore {
    /// Stands in the folder from when it is asked for until it is done, so that a power cut does not leave half a box.
    private static let markName = "restore-asked"
    /// The same mark once it is done, until that is written down.
    private static let doneName = "restore-done"

    private struct Asked: Codable {
        let manifest: BackupManifest
        let person: String
        /// From where.
        let address: String
    }

    static func isAsked(in folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + markName) }

    /// Lets the next start do it, with what was unpacked.
    /// - Throws: what the file system throws.
    static func ask(_ manifest: BackupManifest, by person: String, from address: String, in folder: String) throws {
        try JSONEncoder().encode(Asked(manifest: manifest, person: person, address: address)).write(
            to: URL(fileURLWithPath: folder + "/" + markName), options: .atomic)
    }

    /// Does it, in a folder that no box uses, if it is asked for. That it was done is still to be written down.
    ///
    /// Where nothing could be moved yet the box stays what it was; where something was, the next start goes on.
    /// - Throws: `BackupFailure`, and what the file system throws.
    static func perform(in folder: String) throws {
        guard isAsked(in: folder) else {
            // Of an upload that nobody began with, with the keys of a box in it.
            if !BoxBackup.isBegun(in: folder) { BoxBackup.discard(in: folder) }
            return
        }
        do {
            try BoxBackup.begin(in: folder, now: Date())
            rename(folder + "/" + markName, folder + "/" + doneName)
        } catch  where !BoxBackup.isBegun(in: folder) {
            FileHandle.standardError.write(Data("gatehouse: the backup is not begun with: \(error)\n".utf8))
            BoxBackup.discard(in: folder)
            forget(in: folder)
        }
    }

    /// It is not asked for any more.
    static func forget(in folder: String) {
        for name in [markName, doneName] { unlink(folder + "/" + name) }
    }

    /// Writes into the log of the box in the folder that it was restored, if it was.
    static func takeDown(in folder: String, _ log: OperationLog) async throws {
        guard let bytes = FileManager.default.contents(atPath: folder + "/" + doneName) else { return }
        if let asked = try? JSONDecoder().decode(Asked.self, from: bytes) {
            try await takeDown(asked.manifest, by: asked.person, from: asked.address, log)
        }
        forget(in: folder)
    }

    static func takeDown(_ manifest: BackupManifest, by person: String, from address: String, _ log: OperationLog) async throws {
        try await log.append(
            Access.Operation(
                personId: nil, person: person, role: nil, action: "restoreBackup",
                after: #"{"createdAt":"\#(GatehouseJSON.text(manifest.createdAt))","version":"\#(manifest.version)"}"#, address: address))
    }
}
