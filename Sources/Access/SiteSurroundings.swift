import BoxDatabase
import Core
import GRDB

/// What is told of sites besides their own rows, read for all of them at once.
struct SiteSurroundings {
    private let people: [PersonID: String]
    private let companies: [CompanyID: String]
    private let devices: [SiteID: Int]
    private let managers: [SiteID: [String]]
    private let pending: Set<SiteID>

    init(of sites: Set<SiteID>, _ database: Database) throws {
        let rows = SiteRecord.filter(sites.contains(Column("id")))
        let owners = try PersonID.fetchSet(database, rows.filter(Column("ownerId") != nil).select(Column("ownerId")))
        people = Dictionary(
            uniqueKeysWithValues: try PersonRecord.filter(owners.contains(Column("id"))).fetchAll(database).map {
                ($0.id, $0.fullName ?? $0.userName)
            })
        companies = Dictionary(uniqueKeysWithValues: try CompanyRecord.fetchAll(database).map { ($0.id, $0.name) })
        var (devices, managers) = ([SiteID: Int](), [SiteID: [String]]())
        for row in try Row.fetchAll(database, sql: "SELECT siteId, COUNT(*) AS count FROM device GROUP BY siteId") {
            devices[row["siteId"]] = row["count"]
        }
        let assigned = "SELECT siteId, userName FROM person JOIN siteAssignment ON personId = person.id ORDER BY userName"
        for row in try Row.fetchAll(database, sql: assigned) { managers[row["siteId"], default: []].append(row["userName"]) }
        (self.devices, self.managers) = (devices, managers)
        pending = try SiteID.fetchSet(
            database, HandoverRecord.filter(Column("state") == HandoverRecord.State.pending.rawValue).select(Column("siteId")))
    }

    func view(_ site: SiteRecord) -> SiteView {
        SiteView(
            record: site, status: SiteStatus(site, hasPendingHandover: pending.contains(site.id)),
            owner: site.ownerId.flatMap { people[$0] },
            company: site.companyId.flatMap { companies[$0] }, devices: devices[site.id] ?? 0, managers: managers[site.id] ?? [])
    }
}
