import CArchive
import Foundation

/// Writes a ZIP file (APPNOTE.TXT) whose entries lie in it as they are: footage does not get smaller. All calls block.
struct ZIPArchive: ~Copyable {
    struct Failure: Error {
        let sentence: String
    }

    private let archive: OpaquePointer
    private var isOpen = true

    /// Begins the file at `path`.
    init(path: String) throws(Failure) {
        guard let archive = archive_write_new() else { throw Failure(sentence: "Out of memory.") }
        let steps: [() -> Int32] = [
            { archive_write_set_format_zip(archive) },
            { archive_write_set_options(archive, "zip:compression=store") },
            { archive_write_open_filename(archive, path) },
        ]
        for step in steps where step() != ARCHIVE_OK {
            let failure = Self.failure(of: archive)
            archive_write_free(archive)
            throw failure
        }
        self.archive = archive
    }

    deinit { archive_write_free(archive) }

    private static func failure(of archive: OpaquePointer) -> Failure {
        Failure(sentence: archive_error_string(archive).map { String(cString: $0) } ?? "The archive could not be written.")
    }

    private func check(_ code: Int32) throws(Failure) {
        // Warnings tell of names that a reader may show otherwise.
        guard code >= ARCHIVE_WARN else { throw Self.failure(of: archive) }
    }

    private func begin(_ name: String, bytes: Int, modified: Date) throws(Failure) {
        guard let entry = archive_entry_new() else { throw Failure(sentence: "Out of memory.") }
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname_utf8(entry, name)
        archive_entry_set_size(entry, Int64(bytes))
        archive_entry_set_filetype(entry, 0o100000)
        archive_entry_set_perm(entry, 0o644)
        archive_entry_set_mtime(entry, time_t(modified.timeIntervalSince1970), 0)
        try check(archive_write_header(archive, entry))
    }

    /// Adds an entry with these bytes.
    mutating func add(_ name: String, _ data: Data, modified: Date) throws(Failure) {
        try begin(name, bytes: data.count, modified: modified)
        try write(Array(data))
        try check(archive_write_finish_entry(archive))
    }

    /// Adds the file at `path` as an entry.
    mutating func add(_ name: String, file path: String, modified: Date) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(sentence: "A file of the export cannot be read.") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(sentence: "A file of the export cannot be read.") }
        try begin(name, bytes: Int(status.st_size), modified: modified)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(sentence: "A file of the export cannot be read.") }
            if count == 0 { break }
            try write(Array(buffer[..<count]))
        }
        try check(archive_write_finish_entry(archive))
    }

    private func write(_ bytes: [UInt8]) throws(Failure) {
        guard !bytes.isEmpty else { return }
        let count = bytes.withUnsafeBytes { archive_write_data(archive, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw Self.failure(of: archive) }
    }

    /// Writes the directory at the end, and closes the file.
    mutating func finish() throws(Failure) {
        guard isOpen else { return }
        isOpen = false
        try check(archive_write_close(archive))
    }
}
