import Foundation

/// Which boxes a release is meant for, and how it is to reach them. It stands in signed metadata, beside the digest of the manifest.
public struct ReleaseOffer: Codable, Sendable, Equatable {
    /// Who may take part in what is not certain yet.
    public enum Channel: String, Codable, Sendable, CaseIterable {
        case stable
        case candidate
    }

    public let version: ReleaseVersion
    /// As Debian calls it: `arm64`, `amd64`.
    public let architecture: String
    /// The kind of box.
    public let model: String
    /// Goes up where an older release must not come back, because it is not safe; apart from the version.
    public let epoch: Int
    public var channel: Channel
    /// Percent of the boxes that may take it.
    public var rollout: Int
    /// Boxes that are older take this one first, before any newer.
    public var mustPassThrough: Bool

    public init(
        version: ReleaseVersion, architecture: String, model: String, epoch: Int, channel: Channel = .stable, rollout: Int = 100,
        mustPassThrough: Bool = false
    ) {
        self.version = version
        self.architecture = architecture
        self.model = model
        self.epoch = epoch
        self.channel = channel
        self.rollout = rollout
        self.mustPassThrough = mustPassThrough
    }
}

/// A release that signed metadata tells of.
public struct ListedRelease: Sendable, Equatable {
    /// Of its manifest.
    public let path: String
    public let offer: ReleaseOffer
    let file: TargetFile

    init(_ path: String, _ target: TargetsMetadata.Target) throws(ReleaseRefusal) {
        guard let offer = target.offer, (0...100).contains(offer.rollout), offer.epoch >= 0 else { throw .unreadable(path) }
        file = try TargetFile(path, target)
        self.path = path
        self.offer = offer
    }

    /// What it is called on the box's disk: another release of the same version is another.
    public var slot: String { "\(offer.version)-\(file.sha256.prefix(12))" }

    /// - Throws: `ReleaseRefusal`, or what the source throws.
    public func manifest(from source: any ReleaseSource) async throws -> ReleaseManifest {
        let manifest = try ReleaseManifest(try await file.bytes(from: source), name: path)
        guard manifest.version == offer.version, manifest.architecture == offer.architecture, manifest.model == offer.model else {
            throw ReleaseRefusal.altered(path)
        }
        return manifest
    }
}

/// What a release consists of: each file, in pieces that are known by their digests.
public struct ReleaseManifest: Sendable, Equatable {
    public struct File: Codable, Sendable, Equatable {
        /// Within the release, `share/web/index.html`.
        public let path: String
        /// Whether it is a program. Nothing else of the mode is up to a release.
        public let executable: Bool
        /// Bytes.
        public let size: Int
        public let sha256: String
        /// SHA-256 of each piece; all but the last have `pieceBytes`.
        public let chunks: [String]
    }

    /// Bytes of a manifest.
    static let limit = 4 << 20
    /// Bytes of a piece.
    public static let pieceBytes = 1 << 20
    private static let mostFiles = 10_000
    /// Bytes of all files together.
    private static let mostBytes = 2 << 30

    public let version: ReleaseVersion
    public let architecture: String
    public let model: String
    /// What is new, for people.
    public let notes: String
    public let files: [File]

    init(version: ReleaseVersion, architecture: String, model: String, notes: String, files: [File]) throws(ReleaseRefusal) {
        self.version = version
        self.architecture = architecture
        self.model = model
        self.notes = notes
        self.files = files
        try check()
    }

    /// As it is written. It becomes a manifest only by what looks at it.
    private struct Form: Codable {
        var format = 1
        let version: ReleaseVersion
        let architecture: String
        let model: String
        let notes: String
        let files: [File]
    }

    /// - Throws: `ReleaseRefusal.unreadable`, or what may not be as it is.
    init(_ bytes: [UInt8], name: String) throws(ReleaseRefusal) {
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(bytes)), form.format == 1 else { throw .unreadable(name) }
        try self.init(
            version: form.version, architecture: form.architecture, model: form.model, notes: form.notes, files: form.files)
    }

    var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            let form = Form(version: version, architecture: architecture, model: model, notes: notes, files: files)
            return Array(try encoder.encode(form)) + [0x0A]
        }
    }

    /// Bytes of all files together.
    public var size: Int { files.reduce(0) { $0 + $1.size } }

    /// The pieces, each once, with their sizes.
    public var pieces: [String: Int] {
        var pieces: [String: Int] = [:]
        for file in files {
            for (index, chunk) in file.chunks.enumerated() { pieces[chunk] = min(Self.pieceBytes, file.size - index * Self.pieceBytes) }
        }
        return pieces
    }

    /// Whoever signed it: nothing may lead out of the release's own folder, or fill the disk.
    private func check() throws(ReleaseRefusal) {
        try Self.check(files)
        guard version.description.utf8.count <= 64, notes.utf8.count <= 64 << 10 else { throw .unsafe("The release says too much.") }
    }

    static func check(_ files: [File]) throws(ReleaseRefusal) {
        guard !files.isEmpty, files.count <= mostFiles else { throw .unsafe("The release has no files, or too many.") }
        var total = 0
        for file in files {
            guard ReleasePath.isPlain(file.path) else { throw .unsafe("The release has a file whose name is none.") }
            guard file.size >= 0, file.size <= mostBytes else { throw .unsafe("The release's file \(file.path) is too large.") }
            total += file.size
            let pieces = (file.size + pieceBytes - 1) / pieceBytes
            guard file.chunks.count == pieces, Digest.isOne(file.sha256), file.chunks.allSatisfy(Digest.isOne) else {
                throw .unsafe("The release's file \(file.path) is not made of the pieces that it names.")
            }
        }
        guard total <= mostBytes else { throw .unsafe("The release is larger than 2 GiB.") }
        let paths = files.map(\.path)
        guard Set(paths).count == paths.count else { throw .unsafe("The release has a file twice.") }
        let folders = Set(paths.flatMap(ReleasePath.folders))
        guard folders.isDisjoint(with: paths) else { throw .unsafe("The release has a file that is a folder, too.") }
    }
}

/// Paths within a release.
enum ReleasePath {
    /// Relative, of ordinary names, leading nowhere else.
    static func isPlain(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count <= 1024 && (1...16).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.count <= 200 && part != "." && part != ".."
                    && part.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 0x20 && $0.value < 0x7F && $0 != "\\" && $0 != ":" }
            }
    }

    /// The folders that a file lies in.
    static func folders(_ path: String) -> [String] {
        let parts = path.split(separator: "/")
        return (1..<max(1, parts.count)).map { parts.prefix($0).joined(separator: "/") }
    }
}

extension ReleaseManifest {
    /// - Throws: `ReleaseRefusal.unsafe` where there is nothing that a launcher could start.
    func checkProgram() throws(ReleaseRefusal) {
        guard files.contains(where: { $0.path == "bin/gatehouse" && $0.executable }) else {
            throw .unsafe("The release has no program.")
        }
    }
}
