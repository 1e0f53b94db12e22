import Core
public import Foundation

/// The trusted metadata of a box, kept outside of what is upgraded: `root.json`, and what was verified last of the others.
public struct MetadataFolder: Sendable {
    private let folder: URL

    public init(_ folder: URL) {
        self.folder = folder
    }

    private func place(_ role: MetadataRole) -> URL { folder.appending(path: "\(role.rawValue).json") }

    /// Nil where there is none. That one cannot be read is no reason to forget what was seen.
    func file(_ role: MetadataRole) throws -> [UInt8]? {
        do {
            return try Array(Data(contentsOf: place(role)))
        } catch CocoaError.fileReadNoSuchFile {
            return nil
        }
    }

    func forget(_ role: MetadataRole) throws {
        do {
            try FileManager.default.removeItem(at: place(role))
        } catch CocoaError.fileNoSuchFile {
            return
        }
        try DurableFile.synchronizeDirectory(folder.path)
    }

    func keep(_ bytes: [UInt8], as role: MetadataRole) throws {
        try DurableFile.write(Data(bytes), to: place(role).path, permissions: 0o644)
    }
}

/// Learns which releases there are: the client's workflow of The Update Framework (1.0.34, section 5).
public struct MetadataUpdate: Sendable {
    /// A source that has a next root for ever is none.
    private static let mostRoots = 64

    private let source: any ReleaseSource
    private let folder: MetadataFolder

    public init(from source: any ReleaseSource, into folder: MetadataFolder) {
        self.source = source
        self.folder = folder
    }

    /// Verifies what the source has, from the root that is trusted on. What was verified is kept, also where something later is refused.
    ///
    /// - Parameter now: What expiry is judged by.
    /// - Returns: The releases, by the path of their manifests.
    /// - Throws: `ReleaseRefusal`, or what the source or the folder throws.
    public func refresh(at now: Date) async throws -> [ListedRelease] {
        // A later vendor may offer what this box does not understand, beside what it does.
        try await targets(at: now).compactMap { try? ListedRelease($0.key, $0.value) }
    }

    /// The same, for what is offered to the devices behind the box.
    public func refreshDeviceFirmware(at now: Date) async throws -> [ListedDeviceFirmware] {
        try await targets(at: now).compactMap { try? ListedDeviceFirmware($0.key, $0.value) }
    }

    private func targets(at now: Date) async throws -> [(key: String, value: TargetsMetadata.Target)] {
        guard let root = try folder.file(.root) else { throw ReleaseRefusal.noRoot }
        var trusted = try TrustedMetadata(root: root, at: now)
        try await updateRoot(&trusted)
        try await updateTimestamp(&trusted)
        try await updateSnapshot(&trusted)
        try await updateTargets(&trusted)
        return (trusted.targets?.targets ?? [:]).sorted { $0.key < $1.key }
    }

    private func updateRoot(_ trusted: inout TrustedMetadata) async throws {
        for _ in 0..<Self.mostRoots {
            let path = "metadata/\(trusted.root.version + 1).root.json"
            let bytes: [UInt8]
            do {
                bytes = try await source.file(path, atMost: MetadataRole.root.limit)
            } catch ReleaseRefusal.notThere {
                return
            }
            let before = trusted.root
            try trusted.take(root: bytes)
            // Who had the keys of before may have signed versions that nobody will come to again (section 5.3.11).
            let replaced = [MetadataRole.timestamp, .snapshot].contains { trusted.root.keys(of: $0) != before.keys(of: $0) }
            if replaced { for role in [MetadataRole.snapshot, .timestamp] { try folder.forget(role) } }
            try folder.keep(bytes, as: .root)
        }
    }

    private func updateTimestamp(_ trusted: inout TrustedMetadata) async throws {
        // One that the keys of now do not vouch for is not compared with: so a key that was lost harms no longer than it counts.
        if let known = try folder.file(.timestamp) { try? trusted.take(timestamp: known) }
        let before = trusted.timestamp?.version
        let bytes = try await source.file("metadata/timestamp.json", atMost: MetadataRole.timestamp.limit)
        try trusted.take(timestamp: bytes)
        if trusted.timestamp?.version != before { try folder.keep(bytes, as: .timestamp) }
    }

    private func updateSnapshot(_ trusted: inout TrustedMetadata) async throws {
        if let known = try folder.file(.snapshot), (try? trusted.take(snapshot: known, wasTrusted: true)) != nil { return }
        guard let due = trusted.timestamp?.snapshot else { return }
        let bytes = try await source.file(
            "metadata/\(due.version).snapshot.json", atMost: due.limit(.snapshot))
        try trusted.take(snapshot: bytes)
        try folder.keep(bytes, as: .snapshot)
    }

    private func updateTargets(_ trusted: inout TrustedMetadata) async throws {
        if let known = try folder.file(.targets), (try? trusted.take(targets: known)) != nil { return }
        guard let due = trusted.snapshot?.targets else { return }
        let bytes = try await source.file(
            "metadata/\(due.version).targets.json", atMost: due.limit(.targets))
        try trusted.take(targets: bytes)
        try folder.keep(bytes, as: .targets)
    }
}
