// Recording owns a channel at work: session -> recent packets -> event -> clip.
// It knows neither SQL nor HTTP nor object stores; finished footage goes to a `FootageSpool`.

public import Core
import DequeModule
public import Media
import Synchronization

/// The last seconds of one stream: everything from a key frame on, in the order of arrival, shared by all who read it.
///
/// Memory is per stream, not per reader: recorder, motion detector and viewers are cursors over the same samples. The pre-roll of
/// a clip is the past of this buffer.
public final class RecentPackets: Sendable {
    private struct State {
        var samples: Deque<Sample> = []
        /// Sequence number of `samples.first`.
        var first = 0
        var bytes = 0
        /// Grows when the stream starts anew; cursors of the past end.
        var generation = 0
        var readers: [Int: Reader] = [:]
        var nextReader = 0
        /// Each once, with the number of readers that it is rung for.
        var bells: [ObjectIdentifier: (bell: any Bell, readers: Int)] = [:]

        var end: Int { first + samples.count }
        /// Of payload and what holds it.
        var size: Int { bytes + samples.count * RecentPackets.besides }

        /// Those of readers that listen to no bell.
        func signals(_ isMeant: (Reader) -> Bool) -> [Signal] {
            var signals: [Signal] = []
            for reader in readers.values where reader.bell == nil && isMeant(reader) { signals.append(reader.signal) }
            return signals
        }

        mutating func setBell(_ bell: (any Bell)?, of reader: Int) {
            if let former = readers[reader]?.bell {
                let key = ObjectIdentifier(former)
                bells[key]?.readers -= 1
                if bells[key]?.readers == 0 { bells[key] = nil }
            }
            readers[reader]?.bell = bell
            if let bell { bells[ObjectIdentifier(bell), default: (bell, 0)].readers += 1 }
        }
    }

    private struct Reader {
        let signal: Signal
        let keyFramesOnly: Bool
        /// Rung in place of the signal.
        var bell: (any Bell)?
    }

    /// What a sample takes besides its payload, about.
    private static let besides = 512
    /// What is kept reaches at least this far back, from a key frame on.
    public let span: Duration
    /// Never more bytes than this, whatever the key-frame distance.
    public let limitBytes: Int
    private let state = Mutex(State())

    public init(span: Duration = .seconds(6), limitBytes: Int = 48 << 20) {
        self.span = span
        self.limitBytes = limitBytes
    }

    /// Adds the newest sample and lets go of what nobody will ask for any more.
    public func append(_ sample: Sample) {
        let isVideoKey = sample.isKeyFrame && sample.format.kind == .video
        let (signals, bells) = state.withLock { state in
            state.samples.append(sample)
            state.bytes += sample.count
            if isVideoKey { trim(&state, now: sample.arrival) }
            if state.size > limitBytes { shrink(&state) }
            return (state.signals { isVideoKey || !$0.keyFramesOnly }, state.bells.values.map(\.bell))
        }
        for signal in signals { signal.raise() }
        for bell in bells { bell.ring() }
    }

    private func trim(_ state: inout State, now: Duration) {
        // The newest key frame that is old enough begins what is kept.
        var keep: Int?
        for (offset, sample) in state.samples.enumerated() where sample.isKeyFrame && sample.format.kind == .video {
            guard sample.arrival <= now - span else { break }
            keep = offset
        }
        if let keep { drop(keep, &state) }
    }

    /// Lets go of an eighth at once: a camera without key frames has no claim on a search at each of its samples.
    private func shrink(_ state: inout State) {
        var (count, size) = (0, state.size)
        while size > limitBytes / 8 * 7, count < state.samples.count {
            size -= state.samples[count].count + Self.besides
            count += 1
        }
        drop(count, &state)
    }

    private func drop(_ count: Int, _ state: inout State) {
        for sample in state.samples.prefix(count) { state.bytes -= sample.count }
        state.samples.removeFirst(count)
        state.first += count
    }

    /// Empties the buffer and ends every cursor: the stream's times start anew.
    public func restart() {
        let (signals, bells) = state.withLock { state in
            state.first = state.end
            state.samples.removeAll()
            state.bytes = 0
            state.generation += 1
            return (state.signals { _ in true }, state.bells.values.map(\.bell))
        }
        for signal in signals { signal.raise() }
        for bell in bells { bell.ring() }
    }

    /// Bytes of payload held.
    public var bytes: Int { state.withLock { $0.bytes } }

    /// The stream's own time at `uptime`, or nil while nothing was received.
    ///
    /// Samples arrive late by what the network takes; the least late one tells the clocks' true offset.
    public func mediaTime(at uptime: Duration) -> MediaTime? {
        let offset = state.withLock { state in
            state.samples.lazy.filter { $0.format.kind == .video }.map { $0.time - (MediaTime.zero + $0.arrival) }.max()
        }
        return offset.map { MediaTime.zero + (uptime + $0) }
    }

    /// A cursor that begins at the last key frame shown at or before `time`, or at the first key frame there is.
    public func cursor(from time: MediaTime) -> Cursor {
        let (start, generation) = state.withLock { state in
            var start: Int?
            for (offset, sample) in state.samples.enumerated() where sample.isKeyFrame && sample.format.kind == .video {
                if start != nil, sample.time > time { break }
                start = state.first + offset
            }
            return (start ?? state.end, state.generation)
        }
        return Cursor(packets: self, next: start, generation: generation, keyFramesOnly: false)
    }

    /// A cursor that begins at the newest key frame.
    public func newest() -> Cursor { cursor(from: MediaTime(microseconds: .max)) }

    /// A cursor over key frames alone, from now on, or with the newest that there is.
    public func keyFrameCursor(fromNewest: Bool = false) -> Cursor {
        let (start, generation) = state.withLock { state in
            let newest = fromNewest ? state.samples.lastIndex { $0.isKeyFrame && $0.format.kind == .video } : nil
            return (newest.map { state.first + $0 } ?? state.end, state.generation)
        }
        return Cursor(packets: self, next: start, generation: generation, keyFramesOnly: true)
    }

    fileprivate func addReader(keyFramesOnly: Bool, signal: Signal) -> Int {
        state.withLock { state in
            state.nextReader += 1
            state.readers[state.nextReader] = Reader(signal: signal, keyFramesOnly: keyFramesOnly)
            return state.nextReader
        }
    }

    fileprivate func removeReader(_ id: Int) {
        state.withLock { state in
            state.setBell(nil, of: id)
            state.readers[id] = nil
        }
    }

    /// What a cursor got.
    public struct Batch: Sendable {
        public let samples: [Sample]
        /// Samples that were let go of before the cursor came to them.
        public let missed: Int
    }

    /// A reader's place in the stream.
    public final class Cursor: Sendable {
        private let packets: RecentPackets
        private let place: Mutex<Int>
        private let generation: Int
        private let keyFramesOnly: Bool
        private let signal = Signal()
        private let reader: Int

        fileprivate init(packets: RecentPackets, next: Int, generation: Int, keyFramesOnly: Bool) {
            self.packets = packets
            self.place = Mutex(next)
            self.generation = generation
            self.keyFramesOnly = keyFramesOnly
            reader = packets.addReader(keyFramesOnly: keyFramesOnly, signal: signal)
        }

        deinit {
            packets.removeReader(reader)
        }

        /// What has come since the last call; waits for at least one sample, at most `limit`. Nil when the stream has started anew.
        public func next(atMost limit: Duration, time: TimeSource) async -> Batch? {
            let first = take()
            guard let first, first.samples.isEmpty, first.missed == 0 else { return first }
            await signal.wait(atMost: limit, time: time)
            return take()
        }

        /// As `next(atMost:time:)`, without a limit.
        public nonisolated(nonsending) func next() async -> Batch? {
            while !Task.isCancelled {
                guard let batch = take() else { return nil }
                if !batch.samples.isEmpty || batch.missed > 0 { return batch }
                await signal.wait()
            }
            return nil
        }

        /// As `next()`, without a wait: the batch may be empty.
        public func poll() -> Batch? { take() }

        /// Has `bell` rung whenever more has come, while nobody waits in `next`; nil ends that.
        public func listen(to bell: (any Bell)?) {
            packets.state.withLock { $0.setBell(bell, of: reader) }
            // The next wait ends at once: more may have come meanwhile.
            if bell == nil { signal.raise() }
        }

        private func take() -> Batch? {
            packets.state.withLock { state -> Batch? in
                guard state.generation == generation else { return nil }
                return place.withLock { next in
                    let missed = max(0, state.first - next)
                    var start = max(next, state.first) - state.first
                    if missed > 0 {
                        // Whoever fell behind goes on at a key frame.
                        start =
                            state.samples.indices.dropFirst(start).first {
                                state.samples[$0].isKeyFrame && state.samples[$0].format.kind == .video
                            } ?? state.samples.count
                    }
                    next = state.end
                    let samples = state.samples[start...]
                    guard keyFramesOnly else { return Batch(samples: Array(samples), missed: missed) }
                    return Batch(samples: samples.filter { $0.isKeyFrame && $0.format.kind == .video }, missed: missed)
                }
            }
        }
    }
}
