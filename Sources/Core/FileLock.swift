import Foundation

/// A file that one at a time holds, over processes; whoever dies holds it no longer (flock(2)).
public struct FileLock: ~Copyable {
    private let descriptor: Int32

    /// Waits for it.
    /// - Throws: `FileError`
    public init(_ path: String) throws {
        let descriptor = try Self.opened(path)
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                let error = FileError("lock", path)
                close(descriptor)
                throw error
            }
        }
        self.descriptor = descriptor
    }

    /// Nil where somebody else holds it.
    /// - Throws: `FileError`
    public init?(ifFree path: String) throws {
        let descriptor = try Self.opened(path)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    private static func opened(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("open", path) }
        return descriptor
    }

    public consuming func release() {}

    deinit { close(descriptor) }
}
