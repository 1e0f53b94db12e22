import Crypto
import Foundation
import Testing

@testable import Firmware

/// A vendor in a folder of its own, with a key for each role (two of three for releases), and one release.
final class Vendor: Sendable {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let later = now.addingTimeInterval(86_400 * 30)

    let folder = FileManager.default.temporaryDirectory.appending(path: "gatehouse-firmware-\(UUID().uuidString)")
    let root = SigningKey()
    let targets = [SigningKey(), SigningKey(), SigningKey()]
    let snapshot = SigningKey()
    let timestamp = SigningKey()
    var repository: ReleaseRepository { ReleaseRepository(folder.appending(path: "repository")) }
    /// What a box trusts.
    var trusted: URL { folder.appending(path: "trusted") }
    var source: FolderSource { FolderSource(folder.appending(path: "repository")) }

    init(published: Bool = true) throws {
        try FileManager.default.createDirectory(at: trusted, withIntermediateDirectories: true)
        try repository.stageRoot(roles, expires: Self.later)
        guard published else { return }
        try add("1.0.0")
        try publish()
        try publish(with: [timestamp])
        try repository.folder.file("metadata/1.root.json").write(to: trusted.appending(path: "root.json"))
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    var roles: [MetadataRole: ReleaseRepository.RoleKeys] {
        [
            .root: .init([root.publicKey], threshold: 1), .targets: .init(targets.map(\.publicKey), threshold: 2),
            .snapshot: .init([snapshot.publicKey], threshold: 1), .timestamp: .init([timestamp.publicKey], threshold: 1),
        ]
    }

    /// Files of a release, by their paths.
    static func files(_ version: String) -> [String: Data] {
        var binary = Data()
        // Three whole pieces that are the same in each version, and one that is not.
        for piece in 0..<3 { binary.append(Data(repeating: UInt8(piece + 1), count: ReleaseManifest.pieceBytes)) }
        binary.append(Data("the program of \(version)".utf8))
        return ["bin/gatehouse": binary, "share/web/index.html": Data("<p>\(version)".utf8), "share/empty": Data()]
    }

    func write(_ files: [String: Data], to name: String) throws -> URL {
        let place = folder.appending(path: name)
        for (path, data) in files {
            let file = place.appending(path: path)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try data.write(to: file)
            let mode = path.hasPrefix("bin/") ? 0o755 : 0o644
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
        }
        return place
    }

    func add(_ version: String, epoch: Int = 0, architecture: String = "arm64") throws {
        let files = try write(Self.files(version), to: "files-\(version)")
        let offer = ReleaseOffer(
            version: try #require(ReleaseVersion(version)), architecture: architecture, model: "gatehouse", epoch: epoch)
        try repository.add(files, .init(offer: offer, notes: "What is new in \(version)."), expires: Self.later)
    }

    func publish(with keys: [SigningKey]? = nil) throws {
        let waiting = try repository.pending().map(\.file)
        let signers = (waiting.contains("root.json") ? [root] : []) + (waiting.contains("targets.json") ? [targets[0], targets[2]] : [])
        _ = try repository.sign(with: signers)
        try repository.publish(with: keys ?? [snapshot, timestamp], .init(snapshot: Self.later, timestamp: Self.later))
    }

    func refresh(at now: Date = now) async throws -> [ListedRelease] {
        try await MetadataUpdate(from: source, into: MetadataFolder(trusted)).refresh(at: now)
    }

    /// Signs what no honest vendor would, and puts it where boxes look for it.
    func forge(_ metadata: some RoleMetadata, by keys: [SigningKey], as path: String) throws {
        var file = try metadata.unsigned()
        for key in keys { try file.sign(key.key) }
        try repository.write(file.bytes, to: path)
    }

    func read<Metadata: RoleMetadata>(_: Metadata.Type) throws -> Metadata {
        try #require(try repository.published(Metadata.self)).metadata
    }
}

extension URL {
    func file(_ path: String) throws -> Data { try Data(contentsOf: appending(path: path)) }
}
