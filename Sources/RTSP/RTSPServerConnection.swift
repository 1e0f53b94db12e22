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

        /// Its place in the description.
        let number: Int
        let kind: StreamFormat.Kind
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

    /// Whoever has not signed in by then is not waited for any longer.
    private static let signInLimit = Duration.seconds(15)
    /// A reader that says nothing for so long has gone; told to it as `timeout`.
    static let sessionTimeout = Duration.seconds(60)
    /// A reader that takes nothing for so long has gone.
    private static let patience = Duration.seconds(20)
    private static let looksEvery = Duration.seconds(1)
    private static let largestMessage = 16 << 10

    let remote: SocketAddress
    let local: SocketAddress
    let user: String
    let source: any RTSPSource
    let throttle: SignInThrottle
    let templates: PacketTemplates
    let time: TimeSource
    let logger: Logger
    let channel: any Channel
    private(set) lazy var readerLoop = ReaderLoop.of(channel.eventLoop)
    private let openedAt: Duration

    var sign: DigestVerifier
    var isSignedIn = false
    let ear: Ear
    var opened: Opened?
    var session: String?
    /// In the order of the description.
    var outgoing: [Outgoing] = []
    var watching: (any RTSPWatching)?
    var isPlaying = false
    private var pauses = 0
    /// What zero in the stream is on the clocks.
    var origin: (wall: Date, uptime: Duration)?
    var datagramsSent = 0
    /// Whose samples are sent without a task, those of them that are still to be sent, and the writes that wait for room.
    var pumped: (any RTSPWatching)?
    var rest: ArraySlice<(sample: Sample, time: MediaTime)> = []
    var unwritten = 0
    /// The socket beneath the channel, while samples are sent without a task.
    var socket: NIOBSDSocket.Handle?
    var isPumping = false
    let pumpEnd = Signal()
    /// How many writes wait to be taken, and since when there have been any.
    private(set) var writing = 0
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
    func write(_ bytes: ByteBuffer) async throws {
        beginWriting()
        defer { endWriting() }
        try await channel.writeAndFlush(bytes)
    }

    /// Returns when there is room for more.
    func pass(_ bytes: ByteBuffer) async throws {
        guard channel.isWritable else { return try await write(bytes) }
        channel.writeAndFlush(bytes, promise: nil)
    }

    /// Of several writes at once the oldest counts.
    func beginWriting() {
        writing += 1
        if writing == 1 { writingSince = time.uptime() }
    }

    func endWriting() { writing -= 1 }

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
}
