import Foundation

/// Files that are whole whenever the power goes: written beside, synchronized, and renamed.
enum DurableFile {
    static func write(_ bytes: [UInt8], to place: URL, permissions: mode_t = 0o644) throws {
        let temporary = place.deletingLastPathComponent().appending(path: ".\(place.lastPathComponent).part").path
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else { throw POSIXError.last }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data(bytes))
        try handle.synchronize()
        try handle.close()
        guard rename(temporary, place.path) == 0 else { throw POSIXError.last }
        try synchronize(folder: place.deletingLastPathComponent())
    }

    /// So that a rename in it outlives the power.
    static func synchronize(folder: URL) throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXError.last }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw POSIXError.last }
    }
}

extension POSIXError {
    /// What the last call of the system said.
    static var last: POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
