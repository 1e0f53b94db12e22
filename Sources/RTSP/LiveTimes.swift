import Media

/// When what a track sends is shown, in the time of the session, by the timestamps of its packets (RFC 3550, section 5.1).
struct LiveTimes: Sendable {
    /// What a sender's report said last (section 6.4.1): the moment, as an NTP timestamp, of a time of the track.
    struct Report: Sendable {
        let ntp: UInt64
        let timestamp: UInt32
    }

    private let clockRate: Int
    /// The last timestamp and its ticks, counted on over the end of 32 bits.
    private var last: (timestamp: UInt32, ticks: Int64)?
    /// When the track's ticks began, in the time of the session.
    private(set) var origin = MediaTime.zero
    private var report: Report?

    init(clockRate: Int) {
        self.clockRate = clockRate
    }

    /// The time of a packet that came `elapsed` after the session's beginning.
    mutating func time(of timestamp: UInt32, elapsed: Duration) -> MediaTime {
        if let last {
            let ticks = last.ticks &+ Int64(Int32(bitPattern: timestamp &- last.timestamp))
            self.last = (timestamp, ticks)
        } else {
            last = (timestamp, 0)
            origin = MediaTime.zero + elapsed
        }
        return moment(last?.ticks ?? 0)
    }

    /// How long so many ticks last.
    func duration(ticks: Int) -> Duration { .microseconds(Int64(ticks) * 1_000_000 / Int64(clockRate)) }

    private func moment(_ ticks: Int64) -> MediaTime {
        let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: Int64(clockRate))
        return origin + .microseconds(seconds &* 1_000_000 &+ rest * 1_000_000 / Int64(clockRate))
    }

    // MARK: With another track

    mutating func take(_ report: Report) {
        if self.report == nil { self.report = report }
    }

    /// What is `ntp` by the sender's clock, in the time of the session; nil before its report.
    private func moment(ntp: UInt64) -> MediaTime? {
        guard let report, let last else { return nil }
        let ticks = last.ticks &+ Int64(Int32(bitPattern: report.timestamp &- last.timestamp))
        // The difference of two moments of one clock, also over the end of its era.
        let apart = Double(Int64(bitPattern: ntp &- report.ntp)) / 4_294_967_296
        guard abs(apart) < 3600 else { return nil }
        return moment(ticks) + .microseconds(Int64(apart * 1_000_000))
    }

    /// Brings this track's times together with those of `leader`, as far as both were reported; whether that is done with.
    ///
    /// What the reports say is believed within `limit` alone: many a device's clocks have nothing to do with one another.
    mutating func follow(_ leader: LiveTimes, within limit: Duration) -> Bool {
        guard let report, let wanted = leader.moment(ntp: report.ntp), let present = moment(ntp: report.ntp) else { return false }
        let correction = wanted - present
        if correction.microseconds.magnitude <= limit.microseconds.magnitude { origin = origin + correction }
        return true
    }
}

/// Decode times of pictures that are shown in another order than they come, by how far the order was seen to differ.
struct DecodeTimes: Sendable {
    private static let mostReordered = 4
    /// A step further than this is one of the device's clock.
    private static let longestStep = Duration.seconds(1)

    /// The latest times, in their order.
    private var latest: [MediaTime] = []
    private var depth = 0

    /// The decode time of the picture that comes next and is shown at `time`.
    mutating func next(_ time: MediaTime) -> MediaTime {
        // Those that came before and are shown after it.
        let later = latest.reversed().prefix { $0 > time }.count
        if let last = latest.last, later > Self.mostReordered || abs((time - last).microseconds) > Self.longestStep.microseconds {
            latest = []
        } else {
            depth = max(depth, later)
        }
        let place = latest.lastIndex { $0 <= time }.map { $0 + 1 } ?? 0
        latest.insert(time, at: place)
        if latest.count > Self.mostReordered + 1 { latest.removeFirst() }
        guard depth > 0, latest.count > depth else { return depth == 0 ? time : latest[0] }
        return latest[latest.count - 1 - depth]
    }
}
