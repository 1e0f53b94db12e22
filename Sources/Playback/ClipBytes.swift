import CloudStorage
import Core
import Foundation
import NIOCore
import Synchronization

/// The bytes of a clip's file, wherever it lies.
protocol ClipBytes: Sendable {
    var count: Int { get }
    /// All bytes of `range`, which lies within the file.
    func read(_ range: Range<Int>) async throws -> [UInt8]
}

/// A file of the spool.
struct SpoolBytes: ClipBytes {
    private static let queue = BlockingQueue(name: "playback")

    let path: String
    let count: Int

    func read(_ range: Range<Int>) async throws -> [UInt8] {
        try await Self.queue.run { [path] in
            guard let handle = FileHandle(forReadingAtPath: path) else { throw Self.gone }
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(range.lowerBound))
            guard let data = try handle.read(upToCount: range.count), data.count == range.count else { throw Self.gone }
            return [UInt8](data)
        }
    }

    private static let gone = PlaybackFailure(.away, "The clip has just left the box. Try again in a moment.")
}

/// An object in one or more stores.
struct StoreBytes: ClipBytes {
    let key: String
    let count: Int
    let stores: [any ObjectStore]
    let time: TimeSource

    func read(_ range: Range<Int>) async throws -> [UInt8] {
        let collected = Mutex<[UInt8]>([])
        let opened = try await StoredObject(key, range: range, stores: stores, time: time).open()
        try await opened.read { piece in collected.withLock { $0 += piece.readableBytesView } }
        let bytes = collected.withLock { $0 }
        guard bytes.count == range.count else { throw StoreError(.corrupted, "The storage gave another length than the clip has.") }
        return bytes
    }
}
