public import BoxDatabase
import Core
public import Foundation
import Tar

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
    static let keyBytes = 32
    private static let keptFree = 64_000_000
    /// Besides the database, of the state folder; of the last some may be missing.
    static let files =
        ["identity.json", "secret.key", "footage.key"]
        + ["certificate", "key", "authority", "authority-key", "installed", "installed-key"].map { "tls/\($0).pem" }
    static let keys: Set<String> = ["secret.key", "footage.key"]
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
        do {
            try write(try TarWriter { try writer.write($0) }, manifest, of: folder, database: copy, keyCredential: keyCredential)
        } catch let failure as TarFailure {
            throw BackupFailure(failure)
        }
        try writer.finish()
        try file.synchronize()
    }

    private static func write(
        _ tar: consuming TarWriter, _ manifest: BackupManifest, of folder: String, database copy: String, keyCredential: String?
    ) throws {
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
}
