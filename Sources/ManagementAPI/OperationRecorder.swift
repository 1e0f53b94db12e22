import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOFoundationCompat
import Synchronization

/// What a route tells of what it did, for the operation log.
final class OperationNotes: Sendable {
    /// Who is known by a device's password alone, and by the set-up code alone.
    static let byDevice = "at the site"
    static let byCode = "whoever has the set-up code"
    static let byLink = "whoever has the link"

    private struct State {
        var person: String?
        var before: [String: JSONValue]?
        var subject: String?
        var subjectName: String?
        var sites: Set<SiteID> = []
    }

    private let state = Mutex(State())

    /// Who it was, where the request alone tells (signing in, joining, watching at the site).
    var person: String? {
        get { state.withLock { $0.person } }
        set { state.withLock { $0.person = newValue } }
    }

    /// The sites whose owners read of it: where it was decided that it may be done, and others that the route names.
    var sites: Set<SiteID> { state.withLock { $0.sites } }

    /// It is done at this site, or at this one as well.
    func note(site: SiteID) { state.withLock { _ = $0.sites.insert(site) } }

    /// How it was before, where the thing's own address does not tell.
    var before: [String: JSONValue]? {
        get { state.withLock { $0.before } }
        set { state.withLock { $0.before = newValue } }
    }

    /// What it was done to, where the address does not tell.
    func note(subject: String?, name: String?) {
        state.withLock { state in
            state.subject = subject
            state.subjectName = name
        }
    }

    var subject: (id: String?, name: String?) { state.withLock { ($0.subject, $0.subjectName) } }
}

/// Takes down who did what, on what, with which result.
final class OperationRecorder: Sendable {
    private static let largestBody = 64 << 10
    private static let longestSubject = 64

    private let services: BoxServices
    private let viewer: ResourceViewer
    private let repeats: Repeats

    init(services: BoxServices, viewer: ResourceViewer) {
        self.services = services
        self.viewer = viewer
        repeats = Repeats(time: services.time)
    }

    /// Does something and takes it down, be it done or refused.
    func record(
        _ rule: AccessRule, _ request: Request, _ context: APIContext, _ body: (Request) async throws -> Response
    ) async throws -> Response {
        guard rule.log != .never else { return try await body(request) }
        var request = request
        let asked = try await request.json(upTo: Self.largestBody).flatMap(Self.object)
        let before = try await look(rule, request, context)
        do {
            let response = try await body(request)
            await append(rule, context, asked, before, result: response.status.code < 400 ? "done" : "\(response.status.code)")
            return response
        } catch {
            let problem = Problem.of(error)
            // Guesses that are not even looked at are counted elsewhere; they must not fill the log.
            if problem?.status != .tooManyRequests, !(error is CancellationError) {
                await append(rule, context, asked, before, result: problem?.slug ?? "internal")
            }
            throw error
        }
    }

    private func append(
        _ rule: AccessRule, _ context: APIContext, _ asked: [String: JSONValue]?, _ before: [String: JSONValue]?, result: String
    ) async {
        let isDone = result == "done"
        // Nobody who is not known fills the log by asking for what is open.
        if rule.scope == .open, context.notes.person == nil { return }
        let subject = context.notes.subject
        let id = (subject.id ?? context.parameters.get("id")).map { String($0.prefix(Self.longestSubject)) }
        let who = context.caller?.name ?? context.remoteAddress
        // Of more refusals in a minute than are told apart none is taken down: whoever asks for a thousand things that are not there must not
        // push out what was done.
        if rule.log == .oncePerMinute || !isDone,
            repeats.isRepeated("\(who) \(rule.operation) \(id ?? "") \(result)", whenFull: !isDone)
        {
            return
        }
        let known = rule.method == .delete ? before : before.map { before in before.filter { asked?[$0.key] != nil } }
        // Who only says who they are is not believed, nor is written down what was typed in the wrong field.
        let said = context.notes.person
        let person = if let caller = context.caller { caller.name } else if isDone { said } else { await accountName(said) }
        let after = isDone || rule.scope != .open ? asked : nil
        var operation = Operation(
            personId: context.caller?.id, person: person ?? "unknown", role: nil, action: rule.operation, subject: id,
            before: Self.text(context.notes.before ?? known), after: Self.text(after), address: context.remoteAddress, result: result)
        if let caller = context.caller { operation.role = await role(of: caller) }
        operation.subjectName = await name(subject.name, rule, id, before)
        var sites = context.notes.sites
        // Of what was refused it is not known whether the caller may know of the site: its owner does not read what strangers typed.
        if sites.isEmpty, isDone, let site = await site(of: id) { sites = [site] }
        await write(operation, at: sites)
    }

    /// A line for each site, so that its owner reads it. One of several sites tells nothing of the others; of a site that nobody looks after
    /// the provider, who reads all lines, learns no more than that something was done.
    private func write(_ operation: Access.Operation, at sites: Set<SiteID>) async {
        guard !sites.isEmpty else { return await write(operation) }
        for site in sites.sorted(by: { $0.text < $1.text }) {
            var line = operation
            line.site = site
            let view = try? await services.access.sites.one(site)
            if sites.count > 1 || view?.status == .notAuthorized {
                (line.before, line.after) = (nil, nil)
                if line.subjectName != view?.record.name { line.subjectName = nil }
            }
            await write(line)
        }
    }

    /// In a task of its own: what was done is written down though whoever asked for it has gone.
    private func write(_ operation: Access.Operation) async {
        let (log, logger) = (services.access.log, services.logger)
        await Task {
            do { try await log.append(operation) } catch {
                logger.error(
                    "an operation could not be written down",
                    metadata: ["action": "\(operation.action)", "person": "\(operation.person)", "error": "\(error)"])
            }
        }.value
    }

    /// What a program did with somebody's key is told from what they did themselves.
    private func role(of caller: Caller) async -> String? {
        let role = try? await services.access.control.role(of: caller.id)
        let words = [role, caller.key.map { "key “\($0)”" }].compactMap { $0 }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    private static func text(_ fields: [String: JSONValue]?) -> String? {
        fields.flatMap { $0.isEmpty ? nil : Redaction.text($0) }
    }

    /// An account of this name, as it is spelt there; what else was typed may have been a password.
    private func accountName(_ typed: String?) async -> String? {
        guard let typed else { return nil }
        if typed.hasPrefix(OperationNotes.byDevice) || typed == OperationNotes.byCode || typed == OperationNotes.byLink { return typed }
        return try? await services.database.read { try PersonRecord.filter(Column("userName") == typed).fetchOne($0)?.userName }
    }

    // MARK: What it is about

    private func name(_ noted: String?, _ rule: AccessRule, _ id: String?, _ before: [String: JSONValue]?) async -> String? {
        if let noted { return noted }
        if case .string(let name)? = before?["name"] { return name }
        guard let id else { return nil }
        let found = try? await services.database.read { database -> String? in
            switch rule.scope {
            case .channel: try ChannelRecord.fetchOne(database, key: id)?.name
            case .device: try DeviceRecord.fetchOne(database, key: id)?.name
            case .clip: try ClipRecord.fetchOne(database, key: id)?.channelName
            default: nil
            }
        }
        return found ?? nil
    }

    /// Where something is that a route found by itself: a site, or what is there.
    private func site(of id: String?) async -> SiteID? {
        guard let id else { return nil }
        let found = try? await services.database.read { database -> SiteID? in
            if let site = try SiteRecord.fetchOne(database, key: id) { return site.id }
            if let device = try DeviceRecord.fetchOne(database, key: id) { return device.siteId }
            return try ChannelRecord.fetchOne(database, key: id)?.siteId
        }
        return found ?? nil
    }

    /// How a thing is before it is changed, as its own route answers.
    private func look(_ rule: AccessRule, _ request: Request, _ context: APIContext) async throws -> [String: JSONValue]? {
        guard rule.isLookedAt, [.patch, .put, .delete].contains(request.method), AccessRules.rule(.get, rule.path) != nil else {
            return nil
        }
        return try await viewer.json(at: request, context: context).flatMap(Self.object)
    }

    private static func object(_ buffer: ByteBuffer) -> [String: JSONValue]? {
        guard case .object(let object)? = try? JSONDecoder().decode(JSONValue.self, from: Data(buffer.readableBytesView)) else {
            return nil
        }
        return object
    }
}
