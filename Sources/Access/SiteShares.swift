public import BoxDatabase
public import Core
public import Foundation
import GRDB

/// What whoever holds a share's link is shown before they decide.
public struct ShareOffer: Sendable {
    public let record: SiteShareRecord
    public let site: SiteRecord
    /// Who offers it: the provider's company, or the owner who invites one.
    public let from: String
    /// Names of what permissions are offered for.
    public let devices: [DeviceID: String]
    public let channels: [ChannelID: String]
}

/// A share with the name of its partner.
public struct ShareView: Sendable {
    public let record: SiteShareRecord
    public let site: String
    /// Nil until somebody has accepted.
    public let partner: String?
}

/// Sites that are shared with partners: offered, accepted, refused, changed, ended. A partner cannot share further.
public struct SiteShares: Sendable {
    /// Pending and accepted ones of one site.
    public static let most = 20
    /// A link is good for three days.
    public static let offered: TimeInterval = 3 * 86_400

    let signIns: SignIns
    let control: AccessControl
    var database: BoxDatabase { signIns.database }

    init(_ signIns: SignIns, control: AccessControl) {
        self.signIns = signIns
        self.control = control
    }

    /// A site's shares, the newest first; only those of the caller's own company where that is a partner's.
    public func all(
        of site: SiteID, for caller: Caller, in state: SiteShareRecord.State? = nil, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<ShareView> {
        let now = signIns.time.now()
        return try await database.write { database in
            try Self.expire(at: now, database)
            let person = try PersonRecord.fetchOne(database, key: caller.id)
            let isShared = try person?.isPartner == true && SiteRecord.fetchOne(database, key: site)?.companyId != person?.companyId
            var wanted = SiteShareRecord.filter(Column("siteId") == site && Column("kind") != SiteShareRecord.Kind.management.rawValue)
            if let state { wanted = wanted.filter(Column("state") == state.rawValue) }
            func isShown(_ record: SiteShareRecord) throws -> Bool {
                guard let company = person?.companyId else { return true }
                if isShared { return record.companyId == company }
                // What a former provider shared with whom is not its successor's to know; all of it is over. Who sent one may have left.
                if record.state == .pending || record.state == .accepted { return true }
                return try record.sentBy.flatMap { try PersonRecord.fetchOne(database, key: $0)?.companyId } == company
            }
            return try page.cut(wanted, \.id, database) { try isShown($0) ? Self.view($0, database) : nil }
        }
    }

    /// One of them; nil when it is gone.
    public func view(_ id: SiteShareID) async throws -> ShareView? {
        try await database.read { database in
            try SiteShareRecord.fetchOne(database, key: id).map { try Self.view($0, database) }
        }
    }

    static func view(_ record: SiteShareRecord, _ database: Database) throws -> ShareView {
        ShareView(
            record: record, site: try SiteRecord.fetchOne(database, key: record.siteId)?.name ?? "",
            partner: try record.companyId.flatMap { try CompanyRecord.fetchOne(database, key: $0)?.name })
    }

    /// Ends those that nobody has answered in time.
    static func expire(at now: Date, _ database: Database) throws {
        try SiteShareRecord.filter(
            Column("state") == SiteShareRecord.State.pending.rawValue && Column("createdAt") <= now.addingTimeInterval(-offered)
        ).updateAll(database, Column("state").set(to: SiteShareRecord.State.ended.rawValue), Column("decidedAt").set(to: now))
    }

    // MARK: The provider

    /// Offers a site to a partner: the token goes into a link that is shown once.
    /// - Throws: `PeopleRefusal`.
    public func share(
        _ id: SiteID, _ kind: SiteShareRecord.Kind, permissions: [SitePermission], with recipient: String, remarks: String?,
        language: Language, by caller: Caller
    ) async throws -> (view: ShareView, token: String) {
        let (token, now) = (AccessToken.make(), signIns.time.now())
        let view = try await database.write { database in
            let site = try Sites.site(id, database)
            try check(kind, permissions, at: site, database)
            try Self.expire(at: now, database)
            guard try Self.lasting(id).filter(Column("kind") == kind.rawValue).fetchCount(database) < Self.most else {
                throw PeopleRefusal(.tooMany, "A site is shared with at most \(Self.most) partners. End a share first.")
            }
            let record = SiteShareRecord(
                id: .timeOrdered(at: now), tokenHash: AccessToken.hash(token), siteId: id, kind: kind, permissions: permissions,
                recipient: recipient, remarks: remarks, language: language.rawValue, sentBy: caller.id, createdAt: now)
            try record.insert(database)
            return try Self.view(record, database)
        }
        return (view, token)
    }

    /// Before the handover with an installation partner alone; afterwards with a maintenance partner, and what the owner has granted.
    private func check(_ kind: SiteShareRecord.Kind, _ permissions: [SitePermission], at site: SiteRecord, _ database: Database) throws {
        guard try Sites.status(of: site, database).allows(.share) else { throw Sites.not(.share, "shared", site) }
        switch (kind, site.ownerId) {
        case (.management, _): throw PeopleRefusal(.notPossible, "Only an owner invites a service provider.", field: "/kind")
        case (.installation, nil): return
        case (.installation, _):
            throw PeopleRefusal(.notPossible, "\(site.name) has an owner: it is shared with a maintenance partner.", field: "/kind")
        case (.maintenance, nil):
            throw PeopleRefusal(.notPossible, "\(site.name) has no owner yet: it is shared with an installation partner.", field: "/kind")
        case (.maintenance, _):
            guard !permissions.isEmpty else {
                throw PeopleRefusal(.notPossible, "Choose what the partner may do.", field: "/permissions")
            }
            let given = try SitePermissionRecord.filter(Column("siteId") == site.id && Column("companyId") == site.companyId).fetchAll(
                database
            )
            .filter { $0.personId == nil && control.isInForce($0) }
            guard Set(permissions).isSubset(of: given.map(\.permission)) else {
                throw PeopleRefusal(.notPossible, "Only what the owner has granted can be shared.", field: "/permissions")
            }
        }
    }

    static func lasting(_ site: SiteID) -> QueryInterfaceRequest<SiteShareRecord> {
        SiteShareRecord.filter(
            Column("siteId") == site
                && [SiteShareRecord.State.pending.rawValue, SiteShareRecord.State.accepted.rawValue].contains(Column("state")))
    }

    /// Changes what a maintenance partner may do.
    /// - Throws: `PeopleRefusal`.
    public func change(_ share: SiteShareID, at id: SiteID, permissions: [SitePermission]) async throws -> ShareView {
        try await database.write { database in
            var record = try Self.lasting(share, at: id, database)
            guard record.kind == .maintenance else {
                throw PeopleRefusal(.notPossible, "An installation partner may do all that there is to do with devices until the handover.")
            }
            try check(record.kind, permissions, at: try Sites.site(id, database), database)
            record.permissions = permissions
            try record.update(database)
            return try Self.view(record, database)
        }
    }

    /// Ends a share, or takes it back while nobody has accepted.
    /// - Throws: `PeopleRefusal`.
    public func end(_ share: SiteShareID, at id: SiteID) async throws -> SiteShareRecord {
        let now = signIns.time.now()
        return try await database.write { database in
            var record = try Self.lasting(share, at: id, database)
            (record.state, record.decidedAt) = (.ended, now)
            try record.update(database)
            return record
        }
    }

    private static func lasting(_ share: SiteShareID, at site: SiteID, _ database: Database) throws -> SiteShareRecord {
        guard let record = try SiteShareRecord.fetchOne(database, key: share), record.siteId == site, record.kind != .management else {
            throw PeopleRefusal(.notFound, "There is no such share.")
        }
        guard record.state == .pending || record.state == .accepted else {
            throw PeopleRefusal(.notPossible, "This share is over already.")
        }
        return record
    }

    /// Ends those of a site that are over with its handover, or with the owner's authorization.
    static func end(_ kind: SiteShareRecord.Kind, of site: SiteID, at now: Date, _ database: Database) throws {
        try lasting(site).filter(Column("kind") == kind.rawValue).updateAll(
            database, Column("state").set(to: SiteShareRecord.State.ended.rawValue), Column("decidedAt").set(to: now))
    }

    // MARK: The partner

    /// What is offered to whoever holds `token`; guesses are counted.
    /// - Throws: `AccessDenied`; `PeopleRefusal` of kind `notFound`.
    public func offer(_ token: String, from address: String) async throws -> ShareOffer {
        let (hash, since) = (AccessToken.hash(token), signIns.time.now().addingTimeInterval(-Self.offered))
        let find: @Sendable (Database) throws -> ShareOffer? = { database in
            guard let record = try SiteShareRecord.filter(Column("tokenHash") == hash).fetchOne(database), record.state == .pending,
                record.createdAt > since,
                let site = try SiteRecord.fetchOne(database, key: record.siteId)
            else { return nil }
            return try Self.offer(record, site, database)
        }
        try await signIns.guess(from: address) { try await database.read(find) != nil }
        guard let offer = try await database.read(find) else { throw Self.isOver }
        return offer
    }

    private static func offer(_ record: SiteShareRecord, _ site: SiteRecord, _ database: Database) throws -> ShareOffer {
        let wishes = record.wishes ?? []
        let devices = try DeviceRecord.fetchAll(database, keys: Set(wishes.compactMap(\.deviceId)))
        let channels = try ChannelRecord.fetchAll(database, keys: Set(wishes.compactMap(\.channelId)))
        let from =
            record.kind == .management
            ? try site.ownerId.flatMap { try PersonRecord.fetchOne(database, key: $0) }.map { $0.fullName ?? $0.userName }
            : try site.companyId.flatMap { try CompanyRecord.fetchOne(database, key: $0)?.name }
        return ShareOffer(
            record: record, site: site, from: from ?? "", devices: Dictionary(uniqueKeysWithValues: devices.map { ($0.id, $0.name) }),
            channels: Dictionary(uniqueKeysWithValues: channels.map { ($0.id, $0.name) }))
    }

    /// Who accepts: a company that is new on this box, or somebody who works for one.
    public enum Recipient: Sendable {
        case new(userName: String, fullName: String?, company: String, password: String)
        case known(userName: String, password: String, oneTimePassword: String?)
    }

    /// Lets the company of whoever holds `token` look after the site.
    /// - Throws: `AccessDenied`; `PeopleRefusal`.
    public func accept(_ token: String, _ recipient: Recipient, from origin: SignIns.Origin) async throws -> SignIn {
        let offer = try await offer(token, from: origin.address)
        let now = signIns.time.now()
        let (person, company) = try await person(recipient, offer.record, from: origin.address, now: now)
        try await database.write { database in
            // Looked at again: making sure who it is takes its time.
            guard var record = try SiteShareRecord.fetchOne(database, key: offer.record.id), record.state == .pending,
                record.createdAt > signIns.time.now().addingTimeInterval(-Self.offered),
                try SiteRecord.exists(database, key: record.siteId)
            else { throw Self.isOver }
            if company == nil {
                let present = try PersonRecord.fetchOne(database, key: person.id)
                guard let present, present.disabledAt == nil, present.roleId == person.roleId else { throw Self.isOver }
            }
            if let company {
                guard try PersonRecord.filter(Column("userName") == person.userName).fetchCount(database) == 0 else {
                    throw PeopleRefusal(
                        .nameTaken, "Somebody is called \(person.userName) already. Take another user name.", field: "/userName")
                }
                try company.insert(database)
                try person.insert(database)
            }
            if record.kind == .management {
                try Self.authorize(person, by: record, at: now, database)
            } else {
                // What is shared with a company is one thing: the new takes the place of the former.
                try Self.lasting(record.siteId).filter(
                    Column("companyId") == person.companyId && Column("kind") != SiteShareRecord.Kind.management.rawValue
                ).updateAll(
                    database, Column("state").set(to: SiteShareRecord.State.ended.rawValue), Column("decidedAt").set(to: now))
            }
            record.companyId = person.companyId
            (record.state, record.decidedAt) = (.accepted, now)
            try record.update(database)
        }
        return try await signIns.begin(for: person, origin)
    }

    private func person(
        _ recipient: Recipient, _ share: SiteShareRecord, from address: String, now: Date
    ) async throws -> (PersonRecord, new: CompanyRecord?) {
        switch recipient {
        case .known(let userName, let password, let oneTimePassword):
            let person = try await signIns.proved(
                userName: userName, password: password, oneTimePassword: oneTimePassword, from: address)
            if share.kind == .management {
                try await checkLooksAfterSites(person)
            } else if !person.isPartner {
                throw PeopleRefusal(.notPossible, "This is no account of a partner. A partner has one of their own.", field: "/userName")
            }
            return (person, nil)
        case .new(let userName, let fullName, let name, let password):
            let company = CompanyRecord(id: .timeOrdered(at: now), name: name, createdAt: now)
            var person = PersonRecord(
                id: .timeOrdered(at: now), companyId: company.id, roleId: nil, userName: userName,
                passwordHash: try await signIns.hash(password, names: [userName, fullName ?? "", name]), createdAt: now)
            (person.fullName, person.language, person.email) = (fullName, share.language, share.recipient)
            return (person, company)
        }
    }

    /// Refuses to look after the site.
    /// - Throws: `AccessDenied`; `PeopleRefusal`.
    public func refuse(_ token: String, from address: String) async throws -> SiteShareRecord {
        let offer = try await offer(token, from: address)
        let now = signIns.time.now()
        return try await database.write { database in
            guard var record = try SiteShareRecord.fetchOne(database, key: offer.record.id), record.state == .pending else {
                throw Self.isOver
            }
            (record.state, record.decidedAt) = (.refused, now)
            try record.update(database)
            return record
        }
    }

    /// The caller's company, whose name is returned, looks after the site no longer; nothing else of the site changes.
    /// - Throws: `PeopleRefusal`.
    @discardableResult
    public func leave(_ site: SiteID, by caller: Caller) async throws -> String {
        let now = signIns.time.now()
        return try await database.write { database in
            guard let person = try PersonRecord.fetchOne(database, key: caller.id), person.isPartner, let company = person.companyId else {
                throw PeopleRefusal(.notPossible, "This site is not shared with you.")
            }
            try Self.lasting(site).filter(
                Column("companyId") == company && Column("kind") != SiteShareRecord.Kind.management.rawValue
            ).updateAll(
                database, Column("state").set(to: SiteShareRecord.State.ended.rawValue), Column("decidedAt").set(to: now))
            return try CompanyRecord.fetchOne(database, key: company)?.name ?? caller.name
        }
    }

    static let isOver = PeopleRefusal(.notFound, "This link is no longer good. Ask whoever sent it for a new one.")
}
