import Core
import Foundation
import Synchronization

/// A file of a clip directory, written on a thread of its own.
final class SpoolFile: FootageFile {
    private let path: String
    private let descriptor: Int32
    private let queue = BlockingQueue(name: "spool-file")
    private let written = Mutex(0)
    private let admit: @Sendable (Int) throws -> Void

    /// Makes the file anew. `admit` is asked before each growth and throws when there is no room.
    init(path: String, admit: @escaping @Sendable (Int) throws -> Void) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("open", path) }
        self.path = path
        self.admit = admit
    }

    deinit {
        close(descriptor)
    }

    func append(_ bytes: [UInt8]) async throws {
        try admit(bytes.count)
        try await queue.run { [self] in
            do {
                try DurableFile.writeAll(bytes, to: descriptor, path: path)
            } catch let error as FileError where error.isFull {
                // What is half written is cut off, so that the file ends with a whole fragment.
                ftruncate(descriptor, off_t(written.withLock { $0 }))
                lseek(descriptor, 0, Int32(SEEK_END))
                throw SpoolRefusal.full("The disk is full.")
            }
            written.withLock { $0 += bytes.count }
        }
    }

    func overwrite(_ bytes: [UInt8], at offset: Int) async throws {
        try await queue.run { [self] in
            let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
            guard count == bytes.count else { throw FileError("pwrite", path) }
        }
    }

    func synchronize() async throws {
        try await queue.run { [self] in
            guard fdatasync(descriptor) == 0 else {
                let error = FileError("fdatasync", path)
                throw error.isFull ? SpoolRefusal.full("The disk is full.") : error
            }
        }
    }
}

/// Reads a clip's source, waiting for more while `mayGrow` says so.
final class SpoolSource: FootageSource {
    private let path: String
    private let descriptor: Int32
    private let mayGrow: @Sendable () -> Bool
    private let time: TimeSource
    private let queue = BlockingQueue(name: "spool-source")
    private static let chunk = 256 * 1024

    init(path: String, time: TimeSource, mayGrow: @escaping @Sendable () -> Bool) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path) }
        self.path = path
        self.mayGrow = mayGrow
        self.time = time
    }

    deinit {
        close(descriptor)
    }

    func next() async throws -> [UInt8]? {
        while true {
            // Asked before reading: what was appended before the end is then read all the same.
            let growing = mayGrow()
            let bytes = try await queue.run { [self] () throws -> [UInt8] in
                var buffer = [UInt8](repeating: 0, count: Self.chunk)
                let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
                guard count >= 0 else { throw FileError("read", path) }
                buffer.removeLast(Self.chunk - count)
                return buffer
            }
            if !bytes.isEmpty { return bytes }
            guard growing else { return nil }
            try await time.sleep(.milliseconds(150))
        }
    }
}
