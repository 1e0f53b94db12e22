public import BoxDatabase
public import Core
import Foundation
import GRDB

/// What whoever holds a handover's link is shown before they decide.
public struct HandoverOffer: Sendable {
    public let record: HandoverRecord
    public let site: SiteRecord
    public let company: String
    /// By identifier.
    public let devices: [DeviceID: String]
    public let channels: [ChannelID: String]
}

/// Sites on their way to their owners: sent, accepted, refused.
public struct Handovers: Sendable {
    /// Of one site, in one of its days.
    public static let mostADay = 5

    private let signIns: SignIns
    private var database: BoxDatabase { signIns.database }

    init(_ signIns: SignIns) {
        self.signIns = signIns
    }

    static func pending(of site: SiteID, _ database: Database) throws -> HandoverRecord? {
        try HandoverRecord.filter(Column("siteId") == site && Column("state") == HandoverRecord.State.pending.rawValue).fetchOne(database)
    }

    /// The site's handovers, the newest first.
    public func all(
        of site: SiteID, in state: HandoverRecord.State? = nil, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<HandoverRecord> {
        try await database.read { database in
            var wanted = HandoverRecord.filter(Column("siteId") == site)
            if let state { wanted = wanted.filter(Column("state") == state.rawValue) }
            return try page.cut(wanted, \.id, database) { $0 }
        }
    }

    /// Sends a site to its owner to be: the token goes into a link that is shown once. A former one that nobody has decided is void.
    /// - Throws: `PeopleRefusal`.
    public func send(
        _ id: SiteID, way: HandoverRecord.Way, to recipient: String, remarks: String?, wishes: [PermissionWish], asksRemoteUseControl: Bool,
        language: Language = .english, by caller: Caller
    ) async throws -> (record: HandoverRecord, token: String) {
        let (token, now) = (AccessToken.make(), signIns.time.now())
        let record = try await database.write { database in
            let site = try Sites.site(id, database)
            guard try Sites.status(of: site, database).allows(.handOver) else { throw Sites.not(.handOver, "handed over", site) }
            try SitePermissions.check(wishes, at: id, now: now, database)
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = TimeZone(identifier: site.timeZone) ?? .gmt
            let sent = HandoverRecord.filter(Column("siteId") == id && Column("createdAt") >= calendar.startOfDay(for: now))
            guard try sent.fetchCount(database) < Self.mostADay else {
                throw PeopleRefusal(.tooMany, "A site is sent at most \(Self.mostADay) times a day. Try again tomorrow.")
            }
            try Self.void(id, at: now, database)
            var record = HandoverRecord(
                id: .timeOrdered(at: now), tokenHash: AccessToken.hash(token), siteId: id, way: way, recipient: recipient, remarks: remarks,
                wishes: wishes, asksRemoteUseControl: asksRemoteUseControl, sentBy: caller.id, createdAt: now)
            record.language = language.rawValue
            try record.insert(database)
            return record
        }
        return (record, token)
    }

    private static func void(_ site: SiteID, at now: Date, _ database: Database) throws {
        try HandoverRecord.filter(Column("siteId") == site && Column("state") == HandoverRecord.State.pending.rawValue)
            .updateAll(database, Column("state").set(to: HandoverRecord.State.void.rawValue), Column("decidedAt").set(to: now))
    }

    /// Takes a handover back that nobody has decided; false when there is none.
    public func withdraw(_ site: SiteID) async throws -> Bool {
        let now = signIns.time.now()
        return try await database.write { database in
            guard try Self.pending(of: site, database) != nil else { return false }
            try Self.void(site, at: now, database)
            return true
        }
    }

    // MARK: The recipient

    /// What is offered to whoever holds `token`; guesses are counted.
    /// - Throws: `AccessDenied`; `PeopleRefusal` of kind `notFound`.
    public func offer(_ token: String, from address: String) async throws -> HandoverOffer {
        let hash = AccessToken.hash(token)
        let find: @Sendable (Database) throws -> HandoverOffer? = { database in
            guard let record = try HandoverRecord.filter(Column("tokenHash") == hash).fetchOne(database), record.state == .pending,
                let site = try SiteRecord.fetchOne(database, key: record.siteId)
            else { return nil }
            let devices = try DeviceRecord.filter(Column("siteId") == site.id).fetchAll(database)
            let channels = try ChannelRecord.filter(Column("siteId") == site.id).fetchAll(database)
            return HandoverOffer(
                record: record, site: site,
                company: try site.companyId.flatMap { try CompanyRecord.fetchOne(database, key: $0)?.name } ?? "",
                devices: Dictionary(uniqueKeysWithValues: devices.map { ($0.id, $0.name) }),
                channels: Dictionary(uniqueKeysWithValues: channels.map { ($0.id, $0.name) }))
        }
        try await signIns.guess(from: address) { try await database.read(find) != nil }
        guard let offer = try await database.read(find) else { throw Self.isOver }
        return offer
    }

    /// Who accepts: somebody new, or an owner who has an account already.
    public enum Recipient: Sendable {
        case new(userName: String, fullName: String?, password: String)
        case known(userName: String, password: String, oneTimePassword: String?)
    }

    /// Makes whoever holds `token` the owner, with an account of theirs, and gives the provider what it asked for.
    /// - Throws: `AccessDenied`; `PeopleRefusal`.
    public func accept(_ token: String, _ recipient: Recipient, from origin: SignIns.Origin) async throws -> SignIn {
        let offer = try await offer(token, from: origin.address)
        let now = signIns.time.now()
        let (person, isNew) = try await person(recipient, offer.record, from: origin.address, now: now)
        try await database.write { database in
            guard var record = try HandoverRecord.fetchOne(database, key: offer.record.id), record.state == .pending,
                var site = try SiteRecord.fetchOne(database, key: record.siteId), site.ownerId == nil
            else { throw Self.isOver }
            if isNew {
                guard try PersonRecord.filter(Column("userName") == person.userName).fetchCount(database) == 0 else {
                    throw PeopleRefusal(
                        .nameTaken, "Somebody is called \(person.userName) already. Take another user name.", field: "/userName")
                }
                try person.insert(database)
            }
            (record.state, record.decidedAt) = (.accepted, now)
            try record.update(database)
            site.ownerId = person.id
            (site.handedOverAt, site.controlsRemoteUse) = (now, record.asksRemoteUseControl)
            if !record.wishes.isEmpty || record.asksRemoteUseControl { site.authorizedAt = now }
            try site.update(database)
            try SiteShares.end(.installation, of: site.id, at: now, database)
            guard let company = site.companyId else { return }
            try SitePermissions.grant(record.wishes, to: company, nil, at: site.id, now: now, database)
        }
        return try await signIns.begin(for: person, origin)
    }

    private func person(
        _ recipient: Recipient, _ handover: HandoverRecord, from address: String, now: Date
    ) async throws -> (PersonRecord, isNew: Bool) {
        switch recipient {
        case .known(let userName, let password, let oneTimePassword):
            let person = try await signIns.proved(
                userName: userName, password: password, oneTimePassword: oneTimePassword, from: address)
            guard person.companyId == nil else {
                throw PeopleRefusal(
                    .notPossible, "This is an account of the service provider. An owner has one of their own.", field: "/userName")
            }
            return (person, false)
        case .new(let userName, let fullName, let password):
            var person = PersonRecord(
                id: .timeOrdered(at: now), companyId: nil, roleId: nil, userName: userName,
                passwordHash: try await signIns.hash(password, names: [userName, fullName ?? ""]), createdAt: now)
            person.fullName = fullName
            person.language = handover.language
            if handover.way == .email { person.email = handover.recipient } else { person.phone = handover.recipient }
            return (person, true)
        }
    }

    /// Refuses to take the site.
    /// - Throws: `AccessDenied`; `PeopleRefusal`.
    public func refuse(_ token: String, from address: String) async throws -> HandoverRecord {
        let offer = try await offer(token, from: address)
        let now = signIns.time.now()
        return try await database.write { database in
            guard var record = try HandoverRecord.fetchOne(database, key: offer.record.id), record.state == .pending else {
                throw Self.isOver
            }
            (record.state, record.decidedAt) = (.refused, now)
            try record.update(database)
            return record
        }
    }

    private static let isOver = PeopleRefusal(.notFound, "This link is no longer good. Ask the service provider for a new one.")
}
