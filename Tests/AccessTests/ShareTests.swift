import BoxDatabase
import Core
import Foundation
import TestSupport
import Testing

@testable import Access

/// Sites that are shared with partners: the rules of domain.md ("Sharing"), by their words.
@Suite struct ShareTests {
    private let house: AccessHouse

    init() throws { house = try AccessHouse() }

    private var control: AccessControl { house.services.control }
    private var shares: SiteShares { house.services.shares }

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        let refusal = await #expect(throws: PeopleRefusal.self) { try await body() }
        #expect(refusal?.kind == kind)
    }

    private func share(_ site: SiteID, _ kind: SiteShareRecord.Kind, _ permissions: [SitePermission] = []) async throws -> (
        SiteShareID, String
    ) {
        let (view, token) = try await shares.share(
            site, kind, permissions: permissions, with: "mia@example.com", remarks: nil, language: .english,
            by: try await house.administrator())
        return (view.record.id, token)
    }

    private func accept(_ token: String, as name: String = "mia") async throws -> Caller {
        try await shares.accept(
            token, .new(userName: name, fullName: nil, company: "Night Watch", password: AccessHouse.password),
            from: .init(address: "10.0.0.7", client: "test")
        ).caller
    }

    private func rights(_ person: Caller) async throws -> Rights { try await control.rights(of: person.id) }

    /// "With an ISP before handover (all device permissions until handover)"; "cannot share further, cannot activate plans".
    @Test func anInstallationPartnerUntilTheHandover() async throws {
        _ = try await house.claim()
        let site = try await house.site()
        let (place, whole) = (try await house.device(at: site), Place(site: site))
        let mia = try await accept(try await share(site, .installation).1)
        let before = try await rights(mia)
        for action in [Action.viewSite, .configure, .viewLive, .playBack, .export, .moveLens, .talk, .openDoor, .removeDevice] {
            #expect(before.allow(action, at: place), "\(action)")
        }
        for action in [Action.share, .managePlans, .handOver, .deleteSite, .manageSite, .apply, .grant] {
            #expect(!before.allow(action, at: whole) && !before.allow(action, at: place), "\(action)")
        }
        #expect(before.box == [.applyForSite, .viewBox])
        #expect(before.allow(.leaveSite, at: whole) && before.sites.count == 1)
        let token = try await house.send(site)
        #expect(try await rights(mia).allow(.viewLive, at: place))
        _ = try await house.accept(token)
        #expect(try await rights(mia).sites.isEmpty)
        // Over is over, also when the owner lets the provider look after the site.
        try await house.services.permissions.give([.init(permission: .liveView, validity: .permanent)], to: nil, at: site)
        #expect(try await rights(mia).sites.isEmpty)
    }

    /// Who sent it may have left since: what is shared is still to be seen, and to be ended.
    @Test func aShareIsListedAfterItsSenderIsGone() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let bert = try await house.join("bert", .itManager).caller
        let (view, token) = try await shares.share(
            site, .installation, permissions: [], with: "mia@example.com", remarks: nil, language: .english, by: bert)
        _ = try await accept(token)
        try await house.services.people.delete(bert.id, by: anna)
        #expect(try await shares.all(of: site, for: anna).items.map(\.record.id) == [view.record.id])
        #expect(try await shares.end(view.record.id, at: site).state == .ended)
    }

    /// "With an MSP during or after it (only permissions that the owner granted, changeable)".
    @Test func aMaintenancePartnerHasWhatTheOwnerGranted() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let place = try await house.device(at: site)
        await refused(.notPossible) { _ = try await share(site, .maintenance, [.liveView]) }
        let olga = try await house.accept(
            try await house.send(
                site,
                [
                    .init(permission: .liveView, validity: .permanent), .init(permission: .configuration, validity: .permanent),
                    .init(permission: .playback, validity: .init(hours: 1, until: nil)),
                ]))
        await refused(.notPossible) { _ = try await share(site, .installation) }
        await refused(.notPossible) { _ = try await share(site, .maintenance, [.siteInformation]) }
        await refused(.notPossible) { _ = try await share(site, .maintenance) }
        let (id, token) = try await share(site, .maintenance, [.playback, .configuration])
        let mia = try await accept(token)
        #expect(try await rights(mia).allow(.playBack, at: place))
        #expect(try await rights(mia).allow(.configure, at: place))
        #expect(try await !rights(mia).allow(.viewLive, at: place))
        #expect(try await !rights(mia).allow(.managePlans, at: place))
        // What the owner gave for an hour ends for the partner too.
        house.time.advance(.seconds(3600))
        #expect(try await !rights(mia).allow(.playBack, at: place))
        _ = try await shares.change(id, at: site, permissions: [.liveView])
        #expect(try await rights(mia).allow(.viewLive, at: place))
        #expect(try await !rights(mia).allow(.configure, at: place))
        // The provider and the owner see it; another partner does not.
        #expect(try await shares.all(of: site, for: anna).items.map(\.partner) == ["Night Watch"])
        #expect(try await shares.all(of: site, for: olga).items.count == 1)
        let nora = try await accept(try await share(site, .maintenance, [.liveView]).1, as: "nora")
        #expect(try await shares.all(of: site, for: nora).items.count == 1)
        #expect(try await shares.all(of: site, for: anna).items.count == 2)
        // What the owner takes back nobody has any more, and a discarded authorization ends all shares.
        try await house.services.permissions.discard(at: site)
        #expect(try await rights(mia).sites.isEmpty)
        try await house.services.permissions.give([.init(permission: .liveView, validity: .permanent)], to: nil, at: site)
        #expect(try await rights(mia).sites.isEmpty)
    }

    /// A link is good for three days; what is shared with one company is one thing.
    @Test func theNewestOfferHolds() async throws {
        _ = try await house.claim()
        let site = try await house.site()
        let place = try await house.device(at: site)
        _ = try await house.accept(
            try await house.send(
                site, [.init(permission: .liveView, validity: .permanent), .init(permission: .playback, validity: .permanent)]))
        let mia = try await accept(try await share(site, .maintenance, [.liveView]).1)
        house.time.advance(.seconds(1))
        let (_, token) = try await share(site, .maintenance, [.playback])
        _ = try await shares.accept(
            token, .known(userName: "mia", password: AccessHouse.password, oneTimePassword: nil),
            from: .init(address: "10.0.0.7", client: "test"))
        #expect(try await rights(mia).allow(.playBack, at: place))
        #expect(try await !rights(mia).allow(.viewLive, at: place))
        #expect(try await shares.all(of: site, for: mia).items.map(\.record.state) == [.accepted, .ended])
        let late = try await share(site, .maintenance, [.liveView])
        house.time.advance(.seconds(3 * 86_400))
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await accept(late.1, as: "nora") }
        let found = try await shares.all(of: site, for: try await house.administrator()).items
        #expect(found.first { $0.record.id == late.0 }?.record.state == .ended)
    }

    /// "Deleting the site on the partner's side only ends the sharing."
    @Test func leavingEndsTheSharingAlone() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let mia = try await accept(try await share(site, .installation).1)
        await refused(.notPossible) { try await shares.leave(site, by: anna) }
        try await shares.leave(site, by: mia)
        #expect(try await rights(mia).sites.isEmpty)
        #expect(try await rights(anna).allow(.manageSite, at: Place(site: site)))
        // The same account helps again, with the same site or another.
        let (id, token) = try await share(site, .installation)
        _ = try await shares.accept(
            token, .known(userName: "mia", password: AccessHouse.password, oneTimePassword: nil),
            from: .init(address: "10.0.0.7", client: "test"))
        #expect(try await rights(mia).allow(.viewSite, at: Place(site: site)))
        #expect(try await shares.end(id, at: site).state == .ended)
        #expect(try await rights(mia).sites.isEmpty)
        await refused(.notPossible) { _ = try await shares.end(id, at: site) }
    }

    @Test func aLinkIsGoodOnceAndForPartnersAlone() async throws {
        _ = try await house.claim()
        let site = try await house.site()
        let (_, token) = try await share(site, .installation)
        await refused(.notPossible) {
            _ = try await shares.accept(
                token, .known(userName: "anna", password: AccessHouse.password, oneTimePassword: nil),
                from: .init(address: "10.0.0.7", client: "test"))
        }
        let mia = try await accept(token)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await accept(token, as: "nora") }
        let (other, refusedToken) = try await share(site, .installation)
        #expect(try await shares.refuse(refusedToken, from: "10.0.0.7").id == other)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await accept(refusedToken, as: "nora") }
        // A partner is no employee: nobody finds, assigns or changes them among these.
        #expect(try await house.services.people.all().map(\.person.userName) == ["anna"])
        await refused(.notFound) { try await house.services.people.assign([site], to: mia.id) }
        for _ in 0..<(SiteShares.most - 1) { _ = try await share(site, .installation) }
        await refused(.tooMany) { _ = try await share(site, .installation) }
    }
}
