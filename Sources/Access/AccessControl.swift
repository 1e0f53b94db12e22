public import BoxDatabase
public import Core
import Foundation
import Synchronization

/// Decides who may do what, from a picture of people, roles, sites, devices and permissions that is made anew whenever one of them has changed.
///
/// Whoever is answered after a change was committed is answered by it. What an owner gave for a time ends by itself.
public final class AccessControl: Sendable {
    private struct State {
        /// The number of the picture that the rest is of.
        var version = -1
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

    private static let tables: Set<String> = [
        "person", "role", "siteAssignment", "site", "device", "channel", "formerChannel", "handover", "sitePermission", "siteShare",
    ]

    private let pictures: CachedRead<AccessPicture>
    private let time: TimeSource
    private let state = Mutex(State())

    public init(database: BoxDatabase, time: TimeSource) {
        pictures = CachedRead(database, tables: Self.tables) { try AccessPicture($0) }
        self.time = time
    }

    /// What somebody may do now; nothing for whom is none (any more).
    public func rights(of person: PersonID, limitedTo actions: Set<Action>? = nil) async throws -> Rights {
        let (picture, version) = try await versioned()
        let asker = Asker(person: person, actions: actions)
        let inForce = Set(picture.ending.filter { isInForce($0) }.map(\.id))
        if let known = state.withLock({ $0.version == version && $0.inForce == inForce ? $0.known[asker] : nil }) { return known }
        let all = picture.rights(of: person) { $0.endsAt == nil || inForce.contains($0.id) }
        let rights = actions.map { all.limited(to: $0) } ?? all
        state.withLock { state in
            guard state.version == version else { return }
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

    /// Whether somebody works for another company than the one that set the box up.
    public func isOfAnotherCompany(_ person: PersonID) async throws -> Bool { try await current().people[person]?.isPartner ?? false }

    /// Whether a site is only shared with somebody's company: what is between its owner and provider is not theirs to know.
    public func isPartner(_ id: PersonID, at site: SiteID) async throws -> Bool {
        let picture = try await current()
        guard let person = picture.people[id], person.isPartner else { return false }
        return picture.sites[site]?.company != person.company
    }

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

    private func current() async throws -> AccessPicture { try await versioned().picture }

    private func versioned() async throws -> (picture: AccessPicture, version: Int) {
        let (picture, version) = try await pictures.versioned()
        if state.withLock({ $0.version >= version }) { return (picture, version) }
        let (now, uptime) = (time.now(), time.uptime())
        state.withLock { state in
            guard version > state.version else { return }
            // A deadline never moves away.
            let former = state.deadlines
            state.deadlines = [:]
            for permission in picture.ending {
                guard let left = permission.left(at: now) else { continue }
                let deadline = uptime + .seconds(left)
                state.deadlines[permission.id] = min(former[permission.id] ?? deadline, deadline)
            }
            (state.version, state.known, state.inForce) = (version, [:], [])
        }
        return (picture, version)
    }
}
