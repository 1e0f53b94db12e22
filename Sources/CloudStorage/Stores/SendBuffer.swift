import NIOCore

/// What one connection may hold of what goes up: the more lies there, the longer anything newer waits for the line.
public struct SendBuffer: Sendable, Equatable {
    /// Bytes that the kernel may hold, those on their way included; it takes twice as much as it is told.
    let bytes: Int
    /// Bytes of them that have not been sent.
    let unsent: Int
    /// Bytes that are handed over at once: the kernel takes a piece whole while less than `unsent` waits there.
    let piece: Int

    /// All connections together hold a quarter of a second of a line (`capacity`, bytes a second), and a twentieth of it unsent.
    static func of(capacity: Double?, transfers: Int) -> SendBuffer {
        let share = (capacity ?? 0) / Double(max(1, transfers))
        let unsent = min(1 << 20, max(4 << 10, Int(share / 20)))
        return SendBuffer(bytes: min(1 << 20, max(32 << 10, Int(share / 4))), unsent: unsent, piece: min(FilePieces.largest, unsent))
    }

    /// Bytes of a transfer that were let go and have not arrived yet, at most.
    var ahead: Int { bytes + piece }

    /// Linux's TCP_USER_TIMEOUT, milliseconds.
    private static let userTimeout = NIOBSDSocket.Option(rawValue: 18)
    /// Linux's TCP_NOTSENT_LOWAT, bytes.
    private static let notSent = NIOBSDSocket.Option(rawValue: 25)

    /// Makes a new connection hold so much; nil for as much as it likes. One whose bytes nobody takes for a minute is given up.
    static func bound(_ channel: any Channel, by buffer: SendBuffer?) -> EventLoopFuture<Void> {
        func option(_ name: NIOBSDSocket.Option, _ value: Int) -> EventLoopFuture<Void> {
            channel.setOption(ChannelOptions.Types.SocketOption(level: .tcp, name: name), value: SocketOptionValue(value))
        }
        let patience = option(userTimeout, 60_000)
        guard let buffer else { return patience }
        // The next piece is asked for when the kernel has taken the last. A request's head must stay below: AsyncHTTPClient traps where writing it
        // makes the channel unwritable.
        let watermark = ChannelOptions.Types.WriteBufferWaterMark(low: 1, high: 12 << 10)
        return patience.and(channel.setOption(.socketOption(.so_sndbuf), value: SocketOptionValue(buffer.bytes)))
            .and(option(notSent, buffer.unsent))
            .and(channel.setOption(.writeBufferWaterMark, value: watermark)).map { _ in }
    }
}
