import BoxDatabase
import Core
import Foundation
import GRDB
import Testing

@testable import Access

/// "A deauthorized site can be added again by another company with its site ID (or QR code), which sends the owner an application."
struct SiteApplicationTests {
    private let house: AccessHouse
    private let wishes = [PermissionWish(permission: .liveView, deviceId: nil, channelId: nil, validity: Validity(hours: nil, until: nil))]

    init() throws { house = try AccessHouse() }

    private var applications: SiteApplications { house.services.siteApplications }

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        let refusal = await #expect(throws: PeopleRefusal.self) { try await body() }
        #expect(refusal?.kind == kind)
    }

    private func rights(_ caller: Caller) async throws -> Rights { try await house.services.control.rights(of: caller.id) }

    /// A site with an owner, and somebody of another company.
    private func owned() async throws -> (site: SiteID, device: Place, anna: Caller, olga: Caller, paul: Caller) {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let device = try await house.device(at: site)
        let olga = try await house.accept(try await house.send(site, wishes))
        let paul = try await house.partner("paul", company: "Bianchi Security")
        return (site, device, anna, olga, paul)
    }

    private func apply(_ site: SiteID, _ caller: Caller) async throws -> SiteApplications.View {
        try await applications.apply(for: site, wishes, remarks: nil, by: caller)
    }

    private func approve(_ application: ApplicationID, _ site: SiteID) async throws {
        _ = try await house.services.permissions.decide(application, at: site, isApproved: true)
    }

    @Test func anotherCompanyLooksAfterItWithWhatTheOwnerGranted() async throws {
        let (site, device, anna, olga, paul) = try await owned()
        try await house.services.permissions.discard(at: site)
        let made = try await apply(site, paul)
        #expect(made.site == nil, "its name is not told before")
        #expect(try await !rights(paul).see(Place(site: site)))
        try await approve(made.record.id, site)
        let theirs = try await rights(paul)
        #expect(theirs.allow(.viewLive, at: device) && theirs.allow(.viewSite, at: Place(site: site)))
        for action in Action.ofSites.subtracting([.viewSite, .viewLive, .moveLens, .talk, .apply, .share]) {
            #expect(!theirs.allow(action, at: device), "\(action)")
        }
        #expect(try await !rights(anna).see(Place(site: site)), "its former company")
        #expect(try await !rights(anna).allowEverywhere(.playBack))
        #expect(try await rights(olga).allow(.grant, at: Place(site: site)))
        #expect(try await applications.all(for: paul).items.map(\.site) == ["Shop"])
    }

    @Test func nothingOfTheFormerCompanyIsPassedOn() async throws {
        let (site, device, anna, _, paul) = try await owned()
        let made = try await {
            try await house.services.permissions.discard(at: site)
            return try await apply(site, paul)
        }()
        try await house.database.write { database in
            try database.execute(sql: "UPDATE site SET controlsRemoteUse = 1")
            try database.execute(sql: "UPDATE device SET ownerUseDisabled = 1")
        }
        let other = try await house.services.permissions.apply(wishes, remarks: nil, at: site, by: anna)
        // Neither hears of the other, nor takes what the other asked back.
        #expect(try await house.services.permissions.applications(at: site, for: anna).items.map(\.id) == [other.id])
        await refused(.notFound) { try await house.services.permissions.takeBack(made.record.id, at: site, by: anna) }
        // What a tenant has allowed ends by the provider's word alone.
        await refused(.notPossible) { try await approve(made.record.id, site) }
        try await house.database.write { try $0.execute(sql: "UPDATE site SET controlsRemoteUse = 0") }
        try await approve(made.record.id, site)
        let record = try await house.services.sites.one(site).record
        #expect(!record.controlsRemoteUse)
        let isClosed = try await house.database.read { try DeviceRecord.fetchOne($0, key: device.device)?.ownerUseDisabled }
        #expect(isClosed == false)
        await refused(.notPossible) { try await approve(other.id, site) }
        #expect(try await !rights(paul).allow(.controlRemoteUse, at: device))
    }

    @Test func nobodyIsAskedForASiteThatIsLookedAfter() async throws {
        let (site, _, _, olga, paul) = try await owned()
        await refused(.notPossible) { _ = try await apply(site, paul) }
        await refused(.notFound) { _ = try await apply(.timeOrdered(at: .distantPast), paul) }
        await refused(.notPossible) { _ = try await apply(site, olga) }
        let second = try await house.services.sites.add(
            SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: try await house.administrator())
        await refused(.notPossible) { _ = try await apply(second, paul) }
    }

    @Test func oneAtATimeAndOfTheWholeSite() async throws {
        let (site, device, _, _, paul) = try await owned()
        try await house.services.permissions.discard(at: site)
        let wish = PermissionWish(
            permission: .liveView, deviceId: device.device, channelId: nil, validity: Validity(hours: nil, until: nil))
        await refused(.notPossible) { _ = try await applications.apply(for: site, [wish], remarks: nil, by: paul) }
        let made = try await apply(site, paul)
        await refused(.notPossible) { _ = try await apply(site, paul) }
        await refused(.notFound) { _ = try await applications.takeBack(made.record.id, by: try await house.administrator()) }
        _ = try await applications.takeBack(made.record.id, by: paul)
        await refused(.notPossible) { _ = try await applications.takeBack(made.record.id, by: paul) }
        await refused(.notPossible) { try await approve(made.record.id, site) }
        _ = try await apply(site, paul)
    }

    @Test func whatItIsToldAboutTheSiteGoesToItsPeople() async throws {
        let (site, _, _, _, paul) = try await owned()
        try await house.services.permissions.discard(at: site)
        try await approve(try await apply(site, paul).record.id, site)
        try await house.services.notices.tell(.authorizationDiscarded, about: site, to: .managers)
        #expect(try await house.services.notices.all(of: paul.id).items.map(\.kind) == [NoticeKind.authorizationDiscarded.rawValue])
        #expect(
            try await house.services.notices.all(of: house.administrator().id).items.filter {
                $0.kind == NoticeKind.authorizationDiscarded.rawValue
            }.isEmpty)
    }

    @Test func whoMayAsk() async throws {
        let (_, _, anna, olga, paul) = try await owned()
        for (caller, may) in [(anna, true), (paul, true), (olga, false)] {
            #expect(try await rights(caller).allow(.applyForSite) == may)
        }
    }
}
