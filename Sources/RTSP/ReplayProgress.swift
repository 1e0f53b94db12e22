import CameraProtocols
import Foundation

/// What is known of the time that a device plays: where it began, how far it came, whether that is all.
struct ReplayProgress: Sendable {
    /// What the description says of a track.
    struct Track: Sendable {
        var isVideo: Bool
        /// Ticks a second, by payload type.
        var clockRates: [UInt8: Int]
    }

    /// So much less than was asked for is no sign of a break: the last frame lasts, and devices round.
    static let tolerance: TimeInterval = 1.5

    private let asked: ReplayRange
    /// By the number of the channel of their RTP.
    private let tracks: [UInt8: Track]
    private var answered: ReplayRange?
    private var first: (time: Date, timestamp: UInt32)?
    private var elapsed: TimeInterval = 0
    private var last: Date?
    private var goodbyes: Set<UInt8> = []
    private var lastFrame = false
    /// All that was asked for was sent, by the device's own word.
    private(set) var isComplete = false

    init(asked: ReplayRange, tracks: [UInt8: Track]) {
        self.asked = asked
        self.tracks = tracks
    }

    /// The device's answer to PLAY names a range.
    mutating func answer(_ range: ReplayRange?) {
        answered = range
    }

    /// A packet came on an interleaved channel.
    mutating func take(_ channel: UInt8, _ bytes: [UInt8]) {
        if let track = tracks[channel] {
            if track.isVideo, let packet = RTPPacket(bytes) { take(packet, track) }
        } else if channel > 0, tracks[channel - 1] != nil, RTPPacket.isGoodbye(bytes) {
            goodbyes.insert(channel - 1)
            let video = tracks.filter(\.value.isVideo).keys
            // Some devices say goodbye on one track only.
            if goodbyes.count == tracks.count || !video.isEmpty && video.allSatisfy({ goodbyes.contains($0) }) { isComplete = true }
        }
    }

    private mutating func take(_ packet: RTPPacket, _ track: Track) {
        guard let first else {
            first = (packet.stamp?.time ?? answered?.from ?? asked.from, packet.timestamp)
            last = packet.stamp?.time
            return
        }
        // Signed, for frames that are shown later than they are sent.
        let ticks = Int32(bitPattern: packet.timestamp &- first.timestamp)
        let rate = track.clockRates[packet.payloadType] ?? 90_000
        elapsed = max(elapsed, Double(ticks) / Double(rate))
        if let time = packet.stamp?.time { last = max(last ?? time, time) }
        if packet.stamp?.isLast ?? false { lastFrame = true }
        if lastFrame, packet.isMarked { isComplete = true }
    }

    /// When the first frame was recorded, by the device's clock; nil before it came.
    ///
    /// By the frame's own stamp, else by the device's answer, else what was asked for.
    var startsAt: Date? { first?.time }

    /// Up to when the device has played.
    var reached: Date? { last ?? first?.time.addingTimeInterval(elapsed) }

    /// Nothing is missing before the end of what was asked for.
    var reachedEnd: Bool {
        guard let to = asked.to, let reached else { return false }
        return reached.timeIntervalSince(to) >= -Self.tolerance
    }
}
