public import BoxDatabase
public import Core
import Foundation
import GRDB
import Synchronization

/// Decides who may do what, from a picture of people, roles, sites, devices and permissions that is made anew whenever one of them has changed.
///
/// Whoever is answered after a change was committed is answered by it. What an owner gave for a time ends by itself.
public final class AccessControl: Sendable {
    private struct State {
        var picture: AccessPicture?
        /// Rises with each change.
        var version = 0
        var pictureVersion = -1
        /// Rights by this picture while of what ends by itself `inForce` is in force.
        var known: [Asker: Rights] = [:]
        var inForce: Set<SitePermissionID> = []
        /// When permissions with an end are over at the latest, on the clock that nobody sets.
        var deadlines: [SitePermissionID: Duration] = [:]
    }

    private struct Asker: Hashable {
        let person: PersonID
        let actions: Set<Action>?
    }

    /// Rights of so many are kept.
    private static let mostKnown = 1000

    private let database: BoxDatabase
    private let time: TimeSource
    private let state = Mutex(State())
    private let observer: Observer

    public init(database: BoxDatabase, time: TimeSource) {
        self.database = database
        self.time = time
        let observer = Observer()
        self.observer = observer
        observer.changed = { [weak self] in self?.state.withLock { $0.version += 1 } }
        database.queue.add(transactionObserver: observer, extent: .observerLifetime)
    }

    /// What somebody may do now; nothing for whom is none (any more).
    public func rights(of person: PersonID, limitedTo actions: Set<Action>? = nil) async throws -> Rights {
        let (picture, asker) = (try await current(), Asker(person: person, actions: actions))
        let inForce = Set(picture.ending.filter { isInForce($0) }.map(\.id))
        if let known = state.withLock({ $0.picture?.id == picture.id && $0.inForce == inForce ? $0.known[asker] : nil }) { return known }
        let all = picture.rights(of: person) { $0.endsAt == nil || inForce.contains($0.id) }
        let rights = actions.map { all.limited(to: $0) } ?? all
        state.withLock { state in
            guard state.picture?.id == picture.id else { return }
            if state.inForce != inForce || state.known.count >= Self.mostKnown { state.known = [:] }
            state.inForce = inForce
            state.known[asker] = rights
        }
        return rights
    }

    /// Whether a permission has not ended: by the clock, and by the time that has passed whatever the clock was set to.
    public func isInForce(_ permission: SitePermissionRecord) -> Bool {
        guard let endsAt = permission.endsAt else { return true }
        let (now, uptime) = (time.now(), time.uptime())
        guard now < endsAt, permission.left(at: now) ?? 1 > 0 else { return false }
        return state.withLock { $0.deadlines[permission.id].map { uptime < $0 } ?? true }
    }

    /// The name of somebody's role.
    public func role(of person: PersonID) async throws -> String? { try await current().people[person]?.role }

    /// Whether somebody owns a site and has no employer.
    public func isOwner(_ person: PersonID) async throws -> Bool { try await current().people[person]?.company == nil }

    /// Whether somebody works for a company with which sites are shared.
    public func isPartner(_ person: PersonID) async throws -> Bool { try await current().people[person]?.isPartner ?? false }

    public func place(of device: DeviceID) async throws -> Place? {
        try await current().siteOfDevice[device].map { Place(site: $0, device: device) }
    }

    /// Also of a channel that is no more, as long as its site is there.
    public func place(of channel: ChannelID) async throws -> Place? { try await current().placeOfChannel[channel] }

    /// Whether the provider as a whole may do something with a channel: before the handover, or with a permission for all its employees.
    public func providerMay(_ action: Action, _ channel: ChannelID) async throws -> Bool {
        let picture = try await current()
        guard let place = picture.placeOfChannel[channel] else { return false }
        return picture.providerRights(at: place.site) { isInForce($0) }.allows(action, at: place)
    }

    /// How far a site is on its way to its owner; nil for none.
    public func status(of site: SiteID) async throws -> SiteStatus? { try await current().sites[site]?.status }

    /// The channels with which somebody may do something, those that are no more included; nil for all that ever were.
    public func channels(_ action: Action, _ rights: Rights) async throws -> Set<ChannelID>? {
        if rights.allowEverywhere(action) { return nil }
        return Set(try await current().placeOfChannel.filter { rights.allow(action, at: $0.value) }.keys)
    }

    private func current() async throws -> AccessPicture {
        let known = state.withLock { state in (state.pictureVersion == state.version ? state.picture : nil, state.version) }
        if let picture = known.0 { return picture }
        let picture = try await database.read { try AccessPicture($0) }
        let (now, uptime) = (time.now(), time.uptime())
        state.withLock { state in
            // What changed meanwhile raised the version: the picture is good for this answer and no longer.
            guard known.1 >= state.pictureVersion else { return }
            // A deadline never moves away.
            let former = state.deadlines
            state.deadlines = [:]
            for permission in picture.permissions.values.joined() {
                guard let left = permission.left(at: now) else { continue }
                let deadline = uptime + .seconds(left)
                state.deadlines[permission.id] = min(former[permission.id] ?? deadline, deadline)
            }
            state.picture = picture
            state.pictureVersion = known.1
            (state.known, state.inForce) = ([:], [])
        }
        return picture
    }

    /// Hears of changes on the database's own queue, before whoever made them goes on.
    private final class Observer: TransactionObserver, Sendable {
        private static let tables: Set<String> = [
            "person", "role", "siteAssignment", "site", "device", "channel", "formerChannel", "handover", "sitePermission", "siteShare",
        ]

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
