import BoxDatabase
import Core

/// What somebody may do. Each route of the API, each stream and each command asks for one.
public enum Action: String, Sendable, Codable, CaseIterable {
    // At a site.

    /// See that it is there, with its devices and channels and how they are.
    case viewSite = "view-site"
    /// Change its name and what else is known of it.
    case manageSite = "manage-site"
    /// Add, set and remove devices and channels; link them to the cloud.
    case configure
    /// See what happens now.
    case viewLive = "view-live"
    /// See what was recorded, and what happened.
    case playBack = "play-back"
    /// Take footage away.
    case export
    /// Move lenses, and set where they look.
    case moveLens = "move-lens"
    /// Speak through a device.
    case talk
    case openDoor = "open-door"
    /// Activate, renew and move plans.
    case managePlans = "manage-plans"
    /// Take a device off the box.
    case removeDevice = "remove-device"
    case deleteSite = "delete-site"
    /// Send a site to its owner.
    case handOver = "hand-over"
    /// Ask the owner for permissions, and release them.
    case apply
    /// Let others do something, and take it back: the owner's.
    case grant
    /// Switch the owner's own use of a device off, where they have allowed it.
    case controlRemoteUse = "control-remote-use"
    /// Let another company help with the site.
    case share
    /// Help with a site no longer: a partner's.
    case leaveSite = "leave-site"

    // Of the box.

    case addSite = "add-site"
    /// Ask the owner of a site that nobody looks after to be let in: what another company begins with.
    case applyForSite = "apply-for-site"
    /// See how the box, its storage and its line are.
    case viewBox = "view-box"
    /// Set the box, its storage, its line and its ways to the outside.
    case configureBox = "configure-box"
    /// See who the employees are, and what roles there are.
    case viewPeople = "view-people"
    /// Say which employee manages which site.
    case assignSites = "assign-sites"
    /// Invite, disable and delete employees; make and change roles.
    case managePeople = "manage-people"
    case manageCompany = "manage-company"
    /// Read what everybody did.
    case readLog = "read-log"
    /// Take a copy of everything the box knows, secrets included.
    case backUp = "back-up"
    /// Make the box forget everything.
    case resetBox = "reset-box"
    /// Decide whether a device that somebody else has in their hands is taken off its site.
    case unbind

    /// Those that are about one site.
    public static let ofSites: Set<Action> = [
        .viewSite, .manageSite, .configure, .viewLive, .playBack, .export, .moveLens, .talk, .openDoor, .managePlans, .removeDevice,
        .deleteSite, .handOver, .apply, .grant, .controlRemoteUse, .share, .leaveSite,
    ]

    /// What an employee who looks after a site does there, before it has an owner.
    private static let ofManagers = ofSites.subtracting([.managePlans, .grant, .leaveSite])

    /// What the owner does at their site, with what is there.
    static let ofOwners = ofSites.subtracting([
        .managePlans, .deleteSite, .handOver, .apply, .controlRemoteUse, .share, .leaveSite,
    ])

    /// What another company does at a site whose owner chose it for their provider, as far as the owner grants it.
    static let ofProviders = ofManagers.union([.managePlans])

    /// What an installation partner does with devices, until the handover. Neither plans nor what becomes of the site is theirs.
    static let ofInstallers: Set<Action> = [
        .viewSite, .configure, .viewLive, .playBack, .export, .moveLens, .talk, .openDoor, .removeDevice,
    ]

    /// What an owner's permission lets the provider do.
    static func granted(by permission: SitePermission) -> Set<Action> {
        switch permission {
        case .siteInformation: [.manageSite]
        case .configuration: [.configure, .openDoor, .managePlans]
        case .liveView: [.viewLive, .moveLens, .talk]
        case .playback: [.playBack, .export]
        }
    }

    /// What a role's permission lets its holders do at the sites that they manage, and with the box.
    static func granted(by permission: RolePermission) -> Set<Action> {
        switch permission {
        case .manageAllSites: ofManagers.union([.addSite, .applyForSite, .viewBox, .configureBox, .viewPeople, .assignSites, .readLog])
        case .manageAssignedSite: ofManagers.union([.addSite, .applyForSite, .viewBox])
        case .manageAccountAndRole: [.viewPeople, .managePeople, .viewBox]
        case .manageCompanyInformation: [.manageCompany, .viewBox]
        case .manageServicePackageAndOrder: [.managePlans, .viewBox]
        }
    }

    /// What a role lets its holders do: the most only who may do everything else with the box as well.
    static func granted(by permissions: Set<RolePermission>) -> Set<Action> {
        let each = permissions.reduce(into: Set<Action>()) { $0.formUnion(granted(by: $1)) }
        return permissions.isSuperset(of: [.manageAllSites, .manageAccountAndRole]) ? each.union([.backUp, .resetBox, .unbind]) : each
    }
}

extension Set<Action> {
    private static let byWord = Action.allCases.sorted { $0.rawValue < $1.rawValue }

    /// Their names, in order.
    public var words: [String] { Self.byWord.filter(contains).map(\.rawValue) }
}
