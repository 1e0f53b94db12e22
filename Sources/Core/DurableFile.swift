import CLinux
public import Foundation

/// A failed call to the file system.
public struct FileError: Error, Sendable, CustomStringConvertible {
    public let operation: String
    public let path: String
    public let code: Int32

    /// What the last call of the system said.
    public init(_ operation: String, _ path: String) {
        self.operation = operation
        self.path = path
        self.code = errno
    }

    public var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    public var description: String { "\(operation) \(path): \(String(cString: strerror(code)))" }
}

/// Writing that survives a power cut: file, then rename, then directory. All calls block.
public enum DurableFile {
    /// Replaces the file at `path` with `data`, whole or not at all.
    public static func write(_ data: Data, to path: String, permissions: UInt32 = 0o600) throws {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else { throw FileError("open", temporary) }
        do {
            defer { close(descriptor) }
            try writeAll(data, to: descriptor, path: temporary)
            guard fsync(descriptor) == 0 else { throw FileError("fsync", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        CrashPoint.reach("durable-file.written")
        guard rename(temporary, path) == 0 else { throw FileError("rename", path) }
        CrashPoint.reach("durable-file.renamed")
        try synchronizeDirectory((path as NSString).deletingLastPathComponent)
    }

    /// Replaces the file at `path` with a copy of the one at `source`, whole or not at all.
    public static func copy(_ source: String, to path: String) throws {
        let temporary = path + ".tmp"
        unlink(temporary)
        try FileManager.default.copyItem(atPath: source, toPath: temporary)
        let descriptor = open(temporary, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", temporary) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw FileError("copy", path) }
        try synchronizeDirectory((path as NSString).deletingLastPathComponent)
    }

    /// Writes all of `data` where `descriptor` stands; `path` is for what is said of a failure.
    public static func writeAll(_ data: some ContiguousBytes, to descriptor: Int32, path: String) throws {
        try rehearse("write", path)
        try data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw FileError("write", path) }
                done += count
            }
        }
    }

    /// Makes the names in the directory at `path` durable.
    public static func synchronizeDirectory(_ path: String) throws {
        try rehearse("fsync", path)
        let descriptor = gatehouse_open_directory(path)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError("fsync", path) }
    }

    /// Fails as a simulated disk does; a real one is asked itself.
    private static func rehearse(_ operation: String, _ path: String) throws {
        guard let code = Rehearsal.current?.write(path), code != 0 else { return }
        errno = code
        throw FileError(operation, path)
    }

    /// Makes the directory at `path`, and those above it, where they are missing.
    public static func makeDirectories(_ path: String) throws {
        if mkdir(path, 0o755) == 0 || errno == EEXIST {
            var status = stat()
            guard stat(path, &status) == 0 else { throw FileError("stat", path) }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                errno = ENOTDIR
                throw FileError("mkdir", path)
            }
            return
        }
        let above = (path as NSString).deletingLastPathComponent
        guard errno == ENOENT, !above.isEmpty, above != path else { throw FileError("mkdir", path) }
        try makeDirectories(above)
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileError("mkdir", path) }
    }

    /// The bytes of the file at `path`, or nil where there is none.
    public static func size(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// Free bytes of the file system that holds `path`.
    public static func freeBytes(_ path: String) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }
}
