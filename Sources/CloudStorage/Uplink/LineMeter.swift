/// Measures what goes up: the rate of the last seconds, and what the line carries when it is busy.
struct LineMeter: Sendable {
    private static let remembered = 10
    private static let busyMemory = 60.0

    /// Bytes of each of the last seconds, the newest last; the last one is not over yet.
    private var seconds: [Int] = []
    private var second: Int64?
    /// Bytes a second of the line while it was busy: the mean of about the last sixty busy seconds.
    private(set) var capacity: Double?
    private var busySeconds = 0.0

    init(capacity: Double? = nil) {
        self.capacity = capacity
    }

    /// Counts bytes that went up at `now`; `isBusy` says that more waited to go and that no bound of ours kept them.
    mutating func sent(_ bytes: Int, at now: Duration, isBusy: Bool) {
        advance(to: now, isBusy: isBusy)
        seconds[seconds.count - 1] += bytes
    }

    /// Bytes a second over the last ten seconds; nil where nothing went.
    mutating func rate(at now: Duration) -> Double? {
        advance(to: now, isBusy: false)
        let whole = seconds.dropLast()
        let sum = whole.reduce(0, +)
        return sum == 0 ? nil : Double(sum) / Double(whole.count)
    }

    private mutating func advance(to now: Duration, isBusy: Bool) {
        let present = now.components.seconds
        guard let before = second else {
            second = present
            seconds = [0]
            return
        }
        guard present > before else { return }
        // Only a second between two others that were busy was busy from end to end.
        if isBusy, present == before + 1, let last = seconds.last, last > 0, let former = seconds.dropLast().last, former > 0 {
            busySeconds = min(Self.busyMemory, busySeconds + 1)
            capacity = capacity.map { $0 + (Double(last) - $0) / max(busySeconds, 4) } ?? Double(last)
        }
        for _ in 0..<min(present - before, Int64(Self.remembered) + 1) { seconds.append(0) }
        if seconds.count > Self.remembered + 1 { seconds.removeFirst(seconds.count - Self.remembered - 1) }
        second = present
    }
}
