import CameraProtocols
import Core
import Foundation
import Logging
import Media
import NIOCore
import NIOPosix
import RTP
import Synchronization

/// One reader's connection, with at most one session in it; both end together.
actor RTSPServerConnection {
    /// A track on its way to the reader.
    struct Outgoing {
        enum Carrier {
            case interleaved(rtp: UInt8, rtcp: UInt8)
            case datagrams(RTSPDatagrams)
        }

        var rtp: RTPTrack
        let carrier: Carrier
        var reportedAt: Duration?
    }

    /// A stream that was asked for.
    struct Opened {
        let path: String
        let stream: any RTSPStream
        let tracks: [MediaDescription]
    }

    /// Memory for packets, one for each event loop: on it a reader's packets are gone, as a rule, before the next reader's are made.
    private final class Scratch: Sendable {
        private static let known = ThreadSpecificVariable<Scratch>()

        let bytes = Mutex(ByteBuffer())

        static var ofThread: Scratch {
            if let known = known.currentValue { return known }
            let made = Scratch()
            known.currentValue = made
            return made
        }
    }

    /// Whoever has not signed in by then is not waited for any longer.
    private static let signInLimit = Duration.seconds(15)
    /// A reader that says nothing for so long has gone; told to it as `timeout`.
    static let sessionTimeout = Duration.seconds(60)
    /// A reader that takes nothing for so long has gone.
    private static let patience = Duration.seconds(20)
    private static let looksEvery = Duration.seconds(1)
    private static let reportsEvery = Duration.seconds(5)
    private static let largestMessage = 16 << 10
    /// So many datagrams in a row, then a moment: what a reader's socket holds is little.
    private static let datagramsInARow = 32
    private static let moment = Duration.milliseconds(2)

    let remote: SocketAddress
    let local: SocketAddress
    let user: String
    let source: any RTSPSource
    let throttle: SignInThrottle
    private let templates: PacketTemplates
    let time: TimeSource
    let logger: Logger
    private let channel: any Channel
    private let openedAt: Duration

    var sign: DigestVerifier
    var isSignedIn = false
    let ear: Ear
    var opened: Opened?
    var session: String?
    var outgoing: [Int: Outgoing] = [:]
    var watching: (any RTSPWatching)?
    var isPlaying = false
    private var pauses = 0
    /// What zero in the stream is on the clocks.
    private var origin: (wall: Date, uptime: Duration)?
    private var datagramsSent = 0
    /// How many writes wait to be taken, and since when there have been any.
    private var writing = 0
    private var writingSince = Duration.zero
    private let played = Signal()
    private let paused = Signal()
    private var isSending = false
    private let stopped = Signal()

    init(
        remote: SocketAddress, local: SocketAddress, sign: DigestVerifier, user: String, source: any RTSPSource, throttle: SignInThrottle,
        templates: PacketTemplates, channel: any Channel, time: TimeSource, logger: Logger
    ) {
        self.remote = remote
        self.local = local
        self.sign = sign
        self.user = user
        self.source = source
        self.throttle = throttle
        self.templates = templates
        self.channel = channel
        self.time = time
        self.logger = logger
        openedAt = time.uptime()
        ear = Ear(now: openedAt)
    }

    var address: String { remote.ipAddress ?? "" }

    /// The connection's own event loop: what is sent goes without another thread, and readers that are woken together are woken once.
    nonisolated var unownedExecutor: UnownedSerialExecutor { channel.eventLoop.executor.asUnownedSerialExecutor() }

    /// Serves the reader until it leaves, or what it watches is over.
    func run(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async throws {
        // What waits for a reader that takes nothing ends with the connection alone.
        let close = { @Sendable [channel] in channel.close(promise: nil) }
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.read(inbound) }
                group.addTask { try await self.play() }
                group.addTask { await self.awaitSilence() }
                defer {
                    close()
                    group.cancelAll()
                }
                try await group.next()
            }
        } onCancel: {
            close()
        }
    }

    // MARK: Reading

    private func read(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async throws {
        var framing = RTSPFraming(largestHead: Self.largestMessage, largestBody: Self.largestMessage)
        do {
            for try await buffer in inbound {
                framing.append(buffer.readableBytesView)
                while let element = try framing.next() {
                    switch element {
                    case .packet(_, let bytes): if session != nil { ear.hear(bytes, now: time.uptime()) }
                    case .answer: break
                    case .request(let request):
                        let answer = await answer(to: request)
                        try await write(ByteBuffer(bytes: answer.message.bytes))
                        if answer.isLast { return }
                        // Packets before the answer would surprise the reader.
                        if answer.plays { begin() }
                    }
                    if hasLeft { return }
                }
            }
        } catch is RTSPRefusal {
            try await write(ByteBuffer(bytes: RTSPMessage(status: 400, reason: "Bad Request").bytes))
        }
    }

    /// The reader has said goodbye to all of its tracks.
    private var hasLeft: Bool { ear.goodbyes > 0 && ear.goodbyes >= outgoing.count }

    /// Returns when the reader has been silent, or takes nothing, for too long.
    private func awaitSilence() async {
        while (try? await time.sleep(Self.looksEvery)) != nil {
            let now = time.uptime()
            if writing > 0, now - writingSince > Self.patience { return }
            if !isSignedIn, now - openedAt > Self.signInLimit { return }
            if hasLeft { return }
            if now - ear.lastHeard > Self.sessionTimeout { return }
        }
    }

    /// Returns when the system has taken it; not when cancelled.
    private func write(_ bytes: ByteBuffer) async throws {
        // Of several at once the oldest counts.
        writing += 1
        if writing == 1 { writingSince = time.uptime() }
        defer { writing -= 1 }
        try await channel.writeAndFlush(bytes)
    }

    /// Returns when there is room for more.
    private func pass(_ bytes: ByteBuffer) async throws {
        guard channel.isWritable else { return try await write(bytes) }
        channel.writeAndFlush(bytes, promise: nil)
    }

    // MARK: Playing

    private func begin() {
        isPlaying = true
        played.raise()
    }

    /// Returns when the last packet has gone: a reader that has the answer gets none after it.
    func pause() async {
        isPlaying = false
        pauses += 1
        paused.raise()
        while isSending, !Task.isCancelled { await stopped.wait() }
    }

    /// Plays whenever it is asked for; returns when what is watched is over.
    private func play() async throws {
        while !Task.isCancelled {
            guard isPlaying, let watching else {
                await played.wait()
                continue
            }
            paused.lower()
            stopped.lower()
            isSending = true
            defer {
                isSending = false
                stopped.raise()
            }
            let before = pauses
            try await watching.whileItLasts { [paused] in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.send(watching) }
                    group.addTask { await paused.wait() }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            }
            guard pauses != before else { return try await sayGoodbye() }
            watching.rewind()
        }
    }

    private func send(_ watching: any RTSPWatching) async throws {
        while let batch = await watching.next() {
            watching.count(bytes: 0, missed: batch.missed)
            for (sample, moment) in batch.samples {
                guard let index = outgoing.first(where: { $0.value.rtp.format.kind == sample.format.kind })?.key else { continue }
                if origin == nil {
                    let uptime = sample.arrival - (moment - .zero)
                    origin = (time.now().addingTimeInterval(-(time.uptime() - uptime).seconds), uptime)
                }
                let report = dueReport(index)
                guard let bytes = try await carry(sample, at: moment, report, index) else {
                    watching.count(bytes: 0, missed: sample.format.kind == .video ? 1 : 0)
                    continue
                }
                watching.count(bytes: bytes, missed: 0)
            }
        }
    }

    /// The report that goes before a track's first packet and then every few seconds: by it readers bring picture and sound together.
    private func dueReport(_ index: Int) -> ByteBuffer? {
        let now = time.uptime()
        guard let track = outgoing[index], let origin, track.reportedAt.map({ now - $0 >= Self.reportsEvery }) ?? true else { return nil }
        outgoing[index]?.reportedAt = now
        let elapsed = now - origin.uptime
        return track.rtp.senderReport(
            at: .zero + elapsed, wallClock: origin.wall.addingTimeInterval(elapsed.seconds), name: RTSPServer.name)
    }

    /// Sends a sample, behind a report where one is due; the bytes of its packets, nil where not all went.
    private func carry(_ sample: Sample, at moment: MediaTime, _ report: ByteBuffer?, _ index: Int) async throws -> Int? {
        switch outgoing[index]?.carrier {
        case nil: return nil
        case .interleaved(let rtp, _)?:
            if let report { try await carry(report, index) }
            let made = Scratch.ofThread.bytes.withLock { scratch in
                outgoing[index]?.rtp.interleaved(sample, at: moment, channel: rtp, from: templates, scratch: &scratch)
            }
            guard let bytes = made else { return nil }
            try await pass(bytes)
            // A reader that takes what comes is there; over TCP not all of them say so.
            ear.hear(now: time.uptime())
            return bytes.readableBytes
        case .datagrams(let datagrams)?:
            if let report { datagrams.send(report: report) }
            let packets = outgoing[index]?.rtp.packets(of: sample, at: moment) ?? []
            guard try await send(packets, by: datagrams) else { return nil }
            return packets.reduce(0) { $0 + $1.readableBytes }
        }
    }

    private func carry(_ report: ByteBuffer, _ index: Int) async throws {
        switch outgoing[index]?.carrier {
        case .interleaved(_, let rtcp)?:
            var bytes = ByteBuffer()
            Self.interleave(report, rtcp, into: &bytes)
            try await write(bytes)
        case .datagrams(let datagrams)?: datagrams.send(report: report)
        case nil: break
        }
    }

    /// Whether all went.
    private func send(_ packets: [ByteBuffer], by datagrams: RTSPDatagrams) async throws -> Bool {
        var rest = packets[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.datagramsInARow - datagramsSent)
            guard datagrams.send(Array(piece)) else { return false }
            rest = rest.dropFirst(piece.count)
            datagramsSent += piece.count
            guard datagramsSent >= Self.datagramsInARow else { continue }
            datagramsSent = 0
            try await time.sleep(Self.moment)
        }
        return true
    }

    private static func interleave(_ packet: ByteBuffer, _ channel: UInt8, into bytes: inout ByteBuffer) {
        bytes.writeInteger(UInt8(ascii: "$"))
        bytes.writeInteger(channel)
        bytes.writeInteger(UInt16(truncatingIfNeeded: packet.readableBytes))
        bytes.writeImmutableBuffer(packet)
    }

    private func sayGoodbye() async throws {
        guard let origin, !Task.isCancelled else { return }
        let elapsed = time.uptime() - origin.uptime
        let wall = origin.wall.addingTimeInterval(elapsed.seconds)
        for (index, track) in outgoing {
            let goodbye = track.rtp.goodbye(at: .zero + elapsed, wallClock: wall, name: RTSPServer.name)
            try await carry(goodbye, index)
        }
    }
}
