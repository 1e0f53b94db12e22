import Core
public import Foundation
import Tar

/// A release with its metadata in one file, for boxes without a line: a stick, or the page.
///
/// It is a tar of what a repository has of one release, under the same names, and believed as little: what is in it is verified as though it came from a server.
public enum ReleaseFile {
    /// Bytes of a file.
    public static let limit = 3 << 30
    /// The pieces of a release, and its metadata.
    private static let mostFiles = 12_000
    private static let folders = ["metadata/", "targets/", "chunks/"]

    /// Writes a release that is published in a repository into a file at `path`.
    /// - Parameter release: The path of its manifest, as `gatehouse release build` prints it.
    /// - Throws: `ReleaseRefusal`, `TarFailure`, and what the file system throws.
    public static func write(_ release: String, of repository: URL, root: [UInt8], to path: URL, at now: Date) async throws {
        let trusted = FileManager.default.temporaryDirectory.appending(path: "gatehouse-release-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: trusted, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: trusted) }
        try DurableFile.write(Data(root), to: trusted.appending(path: "root.json").path)
        let source = FolderSource(repository)
        let releases = try await MetadataUpdate(from: source, into: MetadataFolder(trusted)).refresh(at: now)
        guard let listed = releases.first(where: { $0.path == release }) else { throw ReleaseRefusal.notThere(release) }
        let manifest = try await listed.manifest(from: source)
        guard FileManager.default.createFile(atPath: path.path, contents: nil) else { throw FileError("make", path.path) }
        let file = try FileHandle(forWritingTo: path)
        let tar = try TarWriter { try file.write(contentsOf: $0) }
        for name in try metadata(in: repository) {
            try tar.add("metadata/\(name)", file: repository.appending(path: "metadata/\(name)").path)
        }
        try tar.add(listed.file.place, file: repository.appending(path: listed.file.place).path)
        for piece in manifest.pieces.keys.sorted() {
            let name = "chunks/\(ChunkPath.place(piece))"
            try tar.add(name, file: repository.appending(path: name).path)
        }
        try tar.finish()
        try file.synchronize()
    }

    private static func metadata(in repository: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: repository.appending(path: "metadata").path)
            .filter { $0.hasSuffix(".json") }.sorted()
    }

    /// Takes a file apart into a folder that is not there yet, which `FolderSource` reads then. Blocks.
    /// - Throws: `UpgradeRefusal` that says what the file is instead.
    public static func unpack(_ file: URL, into folder: URL) throws {
        if let other = otherKind(file) { throw UpgradeRefusal(description: other) }
        do {
            try TarReader.unpack(file.path, into: folder.path, mostFiles: mostFiles) { name in
                ReleasePath.isPlain(name) && folders.contains { name.hasPrefix($0) }
            }
        } catch TarFailure.noRoom {
            // The end of a tar that was cut off looks like a disk on which nothing more could be written.
            let isFull = DurableFile.freeBytes(folder.path) < 1 << 20
            throw UpgradeRefusal(
                description: isFull
                    ? "The box's disk has no room for the file." : "The file is not whole: its end is missing. Send it again.")
        } catch TarFailure.notOne {
            throw UpgradeRefusal(description: "This is no release of Gatehouse, or it is not whole.")
        }
        guard FileManager.default.fileExists(atPath: folder.appending(path: "metadata/timestamp.json").path) else {
            throw UpgradeRefusal(description: "This is no release of Gatehouse: nothing in it is signed.")
        }
    }

    /// What a file is that people take for a release, by its first bytes; nil where it may be one.
    private static func otherKind(_ file: URL) -> String? {
        let handle = try? FileHandle(forReadingFrom: file)
        defer { try? handle?.close() }
        let head = (try? handle?.read(upToCount: 512)).map(Array.init) ?? []
        func begins(_ bytes: [UInt8]) -> Bool { head.starts(with: bytes) }
        if begins(Array("SWKH".utf8)) || begins(Array("HKWS".utf8)) || begins([0x48, 0x4B, 0x32, 0x30]) {
            return "This is firmware of a Hikvision camera or recorder, not of this box. It is given to the device itself."
        }
        if begins([0x44, 0x48, 0x03, 0x04]) {
            return "This is firmware of a Dahua device, not of this box. It is given to the device itself."
        }
        if begins(Array("age-encryption.org/".utf8)) {
            return "This is a backup of a box, not a release. A new box begins with it when it is claimed."
        }
        if begins(Array("!<arch>\ndebian-binary".utf8)) {
            return "This is a Debian package. It is installed on the box itself with apt; here a release is expected (.gatehouse)."
        }
        if begins([0x50, 0x4B, 0x03, 0x04]) { return "This is a ZIP file. If a release is in it, unpack it and send what is in it." }
        if begins([0x1F, 0x8B]) || begins([0xFD, 0x37, 0x7A, 0x58, 0x5A]) || begins([0x28, 0xB5, 0x2F, 0xFD]) {
            return "This is a compressed file. If a release is in it, unpack it and send what is in it."
        }
        return nil
    }
}
