public import Core
import Foundation
import Media
public import MediaWorker
import Synchronization

/// Puts a clip's parts together: initialisation part, an index of the fragments, the fragments.
///
/// The index is a segment index box (`sidx`, ISO/IEC 14496-12, 8.16.3); room for it is kept after the initialisation part and filled at
/// the end, so that players know length and positions without reading the whole file.
public final class ClipFileWriter: TranscodeOutput {
    private struct State {
        var reserved = 0
        var fragments: [(bytes: Int, info: FragmentInfo)] = []
        var thumbnail: [UInt8]?
        var duration = MediaTime.zero
    }

    /// Five minutes in fragments of two seconds, and some.
    private static let capacity = 256
    /// The video track's: FFmpeg takes the index's times for the track's whatever the box says.
    private static let timescale: Int64 = 90_000

    private let file: any FootageFile
    private let state = Mutex(State())
    private let progressed: @Sendable (Double) async -> Void

    /// Writes into `file`; `progressed` gets the seconds of footage done.
    public init(file: any FootageFile, progressed: @escaping @Sendable (Double) async -> Void = { _ in }) {
        self.file = file
        self.progressed = progressed
    }

    /// The last thumbnail that came.
    var thumbnail: [UInt8]? { state.withLock { $0.thumbnail } }

    public func header(_ bytes: [UInt8]) async throws {
        state.withLock { $0.reserved = bytes.count }
        try await file.append(bytes + Self.freeBox(Self.indexBytes(Self.capacity) + 8))
    }

    public func fragment(_ info: FragmentInfo, _ bytes: [UInt8]) async throws {
        try await file.append(bytes)
        let end = state.withLock { state in
            state.fragments.append((bytes.count, info))
            return info.start.microseconds + info.duration.microseconds
        }
        await progressed(Double(end) / 1_000_000)
    }

    public func thumbnail(_ bytes: [UInt8]) async throws {
        state.withLock { $0.thumbnail = bytes }
    }

    /// Fills in the index and makes the file durable.
    public func finish() async throws {
        let (offset, fragments) = state.withLock { ($0.reserved, $0.fragments) }
        if !fragments.isEmpty, fragments.count <= Self.capacity {
            let room = Self.indexBytes(Self.capacity) + 8
            let free = room - Self.indexBytes(fragments.count)
            try await file.overwrite(Self.index(fragments, firstOffset: free) + Self.freeBox(free), at: offset)
        }
        try await file.synchronize()
    }

    private static func indexBytes(_ fragments: Int) -> Int { 40 + 12 * fragments }

    private static func index(_ fragments: [(bytes: Int, info: FragmentInfo)], firstOffset: Int) -> [UInt8] {
        var box: [UInt8] = []
        func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.bigEndian) { box.append(contentsOf: $0) } }
        put(UInt32(indexBytes(fragments.count)))
        box.append(contentsOf: "sidx".utf8)
        put(UInt32(1 << 24))  // version 1
        put(UInt32(1))  // the video track
        put(UInt32(timescale))
        put(UInt64(max(0, ticks(fragments.first?.info.start ?? .zero))))
        put(UInt64(firstOffset))
        put(UInt16(0))
        put(UInt16(fragments.count))
        for fragment in fragments {
            put(UInt32(fragment.bytes) & 0x7FFF_FFFF)
            put(UInt32(clamping: ticks(fragment.info.duration)))
            put(fragment.info.startsWithKeyFrame ? UInt32(0x9000_0000) : 0)  // starts with a stream access point of type 1
        }
        return box
    }

    private static func ticks(_ time: MediaTime) -> Int64 { (time.microseconds * timescale + 500_000) / 1_000_000 }

    private static func freeBox(_ bytes: Int) -> [UInt8] {
        var box = withUnsafeBytes(of: UInt32(bytes).bigEndian) { Array($0) } + Array("free".utf8)
        box.append(contentsOf: repeatElement(0, count: max(0, bytes - 8)))
        return box
    }
}
