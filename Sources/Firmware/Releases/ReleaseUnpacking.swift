import Core
public import Foundation

/// Makes a release's files out of its pieces, in a folder of their own.
///
/// Nothing of it counts before it is whole. What was there of an attempt that broke off is looked at and used: each file is written from its
/// beginning, a piece at a time, and a piece that is on the disk already is not fetched again.
public struct ReleaseUnpacking: Sendable {
    private static let disk = BlockingQueue(name: "release", background: true)

    private let source: any ReleaseSource
    /// Pieces of a release that the box has, by digest: where their file is, and from which byte on.
    private let known: [String: (file: URL, offset: Int)]

    public init(from source: any ReleaseSource) {
        self.source = source
        known = [:]
    }

    /// - Parameters:
    ///   - manifest: Of a release that the box has whole, whose pieces need not be fetched.
    ///   - folder: Where it has it.
    public init(from source: any ReleaseSource, having manifest: ReleaseManifest, in folder: URL) {
        self.source = source
        var known: [String: (file: URL, offset: Int)] = [:]
        for file in manifest.files {
            for (index, chunk) in file.chunks.enumerated() {
                known[chunk] = (folder.appending(path: file.path), index * ReleaseManifest.pieceBytes)
            }
        }
        self.known = known
    }

    /// Bytes that would be fetched, of all that the release has.
    public func missing(of manifest: ReleaseManifest) -> Int {
        manifest.pieces.reduce(0) { known[$1.key] == nil ? $0 + $1.value : $0 }
    }

    /// - Parameter progress: Told how many bytes are there.
    /// - Throws: `ReleaseRefusal`, or what the source or the file system throws. The folder can be given again then.
    public func unpack(
        _ manifest: ReleaseManifest, into folder: URL, progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws {
        try await unpack(manifest.files, into: folder, progress: progress)
    }

    /// The same, for a device's firmware.
    public func unpack(
        _ manifest: DeviceFirmwareManifest, into folder: URL, progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws {
        try await unpack([manifest.file], into: folder, progress: progress)
    }

    private func unpack(_ files: [ReleaseManifest.File], into folder: URL, progress: @escaping @Sendable (Int) -> Void) async throws {
        var done = 0
        for file in files {
            let before = done
            try await unpack(file, to: folder.appending(path: file.path)) { progress(before + $0) }
            done += file.size
        }
        try await Self.disk.run { try Self.finish(folder, of: files) }
    }

    private func unpack(_ file: ReleaseManifest.File, to place: URL, progress: @Sendable (Int) -> Void) async throws {
        let handle = try await Self.disk.run { try Self.open(place, executable: file.executable) }
        var whole = RunningDigest()
        for (index, digest) in file.chunks.enumerated() {
            let offset = index * ReleaseManifest.pieceBytes
            let size = min(ReleaseManifest.pieceBytes, file.size - offset)
            var piece = try await Self.disk.run { try Self.read(handle, at: offset, size: size) }
            if piece.count != size || Digest.text(piece) != digest {
                piece = try await self.piece(digest, size: size)
                try await Self.disk.run { [piece] in
                    try handle.seek(toOffset: UInt64(offset))
                    try handle.write(contentsOf: Data(piece))
                }
            }
            whole.take(piece)
            progress(offset + size)
        }
        guard whole.text == file.sha256 else { throw ReleaseRefusal.altered(file.path) }
        try await Self.disk.run {
            try handle.truncate(atOffset: UInt64(file.size))
            guard fchmod(handle.fileDescriptor, file.executable ? 0o755 : 0o644) == 0 else { throw FileError("chmod", place.path) }
            try handle.synchronize()
            try handle.close()
        }
    }

    private static func open(_ place: URL, executable: Bool) throws -> FileHandle {
        try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        let descriptor = Glibc.open(place.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, executable ? 0o755 : 0o644)
        guard descriptor >= 0 else { throw FileError("open", place.path) }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private func piece(_ digest: String, size: Int) async throws -> [UInt8] {
        if let place = known[digest] {
            let bytes = await Self.disk.run { try? Self.read(place.file, at: place.offset, size: size) }
            if let bytes, Digest.text(bytes) == digest { return bytes }
        }
        let path = "chunks/\(ChunkPath.place(digest))"
        let bytes = try await source.file(path, atMost: size)
        guard bytes.count == size, Digest.text(bytes) == digest else { throw ReleaseRefusal.altered(path) }
        return bytes
    }

    private static func read(_ file: URL, at offset: Int, size: Int) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        return try read(handle, at: offset, size: size)
    }

    private static func read(_ handle: FileHandle, at offset: Int, size: Int) throws -> [UInt8] {
        try handle.seek(toOffset: UInt64(offset))
        return Array(try handle.read(upToCount: size) ?? Data())
    }

    /// What is not the release's is taken away; and the names of all files, too, outlive the power.
    private static func finish(_ folder: URL, of all: [ReleaseManifest.File]) throws {
        let files = Set(all.map(\.path))
        let folders = Set(files.flatMap(ReleasePath.folders))
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where !files.contains(path) && !folders.contains(path)
        {
            // With its folder it may have gone already.
            try? FileManager.default.removeItem(at: folder.appending(path: path))
        }
        for path in folders { try DurableFile.synchronizeDirectory(folder.appending(path: path).path) }
        try DurableFile.synchronizeDirectory(folder.path)
    }
}
