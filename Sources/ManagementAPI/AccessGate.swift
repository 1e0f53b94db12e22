import Relay
import Exports
import Devices
import CloudStorage
import Access
import BoxDatabase
import Core
import GRDB
import HTTPTypes
import Hummingbird

/// How long it takes to decide whether somebody may: what they may do at all, and whether it is this.
final class AccessChecks: Sendable {
    private let count = Counter()
    private let nanoseconds = Counter()

    /// Takes the time of a decision, or of a part of one that ends elsewhere.
    func timing<Value>(isWhole: Bool = true, _ body: () async throws -> Value) async rethrows -> Value {
        let began = ContinuousClock.now
        defer {
            nanoseconds.add(Int((ContinuousClock.now - began) / .nanoseconds(1)))
            if isWhole { count.next() }
        }
        return try await body()
    }

    var total: (seconds: Double, count: Int) { (Double(nanoseconds.value) / 1e9, count.value) }
}

/// Lets through who may: the one place where every request is decided, by the table of rules.
///
/// What the caller may not see is answered as what is not there.
struct AccessGate: RouterMiddleware {
    static let cookie = "gatehouse_session"
    let services: BoxServices
    let recorder: OperationRecorder
    let limits: RequestLimits
    let tags: TagGate
    let requests: IdempotentRequests
    let checks: AccessChecks

    private var access: AccessServices { services.access }

    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        guard let path = context.endpointPath, let rule = AccessRules.rule(request.method, path) else { throw Self.noRule }
        if context.isLook {
            try await admit(rule, request, context)
            return try await next(request, context)
        }
        var context = context
        let network = SignIns.network(of: context.remoteAddress)
        do { try await identify(&context, request, rule) } catch {
            try limits.count(network)
            throw error
        }
        try limits.count(context.caller.map { "\($0.id)" } ?? network)
        return try await requests.once(request, context) {
            try await admit(rule, request, context)
        } _: { [context] request in
            try await recorder.record(rule, request, context) { request in
                try await checks.timing { try await admit(rule, request, context) }
                if rule.scope == .open { return try await next(request, context) }
                var response = try await tags.change(request, context, next)
                if request.method == .get, let token = Self.token(of: request) {
                    response.body = WatchedBody.body(response.body, time: services.time) { await mayGoOn(rule, request, context, token) }
                }
                return response
            }
        }
    }

    /// Whether somebody may still have what is being sent to them.
    private func mayGoOn(_ rule: AccessRule, _ request: Request, _ context: APIContext, _ token: String) async -> Bool {
        guard context.caller != nil else { return true }
        do {
            let caller = try await access.signIns.authenticate(token: token)
            var context = context
            context.rights = try await access.control.rights(of: caller.id, limitedTo: caller.actions)
            try await admit(rule, request, context)
            return true
        } catch {
            // A database that fails for a moment takes nothing away.
            return Problem.of(error) == nil
        }
    }

    private func identify(_ context: inout APIContext, _ request: Request, _ rule: AccessRule) async throws {
        if rule.scope == .open { return }
        guard let token = Self.token(of: request) else { throw Problem.notSignedIn }
        // A program that only reads the metrics has a token of the configuration.
        if rule.operation == "getMetrics", let wanted = services.metricsToken, !wanted.isEmpty, AccessServices.isSame(token, wanted) {
            context.rights = Rights(box: [.configureBox])
            return
        }
        do {
            let caller = try await access.signIns.authenticate(token: token)
            context.rights = try await checks.timing(isWhole: false) {
                try await access.control.rights(of: caller.id, limitedTo: caller.actions)
            }
            context.caller = caller
        } catch is AccessDenied {
            throw Problem.notSignedIn
        }
    }

    /// The token of the header or of the cookie.
    static func token(of request: Request) -> String? {
        if let header = request.headers[.authorization], header.hasPrefix("Bearer ") { return String(header.dropFirst(7)) }
        return request.cookies[cookie]?.value
    }

    // MARK: Deciding

    private func admit(_ rule: AccessRule, _ request: Request, _ context: APIContext) async throws {
        let rights = context.rights
        switch rule.scope {
        case .open: return
        case .own:
            // A program's key is no way to another one, nor to the account.
            guard rule.method == .get || context.caller?.signIn != nil else { throw Self.notByKey }
        case .box(let action):
            guard rights.allow(action) else { throw Self.refusal(action) }
            // Nor to other people's accounts, nor to everything at once.
            let isOfPeople = [.managePeople, .assignSites, .manageCompany, .backUp, .resetBox].contains(action)
            guard rule.method == .get || !isOfPeople || context.caller?.signIn != nil else { throw Self.notByKey }
        case .each(let action):
            // A list of what one may see is empty where that is nothing.
            guard rule.method == .get || rights.actions.contains(action) else { throw Self.refusal(action) }
        case .site(let action):
            try decide(action, context, place: Place(site: try context.identifier("site")), what: "site")
        case .anySite(let action):
            guard rights.allowSomewhere(action) else { throw Self.refusal(action) }
        case .device(let action):
            let id: DeviceID = try context.identifier("camera")
            try decide(action, context, place: try await access.control.place(of: id), what: "camera")
        case .channel(let action):
            let id: ChannelID = try context.identifier("channel")
            try decide(action, context, place: try await access.control.place(of: id), what: "channel")
        case .clip(let action):
            try await decide(action, context, of: try await channel(ofClip: try context.identifier("clip")), what: "clip")
        case .event(let action):
            try await decide(action, context, of: try await channel(ofEvent: try context.identifier("event")), what: "event")
        case .export(let action):
            guard let record = try await services.exports.export(try context.identifier("export")) else { throw Problem.notFound("export") }
            for channel in record.channels { try await decide(action, context, of: channel.id, what: "export") }
        case .liveView(let action):
            guard let session = services.live.sessions.session(try context.identifier("live view")) else {
                throw Problem.notFound("live view")
            }
            // One's own one may always see and end.
            if let caller = context.caller, caller.name == session.person {
                if let place = try await access.control.place(of: session.channel) { context.notes.note(site: place.site) }
                return
            }
            try await decide(action, context, of: session.channel, what: "live view")
        }
    }

    /// What was recorded outlives its channel, and its site; whoever may see all footage sees it then.
    private func decide(_ action: Action, _ context: APIContext, of channel: ChannelID?, what: String) async throws {
        guard let channel else { throw Problem.notFound(what) }
        let place = try await access.control.place(of: channel)
        if place == nil, context.rights.elsewhere.contains(action) { return }
        try decide(action, context, place: place, what: what)
    }

    private func decide(_ action: Action, _ context: APIContext, place: Place?, what: String) throws {
        guard let place, context.rights.see(place) else { throw Problem.notFound(what) }
        context.notes.note(site: place.site)
        guard context.rights.allow(action, at: place) else { throw Self.refusal(action) }
    }

    private func channel(ofClip id: ClipID) async throws -> ChannelID? {
        try await services.spool.index.clip(id)?.channelId
    }

    private func channel(ofEvent id: EventID) async throws -> ChannelID? {
        try await services.database.read { try EventRecord.fetchOne($0, key: id)?.channelId }
    }

    static func refusal(_ action: Action) -> Problem {
        Problem(.forbidden, "not-permitted", "Not permitted", "You may not do this: the permission “\(action.rawValue)” is missing.")
    }

    private static let noRule = Problem(.forbidden, "not-permitted", "Not permitted", "Nobody may do this.")
    private static let notByKey = Problem(
        .forbidden, "not-permitted", "Not permitted", "This is for the person, not for a program's key. Sign in with the password.")
}

// What routes ask that give or take several things at once, or much.
extension APIContext {
    /// Refuses whoever does not know the caller's password, though signed in.
    func confirm(_ password: String, _ access: AccessServices) async throws {
        guard let caller else { throw Problem.notSignedIn }
        do {
            try await access.signIns.confirm(caller.id, password: password, from: remoteAddress)
        } catch AccessDenied.wrongPassword {
            throw Problem.wrongOwnPassword
        }
    }

    /// Refuses what the caller may not do with a channel that the request names.
    func require(_ action: Action, _ channel: ChannelID, _ control: AccessControl) async throws {
        guard let place = try await control.place(of: channel), rights.see(place) else { throw Problem.notFound("channel") }
        notes.note(site: place.site)
        guard rights.allow(action, at: place) else { throw AccessGate.refusal(action) }
    }

    /// The channels of which the caller may do something; nil for all, those that are no more included.
    func channels(_ action: Action, _ control: AccessControl) async throws -> Set<ChannelID>? {
        guard rights.actions.contains(action) else { return [] }
        return try await control.channels(action, rights)
    }

    /// The site that something is added to: the one that the request names, else the only one where the caller may do it.
    func site(_ named: SiteID?, _ action: Action, _ catalogue: DeviceCatalogue) async throws -> SiteRecord {
        let able = rights.sites(action)
        if let named {
            guard rights.see(Place(site: named)) else { throw Problem.notFound("site") }
            guard able.contains(named) else { throw AccessGate.refusal(action) }
            notes.note(site: named)
            return try await catalogue.site(named)
        }
        guard let only = able.first, able.count == 1 else {
            guard !able.isEmpty else { throw AccessGate.refusal(action) }
            throw Problem.invalid([
                .init(field: "/siteId", detail: "siteId is missing: there are \(able.count) sites where you may add it.")
            ])
        }
        notes.note(site: only)
        return try await catalogue.site(only)
    }
}
