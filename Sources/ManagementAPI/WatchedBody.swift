import Core
import HTTPTypes
import Hummingbird
import NIOCore

/// A body that is sent as long as its reader may have it: a download of hours must not outlive the permission for it.
enum WatchedBody {
    /// Smaller ones are on their way before anything changes.
    private static let small = 256 << 10

    /// The permission for it has ended. The connection breaks off, so that nobody takes a part for the whole.
    struct Ended: Error {}

    /// `body`, with `mayGoOn` asked now and then.
    static func body(_ body: ResponseBody, time: TimeSource, mayGoOn: @escaping @Sendable () async -> Bool) -> ResponseBody {
        if let length = body.contentLength, length <= small { return body }
        return ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(Writer(inner: writer, time: time, mayGoOn: mayGoOn))
        }
    }

    private struct Writer: ResponseBodyWriter {
        private static let every = Duration.seconds(1)

        var inner: any ResponseBodyWriter
        let time: TimeSource
        let mayGoOn: @Sendable () async -> Bool
        private var lookedAt: Duration

        init(inner: any ResponseBodyWriter, time: TimeSource, mayGoOn: @escaping @Sendable () async -> Bool) {
            self.inner = inner
            self.time = time
            self.mayGoOn = mayGoOn
            lookedAt = time.uptime()
        }

        mutating func write(_ buffer: ByteBuffer) async throws {
            let now = time.uptime()
            if now - lookedAt >= Self.every {
                lookedAt = now
                guard await mayGoOn() else { throw Ended() }
            }
            try await inner.write(buffer)
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws { try await inner.finish(trailingHeaders) }
    }
}
