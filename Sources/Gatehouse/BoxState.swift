import Access
import Backup
import BoxDatabase
import CLinux
import CloudStorage
import Core
import Foundation
import ManagementAPI

/// The box's folder: who it is, its keys, its database, its spool.
struct BoxState {
    let path: String
    let identity: BoxIdentity
    let setupCode: SetupCode
    /// A file with a secret that seals the keys.
    let keyCredential: String?

    var databasePath: String { path + "/box.sqlite" }
    var spoolPath: String { path + "/spool" }
    var eventPicturesPath: String { path + "/event-pictures" }
    var exportsPath: String { path + "/exports" }
    var refillPath: String { path + "/refill" }
    private var footageKeyPath: String { path + "/footage.key" }
    var tlsPath: String { path + "/tls" }
    /// There while the button was pressed a moment ago.
    var resetPermitPath: String { Self.resetPermitPath(in: path) }

    static func resetPermitPath(in folder: String) -> String { folder + "/reset-password" }

    private struct Identity: Codable {
        let serialNumber: String
    }

    /// Opens the folder, which is made if needed; one box at a time.
    init(
        path: String, setupCode given: String?, keyCredential: String?, version: String = GatehouseCommand.version,
        forgetOwner: () throws -> Void = {}
    ) throws {
        self.path = path
        self.keyCredential = keyCredential
        try BoxLock.take(path)
        // Before the box becomes another one, not after: it must not come back with what is kept of this one elsewhere.
        if FactoryReset.isAsked(in: path) || StagedRestore.isAsked(in: path) { try forgetOwner() }
        if FactoryReset.isAsked(in: path) { try FactoryReset.perform(in: path) }
        try StagedRestore.perform(in: path)
        guard !FileManager.default.fileExists(atPath: path + "/" + BoxBackup.markName) else {
            throw SettingsError(description: "A backup was being restored into \(path) and was cut off. Run gatehouse restore once more.")
        }
        identity = BoxIdentity(serialNumber: try Self.serialNumber(path + "/identity.json"), version: version)
        setupCode = try Self.setupCode(path + "/setup-code", given: given)
    }

    /// What seals secrets in the database.
    func sealer() throws -> SecretSealer { try SecretSealer(keyFile: path + "/secret.key", credential: keyCredential) }

    /// What signs the record of footage.
    func footageKey() throws -> FootageKey { try FootageKey(keyFile: footageKeyPath, credential: keyCredential) }

    /// What stands on the label: the serial number and the set-up code, which are made where there are none yet. A box that runs is not disturbed.
    ///
    /// - Parameter given: The set-up code of the configuration.
    /// - Throws: `SettingsError` where the folder is not there or somebody else's, and what the file system throws.
    static func label(_ path: String, setupCode given: String?) throws -> (serialNumber: String, setupCode: String) {
        let files = ["identity.json"] + (given == nil ? ["setup-code"] : [])
        if !files.allSatisfy({ FileManager.default.fileExists(atPath: "\(path)/\($0)") }) {
            var status = stat()
            // What somebody else makes there the box could not read.
            guard stat(path, &status) == 0 else {
                throw SettingsError(description: "There is no folder \(path). Make it, as the user whom the box runs as.")
            }
            guard status.st_uid == geteuid() else {
                throw SettingsError(
                    description: "\(path) is somebody else's. Let that user call this command: runuser -u gatehouse -- gatehouse label …")
            }
            try BoxLock.take(path)
        }
        return (try serialNumber(path + "/identity.json"), try setupCode(path + "/setup-code", given: given).text)
    }

    /// For commands beside the box: what its configuration says may stand in the environment.
    static func ofCommand(_ path: String) throws -> BoxState {
        try BoxState(path: path, setupCode: nil, keyCredential: ProcessInfo.processInfo.environment["GATEHOUSE_BOX_KEY_CREDENTIAL"])
    }

    /// The folder for files that are passed on, without what an earlier life left there.
    func emptyUploadFolder() throws -> String {
        let folder = path + "/uploads"
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return folder
    }

    private static func serialNumber(_ path: String) throws -> String {
        if let data = FileManager.default.contents(atPath: path) {
            guard let identity = try? JSONDecoder().decode(Identity.self, from: data) else {
                throw SettingsError(description: "\(path) is damaged. It must hold the box's serial number.")
            }
            return identity.serialNumber
        }
        let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789")
        let serial = "GH" + String((0..<10).map { _ in letters.randomElement() ?? "0" })
        try write(String(decoding: JSONEncoder().encode(Identity(serialNumber: serial)), as: UTF8.self), to: path)
        return serial
    }

    private static func setupCode(_ path: String, given: String?) throws -> SetupCode {
        if let given {
            guard given.count >= 8 else { throw SettingsError(description: "box.setup-code must have at least 8 characters.") }
            return SetupCode(stored: given)
        }
        if let text = try? String(contentsOfFile: path, encoding: .utf8), text.count >= 8 { return SetupCode(stored: text) }
        let made = SetupCode()
        try write(made.text, to: path)
        return made
    }

    /// Durable before its name appears, so that a power cut leaves no empty identity.
    private static func write(_ text: String, to path: String) throws {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SettingsError(description: "\(temporary) cannot be written.") }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw SettingsError(description: "\(path) cannot be written.")
        }
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}

/// A state folder for one program alone, as long as the program runs.
enum BoxLock {
    /// Makes the folder if needed.
    /// - Throws: `SettingsError` where another program has it.
    static func take(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw SettingsError(description: "The folder \(folder) cannot be made: \(error.localizedDescription)")
        }
        // Whoever made it may have left it open to others.
        var status = stat()
        if stat(folder, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o077 != 0 { chmod(folder, 0o700) }
        let descriptor = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw SettingsError(description: "Another box runs with the folder \(folder), or it cannot be written.")
        }
    }
}

/// Where the profiles lie: beside the program, in its share folder, or in the source tree it was built in.
enum ProfileFolder {
    static func find(_ given: String?) throws -> String {
        let program = (ExecutablePath.current as NSString).deletingLastPathComponent
        let candidates =
            given.map { [$0] } ?? [program + "/Profiles", program + "/../share/gatehouse/Profiles", program + "/../../../Profiles"]
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0 + "/definitions.yaml") }) else {
            throw SettingsError(description: "The profiles were not found in \(candidates.joined(separator: " or ")).")
        }
        return found
    }

    static func read(_ name: String, in folder: String) throws -> String {
        do {
            return try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
        } catch {
            throw SettingsError(description: "The profile \(folder)/\(name) cannot be read.")
        }
    }
}

/// The path of this program.
enum ExecutablePath {
    static var current: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }
}
