// Relay brings live pictures and playback out of the box: fragments of MP4 that all viewers of a stream share, the sessions of those who
// watch, and the ways out. It knows streams by their samples; cameras, clips, SQL and people's passwords do not belong here.

import Core
public import Media
public import NIOCore

/// The beginning of a stream of fragments: what a player must have first (`ftyp` and `moov`).
public struct FragmentHead: Sendable {
    public let bytes: ByteBuffer
    public let video: StreamFormat
    /// The sound as it is in the fragments; nil where there is none.
    public let audio: StreamFormat?

    /// The media type with its codecs, as RFC 6381 writes them.
    public var contentType: String {
        let codecs = [video, audio].compactMap { $0?.codecName }
        return "video/mp4; codecs=\"\(codecs.joined(separator: ", "))\""
    }

    /// Whether a player that began with this goes on with `other`: with another size, profile or level it does, with another codec not.
    func goesOn(with other: FragmentHead) -> Bool {
        video.codec == other.video.codec && audio?.codecName == other.audio?.codecName
    }
}

/// One picture with the sound that goes with it, as `moof` and `mdat`; shared by all who watch.
public struct Fragment: Sendable {
    public let bytes: ByteBuffer
    /// Decoding can start here.
    public let isKey: Bool
    /// When it is shown, on the time line of all viewers of the stream.
    public let time: MediaTime
    public let duration: Duration
    /// When the box received the picture, on its monotonic clock.
    public let arrival: Duration
}
