public import Foundation

/// Looks at a repository as a box that has never seen it would, and at every piece of every release.
public struct ReleaseVerification {
    /// A release that is whole.
    public struct Line: Sendable {
        public let path: String
        public let files: Int
        public let bytes: Int
    }

    private let repository: URL
    private let root: [UInt8]

    /// - Parameter root: The trusted root's file.
    public init(of repository: URL, root: [UInt8]) {
        self.repository = repository
        self.root = root
    }

    /// - Throws: The first `ReleaseRefusal`.
    public func run(at now: Date) async throws -> [Line] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let trusted = MetadataFolder(folder)
        try trusted.keep(root, as: .root)
        let source = FolderSource(repository)
        var lines: [Line] = []
        let update = MetadataUpdate(from: source, into: trusted)
        for release in try await update.refresh(at: now) {
            let manifest = try await release.manifest(from: source)
            try manifest.checkProgram()
            for file in manifest.files { try await verify(file, source) }
            lines.append(Line(path: release.path, files: manifest.files.count, bytes: manifest.size))
        }
        for firmware in try await update.refreshDeviceFirmware(at: now) {
            let manifest = try await firmware.manifest(from: source)
            try await verify(manifest.file, source)
            lines.append(Line(path: firmware.path, files: 1, bytes: manifest.file.size))
        }
        return lines
    }

    private func verify(_ file: ReleaseManifest.File, _ source: FolderSource) async throws {
        var whole = RunningDigest()
        for (index, digest) in file.chunks.enumerated() {
            let path = "chunks/\(ChunkPath.place(digest))"
            let size = min(ReleaseManifest.pieceBytes, file.size - index * ReleaseManifest.pieceBytes)
            let piece = try await source.file(path, atMost: size)
            guard piece.count == size, Digest.text(piece) == digest else { throw ReleaseRefusal.altered(path) }
            whole.take(piece)
        }
        guard whole.text == file.sha256 else { throw ReleaseRefusal.altered(file.path) }
    }
}
