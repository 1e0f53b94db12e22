import Core
public import Foundation

/// The vendor's side: a folder of releases that any web server or bucket can serve as it is.
///
///     metadata/   what is published, as The Update Framework lays it out (1.root.json, 3.targets.json, 7.snapshot.json, timestamp.json)
///     targets/    a manifest for each release, under its digest
///     chunks/     the pieces of all releases
///     staged/     what is not published yet: root.json and targets.json, until enough keys have signed them; not to be served
public struct ReleaseRepository: Sendable {
    let folder: URL

    public init(_ folder: URL) {
        self.folder = folder
    }

    private func place(_ role: MetadataRole, version: Int) -> URL {
        folder.appending(path: role == .timestamp ? "metadata/timestamp.json" : "metadata/\(version).\(role.rawValue).json")
    }

    private func staged(_ role: MetadataRole) -> URL { folder.appending(path: "staged/\(role.rawValue).json") }

    /// The newest that is published; nil where there is none.
    func published<Metadata: RoleMetadata>(_: Metadata.Type) throws -> (metadata: Metadata, file: SignedFile)? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "metadata").path)) ?? []
        let suffix = ".\(Metadata.role.rawValue).json"
        let versions = names.filter { $0.hasSuffix(suffix) }.compactMap { Int($0.dropLast(suffix.count)) }
        let version = Metadata.role == .timestamp && names.contains("timestamp.json") ? 0 : versions.max()
        return try version.flatMap { try Self.read(place(Metadata.role, version: $0)) }
    }

    /// What waits for signatures; nil where nothing does.
    func waiting<Metadata: RoleMetadata>(_: Metadata.Type) throws -> (metadata: Metadata, file: SignedFile)? {
        let found: (metadata: Metadata, file: SignedFile)? = try Self.read(staged(Metadata.role))
        // Of a publishing that ended between two files: it is published already.
        guard let found, found.metadata.version > (try published(Metadata.self)?.metadata.version ?? 0) else { return nil }
        return found
    }

    private static func read<Metadata: RoleMetadata>(_ place: URL) throws -> (metadata: Metadata, file: SignedFile)? {
        guard FileManager.default.fileExists(atPath: place.path) else { return nil }
        let file = try SignedFile(Array(try Data(contentsOf: place)), name: place.lastPathComponent)
        return (try Metadata(file), file)
    }

    /// Puts metadata down to be signed. Signatures over what it was before are gone.
    func stage(_ metadata: some RoleMetadata) throws {
        try stage(try metadata.unsigned(), type(of: metadata).role)
    }

    func stage(_ file: SignedFile, _ role: MetadataRole) throws {
        let place = staged(role)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try DurableFile.write(Data(file.bytes), to: place.path, permissions: 0o644)
    }

    func publish(_ file: SignedFile, _ role: MetadataRole, version: Int) throws {
        let place = place(role, version: version)
        // A version is one file for ever: boxes and caches have it.
        if role != .timestamp, let known = try? Data(contentsOf: place) {
            guard Array(known) == file.bytes else { throw ReleaseRefusal.altered(place.lastPathComponent) }
        } else {
            try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try DurableFile.write(Data(file.bytes), to: place.path, permissions: 0o644)
        }
        if FileManager.default.fileExists(atPath: staged(role).path) { try FileManager.default.removeItem(at: staged(role)) }
    }

    func write(_ bytes: [UInt8], to path: String) throws {
        let place = folder.appending(path: path)
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try DurableFile.write(Data(bytes), to: place.path, permissions: 0o644)
    }
}
