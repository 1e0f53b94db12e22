import BoxDatabase
public import Core
public import Foundation
import Logging
import Synchronization

/// The name on the internet that leads to the box: told to a server by the dyndns2 protocol when the address has changed, and once a day.
public final class DynamicDNS: Sendable {
    /// As it lies in the database.
    public struct Settings: Codable, Sendable, Equatable {
        public var enabled = false
        public var serverURL: String?
        public var hostName: String?
        public var userName: String?
        /// Sealed.
        public var password: Data?

        public init() {}
    }

    private struct State {
        var condition: Condition
        var outcome: DynamicDNSOutcome?
        /// Of the settings: those that were set, and those in force.
        var wanted = 0
        var inForce = 0
    }

    private static let setting = "reach.ddns"
    private static let outcomeSetting = "reach.ddns.outcome"
    private static let usualPath = "/nic/update"
    private static let longestWait = Duration.seconds(3600)
    private static let patience = 250
    private static let pause = Duration.milliseconds(20)

    private let database: BoxDatabase
    private let sealer: SecretSealer
    private let mapping: PortMapping
    private let web: WebAsker
    private let agent: String
    private let allowsHTTP: Bool
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>
    /// Shared with the mapping, which raises it when the address is another one.
    private var changed: Signal { mapping.moved }

    /// Follows the address that `mapping` knows; `version` is the box's, which servers want to know. `allowsHTTP` is for tests.
    init(
        database: BoxDatabase, sealer: SecretSealer, mapping: PortMapping, version: String, allowsHTTP: Bool, web: WebAsker,
        time: TimeSource, logger: Logger
    ) {
        self.database = database
        self.sealer = sealer
        self.mapping = mapping
        self.web = web
        self.allowsHTTP = allowsHTTP
        self.time = time
        self.logger = logger
        agent = "Gatehouse/\(version)"
        state = Mutex(State(condition: Self.off(time.now())))
    }

    // MARK: Settings

    public func settings() async throws -> Settings {
        try await database.read { try $0.setting(Self.setting, as: Settings.self) } ?? Settings()
    }

    public var condition: Condition { state.withLock { $0.condition } }
    public var outcome: DynamicDNSOutcome? { state.withLock { $0.outcome } }

    public func seal(_ password: String) throws -> Data { try sealer.seal(password, context: Self.setting) }

    /// Whether `text` is the address of a server, with TLS.
    public func admits(_ text: String) -> Bool { Self.base(text, allowsHTTP: allowsHTTP) != nil }

    /// Sets it, forgets what the server said before, and waits until it is begun.
    public func set(_ settings: Settings) async throws {
        try await database.write { database in
            try database.set(Self.setting, to: settings)
            try database.set(Self.outcomeSetting, to: DynamicDNSOutcome?.none)
        }
        let wanted = state.withLock { state in
            state.wanted += 1
            state.outcome = nil
            return state.wanted
        }
        changed.raise()
        for _ in 0..<Self.patience where state.withLock({ $0.inForce < wanted }) { try await time.sleep(Self.pause) }
    }

    // MARK: At work

    /// Keeps the name right as the settings say until cancelled.
    public func run() async {
        let outcome = try? await database.read { try $0.setting(Self.outcomeSetting, as: DynamicDNSOutcome.self) }
        state.withLock { $0.outcome = outcome }
        while !Task.isCancelled {
            let number = state.withLock { $0.wanted }
            let wait = await turn(number)
            await changed.wait(atMost: min(wait, Self.longestWait), time: time)
        }
    }

    /// Does what is due; how long it may rest then.
    private func turn(_ number: Int) async -> Duration {
        guard let settings = try? await settings() else { return Self.longestWait }
        mapping.wantAddress(settings.enabled)
        guard settings.enabled, let name = settings.hostName else {
            enter(Self.off(time.now()), number)
            return Self.longestWait
        }
        let address = mapping.reachable
        guard !address.isPrivate else {
            enter(Self.noPublicAddress(name, time.now()), number)
            return Self.longestWait
        }
        guard address.isKnown else {
            enter(Self.waiting(time.now()), number)
            return Self.longestWait
        }
        switch state.withLock({ $0.outcome })?.next(address: address.address, now: time.now()) ?? .now {
        case .now:
            enter(Self.waiting(time.now()), number)
            guard let outcome = await update(settings, name, address.address) else {
                enter(Self.incomplete(time.now()), number)
                return Self.longestWait
            }
            guard !Task.isCancelled else { return Self.longestWait }
            return await keep(outcome, name, number)
        case .after(let rest):
            tell(name, number)
            return rest
        case .never:
            tell(name, number)
            return Self.longestWait
        }
    }

    private func update(_ settings: Settings, _ name: String, _ address: String?) async -> DynamicDNSOutcome? {
        guard let url = settings.serverURL.flatMap({ Self.url($0, name, address, allowsHTTP: allowsHTTP) }), let user = settings.userName,
            let password = settings.password.flatMap({ try? sealer.unseal($0, context: Self.setting) })
        else { return nil }
        // RFC 7617.
        let credentials = Data("\(user):\(password)".utf8).base64EncodedString()
        let question = WebQuestion(url: url, headers: ["User-Agent": agent, "Authorization": "Basic \(credentials)"])
        do throws(WebFailure) {
            return DynamicDNSOutcome(try await web.ask(question), address: address, at: time.now())
        } catch {
            return DynamicDNSOutcome(error, at: time.now())
        }
    }

    /// Remembers what the server said, over a new start too: what must not be repeated is not.
    private func keep(_ outcome: DynamicDNSOutcome, _ name: String, _ number: Int) async -> Duration {
        let counted: DynamicDNSOutcome? = state.withLock { state in
            // Said to settings that are not in force any more.
            guard state.wanted == number else { return nil }
            let counted = outcome.following(state.outcome)
            state.outcome = counted
            return counted
        }
        guard let counted else { return .zero }
        try? await database.write { try $0.set(Self.outcomeSetting, to: counted) }
        logger.notice("the name's server answered", metadata: ["name": "\(name)", "code": "\(counted.code.rawValue)"])
        tell(name, number)
        return if case .after(let rest) = counted.next(address: counted.address, now: time.now()) { rest } else { Self.longestWait }
    }

    private func tell(_ name: String, _ number: Int) {
        guard let condition = outcome?.condition(name) else { return }
        enter(condition, number)
    }

    private func enter(_ condition: Condition, _ number: Int) {
        state.withLock { state in
            state.condition = condition.continuing(state.condition)
            state.inForce = max(state.inForce, number)
        }
    }

    // MARK: Addresses

    private static func base(_ text: String, allowsHTTP: Bool) -> URLComponents? {
        guard var parts = URLComponents(string: text), parts.scheme == "https" || allowsHTTP && parts.scheme == "http",
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil, parts.fragment == nil, parts.query == nil
        else { return nil }
        if parts.path.isEmpty || parts.path == "/" { parts.path = usualPath }
        return parts
    }

    /// The question, as dyndns2 has it; without an address the server takes the one that it sees.
    static func url(_ server: String, _ name: String, _ address: String?, allowsHTTP: Bool) -> String? {
        var parts = base(server, allowsHTTP: allowsHTTP)
        parts?.queryItems = [URLQueryItem(name: "hostname", value: name)] + (address.map { [URLQueryItem(name: "myip", value: $0)] } ?? [])
        return parts?.string
    }

    // MARK: States

    private static func off(_ now: Date) -> Condition { Condition(code: "off", severity: .off, sentence: "Switched off.", since: now) }

    private static func waiting(_ now: Date) -> Condition {
        Condition(code: "updating", severity: .attention, sentence: "The server is being told…", since: now)
    }

    private static func incomplete(_ now: Date) -> Condition {
        Condition(code: "incomplete", severity: .trouble, sentence: "What the box kept cannot be read any more. Enter it anew.", since: now)
    }

    private static func noPublicAddress(_ name: String, _ now: Date) -> Condition {
        Condition(
            code: "private-address", severity: .trouble,
            sentence: "The router has no public address, so \(name) is left as it is. Ask the provider for one.", since: now)
    }
}
