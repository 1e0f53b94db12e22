import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// "Owner side: … invite a provider to a device (3 days)"; "device management invitations [expire] after 3".
struct ProviderInvitationTests {
    private let house: AccessHouse

    init() throws { house = try AccessHouse() }

    private var shares: SiteShares { house.services.shares }

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        let refusal = await #expect(throws: PeopleRefusal.self) { try await body() }
        #expect(refusal?.kind == kind)
    }

    /// A link that is no longer good is answered as one that was guessed.
    private func isOver(_ body: () async throws -> Void) async {
        await #expect(throws: AccessDenied.wrongPassword) { try await body() }
    }

    private func rights(_ caller: Caller) async throws -> Rights { try await house.services.control.rights(of: caller.id) }

    /// A site that nobody looks after, with two devices, its owner, and the installer admin.
    private func owned() async throws -> (site: SiteID, device: Place, other: Place, anna: Caller, olga: Caller) {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let (device, other) = (try await house.device(at: site), try await house.device(at: site))
        let olga = try await house.accept(try await house.send(site))
        return (site, device, other, anna, olga)
    }

    private func invite(_ site: SiteID, _ olga: Caller, _ device: DeviceID? = nil, hours: Int? = nil) async throws -> (SiteShareID, String)
    {
        let wish = PermissionWish(permission: .liveView, deviceId: device, channelId: nil, validity: Validity(hours: hours, until: nil))
        let (view, token) = try await shares.invite("verdi@example.com", for: [wish], at: site, remarks: nil, language: .english, by: olga)
        return (view.record.id, token)
    }

    private func accept(_ token: String, company: String = "Verdi") async throws -> Caller {
        try await shares.accept(
            token, .new(userName: "vera", fullName: nil, company: company, password: AccessHouse.password),
            from: .init(address: "10.0.0.7", client: "test")
        ).caller
    }

    private func accept(_ token: String, as name: String) async throws -> Caller {
        try await shares.accept(
            token, .known(userName: name, password: AccessHouse.password, oneTimePassword: nil),
            from: .init(address: "10.0.0.7", client: "test")
        ).caller
    }

    @Test func aNewCompanyHasWhatWasOfferedAndNothingElse() async throws {
        let (site, device, other, anna, olga) = try await owned()
        let (_, token) = try await invite(site, olga, device.device, hours: 8)
        let offer = try await shares.offer(token, from: "10.0.0.7")
        #expect(offer.from == "olga")
        #expect(offer.devices.count == 1)
        let vera = try await accept(token)
        let theirs = try await rights(vera)
        #expect(theirs.allow(.viewLive, at: device) && theirs.allow(.viewSite, at: Place(site: site)))
        #expect(!theirs.allow(.viewLive, at: other) && !theirs.allow(.configure, at: device) && !theirs.allow(.playBack, at: device))
        #expect(try await !rights(anna).see(Place(site: site)), "the former company")
        let given = try await house.services.permissions.all(at: site)
        #expect(given.map(\.company) == ["Verdi"] && given.first?.record.endsAt != nil)
        #expect(try await house.services.sites.one(site).status == .authorized)
        // It is a provider of the site, and no partner in a share.
        #expect(try await shares.all(of: site, for: olga).items.isEmpty)
        #expect(try await shares.invitations(of: site).items.map(\.record.state) == [.accepted])
        try await house.services.permissions.discard(at: site)
        #expect(try await shares.invitations(of: site).items.map(\.record.state) == [.ended])
        #expect(try await !rights(vera).allow(.viewLive, at: device))
    }

    @Test func theBoxesOwnCompanyAcceptsByWhoeverLooksAfterSites() async throws {
        let (site, device, _, anna, olga) = try await owned()
        let (_, token) = try await invite(site, olga, device.device)
        await refused(.notPossible) { _ = try await accept(token, as: "olga") }
        _ = try await accept(token, as: anna.name)
        #expect(try await rights(anna).allow(.viewLive, at: device))
        await isOver { _ = try await shares.offer(token, from: "10.0.0.7") }
    }

    @Test func nobodyIsInvitedWhereSomebodyLooksAfterIt() async throws {
        let (site, device, _, _, olga) = try await owned()
        let (_, early) = try await invite(site, olga, device.device)
        try await house.services.permissions.give([.init(permission: .liveView, validity: .permanent)], to: nil, at: site)
        await refused(.notPossible) { _ = try await invite(site, olga) }
        await refused(.notPossible) { _ = try await accept(early) }
        #expect(try await house.services.people.all().allSatisfy { $0.person.userName != "vera" }, "no account is left of it")
    }

    /// "then it can switch the owner's remote use off …, and the devices cannot be unbound": not by another company, either.
    @Test func whatATenantHasAllowedIsNotGotRidOfByAnInvitation() async throws {
        let (site, device, _, _, olga) = try await owned()
        let (_, token) = try await invite(site, olga, device.device)
        try await house.database.write { database in
            try database.execute(sql: "UPDATE site SET controlsRemoteUse = 1")
            try database.execute(sql: "UPDATE device SET ownerUseDisabled = 1")
        }
        await refused(.notPossible) { _ = try await invite(site, olga) }
        await refused(.notPossible) { _ = try await accept(token) }
        #expect(try await !rights(olga).allow(.viewLive, at: device))
        #expect(try await house.services.sites.one(site).record.controlsRemoteUse)
    }

    @Test func whatItWasForMayBeGone() async throws {
        let (site, device, _, _, olga) = try await owned()
        let (_, token) = try await invite(site, olga, device.device)
        try await house.database.write { _ = try DeviceRecord.deleteOne($0, key: device.device) }
        await refused(.notFound) { _ = try await accept(token) }
        #expect(try await house.services.sites.one(site).status == .notAuthorized)
    }

    @Test func itIsGoodForThreeDays() async throws {
        let (site, _, _, _, olga) = try await owned()
        let (_, token) = try await invite(site, olga)
        house.time.advance(.seconds(3 * 86_400 - 60))
        _ = try await shares.offer(token, from: "10.0.0.7")
        house.time.advance(.seconds(61))
        await isOver { _ = try await accept(token) }
        #expect(try await shares.invitations(of: site).items.map(\.record.state) == [.ended])
    }

    @Test func itIsTakenBackAndRefused() async throws {
        let (site, _, _, _, olga) = try await owned()
        let (id, token) = try await invite(site, olga)
        try await shares.takeBack(id, at: site)
        await refused(.notPossible) { try await shares.takeBack(id, at: site) }
        await isOver { _ = try await accept(token) }
        let (second, other) = try await invite(site, olga)
        #expect(try await shares.refuse(other, from: "10.0.0.7").id == second)
        await isOver { _ = try await accept(other) }
        // Of another site it is none.
        let elsewhere = try await house.services.sites.add(
            SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: try await house.administrator())
        let (third, _) = try await invite(site, olga)
        await refused(.notFound) { try await shares.takeBack(third, at: elsewhere) }
        await refused(.notFound) { _ = try await shares.end(third, at: site) }
    }
}
