import BoxDatabase
public import Core

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

    // Of the box.

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

    /// Those that are about one site.
    public static let ofSites: Set<Action> = [
        .viewSite, .manageSite, .configure, .viewLive, .playBack, .export, .moveLens, .talk, .openDoor, .managePlans,
    ]

    /// What a role's permission lets its holders do at the sites that they manage, and with the box.
    static func granted(by permission: RolePermission) -> Set<Action> {
        switch permission {
        case .manageAllSites: ofSites.subtracting([.managePlans]).union([.viewBox, .configureBox, .viewPeople, .assignSites, .readLog])
        case .manageAssignedSite: ofSites.subtracting([.managePlans]).union([.viewBox])
        case .manageAccountAndRole: [.viewPeople, .managePeople, .viewBox]
        case .manageCompanyInformation: [.manageCompany, .viewBox]
        case .manageServicePackageAndOrder: [.managePlans, .viewBox]
        }
    }
}

/// What one caller may do, and where; a picture of the moment in which it was asked for.
public struct Rights: Sendable, Equatable {
    /// What they may do at all.
    public let actions: Set<Action>
    /// The sites where they may do what is about sites; nil for all of them.
    public let sites: Set<SiteID>?

    public init(actions: Set<Action>, sites: Set<SiteID>?) {
        self.actions = actions
        self.sites = sites
    }

    /// Nothing at all.
    public static let none = Rights(actions: [], sites: [])

    /// Whether they may do something with the box, its people or its company.
    public func allow(_ action: Action) -> Bool { !Action.ofSites.contains(action) && actions.contains(action) }

    /// Whether they may do something at a site.
    public func allow(_ action: Action, at site: SiteID) -> Bool {
        Action.ofSites.contains(action) && actions.contains(action) && (sites?.contains(site) ?? true)
    }

    /// Whether they may do it at every site, those that are no more included.
    public func allowEverywhere(_ action: Action) -> Bool { actions.contains(action) && sites == nil }

    /// No more than `others`: a program's key is good for a part of what its person may do.
    func limited(to others: Set<Action>) -> Rights { Rights(actions: actions.intersection(others), sites: sites) }
}
