// Tar owns the one way in which the box puts files together into one and takes them apart, by libarchive.

import CArchive
public import Foundation

/// Why a tar cannot be made or read.
public enum TarFailure: Error, Sendable, Equatable {
    /// It is none, or has in it what is not expected.
    case notOne
    case noRoom
    /// What libarchive or the system says.
    case other(String)
}

/// Files as a tar (POSIX pax), which goes wherever its bytes are written to. All calls block.
public struct TarWriter: ~Copyable {
    /// Where libarchive's bytes go; it calls with a plain pointer.
    private final class Sink {
        var write: ((Data) throws -> Void)?
        var failure: (any Error)?
    }

    private let archive: OpaquePointer
    private let sink: Sink

    /// - Throws: `TarFailure`, and what `write` throws.
    public init(_ write: @escaping (Data) throws -> Void) throws {
        guard let archive = archive_write_new() else { throw TarFailure.other("Out of memory.") }
        let sink = Sink()
        sink.write = write
        let steps: [() -> Int32] = [
            { archive_write_set_format_pax_restricted(archive) }, { archive_write_set_bytes_per_block(archive, 64 << 10) },
            { Self.open(archive, sink) },
        ]
        for step in steps where step() != ARCHIVE_OK {
            let failure = Self.failure(of: archive)
            archive_write_free(archive)
            throw failure
        }
        (self.archive, self.sink) = (archive, sink)
    }

    private static func open(_ archive: OpaquePointer, _ sink: Sink) -> Int32 {
        archive_write_open(
            archive, Unmanaged.passUnretained(sink).toOpaque(), nil,
            { _, context, bytes, count in
                guard let context, let bytes else { return -1 }
                let sink = Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
                do {
                    try sink.write?(Data(bytes: bytes, count: count))
                    return count
                } catch {
                    sink.failure = error
                    return -1
                }
            }, nil)
    }

    deinit { archive_write_free(archive) }

    private static func failure(of archive: OpaquePointer) -> TarFailure {
        .other(archive_error_string(archive).map { String(cString: $0) } ?? "It could not be written.")
    }

    private func check(_ code: Int32) throws {
        if let failure = sink.failure { throw failure }
        guard code >= ARCHIVE_WARN else { throw Self.failure(of: archive) }
    }

    /// Adds the file at `path` as `name`.
    /// - Throws: `TarFailure`, and what writing throws.
    public func add(_ name: String, file path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw TarFailure.other("\(path) cannot be read.") }
        defer { try? handle.close() }
        let size = try handle.seekToEnd()
        try handle.seek(toOffset: 0)
        try begin(name, size: Int64(size))
        var left = size
        while left > 0, let piece = try handle.read(upToCount: min(1 << 18, Int(left))), !piece.isEmpty {
            try write(piece)
            left -= UInt64(piece.count)
        }
        try check(archive_write_finish_entry(archive))
    }

    /// Adds bytes as a file.
    public func add(_ name: String, _ data: Data) throws {
        try begin(name, size: Int64(data.count))
        try write(data)
        try check(archive_write_finish_entry(archive))
    }

    private func begin(_ name: String, size: Int64) throws {
        guard let entry = archive_entry_new() else { throw TarFailure.other("Out of memory.") }
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname_utf8(entry, name)
        archive_entry_set_size(entry, size)
        archive_entry_set_filetype(entry, 0o100000)
        archive_entry_set_perm(entry, 0o600)
        archive_entry_set_mtime(entry, time(nil), 0)
        try check(archive_write_header(archive, entry))
    }

    private func write(_ data: Data) throws {
        let count = data.withUnsafeBytes { archive_write_data(archive, $0.baseAddress, $0.count) }
        if let failure = sink.failure { throw failure }
        guard count == data.count else { throw Self.failure(of: archive) }
    }

    /// Writes the end.
    public func finish() throws { try check(archive_write_close(archive)) }
}

/// Unpacks a tar into a folder: only plain files of names that are expected.
public enum TarReader {
    private static let largest: Int64 = 64 << 30

    /// - Parameters:
    ///   - mostFiles: More are none that are expected.
    ///   - admits: Whether a file of that name, as it stands in the tar, may be there.
    /// - Throws: `TarFailure`.
    public static func unpack(_ path: String, into folder: String, mostFiles: Int = 1000, admits: (String) -> Bool) throws {
        guard let archive = archive_read_new() else { throw TarFailure.other("Out of memory.") }
        defer { archive_read_free(archive) }
        guard archive_read_support_format_tar(archive) == ARCHIVE_OK, archive_read_open_filename(archive, path, 64 << 10) == ARCHIVE_OK
        else {
            throw TarFailure.notOne
        }
        var entry: OpaquePointer?
        var files = 0
        while true {
            let code = archive_read_next_header(archive, &entry)
            if code == ARCHIVE_EOF { return }
            guard code >= ARCHIVE_WARN, let entry, let name = archive_entry_pathname_utf8(entry).map({ String(cString: $0) }), admits(name),
                archive_entry_filetype(entry) == 0o100000, archive_entry_hardlink(entry) == nil, archive_entry_size(entry) <= largest
            else { throw TarFailure.notOne }
            files += 1
            guard files <= mostFiles else { throw TarFailure.notOne }
            let target = folder + "/" + name
            try FileManager.default.createDirectory(
                atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            let descriptor = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw TarFailure.noRoom }
            defer { close(descriptor) }
            guard archive_read_data_into_fd(archive, descriptor) == ARCHIVE_OK, fsync(descriptor) == 0 else {
                throw TarFailure.noRoom
            }
        }
    }
}
