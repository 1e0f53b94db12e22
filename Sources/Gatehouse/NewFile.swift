import ArgumentParser
import Foundation

/// Files that are made and never replaced.
enum NewFile {
    static func write(_ text: String, to path: String, permissions: mode_t) throws {
        try make(path, permissions: permissions) { try $0.write(contentsOf: Data(text.utf8)) }
    }

    /// Makes the file at `path` of what `body` writes: whole or not at all, so that a failure does not stand in the next try's way.
    static func make<Result>(_ path: String, permissions: mode_t, _ body: (FileHandle) throws -> Result) throws -> Result {
        // A link that leads nowhere is something, too.
        if (try? FileManager.default.attributesOfItem(atPath: path)) != nil { throw cannotBeMade(path, EEXIST) }
        let temporary = "\(path).\(UUID().uuidString).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw cannotBeMade(path, errno) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        defer { unlink(temporary) }
        let result = try body(handle)
        try handle.synchronize()
        try place(temporary, at: path, permissions)
        return result
    }

    private static func place(_ temporary: String, at path: String, _ permissions: mode_t) throws {
        guard link(temporary, path) != 0 else { return }
        // FAT and some network shares know no links: there the name is taken first.
        guard [EPERM, EOPNOTSUPP, ENOSYS].contains(errno) else { throw cannotBeMade(path, errno) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw cannotBeMade(path, errno) }
        close(descriptor)
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(path)
            throw cannotBeMade(path, code)
        }
    }

    private static func cannotBeMade(_ path: String, _ code: Int32) -> ValidationError {
        ValidationError("\(path) cannot be made: \(String(cString: strerror(code))). Choose another file.")
    }

    static func note(_ sentence: String) {
        FileHandle.standardError.write(Data((sentence + "\n").utf8))
    }
}
