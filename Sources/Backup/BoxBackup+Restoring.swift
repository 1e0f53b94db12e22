import BoxDatabase
import Core
public import Foundation

extension BoxBackup {
    /// Of a box that was, in the order in which they are put aside: the folder is a box's until the last one has gone.
    static let former = [
        "box.sqlite-wal", "box.sqlite-shm", "identity.json", "secret.key", "footage.key", "tls", databaseName,
    ]
    /// Besides those, where another box's footage must not become this one's.
    static let footage = ["spool", "event-pictures", "exports", "refill"]
    /// Stands in the folder from the first file that is moved to the last: a box does not start there.
    public static let markName = "restoring"

    /// How far a restoring is, so that one that was cut off goes on where it was.
    private struct Mark: Codable {
        /// The folder in which the former box is kept, while it is put there; nil afterwards.
        var former: String?
        var names: [String] = []
    }

    private static let unpackedName = "restore.new"

    /// Unpacks the backup at `path` into the state folder of a box that does not run and knows nothing yet. Blocks.
    ///
    /// A restoring that was cut off can be begun again. What it writes belongs to the user who has the folder, whoever restores.
    /// - Parameter replaces: the folder may be that of a box; what it knew is kept in a folder `former-…` beside.
    /// - Throws: `BackupFailure`, and what the file system throws.
    public static func restore(_ path: String, passphrase: String, into folder: String, replaces: Bool, now: Date) throws -> BackupManifest
    {
        guard replaces || !isBox(folder, mark(in: folder)) else { throw BackupFailure("There is a box in \(folder) already.") }
        defer { discard(in: folder) }
        let manifest = try unpack(path, passphrase: passphrase, in: folder)
        try begin(in: folder, now: now)
        return manifest
    }

    /// The first half: opens the backup at `path` and looks whether it is whole; nothing that the box in the folder knows is touched. Blocks.
    /// - Throws: `BackupFailure`, and what the file system throws; then nothing is left of it.
    public static func unpack(_ path: String, passphrase: String, in folder: String) throws -> BackupManifest {
        let new = folder + "/" + unpackedName
        discard(in: folder)
        do {
            try FileManager.default.createDirectory(
                atPath: new, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try decrypt(path, passphrase: passphrase, to: new + "/backup.tar")
            let allowed = needed.union(Self.files)
            try TarReader.unpack(new + "/backup.tar", into: new + "/files") { allowed.contains($0) }
            unlink(new + "/backup.tar")
            return try examine(new + "/files")
        } catch {
            discard(in: folder)
            throw error
        }
    }

    /// Whether there is something in the folder for the second half to do: the database goes last, and the mark after it.
    public static func isUnpacked(in folder: String) -> Bool {
        [markName, unpackedName + "/files/" + databaseName].contains { FileManager.default.fileExists(atPath: folder + "/" + $0) }
    }

    /// Removes what was unpacked.
    public static func discard(in folder: String) { try? FileManager.default.removeItem(atPath: folder + "/" + unpackedName) }

    /// The second half, while no box runs: puts what is there aside and what was unpacked in its place. Once it was begun it is done again until it is
    /// through, whatever comes between. Blocks.
    /// - Throws: `BackupFailure`, and what the file system throws.
    public static func begin(in folder: String, now: Date) throws {
        let files = FileManager.default
        let new = folder + "/" + unpackedName + "/files"
        let known = mark(in: folder)
        let owner = try files.attributesOfItem(atPath: folder).filter { [.ownerAccountID, .groupOwnerAccountID].contains($0.key) }
        var aside = known ?? Mark()
        if isBox(folder, known) {
            aside = Mark(former: "former-\(Int(now.timeIntervalSince1970))", names: (isOther(folder, new) ? footage : []) + former)
        }
        try write(aside, in: folder)
        if let name = aside.former { try putAside(aside.names, of: folder, as: name, owner) }
        try write(Mark(), in: folder)
        // A log of changes that belongs to no database would be taken for the new one's.
        for name in ["box.sqlite-wal", "box.sqlite-shm"] { unlink(folder + "/" + name) }
        for name in Self.files + [databaseName] where files.fileExists(atPath: new + "/" + name) {
            try place(new + "/" + name, at: folder + "/" + name, owner)
        }
        try? files.setAttributes(owner, ofItemAtPath: folder + "/lock")
        try files.removeItem(atPath: folder + "/" + markName)
    }

    private static func mark(in folder: String) -> Mark? {
        FileManager.default.contents(atPath: folder + "/" + markName).map { (try? JSONDecoder().decode(Mark.self, from: $0)) ?? Mark() }
    }

    /// Whether the folder is a box's, of which nothing was put aside yet.
    private static func isBox(_ folder: String, _ mark: Mark?) -> Bool {
        mark == nil && former.contains { FileManager.default.fileExists(atPath: folder + "/" + $0) }
    }

    private static func write(_ mark: Mark, in folder: String) throws {
        try JSONEncoder().encode(mark).write(to: URL(fileURLWithPath: folder + "/" + markName), options: .atomic)
    }

    /// Whether the box in the folder is another one than that of the backup.
    private static func isOther(_ folder: String, _ restored: String) -> Bool {
        struct Identity: Decodable { let serialNumber: String }
        let numbers = [folder, restored].map { folder in
            FileManager.default.contents(atPath: folder + "/identity.json").flatMap {
                try? JSONDecoder().decode(Identity.self, from: $0).serialNumber
            }
        }
        return numbers[0] == nil || numbers[0] != numbers[1]
    }

    private static func decrypt(_ path: String, passphrase: String, to target: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { throw BackupFailure("\(path) cannot be read.") }
        defer { try? file.close() }
        var reader = try AgeReader(file, passphrase: passphrase)
        guard FileManager.default.createFile(atPath: target, contents: nil, attributes: [.posixPermissions: 0o600]),
            let output = FileHandle(forWritingAtPath: target)
        else { throw BackupFailure("\(target) cannot be written.") }
        defer { try? output.close() }
        while let piece = try reader.next() { try output.write(contentsOf: piece) }
    }

    /// Whether what was unpacked is whole and of this program or an earlier one.
    private static func examine(_ folder: String) throws -> BackupManifest {
        guard needed.allSatisfy({ FileManager.default.fileExists(atPath: folder + "/" + $0) }),
            let bytes = FileManager.default.contents(atPath: folder + "/" + manifestName),
            let manifest = try? GatehouseJSON.decoder.decode(BackupManifest.self, from: bytes)
        else { throw BackupFailure.notOne }
        let newer = BackupFailure("The backup is of version \(manifest.version), which is newer than this program. Upgrade this box first.")
        guard manifest.format == BackupManifest.format else { throw newer }
        switch try BoxDatabase.examine(folder + "/" + databaseName) {
        case .good: return manifest
        case .newer: throw newer
        case .damaged: throw BackupFailure("The database in the backup is damaged.")
        }
    }

    private static func putAside(_ names: [String], of folder: String, as name: String, _ owner: [FileAttributeKey: Any]) throws {
        let former = folder + "/" + name
        for file in names where FileManager.default.fileExists(atPath: folder + "/" + file) {
            try place(folder + "/" + file, at: former + "/" + file, owner)
        }
    }

    /// Moves a file, and gives it and the folder that was made for it to the owner.
    private static func place(_ source: String, at target: String, _ owner: [FileAttributeKey: Any]) throws {
        let parent = (target as NSString).deletingLastPathComponent
        if !FileManager.default.fileExists(atPath: parent) {
            try FileManager.default.createDirectory(
                atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try FileManager.default.setAttributes(owner, ofItemAtPath: parent)
        }
        try FileManager.default.setAttributes(owner, ofItemAtPath: source)
        guard rename(source, target) == 0 else { throw BackupFailure("\(target) cannot be written: \(String(cString: strerror(errno))).") }
        let descriptor = open(parent, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
