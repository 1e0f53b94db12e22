import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// "A device already bound to another account or box must be unbound first": by a case that goes in progress, to be confirmed, closed, or is refused.
@Suite struct UnbindingTests {
    private let house: AccessHouse
    private let label = Unbindings.Proof(mediaType: "image/jpeg", bytes: Data([0xFF, 0xD8, 0xFF]))

    init() throws { house = try AccessHouse() }

    private var unbindings: Unbindings { house.services.unbindings }

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        let refusal = await #expect(throws: PeopleRefusal.self) { try await body() }
        #expect(refusal?.kind == kind)
    }

    private func rights(_ caller: Caller) async throws -> Rights { try await house.services.control.rights(of: caller.id) }

    /// The owner's site with a device, another site of the provider, and both people.
    private func owned(controls: Bool = false) async throws -> (device: Place, target: SiteID, olga: Caller, anna: Caller) {
        let anna = try await house.claim().caller
        let first = try await house.site()
        let second = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let device = try await house.device(at: first)
        let olga = try await house.accept(try await house.send(first))
        if controls {
            try await house.database.write {
                try $0.execute(sql: "UPDATE site SET controlsRemoteUse = 1 WHERE id = ?", arguments: [first])
            }
        }
        return (device, second, olga, anna)
    }

    private func ask(_ device: Place, to target: SiteID, by caller: Caller, isOnSite: Bool = true) async throws -> Unbindings.View {
        try await unbindings.ask(
            for: .init(device: try #require(device.device), host: "192.0.2.9", model: "DS-1", serialNumber: "SN77", macAddress: nil),
            to: target, remarks: nil, isOnSite: isOnSite, by: caller, try await rights(caller))
    }

    private func decide(_ id: UnbindingID, unbind: Bool, by caller: Caller) async throws {
        let rights = try await rights(caller)
        try await house.database.write { [unbindings] database in
            try unbindings.decide(
                id, unbind: unbind, reason: unbind ? nil : "It is not bound to any account.", by: caller, rights, database)
            if unbind { try database.execute(sql: "DELETE FROM device") }
        }
    }

    private func state(_ id: UnbindingID, _ caller: Caller) async throws -> UnbindingRecord.State {
        try await unbindings.one(id, for: caller, try await rights(caller)).record.state
    }

    @Test func theOwnerDecidesAndTheProviderThatAsksDoesNot() async throws {
        let (device, target, olga, anna) = try await owned()
        let asked = try await ask(device, to: target, by: anna)
        // Who asked learns nothing of whose it is.
        #expect(
            asked.site == nil && asked.owner == nil && asked.device == nil && !asked.mayDecide && asked.isOwn && !asked.isAdministrators)
        #expect(asked.missing == [.label])
        await refused(.notFound) { _ = try await state(asked.record.id, olga) }
        #expect(try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, try await rights(anna)).missing == [])
        let seen = try #require(try await unbindings.all(.init(), for: olga, try await rights(olga)).items.first)
        #expect(seen.mayDecide && !seen.isOwn && seen.site?.id == device.site && seen.company == "Service provider")
        // The administrator of the company that asks may not decide it, though they may decide others.
        #expect(try await rights(anna).allow(.unbind))
        await refused(.beyondOwnRights) { try await decide(asked.record.id, unbind: true, by: anna) }
        try await decide(asked.record.id, unbind: true, by: olga)
        #expect(try await state(asked.record.id, anna) == .toBeConfirmed)
        await refused(.notPossible) { try await decide(asked.record.id, unbind: false, by: olga) }
        await refused(.notFound) { _ = try await unbindings.end(asked.record.id, confirmed: true, by: olga, try await rights(olga)) }
        #expect(try await unbindings.end(asked.record.id, confirmed: true, by: anna, try await rights(anna)).record.state == .closed)
        await refused(.notPossible) { _ = try await unbindings.end(asked.record.id, confirmed: true, by: anna, try await rights(anna)) }
    }

    @Test func addingTheDeviceConfirms() async throws {
        let (device, target, olga, anna) = try await owned()
        let asked = try await ask(device, to: target, by: anna)
        _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, try await rights(anna))
        try await decide(asked.record.id, unbind: true, by: olga)
        #expect(try await state(asked.record.id, anna) == .toBeConfirmed)
        let again = try await house.device(at: target)
        #expect(try await state(asked.record.id, anna) == .toBeConfirmed)
        try await house.database.write {
            try $0.execute(sql: "UPDATE device SET serialNumber = 'SN77' WHERE id = ?", arguments: [again.device])
        }
        #expect(try await state(asked.record.id, anna) == .closed)
    }

    @Test func whereThereIsNoOwnerTheAdministratorDecides() async throws {
        let anna = try await house.claim().caller
        let first = try await house.site()
        let second = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let asked = try await ask(try await house.device(at: first), to: second, by: anna)
        #expect(asked.isAdministrators)
        _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, try await rights(anna))
        try await decide(asked.record.id, unbind: false, by: anna)
        let view = try await unbindings.one(asked.record.id, for: anna, try await rights(anna))
        #expect(
            view.record.state == .refused && view.record.reason == "It is not bound to any account." && view.record.decidedByName == "anna")
    }

    @Test func awayFromTheSiteTheDevicesOwnFileIsNeeded() async throws {
        let (device, target, olga, anna) = try await owned()
        let asked = try await ask(device, to: target, by: anna, isOnSite: false)
        let id = asked.record.id
        #expect(try await unbindings.attach(label, as: .label, to: id, by: anna, try await rights(anna)).missing == [.deviceFile])
        await refused(.notFound) { _ = try await state(id, olga) }
        let other = Unbindings.Proof(mediaType: "text/plain", bytes: Data("<serial>SN78</serial>".utf8))
        await refused(.notPossible) { _ = try await unbindings.attach(other, as: .deviceFile, to: id, by: anna, try await rights(anna)) }
        let own = Unbindings.Proof(mediaType: "text/plain", bytes: Data("<serial>sn77</serial>".utf8))
        #expect(try await unbindings.attach(own, as: .deviceFile, to: id, by: anna, try await rights(anna)).missing == [])
        #expect(try await unbindings.proof(.deviceFile, of: id).bytes == own.bytes)
        #expect(try await state(id, olga) == .inProgress)
        // Nobody else adds proofs, nor asks for the same.
        await refused(.notFound) { _ = try await unbindings.attach(label, as: .label, to: id, by: olga, try await rights(olga)) }
        await refused(.notPossible) { _ = try await ask(device, to: target, by: anna) }
    }

    @Test func whatIsNotProvenWithinADayIsGivenUp() async throws {
        let (device, target, _, anna) = try await owned()
        let asked = try await ask(device, to: target, by: anna)
        // Asking again gives the same, until it is proven.
        #expect(try await ask(device, to: target, by: anna).record.id == asked.record.id)
        house.time.advance(.seconds(86_400 - 1))
        #expect(try await state(asked.record.id, anna) == .inProgress)
        house.time.advance(.seconds(1))
        #expect(try await state(asked.record.id, anna) == .withdrawn)
        let again = try await ask(device, to: target, by: anna)
        _ = try await unbindings.attach(label, as: .label, to: again.record.id, by: anna, try await rights(anna))
        house.time.advance(.seconds(86_400))
        #expect(try await state(again.record.id, anna) == .inProgress)
        #expect(try await unbindings.end(again.record.id, confirmed: false, by: anna, try await rights(anna)).record.state == .withdrawn)
    }

    @Test func refusedWhereRemoteUseControlWasGranted() async throws {
        let (device, target, olga, anna) = try await owned(controls: true)
        await refused(.notPossible) { _ = try await ask(device, to: target, by: anna) }
        #expect(try await unbindings.all(.init(), for: olga, try await rights(olga)).items.isEmpty)
    }

    @Test func onlyCompaniesAsk() async throws {
        let (device, target, olga, _) = try await owned()
        await refused(.notPossible) { _ = try await ask(device, to: target, by: olga) }
        let gone = Place(site: device.site, device: DeviceID.timeOrdered(at: Date(timeIntervalSince1970: 1_790_000_000)))
        await refused(.notPossible) { _ = try await ask(gone, to: target, by: olga) }
    }

    @Test func deciderSeesThemByRegion() async throws {
        let (device, target, olga, anna) = try await owned()
        try await house.database.write {
            try $0.execute(sql: "UPDATE site SET city = 'Torino', state = 'Piemonte' WHERE id = ?", arguments: [device.site])
        }
        let asked = try await ask(device, to: target, by: anna)
        _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, try await rights(anna))
        let rights = try await rights(olga)
        for (region, count) in [("piem", 1), ("torino", 1), ("Lazio", 0)] {
            #expect(try await unbindings.all(.init(region: region), for: olga, rights).items.count == count, "\(region)")
        }
        #expect(try await unbindings.all(.init(state: .closed), for: olga, rights).items.isEmpty)
    }

    @Test func whatWasLookedAtIsNotChangedAndThenForgotten() async throws {
        let (device, target, olga, anna) = try await owned()
        let asked = try await ask(device, to: target, by: anna)
        let rights = try await rights(anna)
        _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, rights)
        await refused(.notPossible) { _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, rights) }
        try await decide(asked.record.id, unbind: false, by: olga)
        await refused(.notFound) { _ = try await unbindings.proof(.label, of: asked.record.id) }
        // Decided, it is told a year.
        #expect(try await state(asked.record.id, olga) == .refused)
        house.time.advance(.seconds(366 * 86_400))
        await refused(.notFound) { _ = try await state(asked.record.id, anna) }
    }

    @Test func aDeviceThatWentElsewhereIsNotAskedForAnyMore() async throws {
        let (device, target, olga, anna) = try await owned()
        let other = try await house.services.sites.add(SiteFields(), name: "Shed", timeZone: "Europe/Rome", by: anna)
        let asked = try await ask(device, to: target, by: anna)
        _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, try await rights(anna))
        try await house.database.write {
            try $0.execute(sql: "UPDATE device SET siteId = ? WHERE id = ?", arguments: [other, device.device])
        }
        let view = try await unbindings.one(asked.record.id, for: olga, try await rights(olga))
        #expect(view.record.state == .refused && view.record.reason == "The device is not bound there any more." && view.device == nil)
        // Nor does the former request stand in the way of another.
        #expect(try await ask(device, to: target, by: anna).record.state == .inProgress)
    }

    @Test func whoMayAddNothingThereAnyMoreAsksNoMore() async throws {
        let (device, target, _, anna) = try await owned()
        let asked = try await ask(device, to: target, by: anna)
        var less = Rights.none
        await refused(.notFound) { _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, less) }
        less = Rights(box: [], sites: [target: SiteRights(site: [.viewSite], devices: [.viewSite])])
        #expect(try await unbindings.one(asked.record.id, for: anna, less).isOwn)
        await refused(.notFound) { _ = try await unbindings.attach(label, as: .label, to: asked.record.id, by: anna, less) }
        await refused(.notFound) { _ = try await unbindings.end(asked.record.id, confirmed: false, by: anna, less) }
    }

    @Test func oneCompanyAsksOnlySoOften() async throws {
        let (device, target, _, anna) = try await owned()
        let rights = try await rights(anna)
        for _ in 0..<Unbindings.mostPending {
            let asked = try await ask(device, to: target, by: anna)
            _ = try await unbindings.end(asked.record.id, confirmed: false, by: anna, rights)
        }
        await refused(.tooMany) { _ = try await ask(device, to: target, by: anna) }
        house.time.advance(.seconds(86_401))
        _ = try await ask(device, to: target, by: anna)
    }
}
