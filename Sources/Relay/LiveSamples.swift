public import Core
public import Media
public import Recording
import Synchronization

/// One viewer's samples as the camera sent them, on a time line of its own that goes on where the camera's starts anew.
///
/// Nothing is kept for a viewer: what it has not taken lies in `RecentPackets`, once for all. One that is too slow goes on at the newest key frame.
public final class LiveSamples: Sendable {
    /// Samples in a row.
    public struct Batch: Sendable {
        public let samples: [(sample: Sample, time: MediaTime)]
        /// What was left out before them.
        public let missed: Int
    }

    /// What there is without a wait.
    public enum Poll: Sendable {
        case batch(Batch)
        case nothing
        /// `next` has to look for the stream anew.
        case gap
    }

    private struct State {
        var cursor: RecentPackets.Cursor?
        /// Held while the stream is read: it is received so long.
        var lease: (any Sendable)?
        var origin: MediaTime?
        var lastDecode: MediaTime?
        var clock = ViewerClock()
        var lastSound: MediaTime?
        var isOver = false
    }

    /// A viewer this far behind goes on at the newest key frame.
    private static let mostBehind = Duration.seconds(3)
    private static let usualInterval = Duration.milliseconds(40)
    /// A channel whose settings change is away for a moment: it is looked for so often, after such pauses.
    private static let patience = 25
    private static let pause = Duration.milliseconds(200)

    private let formats: [StreamFormat]
    private let stream: @Sendable () -> (packets: RecentPackets, lease: any Sendable)?
    private let time: TimeSource
    private let state = Mutex(State())

    /// Samples of tracks like `formats`; `stream` opens the stream, nil where there is none (any more).
    public convenience init(formats: [StreamFormat], time: TimeSource, stream: @escaping @Sendable () -> StreamLease?) {
        self.init(formats: formats, time: time, packets: { stream().map { ($0.packets, $0) } })
    }

    /// The same of a stream that is no channel's; what comes with its packets is held while they are read.
    public init(
        formats: [StreamFormat], time: TimeSource, packets: @escaping @Sendable () -> (packets: RecentPackets, lease: any Sendable)?
    ) {
        self.formats = formats
        self.time = time
        stream = packets
    }

    /// What comes next; the first is the newest key frame. Nil when the channel is gone, sends other codecs, or the task is cancelled.
    public nonisolated(nonsending) func next() async -> Batch? {
        var missing = 0
        while !Task.isCancelled, missing < Self.patience, !state.withLock({ $0.isOver }) {
            guard let cursor = state.withLock({ $0.cursor }) ?? open() else {
                missing += 1
                try? await time.sleep(Self.pause)
                continue
            }
            missing = 0
            guard let batch = await cursor.next() else {
                if !Task.isCancelled { rewind() }
                continue
            }
            let taken = state.withLock { take(batch, &$0) }
            if !taken.samples.isEmpty || taken.missed > 0 { return taken }
        }
        return nil
    }

    /// As `next`, without a wait.
    public func poll() -> Poll {
        state.withLock { state in
            guard !state.isOver, let batch = state.cursor?.poll() else { return .gap }
            guard !batch.samples.isEmpty || batch.missed > 0 else { return .nothing }
            let taken = take(batch, &state)
            if !taken.samples.isEmpty || taken.missed > 0 { return .batch(taken) }
            return state.isOver ? .gap : .nothing
        }
    }

    /// Has `bell` rung whenever there may be more, until the next gap; nil ends that.
    public func listen(to bell: (any Bell)?) { state.withLock { $0.cursor }?.listen(to: bell) }

    /// Begins at the newest key frame again; times go on rising.
    public func rewind() {
        state.withLock { state in
            state.cursor = nil
            state.origin = nil
            state.lastDecode = nil
        }
    }

    private func open() -> RecentPackets.Cursor? {
        guard let (packets, lease) = stream() else { return nil }
        let cursor = packets.newest()
        state.withLock { state in
            state.lease = lease
            state.cursor = cursor
        }
        return cursor
    }

    private func take(_ batch: RecentPackets.Batch, _ state: inout State) -> Batch {
        var (samples, missed) = (batch.samples[...], batch.missed)
        if state.origin != nil, let first = samples.first, let last = samples.last, last.arrival - first.arrival > Self.mostBehind,
            let key = samples.lastIndex(where: { $0.isKeyFrame && $0.format.kind == .video }), key > samples.startIndex
        {
            missed += samples[..<key].count { $0.format.kind == .video }
            samples = samples[key...]
        }
        var taken: [(sample: Sample, time: MediaTime)] = []
        taken.reserveCapacity(samples.count)
        for sample in samples {
            // By its place: a closure would be given a copy of each format.
            let kind = sample.format.kind
            guard let index = formats.indices.first(where: { formats[$0].kind == kind }) else { continue }
            guard Self.goesOn(formats[index], with: sample.format) else {
                state.isOver = true
                break
            }
            if let time = time(of: sample, &state) { taken.append((sample, time)) }
        }
        return Batch(samples: taken, missed: missed)
    }

    /// Whether a player goes on with `other` without a new description; sizes and parameter sets are in the stream itself.
    private static func goesOn(_ format: StreamFormat, with other: StreamFormat) -> Bool {
        guard format.codec == other.codec else { return false }
        return format.kind == .video
            || format.sampleRate == other.sampleRate && format.channels == other.channels && format.configuration == other.configuration
    }

    /// When a sample is shown or heard; nil for one that has no place on the time line.
    private func time(of sample: Sample, _ state: inout State) -> MediaTime? {
        guard sample.format.kind == .video else {
            guard let origin = state.origin, sample.time >= origin else { return nil }
            let time = sample.time.since(origin)
            guard time > (state.lastSound ?? time - .seconds(1)), time >= .zero else { return nil }
            state.lastSound = time
            return time
        }
        if state.origin == nil {
            guard sample.isKeyFrame else { return nil }
            state.origin = sample.decodeTime.since(state.clock.time(of: sample))
        }
        guard let origin = state.origin, sample.decodeTime > (state.lastDecode ?? sample.decodeTime - .seconds(1)) else { return nil }
        let interval = state.lastDecode.map { sample.decodeTime - $0 } ?? Self.usualInterval
        state.lastDecode = sample.decodeTime
        state.clock.last = (sample.decodeTime.since(origin), min(interval, .seconds(2)), sample.arrival)
        return sample.time.since(origin)
    }
}
