import Foundation

/// The folder in which the box keeps certificates and keys; nobody else reads it.
struct CertificateFolder: Sendable {
    /// What lies there.
    enum File: String {
        case own = "certificate.pem"
        case ownKey = "key.pem"
        case authority = "authority.pem"
        case authorityKey = "authority-key.pem"
        case installed = "installed.pem"
        case installedKey = "installed-key.pem"
        case requestKey = "request-key.pem"
    }

    private static let mostBytes = 256 << 10

    private let folder: String

    /// - Throws: what the file system throws.
    init(_ folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        self.folder = folder
    }

    func path(_ file: File) -> String { folder + "/" + file.rawValue }
    func has(_ file: File) -> Bool { FileManager.default.fileExists(atPath: path(file)) }
    func text(_ file: File) -> String? { Self.text(path(file)) }
    func remove(_ file: File) { unlink(path(file)) }

    /// Writes it whole or not at all: a power cut must not leave half a certificate.
    /// - Throws: what the file system throws.
    func write(_ text: String, as file: File) throws {
        let path = path(file)
        let descriptor = open(path + ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0, rename(path + ".new", path) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    /// A file's text; nil where it cannot be read or is no such file.
    static func text(_ path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: mostBytes) else { return nil }
        return String(validating: data, as: UTF8.self)
    }

    /// What differs whenever a file was written anew.
    static func mark(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "" }
        return "\(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }
}
