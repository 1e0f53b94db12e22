import Foundation
import Media

/// Puts the samples of piece after piece on one time line that only rises.
///
/// Pieces that touch or lie over one another begin with pictures that a decoder needs and that were shown before: these follow the last
/// picture in steps of a millisecond, up to the moment where the piece's own begin.
struct JoinedTimes {
    private static let step = Duration.milliseconds(1)
    /// Key frames need no other picture: one that was shown before is left out.
    let keyFramesOnly: Bool
    private var lastPicture: MediaTime?
    private var lastSound: MediaTime?

    init(keyFramesOnly: Bool = false) {
        self.keyFramesOnly = keyFramesOnly
    }

    /// `sample` moved by `shift`; nil for what was heard or shown before, and for sound from before `start`.
    mutating func place(_ sample: Sample, shift: Duration, start: MediaTime) throws(MediaError) -> Sample? {
        var decode = sample.decodeTime + shift
        if sample.format.kind == .audio {
            guard decode >= start, decode > (lastSound ?? decode - Self.step) else { return nil }
            lastSound = decode
        } else {
            if let lastPicture, decode <= lastPicture {
                guard !keyFramesOnly else { return nil }
                decode = lastPicture + Self.step
            }
            lastPicture = decode
        }
        return try sample.at(time: max(sample.time + shift, decode), decodeTime: decode)
    }
}
