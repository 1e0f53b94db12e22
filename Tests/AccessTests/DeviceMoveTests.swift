import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// "Devices may move between sites of the same owner"; "pending device-move applications expire after 7 days".
@Suite struct DeviceMoveTests {
    private let house: AccessHouse

    init() throws { house = try AccessHouse() }

    private var moves: DeviceMoves { house.services.moves }

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        let refusal = await #expect(throws: PeopleRefusal.self) { try await body() }
        #expect(refusal?.kind == kind)
    }

    private func apply(_ device: Place, to site: SiteID, by caller: Caller) async throws -> (view: DeviceMoves.View, isFree: Bool) {
        try await moves.apply(
            [try #require(device.device)], to: site, remarks: nil, by: caller, try await house.services.control.rights(of: caller.id))
    }

    private func close(_ record: DeviceMoveRecord, isFree: Bool) async throws {
        try await house.database.write { [moves] in try moves.close(record, isFree: isFree, $0) }
    }

    /// Two sites of one owner, a device at the first, and the provider's administrator.
    private func owned() async throws -> (device: Place, to: SiteID, olga: Caller, anna: Caller) {
        let anna = try await house.claim().caller
        let first = try await house.site()
        let second = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let device = try await house.device(at: first)
        let all = [PermissionWish(permission: .configuration, validity: .permanent)]
        let olga = try await house.accept(try await house.send(first, all))
        _ = try await house.services.handovers.accept(
            try await house.send(second, all), .known(userName: "olga", password: AccessHouse.password, oneTimePassword: nil),
            from: .init(address: "10.0.0.9", client: "test"))
        return (device, second, olga, anna)
    }

    @Test func theOwnerDecidesWithinSevenDays() async throws {
        let (device, to, olga, anna) = try await owned()
        let asked = try await apply(device, to: to, by: anna)
        #expect(!asked.isFree && asked.view.record.state == .pending && asked.view.to == "Flat")
        // Asked about once.
        await refused(.notPossible) { _ = try await apply(device, to: to, by: anna) }
        house.time.advance(.seconds(7 * 86_400 - 1))
        #expect(try await moves.one(asked.view.record.id).record.state == .pending)
        house.time.advance(.seconds(1))
        #expect(try await moves.one(asked.view.record.id).record.state == .expired)
        #expect(
            try await moves.all(of: to, for: try await house.services.control.rights(of: olga.id)).items.map(\.record.state) == [.expired])
        await refused(.notPossible) { try await close(asked.view.record, isFree: false) }
        let again = try await apply(device, to: to, by: anna)
        #expect(try await moves.end(again.view.record.id, as: .refused).record.state == .refused)
        await refused(.notPossible) { _ = try await moves.end(again.view.record.id, as: .withdrawn) }
        #expect(try await apply(device, to: to, by: olga).isFree)
    }

    @Test func onlyBetweenSitesOfOneOwner() async throws {
        let (device, to, olga, anna) = try await owned()
        let other = try await house.services.sites.add(SiteFields(), name: "Shed", timeZone: "Europe/Rome", by: anna)
        await refused(.notPossible) { _ = try await apply(device, to: other, by: anna) }
        await refused(.notFound) { _ = try await apply(device, to: other, by: olga) }
        await refused(.notPossible) { _ = try await apply(device, to: device.site, by: olga) }
        let otto = try await house.accept(try await house.send(other), as: "otto")
        await refused(.notFound) { _ = try await apply(device, to: other, by: otto) }
        // The device has gone elsewhere meanwhile: what was asked for is done no more.
        let asked = try await apply(device, to: to, by: anna)
        try await house.database.write { database in
            guard var moved = try DeviceRecord.fetchOne(database, key: device.device) else { return }
            moved.siteId = to
            try moved.update(database)
        }
        await refused(.notPossible) { try await close(asked.view.record, isFree: false) }
    }

    /// Before the handover the provider moves; "the devices cannot be unbound" where a tenant has allowed their use to be switched off.
    @Test func withoutAnOwnerAndForTenants() async throws {
        let anna = try await house.claim().caller
        let first = try await house.site()
        let second = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let device = try await house.device(at: first)
        // Until it is moved, nothing waits for anybody.
        #expect(try await apply(device, to: second, by: anna).isFree)
        let free = try await apply(device, to: second, by: anna)
        try await close(free.view.record, isFree: true)
        #expect(try await moves.one(free.view.record.id).record.state == .moved)
        let olga = try await house.accept(try await house.send(first, control: true))
        _ = try await house.services.handovers.accept(
            try await house.send(second), .known(userName: "olga", password: AccessHouse.password, oneTimePassword: nil),
            from: .init(address: "10.0.0.9", client: "test"))
        await refused(.notPossible) { _ = try await apply(device, to: second, by: olga) }
    }
}
