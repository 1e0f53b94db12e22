import CNice
import Core
import Synchronization

/// How the box and one viewer find a way to each other (ICE; RFC 8445), by libnice.
final class ICEAgent: Sendable {
    enum Event: Sendable {
        case gathered
        case connected
        /// There is no way, or the viewer does not consent any more (RFC 7675).
        case failed
    }

    /// What libnice's callbacks are given; it lives as long as they may come.
    private final class Listener: Sendable {
        let told: @Sendable (Event) -> Void
        let received: @Sendable (UnsafeRawBufferPointer) -> Void

        init(told: @escaping @Sendable (Event) -> Void, received: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) {
            self.told = told
            self.received = received
        }

        static func at(_ data: gpointer?) -> Listener? { data.map { Unmanaged<Listener>.fromOpaque($0).takeUnretainedValue() } }
    }

    /// The agent and what its callbacks are given; owned by the one `Mutex`.
    private struct Open: @unchecked Sendable {
        // @unchecked because libnice locks its agents itself; that nobody uses this one after its end, the mutex sees to.
        let agent: OpaquePointer
        let stream: guint
        let listener: UnsafeMutableRawPointer
    }

    private static let component: guint = 1
    /// A viewer has a few addresses; libnice would pair as many as come with each of the box's.
    private static let mostCandidates = 64

    private let loop: ICELoop
    private let open = Mutex<Open?>(nil)
    /// Those that the viewer told.
    private let told = Mutex(0)

    init(loop: ICELoop) {
        self.loop = loop
    }

    deinit { close() }

    /// Opens sockets and looks for candidates; events and datagrams come on the loop's thread from then on. False where it is not possible.
    func start(
        _ servers: ICEServers, told: @escaping @Sendable (Event) -> Void, received: @escaping @Sendable (UnsafeRawBufferPointer) -> Void
    ) async -> Bool {
        // Later, not within libnice's call: it may be one of this side's, under its lock.
        let listener = Listener(told: { [loop] event in loop.invoke { told(event) } }, received: received)
        return await loop.run { [self] in
            guard let made = make(servers, listener) else { return false }
            open.withLock { $0 = made }
            guard nice_agent_gather_candidates(made.agent, made.stream) != 0 else {
                close()
                return false
            }
            return true
        }
    }

    private func make(_ servers: ICEServers, _ listener: Listener) -> Open? {
        guard let agent = gatehouse_nice_agent(loop.context) else { return nil }
        if let address = servers.address { _ = gatehouse_nice_add_address(agent, address) }
        if let stun = servers.stun { gatehouse_nice_set_stun(agent, stun.address, guint(stun.port)) }
        let stream = nice_agent_add_stream(agent, 1)
        guard stream > 0 else {
            gatehouse_nice_unref(UnsafeMutableRawPointer(agent))
            return nil
        }
        if let ports = servers.ports {
            nice_agent_set_port_range(agent, stream, Self.component, guint(ports.lowerBound), guint(ports.upperBound))
        }
        if let relay = servers.relay {
            let type =
                switch relay.transport {
                case .udp: NICE_RELAY_TYPE_TURN_UDP
                case .tcp: NICE_RELAY_TYPE_TURN_TCP
                }
            nice_agent_set_relay_info(
                agent, stream, Self.component, relay.place.address, guint(relay.place.port), relay.userName, relay.credential, type)
        }
        let data = Unmanaged.passRetained(listener).toOpaque()
        gatehouse_nice_follow(
            agent, { _, _, data in Listener.at(data)?.told(.gathered) },
            { _, _, _, state, data in
                switch NiceComponentState(state) {
                case NICE_COMPONENT_STATE_CONNECTED, NICE_COMPONENT_STATE_READY: Listener.at(data)?.told(.connected)
                case NICE_COMPONENT_STATE_FAILED: Listener.at(data)?.told(.failed)
                default: break
                }
            }, data)
        nice_agent_attach_recv(
            agent, stream, Self.component, loop.context,
            { _, _, _, count, bytes, data in
                Listener.at(data)?.received(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            }, data)
        return Open(agent: agent, stream: stream, listener: data)
    }

    // MARK: Descriptions

    /// What `body` answers on the loop's thread, where the agent cannot end meanwhile; nil after the end.
    private func onLoop<Value: Sendable>(_ body: @escaping @Sendable (Open) -> Value?) async -> Value? {
        await loop.run { [self] in
            // Not under the lock: libnice may call back.
            let now = open.withLock { $0 }
            return now.flatMap(body)
        }
    }

    /// What the viewer has to know of this side.
    func credentials() async -> ICECredentials? {
        await onLoop { open in
            var (fragment, password): (UnsafeMutablePointer<gchar>?, UnsafeMutablePointer<gchar>?) = (nil, nil)
            defer {
                gatehouse_free(fragment)
                gatehouse_free(password)
            }
            guard nice_agent_get_local_credentials(open.agent, open.stream, &fragment, &password) != 0, let fragment, let password
            else { return nil }
            return ICECredentials(fragment: String(cString: fragment), password: String(cString: password))
        }
    }

    /// The candidates that were found, as attributes.
    func candidates() async -> [String] {
        await onLoop { open in
            let list = nice_agent_get_local_candidates(open.agent, open.stream, Self.component)
            defer { g_slist_free(list) }
            var texts: [String] = []
            var element = list
            while let one = element {
                if let candidate = one.pointee.data?.assumingMemoryBound(to: NiceCandidate.self) {
                    if let text = nice_agent_generate_local_candidate_sdp(open.agent, candidate) {
                        texts.append(String(cString: text).replacing("a=", with: "", maxReplacements: 1))
                        gatehouse_free(text)
                    }
                    nice_candidate_free(candidate)
                }
                element = one.pointee.next
            }
            return texts
        } ?? []
    }

    /// Who the viewer is, and where it may be; checks begin with the first candidate.
    func setRemote(_ credentials: ICECredentials, _ candidates: [ICECandidate]) async -> Bool {
        let isSet = await onLoop { open in
            nice_agent_set_remote_credentials(open.agent, open.stream, credentials.fragment, credentials.password) != 0
        }
        await add(candidates, isLast: false)
        return isSet ?? false
    }

    /// Where else the viewer may be.
    func add(_ candidates: [ICECandidate], isLast: Bool) async {
        let taken = told.withLock { told in
            defer { told = min(told + candidates.count, Self.mostCandidates) }
            return candidates.prefix(Self.mostCandidates - told)
        }
        _ = await onLoop { open in
            var list: UnsafeMutablePointer<GSList>?
            for candidate in taken where gatehouse_nice_is_numeric(candidate.address) != 0 {
                if let parsed = nice_agent_parse_remote_candidate_sdp(open.agent, open.stream, "a=" + candidate.text) {
                    list = g_slist_append(list, parsed)
                }
            }
            if list != nil { nice_agent_set_remote_candidates(open.agent, open.stream, Self.component, list) }
            var element = list
            while let one = element {
                nice_candidate_free(one.pointee.data?.assumingMemoryBound(to: NiceCandidate.self))
                element = one.pointee.next
            }
            g_slist_free(list)
            if isLast { nice_agent_peer_candidate_gathering_done(open.agent, open.stream) }
            return true
        }
    }

    // MARK: Datagrams

    /// Whether a datagram went: a socket that is full takes none, and it is lost then, as datagrams may be.
    func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        open.withLock { open in
            guard let open, let base = bytes.assumingMemoryBound(to: gchar.self).baseAddress else { return false }
            return nice_agent_send(open.agent, open.stream, Self.component, guint(bytes.count), base) == gint(bytes.count)
        }
    }

    /// Closes all sockets; nothing is told any more.
    func close() {
        let last = open.withLock { open in
            defer { open = nil }
            return open
        }
        guard let last else { return }
        // On the loop's thread no callback runs meanwhile. The loop outlives what waits on it.
        loop.invoke { [loop] in
            gatehouse_nice_unfollow(last.agent, last.listener)
            nice_agent_attach_recv(last.agent, last.stream, Self.component, loop.context, nil, nil)
            Unmanaged<Listener>.fromOpaque(last.listener).release()
            nice_agent_close_async(last.agent, { agent, _, _ in gatehouse_nice_unref(UnsafeMutableRawPointer(agent)) }, nil)
        }
    }
}
