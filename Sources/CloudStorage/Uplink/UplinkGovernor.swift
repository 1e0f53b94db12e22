public import Core
public import Foundation
import Synchronization

/// Governs the one line that all uploads share: who goes first, how fast, how many at a time.
public final class UplinkGovernor: Sendable {
    private struct State {
        var schedule = UplinkSchedule()
        var meter: LineMeter
        var parallelism = ParallelismFinder()
        var settings = UplinkSettings()
        var zone = TimeZone.gmt
        var span: (began: Duration, bytes: Int)?
        /// When the line was last full of transfers.
        var lastFull = Duration.zero
        /// Before then only what is new goes: the line has just come back.
        var returnsAt = Duration.zero
    }

    /// A rate is judged over so long.
    private static let spanLength = Duration.seconds(10)
    /// Between one clip and the next a transfer may be missing for so long.
    private static let gap = Duration.seconds(1)

    private let time: TimeSource
    private let total = Counter()
    private let state: Mutex<State>

    /// `capacity` is what the line was measured to carry in an earlier life, bytes a second.
    public init(time: TimeSource, capacity: Double? = nil) {
        self.time = time
        state = Mutex(State(meter: LineMeter(capacity: capacity)))
    }

    // MARK: Settings

    public var settings: UplinkSettings { state.withLock { $0.settings } }

    /// Uses these settings from now on; windows are read on a clock in `zone`.
    public func use(_ settings: UplinkSettings, zone: TimeZone) {
        state.withLock { state in
            state.settings = settings
            state.zone = zone
            apply(&state)
        }
    }

    /// The bound that holds now, bits a second; nil for the whole line.
    public var limitBitsPerSecond: Int? {
        state.withLock { state in
            apply(&state)
            return state.schedule.limit.map { Int($0 * 8) }
        }
    }

    /// The pause that holds now; nil where footage may go.
    public var pause: UplinkPause? {
        let (settings, zone) = state.withLock { ($0.settings, $0.zone) }
        return settings.pause(at: time.now(), zone: zone)
    }

    /// The hour of the day by the site's clock.
    func hour(of date: Date) -> Int {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = state.withLock { $0.zone }
        return calendar.component(.hour, from: date)
    }

    private func apply(_ state: inout State) {
        state.schedule.limit = state.settings.cap(at: time.now(), zone: state.zone)?.bytesPerSecond(of: state.meter.capacity)
    }

    // MARK: Transfers

    /// Whether one more transfer of this class may begin.
    func mayBegin(_ kind: UplinkClass) -> Bool {
        let now = time.uptime()
        return state.withLock { state in
            apply(&state)
            guard state.schedule.limit != 0 || kind == .metadata else { return false }
            let most = state.parallelism.count
            switch kind {
            case .metadata:
                // Of an unbounded line what lies in the connections when a new clip begins goes before it.
                let pictures = state.schedule.limit == nil ? 1 : 2
                return state.schedule.count(.metadata) < pictures && now >= state.returnsAt
            // Half as many at a time: each of them should be there soon, the newest above all.
            case .live: return state.schedule.count(.live) < (most + 1) / 2
            case .backlog, .bulk:
                guard now >= state.returnsAt else { return false }
                let waiting = state.schedule.count(.backlog) + state.schedule.count(.bulk)
                if kind == .bulk, state.schedule.isContended || state.schedule.count(.backlog) > 0 { return false }
                return waiting < (state.schedule.isContended ? 1 : most)
            }
        }
    }

    /// What the picture of a clip that waits counts as: it goes before all footage, but of a contended line it gets a part of the backlog's.
    var previewClass: UplinkClass {
        state.withLock { $0.schedule.isContended && $0.schedule.limit != 0 ? .backlog : .metadata }
    }

    func began(_ kind: UplinkClass) {
        state.withLock { state in
            let buffer = SendBuffer.of(capacity: state.meter.capacity, transfers: state.parallelism.count)
            state.schedule.began(kind, held: buffer.ahead)
        }
    }
    func ended(_ kind: UplinkClass) { state.withLock { $0.schedule.ended(kind) } }

    /// Waits until a piece of a transfer may go.
    /// - Throws: `CancellationError`.
    func admit(_ bytes: Int, of kind: UplinkClass) async throws {
        while true {
            let now = time.uptime()
            let wait = state.withLock { state in
                apply(&state)
                let capacity = state.meter.capacity
                return state.schedule.admit(bytes, of: kind, capacity: capacity, at: now)
            }
            guard wait > .zero else { return }
            try await time.sleep(min(wait, .seconds(1)))
        }
    }

    /// Waits until so many bytes that are not footage may use the line: what nobody waits for goes last.
    /// - Throws: `CancellationError`.
    public func admitOther(_ bytes: Int) async throws { try await admit(bytes, of: .bulk) }

    /// A piece went up; one that did not go over the line tells nothing of it.
    func sent(_ bytes: Int, overLine: Bool = true) {
        total.add(bytes)
        guard overLine else { return }
        let now = time.uptime()
        state.withLock { state in
            let running = state.schedule.count(.live) + state.schedule.count(.backlog) + state.schedule.count(.bulk)
            let limit = state.schedule.limit
            state.meter.sent(bytes, at: now, isBusy: running > 0 && limit == nil)
            // Below its bound a line is full when its transfers carry no more.
            let isBound = limit.map { (state.meter.rate(at: now) ?? 0) > $0 * 0.9 } ?? false
            judge(&state, bytes, isFull: running >= state.parallelism.count && !isBound, at: now)
        }
    }

    /// Tries more transfers at a time where the line is full of them.
    private func judge(_ state: inout State, _ bytes: Int, isFull: Bool, at now: Duration) {
        if isFull { state.lastFull = now }
        guard now - state.lastFull < Self.gap else {
            state.span = nil
            return
        }
        guard let span = state.span else {
            state.span = (now, bytes)
            return
        }
        state.span?.bytes += bytes
        guard now - span.began >= Self.spanLength else { return }
        state.parallelism.measured(Double(span.bytes + bytes) / (now - span.began).seconds)
        state.span = (now, 0)
    }

    /// The store was away for `outage` and answers again. Many boxes come back together, so each waits a while with what is not new.
    func returned(after outage: Duration, using generator: inout some RandomNumberGenerator) {
        let longest = min(300, outage.seconds / 10)
        let wait = longest > 1 ? Double.random(in: 0...longest, using: &generator) : 0
        state.withLock { state in
            state.returnsAt = time.uptime() + .seconds(wait)
            state.parallelism.failed()
            state.span = nil
        }
    }

    /// When what waited goes on after an outage; nil where nothing is waited for.
    public var returnsAt: Date? { returnsIn.map { time.now().addingTimeInterval($0.seconds) } }

    /// The same as a span from now.
    var returnsIn: Duration? {
        let now = time.uptime()
        let until = state.withLock { $0.returnsAt }
        return until > now ? until - now : nil
    }

    // MARK: People

    /// A person who watches over this line; what waited gives way until `end`.
    public final class Watch: Sendable {
        private let governor: UplinkGovernor
        private let ended = Mutex(false)

        fileprivate init(_ governor: UplinkGovernor) { self.governor = governor }

        public func end() {
            let isFirst = ended.withLock { ended in
                defer { ended = true }
                return !ended
            }
            if isFirst { governor.state.withLock { $0.schedule.viewerLeft() } }
        }
    }

    /// A person begins to watch over this line.
    public func watch() -> Watch {
        state.withLock { $0.schedule.viewerCame() }
        return Watch(self)
    }

    // MARK: Figures

    /// Bytes a second over the last ten seconds; nil where nothing goes.
    public var rate: Double? {
        let now = time.uptime()
        return state.withLock { $0.meter.rate(at: now) }
    }

    /// What the line carries when it is busy, bytes a second; nil before anything went.
    public var capacity: Double? { state.withLock { $0.meter.capacity } }

    /// What whoever knows nothing of the week may take of the line at any time, bytes a second; nil: the whole.
    public var leastBytesPerSecond: Double? { state.withLock { $0.settings.leastBytesPerSecond(of: $0.meter.capacity) } }

    /// Bytes that went up since the start.
    public var sentBytes: Int { total.value }

    /// Takes what a test of the line measured, bytes a second.
    public func learn(capacity: Double) {
        state.withLock { $0.meter = LineMeter(capacity: capacity) }
    }

    /// What a store follows: parts of about eight seconds, and a bounded time of the line in a connection.
    var line: S3Store.Line {
        S3Store.Line(
            partBytes: { [self] in PartSizer.size(rate: capacity, storeMinimum: $0) },
            sendBuffer: { [self] in
                state.withLock { SendBuffer.of(capacity: $0.meter.capacity, transfers: $0.parallelism.count) }
            })
    }
}
