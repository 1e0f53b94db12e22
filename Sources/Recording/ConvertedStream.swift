import Core
import Logging
import Media
import MediaWorker
import Synchronization

/// A place for each conversion that may run at once: they take most of a core each.
public final class ConversionPlaces: Sendable {
    private let free: Mutex<Int>
    /// How many there are.
    public let count: Int

    public init(count: Int) {
        self.count = count
        free = Mutex(count)
    }

    func take() -> Bool {
        free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }

    func giveBack() { free.withLock { $0 += 1 } }
}

/// A channel's stream as H.264, made while somebody watches who can play nothing else: the last way, for it costs most of a core.
///
/// The sub stream is taken where there is one. Sound goes through as it is.
final class ConvertedStream: ReceivedStream {
    private struct State {
        var condition: Condition
        var status: StreamStatus?
    }

    /// A worker that cannot keep up goes on at the newest key frame when it is so far behind.
    private static let mostBehind = Duration.seconds(2)
    private static let look = Duration.milliseconds(100)
    private static let pause = Duration.seconds(1)
    /// Somebody waits for the picture, whatever may have been wrong with it.
    private static let longestPause = Duration.seconds(30)

    let packets = RecentPackets(span: .seconds(4), limitBytes: 8 << 20)
    private let source: @Sendable () -> StreamLease
    private let converter: any StreamConverter
    private let places: ConversionPlaces
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>

    init(
        source: @escaping @Sendable () -> StreamLease, converter: any StreamConverter, places: ConversionPlaces, time: TimeSource,
        logger: Logger
    ) {
        self.source = source
        self.converter = converter
        self.places = places
        self.time = time
        self.logger = logger
        state = Mutex(State(condition: Self.resting(time)))
    }

    private static func resting(_ time: TimeSource) -> Condition {
        Condition(code: "resting", severity: .ok, sentence: "Converted when somebody watches.", since: time.now())
    }

    var status: StreamStatus? { state.withLock { $0.status } }
    var condition: Condition { state.withLock { $0.condition } }

    /// Nobody watches any more.
    func rest() {
        state.withLock { $0 = State(condition: Self.resting(time)) }
        packets.restart()
    }

    /// Converts until cancelled; waits for a place where all are taken.
    func run() async {
        var backOff = BackOff(longest: Self.longestPause)
        while !Task.isCancelled {
            let lease = source()
            // A camera that is away keeps nobody else from a place.
            guard let format = await firstFormat(lease) else { break }
            guard places.take() else {
                tell(
                    "too-many-conversions", .attention,
                    "The box converts \(places.count) \(places.count == 1 ? "stream" : "streams") already and has no power for more. "
                        + "Watch in a browser that plays H.265, or set the camera's sub stream to H.264.")
                try? await time.sleep(Self.pause)
                continue
            }
            let hadPicture = await convert(lease, format)
            places.giveBack()
            guard !Task.isCancelled else { break }
            // What was converted for a while may be converted again at once; what never was may never be.
            if hadPicture { backOff.succeeded() }
            try? await time.sleep(backOff.failed())
        }
    }

    /// Converts as long as it goes; whether there was a picture.
    private func convert(_ lease: StreamLease, _ format: StreamFormat) async -> Bool {
        do {
            try await converting(lease, format)
        } catch {
            guard !Task.isCancelled else { return false }
            logger.warning("a stream could not be converted", metadata: ["reason": "\(error)"])
            tell("not-converted", .trouble, "The camera's picture could not be converted. The box tries again.")
        }
        packets.restart()
        return state.withLock { state in
            defer { state.status = nil }
            return state.status != nil
        }
    }

    private func tell(_ code: String, _ severity: Severity, _ sentence: String) {
        let condition = Condition(code: code, severity: severity, sentence: sentence, since: time.now())
        state.withLock { $0.condition = condition.continuing($0.condition) }
    }

    private func converting(_ lease: StreamLease, _ format: StreamFormat) async throws {
        let cursor = lease.packets.newest()
        let conversion = LiveConversion(source: format)
        try await converter.run(
            conversion,
            next: { [self] in await next(cursor, like: format) },
            take: { [self] sample in
                publish(sample, audio: lease.status?.audio)
                packets.append(sample)
            })
    }

    private func firstFormat(_ lease: StreamLease) async -> StreamFormat? {
        while !Task.isCancelled {
            if let status = lease.status { return status.video }
            // Where the camera does not come, that is what is wrong.
            state.withLock { $0.condition = lease.condition }
            try? await time.sleep(Self.look)
        }
        return nil
    }

    /// The next pictures; nil where the camera's stream began anew or sends another codec.
    private func next(_ cursor: RecentPackets.Cursor, like format: StreamFormat) async -> [Sample]? {
        while let batch = await cursor.next() {
            var samples = batch.samples[...]
            if let first = samples.first, let last = samples.last, last.arrival - first.arrival > Self.mostBehind,
                let key = samples.lastIndex(where: { $0.isKeyFrame && $0.format.kind == .video })
            {
                samples = samples[key...]
            }
            guard samples.allSatisfy({ $0.format.kind != .video || $0.format.codec == format.codec }) else { return nil }
            let hasPicture = state.withLock { $0.status != nil }
            if hasPicture { for sample in samples where sample.format.kind == .audio { packets.append(sample) } }
            let pictures = samples.filter { $0.format.kind == .video }
            if !pictures.isEmpty { return pictures }
        }
        return nil
    }

    private func publish(_ sample: Sample, audio: StreamFormat?) {
        state.withLock { state in
            guard state.status?.video != sample.format else { return }
            state.status = StreamStatus(
                role: .converted, video: sample.format, audio: audio, frameRate: 0, bitRate: 0,
                keyFrameSeconds: VideoEncoder.keyFrameDistance.seconds)
            state.condition = Condition(code: "ok", severity: .ok, sentence: "The box converts the picture.", since: time.now())
        }
    }
}
