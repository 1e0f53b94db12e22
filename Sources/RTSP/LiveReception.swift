import CameraProtocols
import Core
import Media
import RTP
import Synchronization

/// Makes of one session's packets what was filmed and heard.
final class LiveReception: Sendable {
    /// Sound and pictures are brought together by the device's reports where these are not further apart.
    private static let mostApart = Duration.seconds(2)

    fileprivate struct Track {
        let number: Int
        let payloadType: UInt8
        let format: StreamFormat?
        var reading: LiveTracks.Reading
        var times: LiveTimes
        var order = DecodeTimes()
        var lastSequence: UInt16?
        var isOver = false
    }

    fileprivate struct State {
        /// By the channel of their RTP.
        var tracks: [UInt8: Track]
        var lastHeard: Duration
        var isTogether = false
        var trouble: (any Error)?
    }

    /// What a packet came to.
    fileprivate enum Taken {
        case pictures([AccessUnit])
        case sound([SoundUnit])
        case data(ArraySlice<UInt8>)

        var isEmpty: Bool {
            switch self {
            case .pictures(let pictures): pictures.isEmpty
            case .sound(let units): units.isEmpty
            case .data(let bytes): bytes.isEmpty
            }
        }
    }

    /// The tracks by number; nil for data.
    let formats: [StreamFormat?]
    private let session: RTSPSession
    private let time: TimeSource
    private let start: Duration
    private let news: Signal
    private let taker: any LiveClient.Taker
    private let state: Mutex<State>

    init(_ chosen: [LiveTracks.Track], session: RTSPSession, time: TimeSource, news: Signal, taker: any LiveClient.Taker) {
        self.session = session
        self.time = time
        self.news = news
        self.taker = taker
        start = time.uptime()
        var tracks: [UInt8: Track] = [:]
        var formats: [StreamFormat?] = []
        // Not every track that was chosen was also given.
        for given in session.tracks {
            guard let track = chosen.first(where: { $0.index == given.index }) else { continue }
            tracks[given.channel] = Track(
                number: formats.count, payloadType: track.payloadType, format: track.format, reading: track.reading,
                times: LiveTimes(clockRate: track.clockRate))
            formats.append(track.format)
        }
        self.formats = formats
        state = Mutex(State(tracks: tracks, lastHeard: start))
    }

    /// Plays, and takes what comes until the end.
    /// - Throws: `RTSPFailure`, `StreamTrouble`, and what the taker throws.
    func run(_ connection: RTSPConnection, patience: Duration, until leave: Leave) async throws {
        leave.begin()
        connection.deliver(to: { [self] channel, bytes in
            do { try take(channel, bytes) } catch {
                state.withLock { $0.trouble = $0.trouble ?? error }
                news.raise()
                throw error
            }
        })
        try await session.ask("PLAY", headers: [("Range", "npt=0.000-")])
        while !leave.isAsked {
            let (rest, trouble, isOver) = state.withLock { state in
                (state.lastHeard + patience - time.uptime(), state.trouble, state.tracks.values.allSatisfy(\.isOver))
            }
            if let trouble { throw trouble }
            if let end = connection.end { throw end }
            guard !isOver else { throw StreamTrouble.ended }
            guard rest > .zero else { throw StreamTrouble.silent }
            await news.wait(atMost: rest, time: time)
            try Task.checkCancellation()
        }
        throw CancellationError()
    }

    // MARK: Packets

    private func take(_ channel: UInt8, _ bytes: [UInt8]) throws {
        let now = time.uptime()
        guard state.withLock({ $0.tracks[channel] != nil }) else { return takeReport(channel, bytes) }
        guard let packet = RTPPacket(bytes), let payload = packet.payload else { return }
        let taken = state.withLock { state in
            let taken = state.tracks[channel]?.take(packet, bytes[payload])
            // A device that sends nothing that is understood is as silent as one that sends nothing.
            if taken?.isEmpty == false { state.lastHeard = now }
            return taken
        }
        switch taken {
        case .pictures(let pictures): for picture in pictures { try give(picture, channel, now) }
        case .sound(let units): for unit in units { try give(unit, channel, now) }
        case .data(let bytes): try taker.takeData(bytes)
        case nil: break
        }
    }

    private func give(_ picture: AccessUnit, _ channel: UInt8, _ now: Duration) throws {
        guard !picture.bytes.isEmpty else { return }
        let times = state.withLock { state -> (number: Int, shown: MediaTime, decoded: MediaTime)? in
            guard var track = state.tracks[channel] else { return nil }
            let shown = track.times.time(of: picture.timestamp, elapsed: now - start)
            let decoded = track.order.next(shown)
            state.tracks[channel] = track
            return (track.number, shown, decoded)
        }
        guard let times else { return }
        try taker.take(
            Demuxer.Item(
                track: times.number, time: times.shown, decodeTime: times.decoded, duration: .zero,
                packet: try Packet(copying: picture.bytes, isKeyFrame: picture.isKeyFrame)))
    }

    private func give(_ unit: SoundUnit, _ channel: UInt8, _ now: Duration) throws {
        let times = state.withLock { state -> (number: Int, heard: MediaTime, duration: Duration)? in
            guard let heard = state.tracks[channel]?.times.time(of: unit.timestamp, elapsed: now - start),
                let track = state.tracks[channel]
            else { return nil }
            return (track.number, heard, track.times.duration(ticks: unit.ticks))
        }
        guard let times else { return }
        try taker.take(
            Demuxer.Item(
                track: times.number, time: times.heard, decodeTime: times.heard, duration: times.duration,
                packet: try Packet(copying: unit.bytes, isKeyFrame: true)))
    }

    /// A packet of RTCP, on the channel behind that of its track.
    private func takeReport(_ channel: UInt8, _ bytes: [UInt8]) {
        guard channel > 0, let items = RTCP.read(bytes) else { return }
        let isOver = state.withLock { state in
            for item in items {
                switch item {
                case .sent(_, let ntp, let timestamp):
                    state.tracks[channel - 1]?.times.take(LiveTimes.Report(ntp: ntp, timestamp: timestamp))
                case .goodbye: state.tracks[channel - 1]?.isOver = true
                case .reception: break
                }
            }
            state.bringTogether(within: Self.mostApart)
            return state.tracks.values.allSatisfy(\.isOver)
        }
        if isOver { news.raise() }
    }
}

extension LiveReception.State {
    /// Lets the sound follow the pictures, once both were reported.
    fileprivate mutating func bringTogether(within limit: Duration) {
        guard !isTogether, let video = tracks.values.first(where: { $0.format?.kind == .video }),
            let sound = tracks.first(where: { $0.value.format?.kind == .audio })?.key
        else { return }
        isTogether = tracks[sound]?.times.follow(video.times, within: limit) ?? false
    }
}

extension LiveReception.Track {
    fileprivate mutating func take(_ packet: RTPPacket, _ payload: ArraySlice<UInt8>) -> LiveReception.Taken? {
        guard packet.payloadType == payloadType else { return nil }
        let isAfterLoss = lastSequence.map { $0 &+ 1 != packet.sequence } ?? false
        lastSequence = packet.sequence
        switch reading {
        case .video(var assembly):
            reading = .data
            let pictures = assembly.take(payload, timestamp: packet.timestamp, isMarked: packet.isMarked, isAfterLoss: isAfterLoss)
            reading = .video(assembly)
            return .pictures(pictures)
        case .sound(var assembly):
            let units = assembly.take(payload, timestamp: packet.timestamp, isAfterLoss: isAfterLoss)
            reading = .sound(assembly)
            return .sound(units)
        case .data: return .data(payload)
        }
    }
}
