public import BoxDatabase
public import Core

/// Where something is, as far as it matters for who may do what with it.
public struct Place: Sendable, Hashable {
    public let site: SiteID
    public let device: DeviceID?
    public let channel: ChannelID?

    public init(site: SiteID, device: DeviceID? = nil, channel: ChannelID? = nil) {
        self.site = site
        self.device = device
        self.channel = channel
    }
}

/// What one caller may do at one site.
public struct SiteRights: Sendable, Equatable {
    /// With the site itself.
    public var site: Set<Action>
    /// With each of its devices, those that are no more included, of which nothing else is said.
    public var devices: Set<Action>
    /// With these devices instead.
    public var device: [DeviceID: Set<Action>] = [:]
    /// With these channels besides.
    public var channel: [ChannelID: Set<Action>] = [:]

    public init(site: Set<Action>, devices: Set<Action>) {
        self.site = site
        self.devices = devices
    }

    func allows(_ action: Action, at place: Place) -> Bool {
        guard place.device != nil || place.channel != nil else { return site.contains(action) }
        let ofDevice = place.device.flatMap { device[$0] } ?? devices
        return ofDevice.contains(action) || place.channel.flatMap { channel[$0] }?.contains(action) ?? false
    }

    /// All that they may do there.
    func actions(at place: Place) -> Set<Action> {
        guard place.device != nil || place.channel != nil else { return site }
        return (place.device.flatMap { device[$0] } ?? devices).union(place.channel.flatMap { channel[$0] } ?? [])
    }

    /// All that they may do somewhere there.
    var actions: Set<Action> {
        [Array(device.values), Array(channel.values)].joined().reduce(site.union(devices)) { $0.union($1) }
    }

    func limited(to others: Set<Action>) -> SiteRights {
        var limited = SiteRights(site: site.intersection(others), devices: devices.intersection(others))
        limited.device = device.mapValues { $0.intersection(others) }
        limited.channel = channel.mapValues { $0.intersection(others) }
        return limited
    }
}

/// What one caller may do, and where; a picture of the moment in which it was asked for.
public struct Rights: Sendable, Equatable {
    /// With the box, its people and its company.
    public let box: Set<Action>
    /// The sites that they may know of, with what they may do there.
    public let sites: [SiteID: SiteRights]
    /// With what is of no site any more.
    public let elsewhere: Set<Action>
    /// What they may do at all, somewhere.
    public let actions: Set<Action>

    public init(box: Set<Action>, sites: [SiteID: SiteRights] = [:], elsewhere: Set<Action> = []) {
        self.box = box
        self.sites = sites
        self.elsewhere = elsewhere
        actions = sites.values.reduce(box.union(elsewhere)) { $0.union($1.actions) }
    }

    /// Nothing at all.
    public static let none = Rights(box: [])

    /// Whether they may do something with the box, its people or its company.
    public func allow(_ action: Action) -> Bool { box.contains(action) }

    /// Whether they may do something there.
    public func allow(_ action: Action, at place: Place) -> Bool { sites[place.site]?.allows(action, at: place) ?? false }

    /// All that they may do there.
    public func actions(at place: Place) -> Set<Action> { sites[place.site]?.actions(at: place) ?? [] }

    /// Whether they may do it with all that there is, of sites that are no more as well.
    public func allowEverywhere(_ action: Action) -> Bool {
        elsewhere.contains(action)
            && sites.values.allSatisfy { $0.devices.contains(action) && $0.device.values.allSatisfy { $0.contains(action) } }
    }

    /// Whether they may do it at one site at least.
    public func allowSomewhere(_ action: Action) -> Bool { sites.values.contains { $0.site.contains(action) } }

    /// Whether they may know that it is there: what they may not do there is refused then, not denied to be.
    public func see(_ place: Place) -> Bool { sites[place.site].map { !$0.actions(at: place).isEmpty } ?? false }

    /// The sites at which they may do something with the site itself.
    public func sites(_ action: Action) -> Set<SiteID> { Set(sites.filter { $0.value.site.contains(action) }.keys) }

    /// The sites of which they see anything.
    public var seen: Set<SiteID> { Set(sites.keys) }

    /// No more than `others`: a program's key is good for a part of what its person may do.
    func limited(to others: Set<Action>) -> Rights {
        Rights(
            box: box.intersection(others), sites: sites.mapValues { $0.limited(to: others) }, elsewhere: elsewhere.intersection(others))
    }
}

extension DeviceRecord {
    public var place: Place { Place(site: siteId, device: id) }
}

extension ChannelRecord {
    public var place: Place { Place(site: siteId, device: deviceId, channel: id) }
}
