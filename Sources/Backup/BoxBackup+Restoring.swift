import BoxDatabase
import Core
public import Foundation
import Tar

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
    /// What is not looked at to the end yet.
    private static let partName = "restore.part"

    /// Unpacks the backup at `path` into the state folder of a box that does not run and knows nothing yet. Blocks.
    ///
    /// A restoring that was cut off can be begun again. What it writes belongs to the user who has the folder, whoever restores.
    /// - Parameter replaces: the folder may be that of a box; what it knew is kept in a folder `former-…` beside.
    /// - Throws: `BackupFailure`, and what the file system throws.
    public static func restore(_ path: String, passphrase: String, into folder: String, replaces: Bool, now: Date) throws -> BackupManifest
    {
        guard replaces || !isBox(folder, mark(in: folder)) else { throw BackupFailure("There is a box in \(folder) already.") }
        let manifest = try unpack(path, passphrase: passphrase, in: folder)
        try begin(in: folder, now: now)
        return manifest
    }

    /// The first half: opens the backup at `path` and looks whether it is whole; nothing that the box in the folder knows is touched, nor what was
    /// unpacked before and begun with, until it is known to be good. Blocks.
    /// - Throws: `BackupFailure`, and what the file system throws; then nothing is left of it.
    public static func unpack(_ path: String, passphrase: String, in folder: String) throws -> BackupManifest {
        let (part, new) = (folder + "/" + partName, folder + "/" + unpackedName)
        try? FileManager.default.removeItem(atPath: part)
        defer { try? FileManager.default.removeItem(atPath: part) }
        try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try decrypt(path, passphrase: passphrase, to: part + "/backup.tar")
        let allowed = needed.union(Self.files)
        do {
            try TarReader.unpack(part + "/backup.tar", into: part + "/files") { allowed.contains($0) }
        } catch let failure as TarFailure {
            throw BackupFailure(failure)
        }
        unlink(part + "/backup.tar")
        let manifest = try examine(part + "/files")
        try? FileManager.default.removeItem(atPath: new)
        guard rename(part, new) == 0 else { throw BackupFailure("\(unpackedName) cannot be written: \(String(cString: strerror(errno))).") }
        return manifest
    }

    /// Whether there is something in the folder for the second half to do: the database goes last, and the mark after it.
    public static func isUnpacked(in folder: String) -> Bool {
        if FileManager.default.fileExists(atPath: folder + "/" + unpackedName + "/files/" + databaseName) { return true }
        // Nothing of the former box is left to be put aside: the database in the folder is the new one.
        return mark(in: folder).map { $0.former == nil } == true && FileManager.default.fileExists(atPath: folder + "/" + databaseName)
    }

    /// Whether the second half was begun, and has not come to its end.
    public static func isBegun(in folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + markName) }

    /// Removes what was unpacked.
    public static func discard(in folder: String) {
        for name in [partName, unpackedName] { try? FileManager.default.removeItem(atPath: folder + "/" + name) }
    }

    /// The second half, while no box runs: puts what is there aside and what was unpacked in its place. Once it was begun it is done again until it is
    /// through, whatever comes between. Blocks.
    /// - Parameter step: called before each change; what it throws cuts it off there, as a power cut would.
    /// - Throws: `BackupFailure`, and what the file system throws.
    public static func begin(in folder: String, now: Date, step: () throws -> Void = {}) throws {
        guard isUnpacked(in: folder) else { throw BackupFailure("What was unpacked of the backup is not there any more.") }
        let files = FileManager.default
        let new = folder + "/" + unpackedName + "/files"
        let known = mark(in: folder)
        let owner = try files.attributesOfItem(atPath: folder).filter { [.ownerAccountID, .groupOwnerAccountID].contains($0.key) }
        var aside = known ?? Mark()
        if isBox(folder, known) {
            aside = Mark(former: "former-\(Int(now.timeIntervalSince1970))", names: (isOther(folder, new) ? footage : []) + former)
        }
        try step()
        try write(aside, in: folder)
        if let name = aside.former { try putAside(aside.names, of: folder, as: name, owner, step) }
        try step()
        try write(Mark(), in: folder)
        // A log of changes that belongs to no database would be taken for the new one's.
        for name in ["box.sqlite-wal", "box.sqlite-shm"] { unlink(folder + "/" + name) }
        for name in Self.files + [databaseName] where files.fileExists(atPath: new + "/" + name) {
            try step()
            try place(new + "/" + name, at: folder + "/" + name, owner)
        }
        try? files.setAttributes(owner, ofItemAtPath: folder + "/lock")
        try step()
        try files.removeItem(atPath: folder + "/" + markName)
        try step()
        discard(in: folder)
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

    private struct Identity: Decodable { let serialNumber: String }

    private static func serialNumber(in folder: String) -> String? {
        FileManager.default.contents(atPath: folder + "/identity.json").flatMap { try? JSONDecoder().decode(Identity.self, from: $0) }?
            .serialNumber
    }

    /// Whether the box in the folder is another one than that of the backup.
    private static func isOther(_ folder: String, _ restored: String) -> Bool {
        let number = serialNumber(in: folder)
        return number == nil || number != serialNumber(in: restored)
    }

    private static func decrypt(_ path: String, passphrase: String, to target: String) throws {
        guard let file = FileHandle(forReadingAtPath: path) else { throw BackupFailure("\(path) cannot be read.") }
        defer { try? file.close() }
        var reader = try AgeReader(file, passphrase: passphrase)
        guard FileManager.default.createFile(atPath: target, contents: nil, attributes: [.posixPermissions: 0o600]),
            let output = FileHandle(forWritingAtPath: target)
        else { throw BackupFailure.noRoom }
        defer { try? output.close() }
        while let piece = try reader.next() {
            do { try output.write(contentsOf: piece) } catch { throw BackupFailure.noRoom }
        }
    }

    /// Whether what was unpacked is whole and of this program or an earlier one.
    private static func examine(_ folder: String) throws -> BackupManifest {
        guard needed.allSatisfy({ FileManager.default.fileExists(atPath: folder + "/" + $0) }),
            let bytes = FileManager.default.contents(atPath: folder + "/" + manifestName),
            let manifest = try? GatehouseJSON.decoder.decode(BackupManifest.self, from: bytes)
        else { throw BackupFailure.notOne }
        let newer = BackupFailure("The backup is of version \(manifest.version), which is newer than this program. Upgrade this box first.")
        guard manifest.format == BackupManifest.format else { throw newer }
        let areKeys = keys.allSatisfy { key in FileManager.default.contents(atPath: folder + "/" + key).map { $0.count == keyBytes } ?? true
        }
        guard serialNumber(in: folder) == manifest.serialNumber, areKeys else { throw BackupFailure.notOne }
        switch try BoxDatabase.examine(folder + "/" + databaseName) {
        case .good: return manifest
        case .newer: throw newer
        case .damaged: throw BackupFailure("The database in the backup is damaged.")
        }
    }

    private static func putAside(
        _ names: [String], of folder: String, as name: String, _ owner: [FileAttributeKey: Any], _ step: () throws -> Void
    ) throws {
        let former = folder + "/" + name
        for file in names where FileManager.default.fileExists(atPath: folder + "/" + file) {
            try step()
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
        if rename(source, target) != 0 {
            guard [EBUSY, EXDEV].contains(errno) else {
                throw BackupFailure("\(target) cannot be written: \(String(cString: strerror(errno))).")
            }
            try moveContents(of: source, to: target)
        }
        let descriptor = open(parent, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Where a disk is mounted what is on it goes, and the place stays.
    private static func moveContents(of source: String, to target: String) throws {
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for name in try FileManager.default.contentsOfDirectory(atPath: source) {
            // Of one that was being copied when the power went.
            try? FileManager.default.removeItem(atPath: target + "/" + name)
            try FileManager.default.moveItem(atPath: source + "/" + name, toPath: target + "/" + name)
        }
    }
}
