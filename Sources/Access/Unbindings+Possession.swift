import BoxDatabase
public import Core
import Foundation
public import GRDB

// Unbinding by who has the device in front of them, on the box's own network, and knows its password.
extension Unbindings {
    private static let proven = "Proven on the spot: the device showed the box a code."

    /// Whether a device may be unbound by possession at all.
    /// - Throws: `PeopleRefusal`.
    public func checkPossession(of bound: Bound, for target: SiteID, by caller: Caller) async throws {
        try await database.read { _ = try Self.check(bound, target, caller, $0) }
    }

    private static func check(_ bound: Bound, _ target: SiteID, _ caller: Caller, _ database: Database) throws -> (DeviceRecord, CompanyID)
    {
        guard let company = try PersonRecord.fetchOne(database, key: caller.id)?.companyId else {
            throw PeopleRefusal(.notPossible, "Only a company that is known here unbinds a device.")
        }
        guard let device = try DeviceRecord.fetchOne(database, key: bound.device), device.siteId != target else {
            throw PeopleRefusal(.notPossible, notBound)
        }
        guard try !Sites.site(device.siteId, database).controlsRemoteUse else { throw PeopleRefusal(.notPossible, controlled) }
        return (device, company)
    }

    /// Writes down that somebody has proven it, in the transaction that takes the device off.
    /// - Throws: `PeopleRefusal`.
    public func prove(_ bound: Bound, for target: SiteID, by caller: Caller, _ rights: Rights, _ database: Database) throws -> View {
        let now = time.now()
        let (device, company) = try Self.check(bound, target, caller, database)
        var record = UnbindingRecord(
            id: .timeOrdered(at: now), device: device, targetSiteId: target, companyId: company, requestedBy: caller.id,
            requestedByName: caller.name, host: bound.host, isOnSite: true, remarks: nil, createdAt: now)
        (record.model, record.serialNumber, record.macAddress) = (bound.model, bound.serialNumber, bound.macAddress)
        (record.state, record.provenAt, record.decidedAt) = (.toBeConfirmed, now, now)
        (record.reason, record.decidedByName) = (Self.proven, caller.name)
        try record.insert(database)
        return try Self.view(record, as: Looker(caller, rights, database), database)
    }
}
