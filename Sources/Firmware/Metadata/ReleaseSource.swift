import Core
public import Foundation

/// Where releases come from: a web server, a bucket, a stick. Nothing that it gives is believed.
public protocol ReleaseSource: Sendable {
    /// A whole file.
    /// - Parameters:
    ///   - path: Relative, with `/` between its parts.
    ///   - limit: Bytes, 0 or more.
    /// - Throws: `ReleaseRefusal.notThere` only where the source says that there is no such file, for then there is no newer root either;
    ///   `.tooLarge` where it has more bytes; or why it could not be had.
    func file(_ path: String, atMost limit: Int) async throws -> [UInt8]

    /// Lets go of what it holds; nothing is asked of it afterwards.
    func close() async
}

extension ReleaseSource {
    public func close() async {}
}

/// A folder that holds releases as `gatehouse release publish` writes them.
public struct FolderSource: ReleaseSource {
    private static let disk = BlockingQueue(name: "release-folder", background: true)

    private let folder: URL

    public init(_ folder: URL) {
        self.folder = folder
    }

    public func file(_ path: String, atMost limit: Int) async throws -> [UInt8] {
        try await Self.disk.run { try read(path, atMost: limit) }
    }

    private func read(_ path: String, atMost limit: Int) throws -> [UInt8] {
        let place = folder.appending(path: path).path
        // What is in the folder is not necessarily ours: a link or a device node would lead elsewhere.
        let descriptor = open(place, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw [ENOENT, ENOTDIR, ELOOP].contains(errno) ? ReleaseRefusal.notThere(path) : FileError("open", place)
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw ReleaseRefusal.notThere(path) }
        // One byte more tells that there is more, whatever the size was a moment ago.
        let data = try handle.read(upToCount: limit + 1) ?? Data()
        guard data.count <= limit else { throw ReleaseRefusal.tooLarge(path) }
        return Array(data)
    }
}
