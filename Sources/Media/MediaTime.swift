import CFFmpeg

/// A moment in a stream, in microseconds from the stream's own start.
public struct MediaTime: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    public static let zero = MediaTime(microseconds: 0)

    public static func < (left: MediaTime, right: MediaTime) -> Bool { left.microseconds < right.microseconds }

    public static func + (time: MediaTime, duration: Duration) -> MediaTime {
        MediaTime(microseconds: time.microseconds &+ duration.microseconds)
    }

    public static func - (time: MediaTime, duration: Duration) -> MediaTime {
        MediaTime(microseconds: time.microseconds &- duration.microseconds)
    }

    public static func - (left: MediaTime, right: MediaTime) -> Duration {
        .microseconds(left.microseconds &- right.microseconds)
    }

    /// The same moment on a time line that is zero at `origin`.
    public func since(_ origin: MediaTime) -> MediaTime { MediaTime(microseconds: microseconds &- origin.microseconds) }

    public var description: String { "\(Double(microseconds) / 1_000_000) s" }

    static let timeBase = AVRational(num: 1, den: 1_000_000)

    /// The moment `ticks` of `timeBase`, or nil where FFmpeg has none.
    init?(ticks: Int64, timeBase: AVRational) {
        guard ticks != gatehouse_no_timestamp() else { return nil }
        microseconds = av_rescale_q(ticks, timeBase, Self.timeBase)
    }

    func ticks(in timeBase: AVRational) -> Int64 {
        av_rescale_q(microseconds, Self.timeBase, timeBase)
    }
}

extension Duration {
    /// Whole microseconds.
    public var microseconds: Int64 {
        components.seconds &* 1_000_000 &+ components.attoseconds / 1_000_000_000_000
    }

    /// The duration in seconds.
    var seconds: Double { Double(microseconds) / 1_000_000 }
}
