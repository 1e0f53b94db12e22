/// Decides which transfer may send its next piece: classes in strict order, with a floor for the backlog, within the bound of the rate.
///
/// While live clips go up or a person watches, backlog and bulk together get a fifth of the bytes, so that they neither hold up what is new nor stand
/// still for ever. A pure state machine: it is told what happens and when.
struct UplinkSchedule: Sendable {
    /// The backlog's part of the line while something else needs it.
    static let floor = 0.2
    /// With nothing moving for so long, whoever had the line does not use it.
    private static let idle = Duration.seconds(2)

    private var bucket = TokenBucket()
    /// Transfers under way, by class.
    private var underWay: [UplinkClass: Int] = [:]
    private var viewers = 0
    /// Bytes that the floor allows; earned by what goes before.
    private var credit = 0.0
    /// When something urgent asked last, and when something asked that gives way to it.
    private var lastUrgent = Duration.zero
    private var lastYielding = Duration.zero
    private var trickle = TokenBucket()

    /// The bound of the rate, bytes a second; nil for none, 0 lets only metadata go.
    var limit: Double? {
        get { bucket.rate }
        set { bucket.rate = newValue }
    }

    /// A transfer begins; `held` is what each connection may hold. What yielding transfers have there goes before the first live byte, so it is taken
    /// off what the floor gives them.
    mutating func began(_ kind: UplinkClass, held: Int = 0) {
        let wasContended = isContended
        underWay[kind, default: 0] += 1
        guard isContended, !wasContended else { return }
        credit = -Double(held * UplinkClass.allCases.filter(\.givesWay).reduce(0) { $0 + count($1) })
    }

    mutating func ended(_ kind: UplinkClass) {
        underWay[kind, default: 1] -= 1
        if !isContended { credit = 0 }
    }

    /// A person begins to watch over this line.
    mutating func viewerCame() { viewers += 1 }
    mutating func viewerLeft() {
        viewers = max(0, viewers - 1)
        if !isContended { credit = 0 }
    }

    func count(_ kind: UplinkClass) -> Int { underWay[kind] ?? 0 }
    var isWatched: Bool { viewers > 0 }
    /// Live clips or people have the line before what waits.
    var isContended: Bool { viewers > 0 || count(.live) > 0 }

    /// How long a piece of a transfer has to wait at `now`; zero and counted when it may go at once.
    ///
    /// `capacity` is what the line carries, bytes a second, where it is known: a fifth of it is what a watched line leaves.
    mutating func admit(_ bytes: Int, of kind: UplinkClass, capacity: Double?, at now: Duration) -> Duration {
        if bucket.rate == 0 { return kind == .metadata ? .zero : .seconds(1) }
        if kind.givesWay { lastYielding = now } else { lastUrgent = now }
        let wait = bucket.wait(at: now)
        if kind != .metadata, wait > .zero { return wait }
        if kind.givesWay, isContended {
            let wait = waitForFloor(bytes, capacity: capacity, at: now)
            if wait > .zero { return wait }
        }
        // Both wait for the same moment where the rate is bounded: whose turn it is must not be left to chance.
        if kind == .live, viewers == 0, bucket.rate != nil, credit >= Double(2 * bytes), now - lastYielding < .seconds(1) {
            return .milliseconds(10)
        }
        bucket.take(bytes)
        if !kind.givesWay {
            // What is earned and not used is not kept for long: the floor is a share, not a savings account.
            credit = min(credit + Double(bytes) * Self.floor / (1 - Self.floor), 512 * 1024)
        }
        return .zero
    }

    private mutating func waitForFloor(_ bytes: Int, capacity: Double?, at now: Duration) -> Duration {
        if viewers > 0 {
            trickle.rate = Self.floor * (bucket.rate ?? capacity ?? 32_000)
            let wait = trickle.wait(at: now)
            if wait == .zero { trickle.take(bytes) }
            return wait
        }
        if credit >= Double(bytes) {
            credit -= Double(bytes)
            return .zero
        }
        return now - lastUrgent > Self.idle ? .zero : .milliseconds(50)
    }
}
