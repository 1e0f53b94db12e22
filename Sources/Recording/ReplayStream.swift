public import Core
import DequeModule
import Dispatch
public import Media
import Synchronization

/// Reads one stream once, to its end, and gives every sample of it in order: whoever takes slowly makes the source wait.
public final class ReplayStream: Sendable {
    private struct State {
        var samples: Deque<Sample> = []
        var bytes = 0
        public var status: StreamStatus?
        public var end: StreamTrouble?
    }

    /// What came and was not taken yet is never more.
    private static let limitBytes = 8 << 20
    /// No step of a recording's time is longer; what claims to be is no time.
    private static let longestStep = Duration.seconds(600)

    private let source: StreamSource
    private let keepsPace: Bool
    private let timing = SessionTiming()
    private let time: TimeSource
    private let queue = BlockingQueue(name: "replay", background: true)
    private let state = Mutex(State())
    private let arrived = Signal()
    private let taken = DispatchSemaphore(value: 0)

    /// `keepsPace` says that samples come at the pace at which they were recorded.
    public init(_ source: StreamSource, keepsPace: Bool, time: TimeSource) {
        self.source = source
        self.keepsPace = keepsPace
        self.time = time
    }

    /// What the stream sends, as measured so far; nil before a picture came.
    public var status: StreamStatus? { state.withLock { $0.status } }
    /// Why no more comes; nil while more may come.
    public var end: StreamTrouble? { state.withLock { $0.end } }

    /// Reads until the end, or until cancelled.
    public func run() async {
        let interrupt = Interrupt()
        let outcome: Result<Void, any Error> = await withTaskCancellationHandler {
            await queue.run { [self] in Result { try read(interrupt) } }
        } onCancel: {
            interrupt.stop()
        }
        if case .failure(let error) = outcome { state.withLock { $0.end = StreamTrouble(error) } }
        arrived.raise()
    }

    /// What has come since the last call; waits at most `limit` for something. Nil when all was given and no more comes.
    public func next(atMost limit: Duration) async -> [Sample]? {
        let first = take()
        guard first?.isEmpty ?? false else { return first }
        await arrived.wait(atMost: limit, time: time)
        return take()
    }

    private func take() -> [Sample]? {
        defer { taken.signal() }
        return state.withLock { state in
            guard !state.samples.isEmpty || state.end == nil else { return nil }
            defer {
                state.samples = []
                state.bytes = 0
            }
            return Array(state.samples)
        }
    }

    // MARK: On the stream's thread

    private func read(_ interrupt: Interrupt) throws {
        var demuxer = try Demuxer(
            rtsp: source.url, options: RTSPOptions(transport: source.transport, timeout: timing.timeout), interrupt: interrupt)
        var now = time.uptime()
        var last: MediaTime?
        var reception = try StreamReception(tracks: demuxer.formats, role: .main, now: now, silence: timing.videoSilence)
        while let item = try demuxer.read() {
            let claim = item.decodeTime ?? item.time
            if keepsPace {
                now = time.uptime()
            } else if let claim {
                // It came when it was recorded, for whoever compares the two.
                if let last, claim > last { now += min(claim - last, Self.longestStep) }
                last = max(last ?? claim, claim)
            }
            guard let sample = try reception.take(item, arrival: now) else { continue }
            let status = reception.status
            state.withLock { $0.status = status }
            guard put(sample, interrupt) else { break }
        }
        throw MediaError("read", kind: .ended)
    }

    private func put(_ sample: Sample, _ interrupt: Interrupt) -> Bool {
        while !interrupt.isStopped {
            let isIn = state.withLock { state in
                guard state.bytes == 0 || state.bytes + sample.count <= Self.limitBytes else { return false }
                state.samples.append(sample)
                state.bytes += sample.count
                return true
            }
            if isIn {
                arrived.raise()
                return true
            }
            _ = taken.wait(timeout: .now() + .milliseconds(100))
        }
        return false
    }
}
