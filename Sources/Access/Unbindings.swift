public import BoxDatabase
public import Core
public import Foundation
public import GRDB

/// Requests to unbind a device: a company has it in its hands and cannot add it, because it belongs to another site of this box.
///
/// The site's owner decides, or the box's administrators, but never those whose own people ask, where there is an owner. Whoever carries a
/// decision out takes the device off: how devices work is not known here.
public struct Unbindings: Sendable {
    /// That nobody has decided, of one company.
    public static let mostPending = 20
    static let day: TimeInterval = 86_400

    let database: BoxDatabase
    let notices: Notices
    let time: TimeSource

    init(database: BoxDatabase, notices: Notices, time: TimeSource) {
        self.database = database
        self.notices = notices
        self.time = time
    }

    /// A device that could not be added because it is bound, as it told of itself.
    public struct Bound: Sendable {
        public let device: DeviceID
        public let host: String
        public let model: String?
        public let serialNumber: String?
        public let macAddress: String?

        public init(device: DeviceID, host: String, model: String?, serialNumber: String?, macAddress: String?) {
            self.device = device
            self.host = host
            self.model = model
            self.serialNumber = serialNumber
            self.macAddress = macAddress
        }
    }

    /// A proof that comes with a request.
    public struct Proof: Sendable {
        public let mediaType: String
        public let bytes: Data

        public init(mediaType: String, bytes: Data) {
            self.mediaType = mediaType
            self.bytes = bytes
        }
    }

    /// A request, with what only those are told who decide.
    public struct View: Sendable {
        public let record: UnbindingRecord
        public let company: String
        public let target: String
        /// The kinds of proof that there are.
        public let proofs: [UnbindingProofRecord.Kind]
        /// Nil for who only asked.
        public let site: SiteRecord?
        public let owner: String?
        public let device: String?
        public let mayDecide: Bool
        /// The box's administrators decide it besides an owner.
        public let isAdministrators: Bool
        /// Of the company that asked.
        public let isOwn: Bool

        /// The kinds of proof that have to come before anybody decides.
        public var missing: [UnbindingProofRecord.Kind] {
            guard record.state == .inProgress else { return [] }
            let needed: [UnbindingProofRecord.Kind] = record.isOnSite ? [.label] : [.label, .deviceFile]
            return needed.filter { !proofs.contains($0) }
        }

        /// What the device is called by who does not know its name.
        public var what: String { Unbindings.what(record) }

        fileprivate var isSeen: Bool { isOwn || mayDecide && record.provenAt != nil }
    }

    /// Which of them.
    public struct Filter: Sendable {
        public var state: UnbindingRecord.State?
        /// A part of the region's name: the site's city or state.
        public var region: String?

        public init(state: UnbindingRecord.State? = nil, region: String? = nil) {
            self.state = state
            self.region = region
        }
    }

    // MARK: Asking

    static let notBound = "The device is not bound to any account. Try again to add it."
    static let controlled = "The device cannot be unbound: its owner has let the provider switch its use off."

    /// Asks for a device to be unbound. Who decides sees it once what proves it has come; until then asking again gives the same request.
    /// - Throws: `PeopleRefusal`.
    public func ask(for bound: Bound, to target: SiteID, remarks: String?, isOnSite: Bool, by caller: Caller, _ rights: Rights) async throws
        -> View
    {
        let now = time.now()
        return try await settling { database in
            guard let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId else {
                throw PeopleRefusal(.notPossible, "Only a company that is known here asks for a device to be unbound.")
            }
            guard let device = try DeviceRecord.fetchOne(database, key: bound.device), device.siteId != target else {
                throw PeopleRefusal(.notPossible, Self.notBound)
            }
            guard try !Sites.site(device.siteId, database).controlsRemoteUse else { throw PeopleRefusal(.notPossible, Self.controlled) }
            let looker = try Looker(caller, rights, database)
            for known in try Self.open(device.id).fetchAll(database) {
                guard known.provenAt == nil else { throw Self.askedAlready }
                let view = try Self.view(known, as: looker, database)
                if view.isOwn, known.targetSiteId == target, known.isOnSite == isOnSite { return view }
            }
            let own = UnbindingRecord.filter(Column("companyId") == company)
            let waiting =
                Column("state") == UnbindingRecord.State.inProgress.rawValue || Column("createdAt") > now.addingTimeInterval(-Self.day)
            guard try own.filter(waiting).fetchCount(database) < Self.mostPending else {
                throw PeopleRefusal(
                    .tooMany, "\(Self.mostPending) requests of your company wait for a decision already, or were made within a day.")
            }
            var record = UnbindingRecord(
                id: .timeOrdered(at: now), device: device, targetSiteId: target, companyId: company, requestedBy: caller.id,
                requestedByName: caller.name, host: bound.host, isOnSite: isOnSite, remarks: remarks, createdAt: now)
            (record.model, record.serialNumber, record.macAddress) = (bound.model, bound.serialNumber, bound.macAddress)
            try record.insert(database)
            return try Self.view(record, as: looker, database)
        }
    }

    /// Adds what proves a request. Once it is proven nothing of it is changed: who decides has seen it.
    /// - Throws: `PeopleRefusal`, also for a document of another device.
    public func attach(
        _ proof: Proof, as kind: UnbindingProofRecord.Kind, to id: UnbindingID, by caller: Caller, _ rights: Rights
    ) async throws -> View {
        let now = time.now()
        return try await settling { database in
            let looker = try Looker(caller, rights, database)
            var record = try Self.own(id, looker, database)
            guard record.state == .inProgress, record.provenAt == nil else { throw Self.decided }
            if proof.mediaType.hasPrefix("text/") {
                let text = String(decoding: proof.bytes, as: UTF8.self).lowercased()
                let names = [record.serialNumber, record.macAddress].compactMap { $0?.lowercased() }
                guard names.contains(where: { text.contains($0) }) else {
                    throw PeopleRefusal(
                        .notPossible, "This is not of the device: neither its serial number nor its hardware address is in it.")
                }
            }
            try UnbindingProofRecord(unbindingId: id, kind: kind, mediaType: proof.mediaType, bytes: proof.bytes).upsert(database)
            if try Self.view(record, as: looker, database).missing.isEmpty {
                guard try Self.open(record.deviceId).filter(Column("provenAt") != nil).isEmpty(database) else { throw Self.askedAlready }
                record.provenAt = now
                try record.update(database)
            }
            return try Self.view(record, as: looker, database)
        }
    }

    /// Those of a device that nobody has decided.
    private static func open(_ device: DeviceID) -> QueryInterfaceRequest<UnbindingRecord> {
        UnbindingRecord.filter(Column("deviceId") == device && Column("state") == UnbindingRecord.State.inProgress.rawValue)
    }

    /// One of the caller's company, who may add devices where it is to go.
    static func own(_ id: UnbindingID, _ looker: Looker, _ database: Database) throws -> UnbindingRecord {
        let view = try found(id, as: looker, database)
        guard view.isOwn, looker.rights.allow(.configure, at: Place(site: view.record.targetSiteId)) else { throw none }
        return view.record
    }

    // MARK: Looking

    /// Who looks, and what that lets them see.
    struct Looker {
        let company: CompanyID?
        let rights: Rights

        init(_ caller: Caller, _ rights: Rights, _ database: Database) throws {
            company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId
            self.rights = rights
        }

        func mayDecide(_ record: UnbindingRecord, at site: SiteRecord) -> Bool {
            if rights.allow(.grant, at: Place(site: site.id)) { return true }
            return rights.allow(.unbind) && (site.ownerId == nil || record.companyId != company)
        }
    }

    /// Those that somebody may see, the newest first: their company's own, and those that they may decide.
    public func all(
        _ filter: Filter, for caller: Caller, _ rights: Rights, _ page: NewestPage = NewestPage()
    ) async throws -> ListPart<View> {
        try await settling { database in
            let looker = try Looker(caller, rights, database)
            var wanted = UnbindingRecord.all()
            if !rights.allow(.unbind) {
                wanted = wanted.filter(Column("companyId") == looker.company || rights.sites(.grant).contains(Column("siteId")))
            }
            if let state = filter.state { wanted = wanted.filter(Column("state") == state.rawValue) }
            return try page.cut(wanted, \.id, database) { record in
                let view = try Self.view(record, as: looker, database)
                guard view.isSeen else { return nil }
                guard let region = filter.region else { return view }
                let known = [view.site?.city, view.site?.state].compactMap { $0 }
                return known.contains { $0.localizedCaseInsensitiveContains(region) } ? view : nil
            }
        }
    }

    /// One of them; for whom it does not concern there is none.
    /// - Throws: `PeopleRefusal` of kind `notFound`.
    public func one(_ id: UnbindingID, for caller: Caller, _ rights: Rights) async throws -> View {
        try await settling { database in
            try Self.found(id, as: Looker(caller, rights, database), database)
        }
    }

    static func found(_ id: UnbindingID, as looker: Looker, _ database: Database) throws -> View {
        guard let record = try UnbindingRecord.fetchOne(database, key: id) else { throw none }
        let view = try view(record, as: looker, database)
        guard view.isSeen else { throw none }
        return view
    }

    private static let none = PeopleRefusal(.notFound, "There is no such request.")
    static let decided = PeopleRefusal(.notPossible, "This is decided already, or waits for a decision.")
    private static let askedAlready = PeopleRefusal(.notPossible, "Somebody has asked for this device to be unbound already.")
    static let notUnbound = PeopleRefusal(.notPossible, "The device is not unbound, or this is confirmed already.")

    static func view(_ record: UnbindingRecord, as looker: Looker, _ database: Database) throws -> View {
        let site = try Sites.site(record.siteId, database)
        let mayDecide = looker.mayDecide(record, at: site)
        let device = try DeviceRecord.fetchOne(database, key: record.deviceId)
        let owner = try site.ownerId.flatMap { try PersonRecord.fetchOne(database, key: $0) }
        let proofs = UnbindingProofRecord.filter(Column("unbindingId") == record.id).select(Column("kind"), as: String.self)
        return View(
            record: record, company: try CompanyRecord.fetchOne(database, key: record.companyId)?.name ?? "",
            target: try SiteRecord.fetchOne(database, key: record.targetSiteId)?.name ?? "",
            proofs: try proofs.fetchAll(database).compactMap { UnbindingProofRecord.Kind(rawValue: $0) },
            site: mayDecide ? site : nil, owner: mayDecide ? owner.map { $0.fullName ?? $0.userName } : nil,
            device: mayDecide ? device.flatMap { $0.siteId == site.id ? $0.name : nil } : nil, mayDecide: mayDecide,
            isAdministrators: try isAdministrators(record, at: site, database),
            isOwn: record.companyId == looker.company && looker.rights.see(Place(site: record.targetSiteId)))
    }

    static func isAdministrators(_ record: UnbindingRecord, at site: SiteRecord, _ database: Database) throws -> Bool {
        try site.ownerId == nil || CompanyRecord.own(database)?.id != record.companyId
    }

    static func what(_ record: UnbindingRecord) -> String {
        [record.model, record.serialNumber ?? record.macAddress].compactMap { $0 }.joined(separator: " ")
    }

    /// What proves it, for who decides and for who sent it.
    /// - Throws: `PeopleRefusal` of kind `notFound`.
    public func proof(_ kind: UnbindingProofRecord.Kind, of id: UnbindingID) async throws -> Proof {
        let found = try await database.read {
            try UnbindingProofRecord.filter(Column("unbindingId") == id && Column("kind") == kind.rawValue).fetchOne($0)
        }
        guard let found else { throw Self.none }
        return Proof(mediaType: found.mediaType, bytes: found.bytes)
    }

    // MARK: Deciding

    /// Writes a decision down, with what follows from it: whoever unbinds the device takes it off in the same transaction.
    /// - Throws: `PeopleRefusal`.
    public func decide(
        _ id: UnbindingID, unbind: Bool, reason: String?, by caller: Caller, _ rights: Rights, _ database: Database
    ) throws {
        let view = try Self.found(id, as: Looker(caller, rights, database), database)
        guard view.mayDecide, let site = view.site else {
            throw PeopleRefusal(.beyondOwnRights, "The owner of the device decides this, not who asks.")
        }
        var record = view.record
        guard record.state == .inProgress, record.provenAt != nil else { throw Self.decided }
        if unbind {
            guard !site.controlsRemoteUse else { throw PeopleRefusal(.notPossible, Self.controlled) }
            guard try DeviceRecord.fetchOne(database, key: record.deviceId)?.siteId == record.siteId else {
                throw PeopleRefusal(.notPossible, Self.notBound)
            }
        }
        record.state = unbind ? .toBeConfirmed : .refused
        (record.reason, record.decidedAt, record.decidedByName) = (reason, time.now(), caller.name)
        try record.update(database)
        try Self.forgetProofs(database)
    }
}
