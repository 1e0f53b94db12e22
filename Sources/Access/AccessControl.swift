public import BoxDatabase
public import Core
import GRDB
import Synchronization

/// Decides who may do what, from a picture of people, roles, sites and devices that is made anew whenever one of them has changed.
///
/// Whoever is answered after a change was committed is answered by it.
public final class AccessControl: Sendable {
    /// Who is who, and what belongs where.
    private struct Picture: Sendable {
        struct Person: Sendable {
            let permissions: Set<RolePermission>
            let assigned: Set<SiteID>
            let role: String
        }
        var people: [PersonID: Person] = [:]
        var siteOfDevice: [DeviceID: SiteID] = [:]
        var siteOfChannel: [ChannelID: SiteID] = [:]
        var sites: [SiteID] = []
    }

    private struct State {
        var picture: Picture?
        /// Rises with each change.
        var version = 0
        var pictureVersion = -1
    }

    private let database: BoxDatabase
    private let state = Mutex(State())
    private let observer: Observer

    public init(database: BoxDatabase) {
        self.database = database
        let observer = Observer()
        self.observer = observer
        observer.changed = { [weak self] in self?.state.withLock { $0.version += 1 } }
        database.queue.add(transactionObserver: observer, extent: .observerLifetime)
    }

    /// What somebody may do now; nothing for whom is none (any more).
    public func rights(of person: PersonID, limitedTo actions: Set<Action>? = nil) async throws -> Rights {
        let picture = try await current()
        guard let found = picture.people[person] else { return .none }
        let allowed = found.permissions.reduce(into: Set<Action>()) { $0.formUnion(Action.granted(by: $1)) }
        let rights = Rights(actions: allowed, sites: found.permissions.contains(.manageAllSites) ? nil : found.assigned)
        return actions.map { rights.limited(to: $0) } ?? rights
    }

    /// The name of somebody's role.
    public func role(of person: PersonID) async throws -> String? { try await current().people[person]?.role }

    public func site(of device: DeviceID) async throws -> SiteID? { try await current().siteOfDevice[device] }

    public func site(of channel: ChannelID) async throws -> SiteID? { try await current().siteOfChannel[channel] }

    /// All sites, the oldest first.
    public func sites() async throws -> [SiteID] { try await current().sites }

    /// The channels of some sites.
    public func channels(of sites: Set<SiteID>) async throws -> Set<ChannelID> {
        Set(try await current().siteOfChannel.filter { sites.contains($0.value) }.keys)
    }

    private func current() async throws -> Picture {
        let known = state.withLock { state in (state.pictureVersion == state.version ? state.picture : nil, state.version) }
        if let picture = known.0 { return picture }
        let picture = try await database.read { try Self.read($0) }
        state.withLock { state in
            // What changed meanwhile raised the version: the picture is good for this answer and no longer.
            guard known.1 >= state.pictureVersion else { return }
            state.picture = picture
            state.pictureVersion = known.1
        }
        return picture
    }

    private static func read(_ database: Database) throws -> Picture {
        var picture = Picture()
        let roles = Dictionary(uniqueKeysWithValues: try RoleRecord.fetchAll(database).map { ($0.id, $0) })
        let assigned = Dictionary(grouping: try SiteAssignmentRecord.fetchAll(database)) { $0.personId }
        for person in try PersonRecord.fetchAll(database) where person.disabledAt == nil {
            guard let role = roles[person.roleId] else { continue }
            picture.people[person.id] = .init(
                permissions: role.permissions, assigned: Set(assigned[person.id, default: []].map(\.siteId)), role: role.name)
        }
        for row in try Row.fetchAll(database, sql: "SELECT id, siteId FROM device") { picture.siteOfDevice[row["id"]] = row["siteId"] }
        for row in try Row.fetchAll(database, sql: "SELECT id, siteId FROM channel") { picture.siteOfChannel[row["id"]] = row["siteId"] }
        picture.sites = try SiteRecord.order(Column("createdAt"), Column("id")).fetchAll(database).map(\.id)
        return picture
    }

    /// Hears of changes on the database's own queue, before whoever made them goes on.
    private final class Observer: TransactionObserver, Sendable {
        private static let tables: Set<String> = ["person", "role", "siteAssignment", "site", "device", "channel"]

        private struct State {
            var isDirty = false
            var changed: @Sendable () -> Void = {}
        }

        private let state = Mutex(State())

        var changed: @Sendable () -> Void {
            get { state.withLock { $0.changed } }
            set { state.withLock { $0.changed = newValue } }
        }

        func observes(eventsOfKind kind: DatabaseEventKind) -> Bool { Self.tables.contains(kind.tableName) }

        func databaseDidChange(with event: DatabaseEvent) { state.withLock { $0.isDirty = true } }

        func databaseDidCommit(_ database: Database) {
            let changed: (@Sendable () -> Void)? = state.withLock { state in
                defer { state.isDirty = false }
                return state.isDirty ? state.changed : nil
            }
            changed?()
        }

        func databaseDidRollback(_ database: Database) { state.withLock { $0.isDirty = false } }
    }
}
