import Core
import Foundation
import Media
import NIOCore
import Recording
import Synchronization

/// The last seconds of a stream as segments and parts of segments, for HTTP Live Streaming (RFC 8216 and its second edition's low-latency mode).
///
/// A segment begins at a key frame where one comes in time; parts are a third of a second, so that players stay about a second behind.
public final class Playlist: Sendable {
    /// Some pictures in a row.
    struct Part: Sendable {
        var bytes = ByteBuffer()
        var duration = Duration.zero
        var isIndependent = false
    }

    struct Segment: Sendable {
        let number: Int
        /// Number of the beginning that it needs.
        let head: Int
        /// It does not follow the one before.
        let isDiscontinuous: Bool
        let startsAt: Date
        var parts: [Part] = []
        var isComplete = false

        var duration: Duration { parts.reduce(.zero) { $0 + $1.duration } }
    }

    struct Content {
        var heads: [Int: FragmentHead] = [:]
        var head = 0
        /// Those that are in the playlist, after those that may be fetched still.
        var segments: [Segment] = []
        /// Number of the first that is in the playlist.
        var listed = 0
        var next = 0
        var part = Part()
        var isDiscontinuous = false
        /// Breaks among the segments that are in the playlist no more, and before.
        var discontinuities = 0
        /// Pictures of a part, and of the part that is being made.
        var picturesOfPart = 1
        var pictures = 0
        /// No part is longer; declared to players.
        var partTarget = Duration.zero
        var hasEnded = false
        var waiting: [Int: Signal] = [:]
        var nextWaiting = 0
    }

    /// About a third of a second: shorter parts cost more requests, longer ones more delay.
    private static let partLength = 0.334
    private static let usualFrameRate = 25.0
    private static let shortest = Duration.seconds(1)
    /// No segment is longer; declared to players.
    static let target = Duration.seconds(4)
    /// A playlist is never shorter (RFC 8216, section 6.2.2).
    private static let leastListed = target * 3
    /// A segment that leaves the playlist can be fetched as long as it lasts and the longest playlist that had it (the same section): both are at most
    /// five targets, beside the playlist behind it.
    private static let leastKept = leastListed + target * 5
    /// Parts are told of so many of the newest segments.
    static let keptParts = 3

    let content = Mutex(Content())
    let time: TimeSource

    init(time: TimeSource) {
        self.time = time
        // Seconds since 1970: a playlist that is made anew for the same stream never goes back (RFC 8216, section 6.2.2).
        let first = Int(time.now().timeIntervalSince1970)
        content.withLock { ($0.next, $0.listed, $0.head, $0.discontinuities) = (first, first, first, first) }
    }

    // MARK: Making

    /// Takes in a stream until it ends.
    func run(_ viewer: LiveViewer) async {
        // One whose pictures last longer than a part may is another's: what is declared to players never changes.
        making: while let step = await viewer.reader.next() {
            switch step {
            case .head(let head): guard begin(head, frameRate: viewer.lease.status?.frameRate ?? 0) else { break making }
            case .fragments(let fragments, let missed):
                if missed > 0 { interrupt() }
                for fragment in fragments { take(fragment) }
            }
        }
        content.withLock { $0.hasEnded = true }
        wake()
    }

    /// Whether pictures of this beginning can be in this playlist.
    private func begin(_ head: FragmentHead, frameRate: Double) -> Bool {
        let interval = 1 / (frameRate > 0.1 ? frameRate : Self.usualFrameRate)
        return content.withLock { state in
            Self.complete(&state)
            guard state.partTarget == .zero || .seconds(interval) <= state.partTarget else { return false }
            if state.partTarget == .zero {
                state.picturesOfPart = max(1, Int(Self.partLength / interval))
                // Cameras do not keep their pace exactly; parts have to be 85 % of the target at least.
                state.partTarget = .seconds(Double(state.picturesOfPart) * interval * 1.1)
            }
            state.head += 1
            state.heads[state.head] = head
            state.isDiscontinuous = true
            return true
        }
    }

    private func interrupt() {
        content.withLock { state in
            Self.complete(&state)
            state.isDiscontinuous = true
        }
    }

    private func take(_ fragment: Fragment) {
        let now = time.now()
        let age = time.uptime() - fragment.arrival
        content.withLock { state in
            let duration = (state.segments.last.map { $0.isComplete ? .zero : $0.duration } ?? .zero) + state.part.duration
            if fragment.isKey && duration >= Self.shortest || duration + fragment.duration > Self.target { Self.complete(&state) }
            if state.pictures >= state.picturesOfPart || state.part.duration + fragment.duration > state.partTarget { Self.endPart(&state) }
            if state.segments.last?.isComplete ?? true {
                state.segments.append(
                    Segment(
                        number: state.next, head: state.head, isDiscontinuous: state.isDiscontinuous,
                        startsAt: now.addingTimeInterval(-age.seconds)))
                state.next += 1
                state.isDiscontinuous = false
            }
            if state.part.duration == .zero { state.part.isIndependent = fragment.isKey }
            state.part.bytes.writeImmutableBuffer(fragment.bytes)
            state.part.duration += fragment.duration
            state.pictures += 1
        }
        wake()
    }

    private static func endPart(_ state: inout Content) {
        guard state.part.duration > .zero, !state.segments.isEmpty else { return }
        state.segments[state.segments.count - 1].parts.append(state.part)
        state.part = Part()
        state.pictures = 0
    }

    private static func complete(_ state: inout Content) {
        endPart(&state)
        guard let last = state.segments.indices.last else { return }
        state.segments[last].isComplete = true
        var behind = Duration.zero
        var gone = 0
        for (place, segment) in state.segments.enumerated().reversed() {
            if behind >= leastListed, segment.number >= state.listed {
                state.discontinuities += state.segments[...place].count { $0.number >= state.listed && $0.isDiscontinuous }
                state.listed = segment.number + 1
            }
            if behind >= leastKept {
                gone = place + 1
                break
            }
            behind += segment.duration
        }
        state.segments.removeFirst(gone)
        let used = Set(state.segments.map(\.head) + [state.head])
        state.heads = state.heads.filter { used.contains($0.key) }
    }

    private func wake() {
        let waiting = content.withLock { Array($0.waiting.values) }
        for signal in waiting { signal.raise() }
    }
}
