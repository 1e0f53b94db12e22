public import Core
public import NIOCore
import Synchronization

/// Carries a stream to one viewer, until the stream, the session or the viewer's patience ends.
public struct LivePump: Sendable {
    private struct Stalled: Error {}

    /// A viewer that takes nothing for so long has gone.
    private static let patience = Duration.seconds(20)
    private static let looksEvery = Duration.seconds(1)

    private let viewer: LiveViewer
    private let attachment: LiveAttachment
    private let time: TimeSource

    public init(viewer: LiveViewer, attachment: LiveAttachment, time: TimeSource) {
        self.viewer = viewer
        self.attachment = attachment
        self.time = time
    }

    /// Since when a piece has been waiting to be taken.
    private final class Waiting: Sendable {
        private let since = Mutex<Duration?>(nil)

        func begin(_ now: Duration) { since.withLock { $0 = now } }
        func end() { since.withLock { $0 = nil } }
        func isOver(_ now: Duration) -> Bool { since.withLock { $0.map { now - $0 > LivePump.patience } ?? false } }
    }

    /// Writes `head` and all that follows. Returns when another codec begins, for which a player has to begin anew.
    public func run(head: FragmentHead, write: @escaping @Sendable (ByteBuffer) async throws -> Void) async throws {
        let waiting = Waiting()
        try await attachment.whileItLasts {
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await pump(head) { bytes in
                        waiting.begin(time.uptime())
                        defer { waiting.end() }
                        try await write(bytes)
                    }
                }
                group.addTask {
                    while true {
                        try await time.sleep(Self.looksEvery)
                        if waiting.isOver(time.uptime()) { throw Stalled() }
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private func pump(_ first: FragmentHead, _ write: @Sendable (ByteBuffer) async throws -> Void) async throws {
        try await write(first.bytes)
        attachment.count(bytes: first.bytes.readableBytes)
        while let step = await viewer.reader.next() {
            switch step {
            case .head(let head):
                guard head.contentType == first.contentType else { return }
                try await write(head.bytes)
                attachment.count(bytes: head.bytes.readableBytes)
            case .fragments(let fragments, let missed):
                let bytes = Self.joined(fragments)
                try await write(bytes)
                attachment.count(bytes: bytes.readableBytes, missed: missed)
            }
        }
    }

    private static func joined(_ fragments: [Fragment]) -> ByteBuffer {
        guard fragments.count != 1 else { return fragments[0].bytes }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(fragments.reduce(0) { $0 + $1.bytes.readableBytes })
        for fragment in fragments { bytes.writeImmutableBuffer(fragment.bytes) }
        return bytes
    }
}
