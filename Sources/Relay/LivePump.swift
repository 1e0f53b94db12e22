public import Core
public import NIOCore

/// Carries a stream to one viewer, until the stream, the session or the viewer's patience ends.
public struct LivePump: Sendable {
    /// Where no picture comes for so long the answer ends, for whether somebody is still there is not to be seen. Players ask again.
    private static let silence = Duration.seconds(90)

    private let viewer: LiveViewer
    private let attachment: LiveAttachment
    private let time: TimeSource

    public init(viewer: LiveViewer, attachment: LiveAttachment, time: TimeSource) {
        self.viewer = viewer
        self.attachment = attachment
        self.time = time
    }

    /// Writes `head` and all that follows. Returns when another codec begins, for which a player has to begin anew.
    public func run(head: FragmentHead, write: @escaping @Sendable (ByteBuffer) async throws -> Void) async throws {
        try await attachment.whileTaken(time, silence: Self.silence, write) { try await pump(head, $0) }
    }

    private func pump(_ first: FragmentHead, _ write: @Sendable (ByteBuffer) async throws -> Void) async throws {
        try await write(first.bytes)
        attachment.count(bytes: first.bytes.readableBytes)
        while let step = await viewer.reader.next() {
            switch step {
            case .head(let head):
                guard first.goesOn(with: head) else { return }
                try await write(head.bytes)
                attachment.count(bytes: head.bytes.readableBytes)
            case .fragments(let fragments, let missed):
                attachment.count(bytes: 0, missed: missed)
                for fragment in fragments {
                    try await write(fragment.bytes)
                    attachment.count(bytes: fragment.bytes.readableBytes)
                }
            }
        }
    }
}
