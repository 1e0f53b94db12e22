public import Core
import Crypto
public import Foundation
public import Logging
public import Media
public import NIOCore
import Synchronization

/// Why a live session does not begin or go on; a sentence.
public struct LiveRefusal: Error, Sendable, Equatable {
    public enum Kind: String, Sendable { case tooMany, over }
    public let kind: Kind
    public let sentence: String
}

/// One person who watches one stream, as others may see it.
public struct LiveSession: Sendable, Identifiable {
    public let id: Identifier<LiveSession>
    public let channel: ChannelID
    public fileprivate(set) var role: StreamRole
    /// What is watched: what happens now, or what was recorded.
    public let action: LiveAction
    /// Who watches.
    public let person: String
    /// From where.
    public let address: String
    /// The viewer is in the box's own network.
    public let isLocal: Bool
    public let startedAt: Date
    /// When it ends unless it is continued; nil for no limit.
    public fileprivate(set) var endsAt: Date?
    /// How the picture gets there; nil before it is fetched.
    public fileprivate(set) var way: LiveWay?
    /// Bytes sent so far.
    public var bytes: Int { sent.value }
    /// Pictures that were left out because the viewer was too slow.
    public var missed: Int { leftOut.value }

    // Shared by all copies: they are counted with each picture of each viewer.
    fileprivate let sent = Counter()
    fileprivate let leftOut = Counter()
}

/// How pictures reach a viewer.
public enum LiveWay: String, Sendable, Codable, CaseIterable {
    case mp4, hls, rtsp, webrtc, mjpeg
    /// Recorded pictures, as fragmented MP4.
    case playback

    /// A token is good for one of them alone.
    var action: LiveAction { self == .playback ? .playback : .live }
}

/// What a viewer may do by one session.
public enum LiveAction: String, Sendable, Codable, CaseIterable {
    case live, playback
}

/// Who watches what: sessions begin with a permission, have a limit, and end within seconds when the permission does.
public final class LiveSessions: Sendable {
    private struct Entry {
        var session: LiveSession
        let tokenHash: String
        let permission: Permission
        let ended: SessionEnd
        var attached = 0
        var idleSince: Duration
        var deadline: Duration?
    }

    /// What lets people watch: asked again and again whether it still does.
    public struct Permission: Sendable {
        /// The same for all sessions that it permits, so that it is asked once for all of them.
        let key: String
        let still: @Sendable () async -> Bool

        public init(key: String, still: @escaping @Sendable () async -> Bool) {
            self.key = key
            self.still = still
        }
    }

    private static let most = 256
    /// Nobody keeps all others out.
    private static let mostOfOne = 128
    /// Of one session at a time.
    private static let mostAttached = 16
    /// A session that nobody fetches anything of is forgotten.
    private static let idle = Duration.seconds(60)
    private static let looksEvery = Duration.seconds(1)

    private let state = Mutex<[LiveSession.ID: Entry]>([:])
    private let time: TimeSource
    private let logger: Logger

    public init(time: TimeSource, logger: Logger) {
        self.time = time
        self.logger = logger
    }

    /// Ends sessions whose time or permission is over, until cancelled.
    public func run() async {
        while (try? await time.sleep(Self.looksEvery)) != nil {
            let now = time.uptime()
            let (over, rest) = state.withLock { state in
                let over = state.values.filter { entry in
                    entry.deadline.map { $0 <= now } ?? false || entry.attached == 0 && now - entry.idleSince > Self.idle
                }
                return (over.map(\.session.id), Dictionary(grouping: state.values) { $0.permission.key })
            }
            for id in over { end(id) }
            for entries in rest.values {
                guard let permission = entries.first?.permission, await !permission.still() else { continue }
                for entry in entries { end(entry.session.id) }
            }
        }
        for id in state.withLock({ Array($0.keys) }) { end(id) }
    }

    /// Begins a session of at most `limit`, as long as the permission holds.
    ///
    /// Answers the session and its token, which is all that a player needs to know.
    /// - Throws: `LiveRefusal`.
    public func begin(
        _ channel: ChannelID, _ role: StreamRole, action: LiveAction = .live, person: String, address: String, isLocal: Bool,
        limit: Duration?, permission: Permission
    ) throws(LiveRefusal) -> (session: LiveSession, token: String) {
        let token = Self.makeToken()
        let now = time.now()
        let session = LiveSession(
            id: .timeOrdered(at: now), channel: channel, role: role, action: action, person: person, address: address, isLocal: isLocal,
            startedAt: now, endsAt: limit.map { now.addingTimeInterval($0.seconds) })
        let uptime = time.uptime()
        let entry = Entry(
            session: session, tokenHash: Self.hash(token), permission: permission, ended: SessionEnd(), idleSince: uptime,
            deadline: limit.map { uptime + $0 })
        let fits = state.withLock { state in
            guard state.count < Self.most, state.values.count(where: { $0.session.person == person }) < Self.mostOfOne else { return false }
            state[session.id] = entry
            return true
        }
        guard fits else {
            throw LiveRefusal(kind: .tooMany, sentence: "As many live views run already as may at once; end one and try again.")
        }
        logger.info("live view begins", metadata: ["channel": "\(channel)", "stream": "\(role.rawValue)", "person": "\(person)"])
        return (session, token)
    }

    /// The sessions of now, the oldest first.
    public var sessions: [LiveSession] { state.withLock { $0.values.map(\.session) }.sorted { $0.id.text < $1.id.text } }

    /// One session; nil when it is over.
    public func session(_ id: LiveSession.ID) -> LiveSession? { state.withLock { $0[id]?.session } }

    /// Lets a session go on for `limit` from now; nil when it is over.
    public func prolong(_ id: LiveSession.ID, by limit: Duration?) -> LiveSession? {
        let (now, uptime) = (time.now(), time.uptime())
        return state.withLock { state in
            guard var entry = state[id] else { return nil }
            entry.deadline = limit.map { uptime + $0 }
            entry.session.endsAt = limit.map { now.addingTimeInterval($0.seconds) }
            state[id] = entry
            return entry.session
        }
    }

    /// Ends a session; whoever fetches something of it is cut off.
    public func end(_ id: LiveSession.ID) {
        guard let entry = state.withLock({ $0.removeValue(forKey: id) }) else { return }
        entry.ended.end()
        logger.info(
            "live view ended",
            metadata: ["channel": "\(entry.session.channel)", "person": "\(entry.session.person)", "bytes": "\(entry.session.bytes)"])
    }

    // MARK: Fetching

    /// The session of a token. `isLocal` says from where it is fetched: what began at the site without a limit is not taken away from there.
    /// - Throws: `LiveRefusal` of kind `over` for tokens that are none (any more), and where too much is fetched at once.
    public func attach(token: String, way: LiveWay, isLocal: Bool) throws(LiveRefusal) -> LiveAttachment {
        let hash = Self.hash(token)
        var isTooMuch = false
        let found = state.withLock { state -> (LiveSession, SessionEnd)? in
            guard var entry = state.values.first(where: { $0.tokenHash == hash && (isLocal || !$0.session.isLocal) }),
                entry.session.action == way.action
            else { return nil }
            isTooMuch = entry.attached >= Self.mostAttached
            guard !isTooMuch else { return nil }
            entry.attached += 1
            entry.session.way = way
            state[entry.session.id] = entry
            return (entry.session, entry.ended)
        }
        guard !isTooMuch else {
            throw LiveRefusal(kind: .tooMany, sentence: "This live view is fetched too often at once; open another one.")
        }
        guard let found else { throw Self.over }
        return LiveAttachment(sessions: self, session: found.0, ended: found.1)
    }

    /// The session of a token, of which nothing is fetched.
    /// - Throws: `LiveRefusal` of kind `over` for tokens that are none (any more).
    public func session(token: String, isLocal: Bool) throws(LiveRefusal) -> LiveSession {
        let hash = Self.hash(token)
        guard let found = state.withLock({ state in state.values.first { $0.tokenHash == hash }?.session }), isLocal || !found.isLocal
        else { throw Self.over }
        return found
    }

    private static let over = LiveRefusal(kind: .over, sentence: "This live view is over. Open the camera again.")

    fileprivate func detach(_ id: LiveSession.ID) {
        let now = time.uptime()
        state.withLock { state in
            state[id]?.attached -= 1
            state[id]?.idleSince = now
        }
    }

    fileprivate func watches(_ id: LiveSession.ID, _ role: StreamRole) { state.withLock { $0[id]?.session.role = role } }

    private static func makeToken() -> String {
        Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func hash(_ token: String) -> String { Data(SHA256.hash(data: Data(token.utf8))).base64EncodedString() }
}

/// Tells all who fetch something of a session that it is over.
final class SessionEnd: Sendable {
    private let state = Mutex((hasEnded: false, waiters: [Int: Signal](), next: 0))

    func end() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.raise() }
    }

    /// Returns at the end of the session or of the task.
    func wait() async {
        let signal = Signal()
        let number = state.withLock { state -> Int? in
            guard !state.hasEnded else { return nil }
            state.next += 1
            state.waiters[state.next] = signal
            return state.next
        }
        guard let number else { return }
        await signal.wait()
        state.withLock { _ = $0.waiters.removeValue(forKey: number) }
    }
}

/// Something that is being fetched of a session.
public final class LiveAttachment: Sendable {
    public let session: LiveSession
    private let sessions: LiveSessions
    private let ended: SessionEnd

    fileprivate init(sessions: LiveSessions, session: LiveSession, ended: SessionEnd) {
        self.sessions = sessions
        self.session = session
        self.ended = ended
    }

    deinit { sessions.detach(session.id) }

    /// Counts what was sent and what was left out.
    public func count(bytes: Int, missed: Int = 0) {
        session.sent.add(bytes)
        if missed > 0 { session.leftOut.add(missed) }
    }

    /// The viewer gets another stream than was asked for, because it can play that one.
    public func watches(_ role: StreamRole) { sessions.watches(session.id, role) }

    private struct Gone: Error {}

    /// Since when a piece has been waiting to be taken, and when the last was.
    private final class Account: Sendable {
        private let state: Mutex<(since: Duration?, last: Duration)>

        init(_ now: Duration) { state = Mutex((nil, now)) }

        func begin(_ now: Duration) { state.withLock { $0.since = now } }
        func end(_ now: Duration) { state.withLock { $0 = (nil, now) } }
        func isOver(_ now: Duration, silence: Duration) -> Bool {
            state.withLock { state in state.since.map { now - $0 > LiveAttachment.patience } ?? (now - state.last > silence) }
        }
    }

    /// A viewer that takes nothing for so long has gone.
    private static let patience = Duration.seconds(20)
    private static let looksEvery = Duration.seconds(1)
    /// Written at a time: under TLS a whole key picture would lie in memory once more for each viewer.
    private static let piece = 64 << 10

    /// Runs `work` until it ends, the session does, or the viewer has gone: who takes nothing for 20 s, or whom nothing was sent for `silence`,
    /// after which it cannot be told.
    public func whileTaken(
        _ time: TimeSource, silence: Duration, _ write: @escaping @Sendable (ByteBuffer) async throws -> Void,
        _ work: @escaping @Sendable (@escaping @Sendable (ByteBuffer) async throws -> Void) async throws -> Void
    ) async throws {
        let account = Account(time.uptime())
        try await whileItLasts {
            try await withThrowingTaskGroup { group in
                group.addTask {
                    try await work { bytes in
                        var rest = bytes
                        while let piece = rest.readSlice(length: min(rest.readableBytes, Self.piece)), piece.readableBytes > 0 {
                            account.begin(time.uptime())
                            try await write(piece)
                            account.end(time.uptime())
                        }
                    }
                }
                group.addTask {
                    while true {
                        try await time.sleep(Self.looksEvery)
                        if account.isOver(time.uptime(), silence: silence) { throw Gone() }
                    }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    /// What `work` answers; nil when the session ends before.
    public func whileItLasts<Value: Sendable>(_ work: @escaping @Sendable () async -> Value?) async -> Value? {
        await withTaskGroup { [ended] group in
            group.addTask { await work() }
            group.addTask {
                await ended.wait()
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }

    /// Runs `work` until it ends or the session does.
    public func whileItLasts(_ work: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { [ended] group in
            group.addTask { try await work() }
            group.addTask { await ended.wait() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
