public import Core
public import Logging
public import Media
import Synchronization

/// A picture made of a key frame.
public struct KeyFramePicture: Sendable {
    /// Luminance, row by row, `PictureWorker.grayWidth` by `grayHeight`.
    public let gray: [UInt8]
    public let jpeg: [UInt8]?
}

/// One long-lived worker that makes small pictures of key frames for all channels; a new one replaces it when it dies.
public final class PictureWorker: Sendable {
    public static let grayWidth = 88
    public static let grayHeight = 72

    private struct Request: Sendable {
        let channel: ChannelID
        let message: WorkerMessage
        let reply: CheckedContinuation<KeyFramePicture, any Error>
    }

    private struct State {
        var queue: [Request] = []
        var stopped = false
        /// Channels whose key frames ended workers, and when they may ask again.
        var suspects: [ChannelID: (backOff: BackOff, until: Duration)] = [:]
    }

    private let executable: WorkerExecutable
    private let time: TimeSource
    private let state = Mutex(State())
    private let wake = Signal()
    private let logger: Logger
    /// More than this many waiting pictures means that the machine does not keep up; the newest are refused.
    private let capacity = 64
    /// Viewers' pictures wait only while so few do: the box's own eyes come first.
    private let capacityForViewers = 8
    /// Pictures made.
    private let answers = Counter()

    public init(executable: WorkerExecutable, time: TimeSource, logger: Logger) {
        self.executable = executable
        self.time = time
        self.logger = logger
    }

    /// The picture of `keyFrame`; one for a viewer is refused long before those for the box itself are.
    /// - Throws: `MediaError` or `WorkerFailure` when it cannot be decoded or the worker died of it.
    public func picture(of keyFrame: Sample, channel: ChannelID, jpegWidth: Int?, isForViewer: Bool = false) async throws -> KeyFramePicture
    {
        let request = PictureRequest(
            channel: channel, format: keyFrame.format, grayWidth: Self.grayWidth, grayHeight: Self.grayHeight, jpegWidth: jpegWidth)
        let message = try WorkerMessage(.picture, head: request, body: keyFrame.withBytes { Array($0) })
        return try await withCheckedThrowingContinuation { reply in
            let refused = state.withLock { state in
                guard !state.stopped, state.queue.count < (isForViewer ? capacityForViewers : capacity) else { return true }
                if let suspect = state.suspects[channel], time.uptime() < suspect.until { return true }
                state.queue.append(Request(channel: channel, message: message, reply: reply))
                return false
            }
            if refused {
                reply.resume(throwing: WorkerFailure(.refused, "too many pictures wait, or the last ones of this channel ended the worker"))
            } else {
                wake.raise()
            }
        }
    }

    /// Serves requests until cancelled.
    public func run() async {
        // One camera's bad key frames must not close the eyes of the others: that camera waits, the worker is back at once.
        var backOff = BackOff(first: .milliseconds(100), longest: .seconds(2), shortest: .milliseconds(50))
        var answered = 0
        while !Task.isCancelled {
            await waitForRequest()
            guard !Task.isCancelled else { break }
            do {
                try await executable.withWorker { connection in try await self.serve(connection) }
            } catch {
                guard !Task.isCancelled else { break }
                if answers.value > answered { backOff.succeeded() }
                answered = answers.value
                logger.warning("picture worker replaced", metadata: ["reason": "\(error)", "failures": "\(backOff.failures + 1)"])
                try? await time.sleep(backOff.failed())
            }
        }
        let left = state.withLock { state in
            state.stopped = true
            defer { state.queue = [] }
            return state.queue
        }
        for request in left { request.reply.resume(throwing: CancellationError()) }
    }

    /// Pictures that are to be made.
    var waiting: Int { state.withLock { $0.queue.count } }

    private func suspect(_ channel: ChannelID) {
        let now = time.uptime()
        state.withLock { state in
            var backOff = state.suspects[channel]?.backOff ?? BackOff(first: .seconds(4), longest: .seconds(300), shortest: .seconds(2))
            state.suspects[channel] = (backOff, now + backOff.failed())
            state.suspects[channel]?.backOff = backOff
        }
    }

    private func waitForRequest() async {
        while state.withLock({ $0.queue.isEmpty }), !Task.isCancelled { await wake.wait() }
    }

    private func serve(_ connection: WorkerConnection) async throws {
        var incoming = connection.messages.makeAsyncIterator()
        while !Task.isCancelled {
            await waitForRequest()
            guard !Task.isCancelled, let request = state.withLock({ $0.queue.isEmpty ? nil : $0.queue.removeFirst() }) else { continue }
            do {
                request.reply.resume(returning: try await answer(request, connection: connection, incoming: &incoming))
                answers.next()
                state.withLock { _ = $0.suspects.removeValue(forKey: request.channel) }
            } catch let error as MediaError {
                answers.next()
                request.reply.resume(throwing: error)
            } catch {
                suspect(request.channel)
                request.reply.resume(throwing: error)
                throw error
            }
        }
    }

    private func answer(
        _ request: Request, connection: WorkerConnection, incoming: inout AsyncThrowingStream<WorkerMessage, any Error>.AsyncIterator
    ) async throws -> KeyFramePicture {
        try await connection.send(request.message)
        connection.owe()
        defer { connection.settle() }
        guard let message = try await incoming.next() else { throw connection.failure(.crashed, "it ended before its work did") }
        guard message.kind == .pictureDone else { throw WorkerFailure(.garbage, "unexpected message") }
        let head = try message.decodeHead(PictureAnswer.self)
        if let error = head.error { throw MediaError("picture: \(error)", kind: .invalidData) }
        guard head.grayBytes == Self.grayWidth * Self.grayHeight, head.grayBytes <= message.body.count else {
            throw WorkerFailure(.garbage, "picture of \(head.grayBytes) bytes")
        }
        let jpeg = Array(message.body[head.grayBytes...])
        return KeyFramePicture(gray: Array(message.body[..<head.grayBytes]), jpeg: jpeg.isEmpty ? nil : jpeg)
    }
}
