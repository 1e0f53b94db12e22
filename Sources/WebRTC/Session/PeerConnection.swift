import Core
import NIOCore
import Synchronization

/// Why there is no connection (any more); for the log.
public struct ConnectionEnd: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
}

/// The way between the box and one viewer: ICE finds it, DTLS proves both ends, SRTP protects what goes.
final class PeerConnection: Sendable {
    private struct State: ~Copyable {
        var dtls: DTLSEndpoint
        var inbound: SRTPSession?
        var isGathered = false
        var hasWay = false
        var isSecured = false
        var ended: ConnectionEnd?
        /// The viewer's first words, which may come before ICE has chosen a way.
        var early: [UInt8]?
        var heardAt: Duration
    }

    /// Whoever has not found a way and proved itself by then does not come.
    private static let connectLimit = Duration.seconds(15)
    /// Servers that answer later are not waited for.
    private static let gatherLimit = Duration.seconds(2)
    private static let look = Duration.milliseconds(100)

    private let agent: ICEAgent
    private let time: TimeSource
    private let told = Mutex<(@Sendable (Feedback) -> Void)?>(nil)
    private let state: Mutex<State>
    private let outbound = Mutex<SRTPSession?>(nil)
    private let changed = Signal()

    init(
        loop: ICELoop, identity: DTLSIdentity, expecting fingerprints: [CertificateFingerprint], time: TimeSource
    ) throws(DTLSFailure) {
        agent = ICEAgent(loop: loop)
        self.time = time
        state = Mutex(State(dtls: try DTLSEndpoint(identity, isServer: true, expecting: fingerprints), heardAt: time.uptime()))
    }

    /// Who is told what the viewer asks for, on the thread of ICE.
    func listen(_ told: @escaping @Sendable (Feedback) -> Void) { self.told.withLock { $0 = told } }

    // MARK: Beginning

    /// Opens sockets, finds candidates, and begins to answer the viewer's checks; nil where no socket opens.
    func open(_ servers: ICEServers, remote: Agreement) async -> (credentials: ICECredentials, candidates: [String])? {
        let isOpen = await agent.start(servers, told: { [weak self] in self?.take($0) }, received: { [weak self] in self?.receive($0) })
        guard isOpen else { return nil }
        let until = time.uptime() + Self.gatherLimit
        while !state.withLock({ $0.isGathered }), time.uptime() < until, !Task.isCancelled {
            await changed.wait(atMost: Self.look, time: time)
        }
        let candidates = await agent.candidates()
        guard !candidates.isEmpty, let credentials = await agent.credentials(),
            await agent.setRemote(remote.credentials, remote.candidates)
        else { return nil }
        return (credentials, candidates)
    }

    /// Where else the viewer may be.
    func add(_ candidates: [ICECandidate], isLast: Bool) async { await agent.add(candidates, isLast: isLast) }

    /// Waits until packets can go.
    /// - Throws: `ConnectionEnd`.
    func connect() async throws {
        let until = time.uptime() + Self.connectLimit
        while true {
            try Task.checkCancellation()
            let (isSecured, hasWay, ended) = state.withLock { ($0.isSecured, $0.hasWay, $0.ended) }
            if let ended { throw ended }
            if isSecured { return }
            let left = until - time.uptime()
            guard left > .zero else {
                throw ConnectionEnd(description: hasWay ? "the viewer did not prove itself in time" : "no way to the viewer was found")
            }
            let wait = state.withLock { state in
                state.hasWay ? state.dtls.handleTimeout().map { Duration.milliseconds($0 + 1) } : nil
            }
            flush()
            await changed.wait(atMost: min(wait ?? left, left), time: time)
        }
    }

    /// Why it is over; nil while it is not.
    var ended: ConnectionEnd? { state.withLock { $0.ended } }
    /// When the viewer said something last that only it can say.
    var heardAt: Duration { state.withLock { $0.heardAt } }

    /// Returns when it is over.
    func awaitEnd() async {
        while !Task.isCancelled, ended == nil { await changed.wait() }
    }

    /// Says goodbye and closes everything.
    func close() {
        state.withLock { state in
            state.dtls.close()
            state.ended = state.ended ?? ConnectionEnd(description: "closed")
        }
        flush()
        agent.close()
        changed.raise()
    }

    // MARK: Receiving (on the thread of ICE)

    private func take(_ event: ICEAgent.Event) {
        state.withLock { state in
            switch event {
            case .gathered: state.isGathered = true
            case .failed: state.ended = state.ended ?? ConnectionEnd(description: "the viewer does not answer any more")
            case .connected:
                state.hasWay = true
                if let early = state.early {
                    state.early = nil
                    early.withUnsafeBytes { state.dtls.receive($0) }
                }
            }
        }
        follow()
        changed.raise()
    }

    /// What a datagram is, its first byte tells (RFC 7983, section 7).
    private func receive(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 1 else { return }
        switch bytes[0] {
        case 20...63:
            state.withLock { state in
                if state.hasWay { state.dtls.receive(bytes) } else { state.early = Array(bytes) }
            }
            follow()
        case 128...191 where (192...223).contains(bytes[1]): takeReport(bytes)
        // Viewers send no media.
        default: break
        }
    }

    private func takeReport(_ bytes: UnsafeRawBufferPointer) {
        let now = time.uptime()
        let report = state.withLock { state -> [UInt8]? in
            guard let report = state.inbound?.unprotect(bytes, isReport: true) else { return nil }
            state.heardAt = now
            return report
        }
        guard let report, let told = told.withLock({ $0 }) else { return }
        for item in report.withUnsafeBytes({ Feedback.read($0) }) { told(item) }
    }

    /// Draws what follows from where DTLS is now.
    private func follow() {
        flush()
        let now = time.uptime()
        let isNew = state.withLock { state -> Bool in
            switch state.dtls.state {
            case .handshaking: return false
            case .closed: return Self.end(&state, "the viewer left")
            case .failed(let reason): return Self.end(&state, reason)
            case .connected:
                guard !state.isSecured else { return false }
                guard let keys = state.dtls.keys(), let inbound = try? SRTPSession(key: keys.inbound, isGCM: keys.isGCM, isInbound: true),
                    let session = try? SRTPSession(key: keys.outbound, isGCM: keys.isGCM, isInbound: false)
                else { return Self.end(&state, "no keys for SRTP") }
                state.inbound = consume inbound
                setOutbound(session)
                state.isSecured = true
                state.heardAt = now
                return true
            }
        }
        if isNew { changed.raise() }
    }

    private func setOutbound(_ session: consuming SRTPSession) {
        var session: SRTPSession? = consume session
        outbound.withLock { $0 = session.take() }
    }

    private static func end(_ state: inout State, _ reason: String) -> Bool {
        guard state.ended == nil else { return false }
        state.ended = ConnectionEnd(description: reason)
        return true
    }

    private func flush() {
        let datagrams = state.withLock { $0.dtls.takeDatagrams() }
        for datagram in datagrams { _ = datagram.withUnsafeBytes { agent.send($0) } }
    }

    // MARK: Sending

    /// Protects a packet; false before there are keys.
    func protect(_ packet: inout ByteBuffer, isReport: Bool) -> Bool {
        outbound.withLock { $0?.protect(&packet, isReport: isReport) ?? false }
    }

    /// Sends a packet that is protected.
    func send(_ packet: ByteBuffer) -> Bool { packet.withUnsafeReadableBytes { agent.send($0) } }
}
