import BoxDatabase
import Core
import GRDB

/// Who is who, what belongs where, and what owners gave.
struct AccessPicture: Sendable {
    struct Person: Sendable {
        /// Nil for a site owner.
        let company: CompanyID?
        let isPartner: Bool
        let permissions: Set<RolePermission>
        let assigned: Set<SiteID>
        let role: String
    }

    struct Site: Sendable {
        let company: CompanyID?
        let owner: PersonID?
        let status: SiteStatus
        let controlsRemoteUse: Bool
        /// Devices that the owner may not use.
        var closed: Set<DeviceID> = []
    }

    private(set) var people: [PersonID: Person] = [:]
    private(set) var sites: [SiteID: Site] = [:]
    private(set) var siteOfDevice: [DeviceID: SiteID] = [:]
    private(set) var placeOfChannel: [ChannelID: Place] = [:]
    private(set) var permissions: [SiteID: [SitePermissionRecord]] = [:]
    /// Those that end by themselves.
    private(set) var ending: [SitePermissionRecord] = []
    /// Accepted ones.
    private(set) var shares: [CompanyID: [SiteShareRecord]] = [:]

    init(_ database: Database) throws {
        let roles = Dictionary(uniqueKeysWithValues: try RoleRecord.fetchAll(database).map { ($0.id, $0) })
        let assigned = Dictionary(grouping: try SiteAssignmentRecord.fetchAll(database)) { $0.personId }
        for person in try PersonRecord.fetchAll(database) where person.disabledAt == nil {
            let role = person.roleId.flatMap { roles[$0] }
            people[person.id] = Person(
                company: person.companyId, isPartner: person.isPartner, permissions: role?.permissions ?? [],
                assigned: Set(assigned[person.id, default: []].map(\.siteId)),
                role: role?.name ?? (person.isPartner ? "Partner" : "Site owner"))
        }
        let pending = try Set(
            HandoverRecord.filter(Column("state") == HandoverRecord.State.pending.rawValue).fetchAll(database).map(\.siteId))
        for site in try SiteRecord.fetchAll(database) {
            sites[site.id] = Site(
                company: site.companyId, owner: site.ownerId, status: SiteStatus(site, hasPendingHandover: pending.contains(site.id)),
                controlsRemoteUse: site.controlsRemoteUse)
        }
        for row in try Row.fetchAll(database, sql: "SELECT id, siteId, ownerUseDisabled FROM device") {
            let (id, site): (DeviceID, SiteID) = (row["id"], row["siteId"])
            siteOfDevice[id] = site
            if row["ownerUseDisabled"] { sites[site]?.closed.insert(id) }
        }
        for row in try Row.fetchAll(database, sql: "SELECT channelId, siteId FROM formerChannel") {
            placeOfChannel[row["channelId"]] = Place(site: row["siteId"], channel: row["channelId"])
        }
        for row in try Row.fetchAll(database, sql: "SELECT id, deviceId, siteId FROM channel") {
            placeOfChannel[row["id"]] = Place(site: row["siteId"], device: row["deviceId"], channel: row["id"])
        }
        permissions = Dictionary(grouping: try SitePermissionRecord.fetchAll(database)) { $0.siteId }
        ending = permissions.values.joined().filter { $0.endsAt != nil }
        // Who was invited has what the owner gave, and nothing by the invitation.
        let accepted = try SiteShareRecord.filter(
            Column("state") == SiteShareRecord.State.accepted.rawValue && Column("kind") != SiteShareRecord.Kind.management.rawValue
        ).fetchAll(database)
        for share in accepted {
            if let company = share.companyId { shares[company, default: []].append(share) }
        }
    }

    /// What somebody may do, with those permissions that are in force.
    func rights(of id: PersonID, isInForce: (SitePermissionRecord) -> Bool) -> Rights {
        guard let person = people[id] else { return .none }
        guard let company = person.company else { return rights(ofOwner: id) }
        if person.isPartner { return rights(ofPartner: id, in: company, isInForce: isInForce) }
        let allowed = Action.granted(by: person.permissions)
        let ofSites = allowed.intersection(Action.ofSites)
        let managesAll = person.permissions.contains(.manageAllSites)
        var found: [SiteID: SiteRights] = [:]
        for (site, known) in sites where known.company == company && (managesAll || person.assigned.contains(site)) {
            found[site] = rights(of: id, in: company, ofSites, at: site, known, isInForce: isInForce)
        }
        // What belongs to no site any more may have been of one that another company looks after.
        let isAlone = sites.values.allSatisfy { $0.company == company }
        return Rights(box: allowed.subtracting(Action.ofSites), sites: found, elsewhere: managesAll && isAlone ? ofSites : [])
    }

    /// What somebody of the company that looks after a site may do there, whose role allows `allowed`.
    private func rights(
        of id: PersonID, in company: CompanyID, _ allowed: Set<Action>, at site: SiteID, _ known: Site,
        isInForce: (SitePermissionRecord) -> Bool
    ) -> SiteRights {
        let given = permissions[site, default: []].filter {
            $0.companyId == company && ($0.personId == nil || $0.personId == id) && isInForce($0)
        }
        return Self.rights(allowed, at: known.status, given, controlsRemoteUse: known.controlsRemoteUse)
    }

    /// What an employee with every right of a role may do at a site.
    func providerRights(at site: SiteID, isInForce: (SitePermissionRecord) -> Bool) -> SiteRights {
        guard let known = sites[site], let company = known.company else { return SiteRights(site: [], devices: []) }
        let given = permissions[site, default: []].filter { $0.companyId == company && $0.personId == nil && isInForce($0) }
        return Self.rights(Action.ofSites, at: known.status, given, controlsRemoteUse: known.controlsRemoteUse)
    }

    /// What an employee whose role allows `allowed` may do at a site.
    private static func rights(
        _ allowed: Set<Action>, at status: SiteStatus, _ given: [SitePermissionRecord], controlsRemoteUse: Bool
    ) -> SiteRights {
        let allowed = controlsRemoteUse ? allowed : allowed.subtracting([.controlRemoteUse])
        switch status {
        case .notHandedOver, .toBeAccepted:
            let open = allowed.subtracting(status.allows(.share) ? [.apply, .controlRemoteUse] : [.apply, .controlRemoteUse, .share])
            return SiteRights(site: open, devices: open)
        case .notAuthorized:
            // What a tenant has allowed stays allowed.
            return SiteRights(site: allowed.intersection([.viewSite, .apply, .controlRemoteUse]), devices: [])
        case .authorized:
            let always = allowed.intersection([.viewSite, .apply, .controlRemoteUse, .share])
            let grants = { (records: [SitePermissionRecord]) in
                records.reduce(into: Set<Action>()) { $0.formUnion(Action.granted(by: $1.permission)) }.intersection(allowed)
            }
            let everywhere = grants(given.filter { $0.deviceId == nil && $0.channelId == nil })
            var rights = SiteRights(site: always.union(everywhere), devices: always.union(everywhere))
            for (device, records) in Dictionary(grouping: given.filter { $0.channelId == nil }, by: \.deviceId) {
                if let device { rights.device[device] = rights.devices.union(grants(records)) }
            }
            for (channel, records) in Dictionary(grouping: given, by: \.channelId) {
                if let channel { rights.channel[channel] = grants(records) }
            }
            return rights
        }
    }

    /// What somebody of a partner's company may do: at sites that are shared with it never more than who shares them may do now, and at those
    /// whose owners chose it for their provider what they granted.
    private func rights(ofPartner id: PersonID, in company: CompanyID, isInForce: (SitePermissionRecord) -> Bool) -> Rights {
        var found: [SiteID: SiteRights] = [:]
        for (site, known) in sites where known.company == company {
            found[site] = rights(of: id, in: company, Action.ofProviders, at: site, known, isInForce: isInForce)
        }
        for share in shares[company, default: []] {
            let provider = providerRights(at: share.siteId, isInForce: isInForce)
            var allowed: Set<Action>
            switch (share.kind, sites[share.siteId]?.status) {
            case (.installation, .notHandedOver), (.installation, .toBeAccepted): allowed = Action.ofInstallers
            case (.maintenance, .authorized):
                allowed = share.permissions.reduce(into: [.viewSite]) { $0.formUnion(Action.granted(by: $1)) }
                allowed.remove(.managePlans)
            default: continue
            }
            var rights = provider.limited(to: allowed)
            rights.site.insert(.leaveSite)
            found[share.siteId] = rights
        }
        return Rights(box: found.isEmpty ? [.applyForSite] : [.applyForSite, .viewBox], sites: found)
    }

    private func rights(ofOwner id: PersonID) -> Rights {
        var found: [SiteID: SiteRights] = [:]
        for (site, known) in sites where known.owner == id {
            // What the provider may switch off, its owner may not take away from the box.
            let open = known.controlsRemoteUse ? Action.ofOwners.subtracting([.removeDevice]) : Action.ofOwners
            var rights = SiteRights(site: open, devices: open)
            for device in known.closed { rights.device[device] = [.viewSite] }
            found[site] = rights
        }
        return Rights(box: found.isEmpty ? [] : [.viewBox], sites: found)
    }
}
