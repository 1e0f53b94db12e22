/// Turns the times that cameras claim for one track into times that can be muxed: never backwards, never missing, never leaping.
///
/// Cameras leave out decode times, step backwards with smart codecs, and leap when their clock is set. Times are kept as
/// claimed while they are plausible; where they are not, the track goes on from where it was by the time that passed on arrival.
public struct TimelineRepair: Sendable {
    /// Claimed and arrival time may drift apart this far in one step before the claim is disbelieved.
    public static let tolerance = Duration.seconds(2)

    private var offset = Duration.zero
    private var lastClaim: MediaTime?
    private var lastDecode: MediaTime?
    private var lastArrival = Duration.zero
    /// How often a claim was disbelieved.
    public private(set) var repairs = 0

    public init() {}

    /// The repaired presentation and decode time of a sample that arrived at `arrival`.
    public mutating func repair(time: MediaTime?, decodeTime: MediaTime?, arrival: Duration) -> (time: MediaTime, decodeTime: MediaTime) {
        guard let claim = decodeTime ?? time else { return guess(arrival: arrival) }
        if let lastClaim, let lastDecode {
            let claimed = claim - lastClaim
            let passed = arrival - lastArrival
            if claimed < .milliseconds(-500) || claimed > passed + Self.tolerance {
                repairs += 1
                offset = (lastDecode + max(.milliseconds(1), passed)) - claim
            }
        }
        lastClaim = claim
        lastArrival = arrival
        var decode = claim + offset
        if let lastDecode, decode <= lastDecode { decode = lastDecode + .milliseconds(1) }
        lastDecode = decode
        let shown = (time ?? claim) + offset
        return (max(shown, decode), decode)
    }

    private mutating func guess(arrival: Duration) -> (time: MediaTime, decodeTime: MediaTime) {
        let next = lastDecode.map { $0 + max(.milliseconds(1), arrival - lastArrival) } ?? .zero
        lastDecode = next
        lastArrival = arrival
        return (next, next)
    }
}
