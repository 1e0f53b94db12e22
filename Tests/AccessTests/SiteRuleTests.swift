import BoxDatabase
import Core
import Foundation
import TestSupport
import Testing

@testable import Access

/// Rules of sites and permissions that are about people: one person's permission, its end, what is told in which words.
struct SiteRuleTests {
    private let house: AccessHouse

    init() throws { house = try AccessHouse() }

    private func rights(_ caller: Caller) async throws -> Rights { try await house.services.control.rights(of: caller.id) }

    private func kinds(_ caller: Caller) async throws -> [String] { try await house.services.notices.all(of: caller.id).items.map(\.kind) }

    /// A site with an owner, whose provider has an installer admin and an IT manager.
    private func owned() async throws -> (site: SiteID, device: Place, anna: Caller, bert: Caller) {
        let anna = try await house.claim().caller
        let bert = try await house.join("bert", .itManager).caller
        let site = try await house.site()
        let device = try await house.device(at: site)
        _ = try await house.accept(try await house.send(site))
        return (site, device, anna, bert)
    }

    /// "by person or company".
    @Test func aPermissionOfOnePersonIsNobodyElses() async throws {
        let (site, device, anna, bert) = try await owned()
        #expect(try await house.services.sites.providers(of: site).map(\.userName) == ["anna", "bert"])
        try await house.services.permissions.give([.init(permission: .liveView, validity: .permanent)], to: bert.id, at: site)
        #expect(try await rights(bert).allow(.viewLive, at: device))
        #expect(try await !rights(anna).allow(.viewLive, at: device))
        #expect(try await house.services.permissions.all(at: site).map(\.person) == ["bert"])
        let refusal = await #expect(throws: PeopleRefusal.self) {
            let olga = try await house.signIn("olga").caller
            try await house.services.permissions.give([.init(permission: .liveView, validity: .permanent)], to: olga.id, at: site)
        }
        #expect(refusal?.kind == .notFound)
    }

    /// "permission about to end": once, ten minutes before, to who has it.
    @Test func whoHasAPermissionIsToldBeforeItEnds() async throws {
        let (site, _, anna, bert) = try await owned()
        let permissions = house.services.permissions
        try await permissions.give([.init(permission: .playback, validity: Validity(hours: 1, until: nil))], to: bert.id, at: site)
        let told = NoticeKind.permissionEndsSoon.rawValue
        try await permissions.count()
        house.time.advance(.seconds(49 * 60))
        try await permissions.count()
        #expect(try await !kinds(bert).contains(told))
        house.time.advance(.seconds(120))
        try await permissions.count()
        try await permissions.count()
        #expect(try await kinds(bert).filter { $0 == told }.count == 1)
        #expect(try await !kinds(anna).contains(told))
        house.time.advance(.seconds(600))
        try await permissions.count()
        #expect(try await permissions.all(at: site).isEmpty)
    }

    @Test func aSiteWithoutDevicesIsDeleted() async throws {
        let anna = try await house.claim().caller
        let sites = house.services.sites
        let flat = try await sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        _ = try await house.device(at: flat)
        await #expect(throws: PeopleRefusal.self) { try await sites.delete(flat) }
        let attic = try await sites.add(SiteFields(), name: "Attic", timeZone: "Europe/Rome", by: anna)
        try await sites.delete(attic)
        #expect(try await rights(anna).sites.keys.contains(flat))
        #expect(try await !rights(anna).sites.keys.contains(attic))
    }
}
