public import BoxDatabase
import Core
public import Foundation

/// What a backup says of itself.
public struct BackupManifest: Codable, Sendable, Equatable {
    public static let format = 1

    public var format = Self.format
    public let serialNumber: String
    public let version: String
    public let createdAt: Date

    public init(serialNumber: String, version: String, createdAt: Date) {
        self.serialNumber = serialNumber
        self.version = version
        self.createdAt = createdAt
    }
}

/// A copy of everything that a box knows: people, sites, devices, plans, settings, the index of its footage, and the keys that open them.
///
/// Footage itself is not in it: what was uploaded is in the cloud, and what waits lies on the box. Nor is the set-up code, which is on the new box's label.
public enum BoxBackup {
    static let manifestName = "manifest.json"
    static let databaseName = "box.sqlite"
    private static let keptFree = 64_000_000
    /// Besides the database, of the state folder; of the last some may be missing.
    static let files =
        ["identity.json", "secret.key", "footage.key"]
        + ["certificate", "key", "authority", "authority-key", "installed", "installed-key"].map { "tls/\($0).pem" }
    private static let keys: Set<String> = ["secret.key", "footage.key"]
    static let needed: Set<String> = [manifestName, databaseName, "identity.json", "secret.key"]

    /// Writes a backup of the running box whose state lies in `folder` to the new file `path`. Blocks.
    /// - Parameters:
    ///   - passphrase: opens it; whoever has both has everything.
    ///   - keyCredential: seals the keys in the folder (`KeyFile`).
    ///   - workFactor: the logarithm of scrypt's cost; less is for tests.
    /// - Throws: `BackupFailure`, and what the database and the file system throw.
    public static func make(
        of folder: String, _ database: BoxDatabase, _ manifest: BackupManifest, to path: String, passphrase: String, keyCredential: String?,
        workFactor: Int? = nil
    ) throws {
        try checkRoom(of: folder, for: path)
        let copy = path + ".sqlite"
        defer { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(copy + suffix) } }
        try database.copy(to: copy)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BackupFailure("\(path) cannot be made.") }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let writer = try AgeWriter(file, passphrase: passphrase, workFactor: workFactor ?? AgeFile.usualWorkFactor)
        let tar = try TarWriter { try writer.write($0) }
        try tar.add(manifestName, try GatehouseJSON.encoder.encode(manifest))
        // Open, for another box has another credential: the backup itself is sealed.
        for name in keys where FileManager.default.fileExists(atPath: folder + "/" + name) {
            try tar.add(name, try KeyFile.bytes(at: folder + "/" + name, credential: keyCredential))
        }
        for name in files where !keys.contains(name) && FileManager.default.fileExists(atPath: folder + "/" + name) {
            try tar.add(name, file: folder + "/" + name)
        }
        try tar.add(databaseName, file: copy)
        try tar.finish()
        try writer.finish()
        try file.synchronize()
    }

    /// The copy, the same while what was deleted is left out of it, and the backup.
    private static func checkRoom(of folder: String, for path: String) throws {
        func bytes(_ attributes: [FileAttributeKey: Any]?, _ key: FileAttributeKey) -> Int {
            (attributes?[key] as? NSNumber)?.intValue ?? 0
        }
        let size = [databaseName, databaseName + "-wal"].reduce(0) {
            $0 + bytes(try? FileManager.default.attributesOfItem(atPath: folder + "/" + $1), .size)
        }
        let target = (path as NSString).deletingLastPathComponent
        let free = bytes(try? FileManager.default.attributesOfFileSystem(forPath: target), .systemFreeSize)
        guard free > 3 * size + keptFree else {
            throw BackupFailure(
                "There is no room for a backup: it takes \((3 * size + keptFree) / 1_000_000) MB, and \(free / 1_000_000) MB are free.")
        }
    }

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

    /// Unpacks the backup at `path` into the state folder of a box that does not run and knows nothing yet. Blocks.
    ///
    /// A restoring that was cut off can be begun again. What it writes belongs to the user who has the folder, whoever restores.
    /// - Parameter replaces: the folder may be that of a box; what it knew is kept in a folder `former-…` beside.
    /// - Throws: `BackupFailure`, and what the file system throws.
    public static func restore(_ path: String, passphrase: String, into folder: String, replaces: Bool, now: Date) throws -> BackupManifest
    {
        let files = FileManager.default
        let mark = files.contents(atPath: folder + "/" + markName).map { (try? JSONDecoder().decode(Mark.self, from: $0)) ?? Mark() }
        let isBox = mark == nil && former.contains { files.fileExists(atPath: folder + "/" + $0) }
        guard replaces || !isBox else { throw BackupFailure("There is a box in \(folder) already.") }
        let new = folder + "/restore.new"
        try? files.removeItem(atPath: new)
        try files.createDirectory(atPath: new, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? files.removeItem(atPath: new) }
        try decrypt(path, passphrase: passphrase, to: new + "/backup.tar")
        let allowed = needed.union(Self.files)
        try TarReader.unpack(new + "/backup.tar", into: new + "/files") { allowed.contains($0) }
        let manifest = try examine(new + "/files")
        let owner = try files.attributesOfItem(atPath: folder).filter { [.ownerAccountID, .groupOwnerAccountID].contains($0.key) }
        var aside = mark ?? Mark()
        if isBox {
            aside = Mark(
                former: "former-\(Int(now.timeIntervalSince1970))", names: (isOther(folder, new + "/files") ? footage : []) + former)
        }
        try write(aside, in: folder)
        if let name = aside.former { try putAside(aside.names, of: folder, as: name, owner) }
        try write(Mark(), in: folder)
        // A log of changes that belongs to no database would be taken for the new one's.
        for name in ["box.sqlite-wal", "box.sqlite-shm"] { unlink(folder + "/" + name) }
        for name in Self.files + [databaseName] where files.fileExists(atPath: new + "/files/" + name) {
            try place(new + "/files/" + name, at: folder + "/" + name, owner)
        }
        try? files.setAttributes(owner, ofItemAtPath: folder + "/lock")
        try files.removeItem(atPath: folder + "/" + markName)
        return manifest
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
