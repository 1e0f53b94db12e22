public import BoxDatabase
public import Core
import Foundation
import GRDB

/// Service providers whom owners invite to look after devices where nobody does: by a link that is good for three days
/// (domain.md, "device management invitations").
extension SiteShares {
    /// A site's invitations, the newest first.
    public func invitations(
        of site: SiteID, in state: SiteShareRecord.State? = nil, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<ShareView> {
        let now = signIns.time.now()
        return try await database.write { database in
            try Self.expire(at: now, database)
            var wanted = Self.invitations(of: site)
            if let state { wanted = wanted.filter(Column("state") == state.rawValue) }
            return try page.cut(wanted, \.id, database) { try Self.view($0, database) }
        }
    }

    private static func invitations(of site: SiteID) -> QueryInterfaceRequest<SiteShareRecord> {
        SiteShareRecord.filter(Column("siteId") == site && Column("kind") == SiteShareRecord.Kind.management.rawValue)
    }

    /// Invites a service provider: the token goes into a link that is shown once.
    /// - Throws: `PeopleRefusal`.
    public func invite(
        _ recipient: String, for wishes: [PermissionWish], at id: SiteID, remarks: String?, language: Language, by caller: Caller
    ) async throws -> (view: ShareView, token: String) {
        let (token, now) = (AccessToken.make(), signIns.time.now())
        let view = try await database.write { database in
            let site = try Sites.site(id, database)
            try Self.checkIsFree(site, for: nil, database)
            try SitePermissions.checkIsNotControlled(site, database)
            try SitePermissions.check(wishes, at: id, now: now, database)
            try Self.expire(at: now, database)
            guard
                try Self.invitations(of: id).filter(Column("state") == SiteShareRecord.State.pending.rawValue).fetchCount(database)
                    < Self.most
            else { throw PeopleRefusal(.tooMany, "\(Self.most) invitations wait for an answer already. Take one back first.") }
            let record = SiteShareRecord(
                id: .timeOrdered(at: now), tokenHash: AccessToken.hash(token), siteId: id, kind: .management, permissions: [],
                wishes: wishes, recipient: recipient, remarks: remarks, language: language.rawValue, sentBy: caller.id, createdAt: now)
            try record.insert(database)
            return try Self.view(record, database)
        }
        return (view, token)
    }

    /// Takes an invitation back that nobody has answered.
    /// - Throws: `PeopleRefusal`.
    public func takeBack(_ invitation: SiteShareID, at site: SiteID) async throws {
        let now = signIns.time.now()
        try await database.write { database in
            guard var record = try Self.invitations(of: site).filter(key: invitation).fetchOne(database) else {
                throw PeopleRefusal(.notFound, "There is no such invitation.")
            }
            guard record.state == .pending else {
                throw PeopleRefusal(.notPossible, "This invitation is over already.")
            }
            (record.state, record.decidedAt) = (.ended, now)
            try record.update(database)
        }
    }

    /// A site has one service provider: no other is invited, and none accepts, while the owner lets one look after it.
    private static func checkIsFree(_ site: SiteRecord, for company: CompanyID?, _ database: Database) throws {
        guard site.authorizedAt != nil, company == nil || site.companyId != company else { return }
        let name = try site.companyId.flatMap { try CompanyRecord.fetchOne(database, key: $0)?.name } ?? ""
        throw PeopleRefusal(
            .notPossible, "\(name) looks after \(site.name). Its owner gives it permissions, or must discard the authorization first.")
    }

    /// Only who may look after sites takes one on.
    func checkLooksAfterSites(_ person: PersonRecord) async throws {
        guard person.companyId != nil, try await control.rights(of: person.id).box.contains(.applyForSite) else {
            throw PeopleRefusal(
                .notPossible, "Whoever has this account looks after no sites. A service provider has an account of its own.",
                field: "/userName")
        }
    }

    /// Makes the company of whoever accepts the site's service provider, with what the owner offered.
    static func authorize(_ person: PersonRecord, by invitation: SiteShareRecord, at now: Date, _ database: Database) throws {
        let site = try Sites.site(invitation.siteId, database)
        guard let company = person.companyId else { return }
        try checkIsFree(site, for: company, database)
        // What it was for may be gone, or over, by now: then there is nothing to accept.
        let wishes = try (invitation.wishes ?? []).filter { wish in
            if let end = wish.validity.until, end <= now { return false }
            if let device = wish.deviceId { return try DeviceRecord.fetchOne(database, key: device)?.siteId == site.id }
            if let channel = wish.channelId { return try ChannelRecord.fetchOne(database, key: channel)?.siteId == site.id }
            return true
        }
        guard !wishes.isEmpty else { throw isOver }
        try SitePermissions.authorize(company, wishes, at: site, now: now, database)
        // An employee who manages some sites manages this one, too.
        guard let role = try person.roleId.flatMap({ try RoleRecord.fetchOne(database, key: $0) }),
            !role.permissions.contains(.manageAllSites),
            try SiteAssignmentRecord.filter(Column("siteId") == site.id && Column("personId") == person.id).isEmpty(database)
        else { return }
        guard try SiteAssignmentRecord.filter(Column("siteId") == site.id).fetchCount(database) < People.mostManagers else {
            throw PeopleRefusal(.tooMany, "A site has at most \(People.mostManagers) managers.")
        }
        try SiteAssignmentRecord(siteId: site.id, personId: person.id, createdAt: now).insert(database)
    }
}
