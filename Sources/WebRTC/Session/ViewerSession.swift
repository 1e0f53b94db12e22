import Core
import Media
import NIOCore
import RTP
import Synchronization

/// One viewer by WebRTC: from the answer to the goodbye.
public final class ViewerSession: Sendable {
    /// What the viewer asked for meanwhile, and what can be sent to it again.
    private struct State {
        var sent: [UInt32: SentPackets] = [:]
        var wantsKeyFrame = false
        var hasLeft = false
    }

    /// A viewer that says nothing for so long has gone; browsers report every second.
    private static let silence = Duration.seconds(20)
    private static let looksEvery = Duration.seconds(1)
    /// Key frames that are asked for again sooner are on their way.
    private static let keyFramesEvery = Duration.milliseconds(400)
    private static let reportsEvery = Duration.seconds(2)
    /// Tunnels and TURN add to it.
    private static let largestPacket = 1200
    /// Sound of G.711 in pieces of 20 ms, which all take (RFC 7874, section 3): a header and 160 octets.
    private static let largestSoundPacket = 172
    private static let name = "gatehouse"

    /// The answer to the viewer's offer.
    public let answer: String
    /// Names the session towards the viewer: its part of the ICE credentials.
    public let tag: String

    private let remoteTag: String
    private let connection: PeerConnection
    private let source: any ViewerSource
    private let time: TimeSource
    private let video: RTPTrack?
    private let audio: RTPTrack?
    private let state = Mutex(State())

    init(
        _ agreement: Agreement, _ local: LocalDescription, formats: [StreamFormat], connection: PeerConnection,
        source: any ViewerSource, time: TimeSource
    ) {
        answer = agreement.answer(local)
        tag = local.credentials.fragment
        remoteTag = agreement.credentials.fragment
        self.connection = connection
        self.source = source
        self.time = time
        video = Self.track(agreement.video, formats.first { $0.kind == .video }, local.videoSource)
        audio = agreement.audio.flatMap { Self.track($0, formats.first { $0.kind == .audio }, local.audioSource) }
        connection.listen { [weak self] in self?.take($0) }
    }

    private static func track(_ track: Agreement.Track, _ format: StreamFormat?, _ source: UInt32) -> RTPTrack? {
        format.flatMap {
            RTPTrack(
                format: $0, payloadType: track.payloadType, source: source, sequence: .random(in: 0...UInt16.max),
                timestampOffset: .random(in: 0...UInt32.max), largestPacket: $0.codec.isG711 ? largestSoundPacket : largestPacket)
        }
    }

    /// Whether a part of ICE credentials is the viewer's; who does not say is believed.
    public func isRemote(_ fragment: String?) -> Bool { fragment ?? remoteTag == remoteTag }

    /// Where else the viewer may be.
    public func add(_ fragment: CandidateFragment) async { await connection.add(fragment.candidates, isLast: fragment.isLast) }

    /// Sends until the stream or the viewer is gone, or the task is cancelled; closes everything then.
    /// - Throws: `ConnectionEnd`, `CancellationError`.
    public func run() async throws {
        defer { connection.close() }
        try await connection.connect()
        try await withThrowingTaskGroup { group in
            group.addTask { try await self.send() }
            group.addTask { await self.connection.awaitEnd() }
            group.addTask { await self.awaitSilence() }
            defer { group.cancelAll() }
            try await group.next()
        }
        if let ended = connection.ended { throw ended }
    }

    /// Closes what never ran.
    public func close() { connection.close() }

    private func awaitSilence() async {
        while (try? await time.sleep(Self.looksEvery)) != nil {
            if state.withLock({ $0.hasLeft }) || time.uptime() - connection.heardAt > Self.silence { return }
        }
    }

    // MARK: What the viewer asks for

    private func take(_ item: Feedback) {
        switch item {
        case .goodbye: state.withLock { $0.hasLeft = true }
        case .pictureLost(let source): if source == video?.source { state.withLock { $0.wantsKeyFrame = true } }
        case .lost(let source, let sequences):
            let now = time.uptime()
            let packets = state.withLock { $0.sent[source]?.again(sequences, now: now) ?? [] }
            for packet in packets { _ = connection.send(packet) }
        }
    }

    // MARK: Sending

    /// What only the sending task knows.
    private struct Sending {
        var tracks: [RTPTrack]
        var timeline = ViewerTimeline()
        var pace = Pace()
        var reportedAt: Duration?
    }

    private func send() async throws {
        var sending = Sending(tracks: [video, audio].compactMap { $0 })
        var isBurst = true
        var keyFrameAt = Duration.zero
        while let batch = await source.next() {
            source.count(bytes: 0, missed: batch.missed)
            if !isBurst, wantsKeyFrame(since: keyFrameAt) {
                // From the buffer, not from the camera: what came since the last key frame comes again with it.
                source.rewind()
                isBurst = true
                sending.pace.isGentle = true
                continue
            }
            let times = sending.timeline.times(of: batch.samples, isBurst: isBurst)
            for (index, one) in batch.samples.enumerated() {
                guard let moment = times[index] else { continue }
                report(&sending)
                try await send(one.sample, at: moment, &sending)
            }
            if isBurst, batch.samples.contains(where: { $0.sample.format.kind == .video }) {
                isBurst = false
                sending.pace.isGentle = false
                keyFrameAt = time.uptime()
                state.withLock { $0.wantsKeyFrame = false }
            }
        }
        sayGoodbye(&sending)
    }

    private func wantsKeyFrame(since last: Duration) -> Bool {
        guard time.uptime() - last >= Self.keyFramesEvery else { return false }
        return state.withLock { state in
            defer { state.wantsKeyFrame = false }
            return state.wantsKeyFrame
        }
    }

    private func send(_ sample: Sample, at moment: MediaTime, _ sending: inout Sending) async throws {
        guard let index = sending.tracks.firstIndex(where: { $0.format.kind == sample.format.kind }) else { return }
        var sequence = sending.tracks[index].sequence
        let id = sending.tracks[index].source
        var rest = sending.tracks[index].packets(of: sample, at: moment)[...]
        var bytes = 0
        while !rest.isEmpty {
            let (count, wait) = sending.pace.take(rest.count, now: time.uptime())
            if count == 0 { try await time.sleep(wait) }
            for var packet in rest.prefix(count) {
                defer { sequence &+= 1 }
                guard connection.protect(&packet, isReport: false) else { continue }
                let now = time.uptime()
                let (kept, number) = (packet, sequence)
                state.withLock { $0.sent[id, default: SentPackets()].add(kept, sequence: number, now: now) }
                bytes += packet.readableBytes
                // One that did not go is asked for again.
                _ = connection.send(packet)
            }
            rest = rest.dropFirst(count)
        }
        source.count(bytes: bytes, missed: 0)
    }

    /// The reports by which viewers bring picture and sound together.
    private func report(_ sending: inout Sending) {
        let now = time.uptime()
        guard let moment = sending.timeline.time(at: now), sending.reportedAt.map({ now - $0 >= Self.reportsEvery }) ?? true else { return }
        sending.reportedAt = now
        for track in sending.tracks {
            carry(track.senderReport(at: moment, wallClock: time.now(), name: Self.name))
        }
    }

    private func sayGoodbye(_ sending: inout Sending) {
        guard let moment = sending.timeline.time(at: time.uptime()) else { return }
        for track in sending.tracks { carry(track.goodbye(at: moment, wallClock: time.now(), name: Self.name)) }
    }

    private func carry(_ report: ByteBuffer) {
        var report = report
        if connection.protect(&report, isReport: true) { _ = connection.send(report) }
    }
}
