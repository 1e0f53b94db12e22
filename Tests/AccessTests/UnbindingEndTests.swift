import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// "With … a notification at each step": however a request to unbind ends, those whom it concerns are told, once.
@Suite struct UnbindingEndTests {
    private let house: AccessHouse
    private let label = Unbindings.Proof(mediaType: "image/jpeg", bytes: Data([0xFF, 0xD8, 0xFF]))

    init() throws { house = try AccessHouse() }

    private var unbindings: Unbindings { house.services.unbindings }

    private func rights(_ caller: Caller) async throws -> Rights { try await house.services.control.rights(of: caller.id) }

    private func kinds(_ caller: Caller) async throws -> [String] {
        try await house.services.notices.all(of: caller.id).items.map(\.kind).filter { $0.hasPrefix("unbinding-") }
    }

    /// A request of the provider for a device of Olga's site.
    private func asked(proven: Bool = true) async throws -> (
        view: Unbindings.View, device: Place, target: SiteID, anna: Caller, olga: Caller
    ) {
        let anna = try await house.claim().caller
        let first = try await house.site()
        let target = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let device = try await house.device(at: first)
        let olga = try await house.accept(try await house.send(first))
        let bound = Unbindings.Bound(
            device: try #require(device.device), host: "192.0.2.9", model: "DS-1", serialNumber: "SN77", macAddress: nil)
        let view = try await unbindings.ask(for: bound, to: target, remarks: nil, isOnSite: true, by: anna, try await rights(anna))
        if proven { _ = try await unbindings.attach(label, as: .label, to: view.record.id, by: anna, try await rights(anna)) }
        return (view, device, target, anna, olga)
    }

    private func settle() async throws { try await unbindings.settling { _ in } }

    private func unbind(_ view: Unbindings.View, by caller: Caller) async throws {
        let rights = try await rights(caller)
        try await house.database.write { [unbindings] database in
            try unbindings.decide(view.record.id, unbind: true, reason: nil, by: caller, rights, database)
            try database.execute(sql: "DELETE FROM device")
        }
    }

    @Test func whoWasToDecideIsToldThatItIsWithdrawn() async throws {
        let (view, _, _, anna, olga) = try await asked()
        _ = try await unbindings.end(view.record.id, confirmed: false, by: anna, try await rights(anna))
        #expect(try await kinds(olga) == ["unbinding-withdrawn"])
        let told = try #require(try await house.services.notices.all(of: olga.id).items.first)
        #expect(told.values == ["person": "anna", "what": "DS-1 SN77", "site": "Shop"])
        #expect(try await kinds(anna).isEmpty)
    }

    @Test func whoWithdrewItIsNotToldOfIt() async throws {
        let anna = try await house.claim().caller
        let target = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let device = try await house.device(at: try await house.site())
        let ada = try await house.join("ada", .administrator).caller
        let bound = Unbindings.Bound(
            device: try #require(device.device), host: "192.0.2.9", model: "DS-1", serialNumber: "SN77", macAddress: nil)
        let view = try await unbindings.ask(for: bound, to: target, remarks: nil, isOnSite: true, by: anna, try await rights(anna))
        _ = try await unbindings.attach(label, as: .label, to: view.record.id, by: anna, try await rights(anna))
        _ = try await unbindings.end(view.record.id, confirmed: false, by: anna, try await rights(anna))
        #expect(try await kinds(anna).isEmpty)
        #expect(try await kinds(ada) == ["unbinding-withdrawn"])
    }

    @Test func whoNeverSawItIsToldNothing() async throws {
        let (view, _, _, anna, olga) = try await asked(proven: false)
        _ = try await unbindings.end(view.record.id, confirmed: false, by: anna, try await rights(anna))
        #expect(try await kinds(olga).isEmpty)
    }

    @Test func whoDecidedIsToldThatItIsConfirmed() async throws {
        let (view, _, _, anna, olga) = try await asked()
        try await unbind(view, by: olga)
        _ = try await unbindings.end(view.record.id, confirmed: true, by: anna, try await rights(anna))
        #expect(try await kinds(olga) == ["unbinding-closed"])
    }

    @Test func addingTheDeviceIsToldOnce() async throws {
        let (view, _, target, _, olga) = try await asked()
        try await unbind(view, by: olga)
        try await settle()
        #expect(try await kinds(olga).isEmpty)
        let again = try await house.device(at: target)
        try await house.database.write {
            try $0.execute(sql: "UPDATE device SET serialNumber = 'SN77' WHERE id = ?", arguments: [again.device])
        }
        try await settle()
        try await settle()
        #expect(try await kinds(olga) == ["unbinding-closed"])
    }

    @Test func whoAskedIsToldThatItIsGivenUp() async throws {
        let (_, _, _, anna, olga) = try await asked(proven: false)
        house.time.advance(.seconds(86_399))
        try await settle()
        #expect(try await kinds(anna).isEmpty)
        house.time.advance(.seconds(1))
        try await settle()
        try await settle()
        #expect(try await kinds(anna) == ["unbinding-given-up"])
        #expect(try await kinds(olga).isEmpty)
    }

    @Test func whoAskedIsToldThatTheDeviceIsGone() async throws {
        let (view, device, _, anna, olga) = try await asked()
        try await house.database.write { try $0.execute(sql: "DELETE FROM device WHERE id = ?", arguments: [device.device]) }
        try await settle()
        #expect(try await kinds(anna) == ["unbinding-gone"])
        #expect(try await kinds(olga).isEmpty)
        #expect(try await unbindings.one(view.record.id, for: anna, try await rights(anna)).record.state == .refused)
    }

    @Test func itIsToldWithoutAnybodyLooking() async throws {
        let (_, _, _, anna, _) = try await asked(proven: false)
        let news = house.services.notices.news.listen()
        let running = Task { [unbindings] in await unbindings.run() }
        defer { running.cancel() }
        #expect(await eventually { house.time.sleepers > 0 })
        house.time.advance(.seconds(86_400))
        for await told in news where told.notice.kind == NoticeKind.unbindingGivenUp.rawValue {
            #expect(told.person.id == anna.id)
            break
        }
    }
}
