import Core
import Crypto
import Foundation
public import NIOCore

/// An object store that is a folder: for demonstration, for a NAS, for tests.
///
/// A key is free or taken whole: objects are written aside and linked into place, which fails where the key is taken.
public struct FolderStore: ObjectStore {
    private let root: String
    private let queue = BlockingQueue(name: "folder-store")
    /// Tells what this process writes from what an earlier one left.
    private static let life = UUID().uuidString.prefix(8)

    /// A store in the folder `root`.
    public init(root: String) {
        self.root = root
    }

    /// Makes the folder `root` if needed: when it is entered and never later, for a disk that is not mounted must not become a folder beside it.
    static func prepare(root: String) throws {
        do { try DurableFile.makeDirectories(root) } catch let error as FileError { throw storeError(error, root) }
    }

    public var identity: String { StorageTarget.folder(path: root).identity }
    public var usesUplink: Bool { false }

    public func put(_ upload: ObjectUpload, progress: @escaping @Sendable (UploadProgress) -> Void) async throws {
        let path = try path(of: upload.key)
        if case .file = upload.content, let pace = upload.pace {
            var left = upload.bytes
            while left > 0 {
                let piece = min(left, 128 << 10)
                try await pace(piece)
                left -= piece
            }
        }
        try await onDisk {
            guard isThere else { throw Self.missing(root) }
            try write(upload, to: path, progress: progress)
        }
    }

    /// Does what blocks, and puts into words what the disk says.
    private func onDisk<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await queue.run {
            do { return try body() } catch let error as FileError { throw Self.storeError(error, root) }
        }
    }

    private var isThere: Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) && isFolder.boolValue
    }

    private func write(_ upload: ObjectUpload, to path: String, progress: @Sendable (UploadProgress) -> Void) throws {
        let folder = (path as NSString).deletingLastPathComponent
        try DurableFile.makeDirectories(folder)
        let temporary = folder + "/.\(Self.life)-\(UUID().uuidString).part"
        let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError("open", temporary) }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        var hasher = SHA256()
        var sent = 0
        try Self.eachPiece(of: upload.content) { piece in
            hasher.update(data: piece)
            try DurableFile.writeAll(piece, to: descriptor, path: temporary)
            sent += piece.count
            progress(UploadProgress(piece: piece.count, total: sent))
        }
        guard Hexadecimal.text(hasher.finalize()) == upload.sha256, sent == upload.bytes else {
            throw StoreError(.corrupted, "The object changed on its way.")
        }
        guard fsync(descriptor) == 0 else { throw FileError("fsync", temporary) }
        if upload.replaces {
            guard rename(temporary, path) == 0 else { throw FileError("rename", path) }
            return try synchronizeUpwards(from: folder)
        }
        guard Glibc.link(temporary, path) == 0 else {
            if errno == EEXIST { throw StoreError(.exists, "Something is stored under this key already.") }
            throw FileError("link", path)
        }
        unlink(temporary)
        try synchronizeUpwards(from: folder)
    }

    private func synchronizeUpwards(from folder: String) throws {
        var folder = folder
        while folder.count >= root.count {
            try DurableFile.synchronizeDirectory(folder)
            folder = (folder as NSString).deletingLastPathComponent
        }
    }

    private static func eachPiece(of content: ObjectUpload.Content, _ body: (Data) throws -> Void) throws {
        switch content {
        case .data(let data): try body(data)
        case .file(let path):
            guard let handle = FileHandle(forReadingAtPath: path) else { throw FileError("open", path) }
            defer { try? handle.close() }
            while let piece = try handle.read(upToCount: 1 << 18), !piece.isEmpty { try body(piece) }
        }
    }

    /// Removes what a box that was killed had not finished writing.
    public func clearLeftovers(under prefix: String) async throws -> Int {
        // On a queue of its own: there may be very many files to go through.
        await BlockingQueue(name: "folder-leftovers").run { [root] in
            guard let names = FileManager.default.enumerator(atPath: root + "/" + prefix) else { return 0 }
            var cleared = 0
            for case let name as String in names {
                let last = (name as NSString).lastPathComponent
                guard last.hasPrefix("."), last.hasSuffix(".part"), !last.hasPrefix(".\(Self.life)-") else { continue }
                if unlink(root + "/" + prefix + name) == 0 { cleared += 1 }
            }
            return cleared
        }
    }

    public func head(_ key: String) async throws -> ObjectInfo? {
        let path = try path(of: key)
        return try await onDisk {
            guard DurableFile.size(path) != nil else {
                guard errno == ENOENT else { throw FileError("stat", path) }
                // Absent only where the folder itself is there.
                guard isThere else { throw Self.missing(root) }
                return nil
            }
            let digest = try DurableFile.digest(path)
            return ObjectInfo(bytes: digest.bytes, sha256: digest.sha256)
        }
    }

    public func read(_ key: String, range: Range<Int>, to body: @Sendable (ByteBuffer) async throws -> Void) async throws {
        let path = try path(of: key)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let (start, count) = (offset, min(1 << 18, range.upperBound - offset))
            let piece = try await onDisk {
                guard isThere else { throw Self.missing(root) }
                return try Self.piece(of: path, at: start, count: count)
            }
            guard !piece.isEmpty else { throw StoreError(.corrupted, "The clip in the folder is shorter than it should be.") }
            try await body(ByteBuffer(bytes: piece))
            offset += piece.count
        }
    }

    private static func piece(of path: String, at start: Int, count: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { throw StoreError(.gone, "The clip is not in the folder any more.") }
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: count)
        let got = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
        guard got >= 0 else { throw FileError("read", path) }
        return Array(buffer.prefix(got))
    }

    public func list(_ prefix: String) async throws -> [ListedObject] {
        try await onDisk {
            guard isThere else { throw Self.missing(root) }
            guard let walk = FileManager.default.enumerator(atPath: root) else {
                throw StoreError(.refused, "The folder \(root) cannot be read. Give the box the right to read there.")
            }
            var found: [ListedObject] = []
            while let key = walk.nextObject() as? String {
                let isFolder = walk.fileAttributes?[.type] as? FileAttributeType == .typeDirectory
                let name = (key as NSString).lastPathComponent
                if isFolder {
                    // Folders that cannot hold a key of this prefix are not walked.
                    if !(key + "/").hasPrefix(prefix), !prefix.hasPrefix(key + "/") { walk.skipDescendants() }
                } else if key.hasPrefix(prefix), !name.hasPrefix(".") {
                    let attributes = walk.fileAttributes
                    found.append(
                        ListedObject(
                            key: key, bytes: attributes?[.size] as? Int ?? 0,
                            modified: attributes?[.modificationDate] as? Date ?? .distantPast))
                }
            }
            return found
        }
    }

    public func delete(_ key: String) async throws {
        let path = try path(of: key)
        try await onDisk {
            guard isThere else { throw Self.missing(root) }
            guard unlink(path) == 0 || errno == ENOENT else { throw FileError("unlink", path) }
        }
    }

    public func shutdown() async {}

    /// Keys are made of identifiers, but a key must not leave the folder whatever it is.
    private func path(of key: String) throws -> String {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("\0") }) else {
            throw StoreError(.refused, "The key \(key) is not allowed.")
        }
        return root + "/" + key
    }

    private static func missing(_ folder: String) -> StoreError {
        StoreError(.noBucket, "The folder \(folder) is not there. Is its disk mounted?")
    }

    /// What the disk under `folder` says, and what a person can do about it.
    static func storeError(_ error: FileError, _ folder: String) -> StoreError {
        switch error.code {
        case ENOSPC, EDQUOT: StoreError(.full, "The disk of the folder \(folder) is full. Free some room there.")
        case EACCES, EPERM: StoreError(.refused, "The box may not write in the folder \(folder). Give it the right to write there.")
        case EROFS: StoreError(.refused, "The folder \(folder) lies on a disk that can only be read. Mount it so that it can be written.")
        case ENOENT: missing(folder)
        case ENOTDIR: StoreError(.refused, "Something in the path of \(folder) is a file and no folder. Enter another path.")
        case ENAMETOOLONG: StoreError(.refused, "The path of the folder is too long. Enter a shorter one.")
        case ELOOP: StoreError(.refused, "The path \(folder) leads round in a circle of links. Enter another path.")
        default:
            StoreError(
                .unreachable,
                "The disk of the folder \(folder) does not do as it should (\(String(cString: strerror(error.code)))). Check that it is connected."
            )
        }
    }
}
