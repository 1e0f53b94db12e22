import Core
import Media

/// Gives samples the times that a viewer shows them at.
///
/// A viewer begins at a key frame that may be seconds old, and gets what came since in one burst. With the camera's times it would show all that
/// at the camera's pace and stay behind for ever; so pictures of a burst follow one another at once, and the newest has the time of now.
struct ViewerTimeline {
    /// Between pictures of a burst.
    private static let step = Duration.microseconds(500)
    /// Room for a burst before the first picture of now.
    private static let start = Duration.seconds(1)

    /// The uptime that is zero for the viewer.
    private var origin: Duration?
    /// What the viewer's times are behind the samples'.
    private var shift = Duration.zero
    private var last: MediaTime?

    /// The viewer's time at `uptime`.
    func time(at uptime: Duration) -> MediaTime? { origin.map { .zero + (uptime - $0) } }

    /// The times of `samples`, of which the last came last; `isBurst` for those that begin at an older key frame. Nil for sound of a burst.
    mutating func times(of samples: [(sample: Sample, time: MediaTime)], isBurst: Bool) -> [MediaTime?] {
        guard isBurst, let newest = samples.last(where: { $0.sample.format.kind == .video }) else {
            return samples.map { take($0.time - shift) }
        }
        let origin = origin ?? newest.sample.arrival - Self.start
        self.origin = origin
        let pictures = samples.count { $0.sample.format.kind == .video }
        var target = MediaTime.zero + (newest.sample.arrival - origin)
        if let last, target < last + Self.step * pictures { target = last + Self.step * pictures }
        shift = newest.time - target
        var number = 0
        return samples.map { one in
            guard one.sample.format.kind == .video else { return nil }
            number += 1
            return take(target - Self.step * (pictures - number))
        }
    }

    private mutating func take(_ time: MediaTime) -> MediaTime {
        last = max(last ?? time, time)
        return time
    }
}
