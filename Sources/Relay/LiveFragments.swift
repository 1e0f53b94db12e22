import Core
import DequeModule
import Logging
import Media
import NIOCore
import Recording
import Synchronization

/// Where the time line of a stream's viewers is: it goes on where the camera's starts anew.
struct ViewerClock {
    var last: (time: MediaTime, duration: Duration, arrival: Duration)?

    /// The time of a picture that does not simply follow the last one.
    func time(of sample: Sample) -> MediaTime {
        guard let last else { return .zero }
        return last.time + max(last.duration, sample.arrival - last.arrival)
    }
}

/// A stream as fragments: made once, read by any number of viewers.
///
/// A viewer begins at the last key frame, so that its first picture is there at once. What each of them has not taken yet lies here, once for all;
/// one that is too slow goes on at the newest key frame and is told how much it missed.
public final class LiveFragments: Sendable {
    private struct State {
        var head: FragmentHead?
        var headNumber = 0
        var fragments: Deque<Fragment> = []
        /// Number of `fragments.first`.
        var first = 0
        var bytes = 0
        var hasEnded = false
        var readers: [Int: Signal] = [:]
        var nextReader = 0

        var end: Int { first + fragments.count }
    }

    /// What is kept reaches at least this far back, from a key frame on.
    private static let span = Duration.seconds(2)
    private static let limitBytes = 24 << 20
    /// A reader this far behind goes on at the newest key frame.
    private static let mostBehind = Duration.seconds(3)
    private static let firstInterval = Duration.milliseconds(40)

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    // MARK: Making

    /// Makes fragments of `packets` until they start anew or the task is cancelled.
    func take(_ packets: RecentPackets, clock: inout ViewerClock, audio: @Sendable () -> StreamFormat?) async {
        // The camera has gone: whoever comes now must not see its last picture as if it were live.
        defer { forget() }
        let cursor = packets.newest()
        var maker: FragmentMaker?
        while let batch = await cursor.next() {
            if batch.missed > 0 { maker = nil }
            for sample in batch.samples {
                if maker?.takes(sample.format) != true {
                    guard sample.format.kind == .video, sample.isKeyFrame else { continue }
                    maker = begin(sample, audio: audio(), clock: &clock)
                }
                do {
                    guard let fragment = try maker?.take(sample) else { continue }
                    clock.last = (fragment.time, fragment.duration, fragment.arrival)
                    publish(fragment)
                } catch {
                    logger.warning("a picture could not be relayed", metadata: ["reason": "\(error)"])
                    maker = nil
                }
            }
        }
    }

    private func begin(_ sample: Sample, audio: StreamFormat?, clock: inout ViewerClock) -> FragmentMaker? {
        do {
            let shown: Duration = clock.time(of: sample) - .zero
            let origin = sample.decodeTime - shown
            let maker = try FragmentMaker(
                video: sample.format, audio: audio, origin: origin, interval: clock.last?.duration ?? Self.firstInterval)
            publish(maker.head)
            return maker
        } catch {
            logger.warning("a stream could not be relayed", metadata: ["codec": "\(sample.format.codec.rawValue)", "reason": "\(error)"])
            return nil
        }
    }

    private func publish(_ head: FragmentHead) {
        let signals = state.withLock { state in
            state.head = head
            state.headNumber += 1
            // What lies there cannot be decoded with the new head.
            state.first = state.end
            state.fragments.removeAll()
            state.bytes = 0
            return Array(state.readers.values)
        }
        for signal in signals { signal.raise() }
    }

    private func publish(_ fragment: Fragment) {
        let signals = state.withLock { state in
            state.fragments.append(fragment)
            state.bytes += fragment.bytes.readableBytes
            if fragment.isKey || state.bytes > Self.limitBytes { Self.trim(&state, now: fragment.arrival) }
            return Array(state.readers.values)
        }
        for signal in signals { signal.raise() }
    }

    private func forget() {
        state.withLock { state in
            state.first = state.end
            state.fragments.removeAll()
            state.bytes = 0
        }
    }

    private static func trim(_ state: inout State, now: Duration) {
        let old = state.fragments.lastIndex { $0.isKey && $0.arrival <= now - span }
        if let old { drop(old, &state) }
        while state.bytes > limitBytes, !state.fragments.isEmpty { drop(1, &state) }
    }

    private static func drop(_ count: Int, _ state: inout State) {
        for fragment in state.fragments.prefix(count) { state.bytes -= fragment.bytes.readableBytes }
        state.fragments.removeFirst(count)
        state.first += count
    }

    /// No more will come; readers get nil.
    func end() {
        let signals = state.withLock { state in
            state.hasEnded = true
            return Array(state.readers.values)
        }
        for signal in signals { signal.raise() }
    }

    // MARK: Reading

    /// When the newest picture is shown, on the viewers' time line.
    var newestTime: MediaTime { state.withLock { $0.fragments.last?.time ?? .zero } }

    /// A viewer that begins at the last key frame.
    public func reader() -> Reader {
        let signal = Signal()
        let id = state.withLock { state in
            state.nextReader += 1
            state.readers[state.nextReader] = signal
            return state.nextReader
        }
        return Reader(fragments: self, id: id, signal: signal)
    }

    /// What a viewer gets next.
    public enum Step: Sendable {
        /// From here on fragments need this beginning.
        case head(FragmentHead)
        /// Pictures, and how many were left out before them.
        case fragments([Fragment], missed: Int)
    }

    /// A viewer's place. One task reads at a time.
    public final class Reader: Sendable {
        private struct Place {
            var headNumber = 0
            /// Number of the next fragment; nil before the first key frame.
            var next: Int?
        }

        private let fragments: LiveFragments
        private let id: Int
        private let signal: Signal
        private let place = Mutex(Place())

        fileprivate init(fragments: LiveFragments, id: Int, signal: Signal) {
            self.fragments = fragments
            self.id = id
            self.signal = signal
        }

        deinit {
            fragments.state.withLock { _ = $0.readers.removeValue(forKey: id) }
        }

        /// Waits for what comes next; nil when the stream has ended or the task is cancelled.
        public func next() async -> Step? {
            while !Task.isCancelled {
                if let step = take() { return step }
                if fragments.state.withLock({ $0.hasEnded }) { return nil }
                await signal.wait()
            }
            return nil
        }

        private func take() -> Step? {
            fragments.state.withLock { state in
                place.withLock { place in
                    guard let head = state.head else { return nil }
                    guard place.headNumber == state.headNumber else {
                        place = Place(headNumber: state.headNumber)
                        return .head(head)
                    }
                    let start = Self.start(place, state)
                    guard let start, start < state.end else { return nil }
                    let missed = place.next.map { start - $0 } ?? 0
                    place.next = state.end
                    return .fragments(Array(state.fragments.dropFirst(start - state.first)), missed: missed)
                }
            }
        }

        /// The number of the fragment to go on with.
        private static func start(_ place: Place, _ state: State) -> Int? {
            let newestKey = state.fragments.lastIndex(where: \.isKey).map { state.first + $0 }
            guard let next = place.next else { return newestKey }
            guard next < state.end else { return next }
            guard next >= state.first, let last = state.fragments.last else { return newestKey }
            let behind = last.arrival - state.fragments[next - state.first].arrival
            guard behind > mostBehind, let newestKey, newestKey > next else { return next }
            return newestKey
        }
    }
}
