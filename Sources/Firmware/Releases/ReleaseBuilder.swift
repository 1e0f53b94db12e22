import Core
import Foundation

/// Makes a release out of a folder of files.
public struct ReleaseBuilder {
    /// What it is to be called, and for whom it is.
    public struct Description: Sendable {
        public var offer: ReleaseOffer
        /// What is new, for people.
        public var notes: String

        public init(offer: ReleaseOffer, notes: String) {
            self.offer = offer
            self.notes = notes
        }
    }

    private let chunks: URL

    /// - Parameter repository: Where the pieces go, each under its digest.
    init(repository: URL) {
        chunks = repository.appending(path: "chunks")
    }

    /// The manifest of what is in a folder; its pieces are written. The same folder gives the same manifest, wherever and whenever.
    ///
    /// - Throws: `ReleaseRefusal.unsafe` for what no release may have: links, devices, names that are none; and for one without a program.
    func manifest(of folder: URL, _ description: Description) throws -> ReleaseManifest {
        let paths = try paths(in: folder)
        let manifest = try ReleaseManifest(
            version: description.offer.version, architecture: description.offer.architecture, model: description.offer.model,
            notes: description.notes, files: paths.map { try file($0, in: folder) })
        try manifest.checkProgram()
        return manifest
    }

    private func paths(in folder: URL) throws -> [String] {
        guard let all = FileManager.default.enumerator(atPath: folder.path) else { throw ReleaseRefusal.notThere(folder.path) }
        var paths: [String] = []
        while let path = all.nextObject() as? String {
            switch all.fileAttributes?[.type] as? FileAttributeType {
            case .typeDirectory?: continue
            case .typeRegular?: paths.append(path)
            default: throw ReleaseRefusal.unsafe("\(path) is neither a file nor a folder. A release has nothing else.")
            }
        }
        return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    func file(_ path: String, in folder: URL) throws -> ReleaseManifest.File {
        let handle = try FileHandle(forReadingFrom: folder.appending(path: path))
        defer { try? handle.close() }
        var status = stat()
        guard fstat(handle.fileDescriptor, &status) == 0 else { throw FileError("stat", path) }
        var (size, pieces, whole) = (0, [String](), RunningDigest())
        while let piece = try handle.read(upToCount: ReleaseManifest.pieceBytes), !piece.isEmpty {
            size += piece.count
            whole.take(piece)
            pieces.append(try keep(Array(piece)))
        }
        return ReleaseManifest.File(
            path: path, executable: status.st_mode & S_IXUSR != 0, size: size, sha256: whole.text, chunks: pieces)
    }

    private func keep(_ piece: [UInt8]) throws -> String {
        let digest = Digest.text(piece)
        let place = chunks.appending(path: ChunkPath.place(digest))
        guard !FileManager.default.fileExists(atPath: place.path) else { return digest }
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try DurableFile.write(Data(piece), to: place.path, permissions: 0o644)
        return digest
    }
}

/// Where a piece lies among the others.
enum ChunkPath {
    static func place(_ digest: String) -> String { "\(digest.prefix(2))/\(digest)" }
}
