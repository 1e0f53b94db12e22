import ArgumentParser
import Foundation

/// Makes a box as it left the factory: the keys that open its secrets are destroyed first, then everything that it knew is removed.
///
/// Its serial number and its set-up code stay: they are on its label. What was uploaded stays in the cloud, and what of it is encrypted cannot be
/// opened any more but with the sites' recovery files.
enum FactoryReset {
    /// Stands in the folder from when it is asked for until it is done, so that a power cut does not leave half a box.
    private static let markName = "factory-reset"
    private static let kept: Set<String> = ["lock", "identity.json", "setup-code", markName]
    /// Whatever else cannot be removed, these must be gone.
    private static let mustGo = ["secret.key", "footage.key", "box.sqlite", "box.sqlite-wal"]

    static func isAsked(in folder: String) -> Bool { FileManager.default.fileExists(atPath: folder + "/" + markName) }

    /// Lets the next start do it.
    /// - Throws: what the file system throws.
    static func ask(in folder: String) throws {
        try overwrite(folder + "/" + markName, with: [])
        try synchronize(folder)
    }

    /// Does it, in a folder that no box uses; what cannot be removed is left, if it is nothing of what makes a box.
    /// - Throws: what the file system throws.
    static func perform(in folder: String) throws {
        for key in keys(in: folder) { try destroy(key) }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where !kept.contains(name) {
            remove(folder + "/" + name)
        }
        try synchronize(folder)
        for name in mustGo where FileManager.default.fileExists(atPath: folder + "/" + name) { throw CocoaError(.fileWriteNoPermission) }
        try FileManager.default.removeItem(atPath: folder + "/" + markName)
        try synchronize(folder)
    }

    /// Also those of boxes of before, which a restoring has put aside, and those that were being written.
    private static func keys(in folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            let file = (name as NSString).lastPathComponent
            return file.contains(".key") || file.contains("key") && file.contains(".pem")
        }.map { folder + "/" + $0 }
    }

    /// Where a disk is mounted what is on it goes, and the place stays.
    private static func remove(_ path: String) {
        guard (try? FileManager.default.removeItem(atPath: path)) == nil else { return }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] { remove(path + "/" + name) }
    }

    /// Overwritten before it is removed: where the disk writes in place nothing of it is left.
    private static func destroy(_ path: String) throws {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path), let size = attributes[.size] as? Int,
            attributes[.type] as? FileAttributeType == .typeRegular
        else { return }
        try overwrite(path, with: (0..<size).map { _ in UInt8.random(in: 0...255) })
        try FileManager.default.removeItem(atPath: path)
        try synchronize((path as NSString).deletingLastPathComponent)
    }

    private static func overwrite(_ path: String, with bytes: [UInt8]) throws {
        // A link must not lead out of the folder.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        defer { close(descriptor) }
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    private static func synchronize(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CocoaError(.fileReadUnknown) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}

/// Makes a stopped box as it left the factory.
struct FactoryResetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "factory-reset", abstract: "Make a stopped box as it left the factory.",
        discussion: """
            The keys of its secrets are destroyed, and everything that it knew is removed; its serial number and set-up code stay. What was \
            uploaded stays in the cloud; what of it is encrypted can only be opened with the sites' recovery files afterwards.
            """)

    @Option(help: "The box's state folder.")
    var state = "/var/lib/gatehouse"

    @Flag(help: "Yes, everything.")
    var everything = false

    func run() async throws {
        guard FileManager.default.fileExists(atPath: state + "/identity.json") else {
            throw ValidationError("There is no box in \(state). Give the box's state folder with --state.")
        }
        guard everything else { throw ValidationError("Everything that the box in \(state) knows will be gone. Say --everything.") }
        do {
            try BoxLock.take(state)
        } catch is SettingsError {
            throw ValidationError("A box runs in \(state). Stop it first.")
        }
        try FactoryReset.ask(in: state)
        try FactoryReset.perform(in: state)
        print("The box in \(state) knows nothing any more. Its set-up code is the same.")
    }
}
