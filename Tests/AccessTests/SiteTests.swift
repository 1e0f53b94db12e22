import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// Sites on their way to their owners, and what these give: the rules of domain.md, by their words.
@Suite struct SiteTests {
    private let house: AccessHouse

    init() throws { house = try AccessHouse() }

    private var control: AccessControl { house.services.control }
    private var handovers: Handovers { house.services.handovers }
    private var permissions: SitePermissions { house.services.permissions }

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        let refusal = await #expect(throws: PeopleRefusal.self) { try await body() }
        #expect(refusal?.kind == kind)
    }

    /// "Site status and what the provider may do in it", as it is printed there.
    @Test func theTableOfStatusAndOperation() {
        let table: [SiteStatus.Operation: [Bool]] = [
            .search: [true, true, true, true], .handOver: [true, true, false, false], .manageDevices: [true, true, false, true],
            .edit: [true, true, false, true], .delete: [true, true, false, false], .apply: [false, false, true, false],
            .share: [true, false, false, true],
        ]
        #expect(table.count == SiteStatus.Operation.allCases.count)
        for (operation, expected) in table { #expect(SiteStatus.allCases.map { $0.allows(operation) } == expected, "\(operation)") }
    }

    /// The same table in force: what the provider's administrator may do with a site of each status, and its owner.
    @Test func whatIsInForceIsTheTable() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let place = try await house.device(at: site)
        let whole = Place(site: site)
        let actions: [(Action, Place)] = [
            (.viewSite, whole), (.handOver, whole), (.configure, place), (.manageSite, whole), (.deleteSite, whole), (.apply, whole),
            (.viewLive, place), (.playBack, place), (.removeDevice, place), (.grant, whole), (.viewSite, place),
        ]
        func found(_ person: PersonID) async throws -> String {
            let rights = try await control.rights(of: person)
            return actions.map { rights.allow($0.0, at: $0.1) ? "x" : "-" }.joined()
        }
        #expect(try await found(anna.id) == "xxxxx-xxx-x")
        let all = SitePermission.allCases.map { PermissionWish(permission: $0, validity: .permanent) }
        let token = try await house.send(site, all)
        #expect(try await control.status(of: site) == .toBeAccepted)
        #expect(try await found(anna.id) == "xxxxx-xxx-x")
        let olga = try await house.accept(token)
        #expect(try await control.status(of: site) == .authorized)
        #expect(try await found(anna.id) == "x-xx-xxx--x")
        #expect(try await found(olga.id) == "x-xx--xxxxx")
        try await permissions.discard(at: site)
        #expect(try await control.status(of: site) == .notAuthorized)
        #expect(try await found(anna.id) == "x----x-----")
        #expect(try await found(olga.id) == "x-xx--xxxxx")
    }

    /// "At most 5 sends a day; a new send voids the former."
    @Test func fiveSendsADay() async throws {
        _ = try await house.claim()
        let site = try await house.site()
        var tokens: [String] = []
        for _ in 0..<Handovers.mostADay { tokens.append(try await house.send(site)) }
        await refused(.tooMany) { _ = try await house.send(site) }
        for token in tokens.dropLast() {
            await #expect(throws: AccessDenied.wrongPassword) { _ = try await handovers.offer(token, from: "10.0.0.9") }
        }
        house.time.advance(.seconds(86_400))
        let last = try await house.send(site)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.accept(try #require(tokens.last)) }
        _ = try await house.accept(last)
        // A link is good once.
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.accept(last, as: "otto") }
        await refused(.notPossible) { _ = try await house.send(site) }
    }

    @Test func arefusalLeavesTheSiteWithTheProvider() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let token = try await house.send(site)
        _ = try await handovers.refuse(token, from: "10.0.0.9")
        #expect(try await control.status(of: site) == .notHandedOver)
        #expect(try await handovers.all(of: site).items.map(\.state) == [.refused])
        #expect(try await control.rights(of: anna.id).allow(.handOver, at: Place(site: site)))
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.accept(token) }
    }

    /// An owner takes a second site with the account that they have; an employee's account is none of an owner.
    @Test func oneOwnerOfTwoSites() async throws {
        let anna = try await house.claim().caller
        let first = try await house.site()
        let olga = try await house.accept(try await house.send(first))
        let second = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let token = try await house.send(second)
        let origin = SignIns.Origin(address: "10.0.0.9", client: "test")
        await refused(.notPossible) {
            _ = try await handovers.accept(
                token, .known(userName: "anna", password: AccessHouse.password, oneTimePassword: nil), from: origin)
        }
        _ = try await handovers.accept(token, .known(userName: "olga", password: AccessHouse.password, oneTimePassword: nil), from: origin)
        #expect(try await Set(control.rights(of: olga.id).sites.keys) == [first, second])
        #expect(try await house.services.people.all().map(\.person.userName) == ["anna"])
    }

    /// "Each per device and with a validity": what was not asked for is not given, and ends by itself.
    @Test func permissionsAreOfDevicesAndEnd() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let (door, yard) = (try await house.device(at: site, "Door"), try await house.device(at: site, "Yard"))
        let token = try await house.send(
            site,
            [
                .init(permission: .liveView, deviceId: door.device, validity: .init(hours: 1, until: nil)),
                .init(permission: .playback, channelId: yard.channel, validity: .permanent),
            ])
        _ = try await house.accept(token)
        var rights = try await control.rights(of: anna.id)
        #expect(rights.allow(.viewLive, at: door) && !rights.allow(.viewLive, at: yard))
        #expect(rights.allow(.playBack, at: yard) && !rights.allow(.playBack, at: door) && !rights.allow(.configure, at: door))
        #expect(try await control.channels(.viewLive, rights) == [try #require(door.channel)])
        house.time.advance(.seconds(3599))
        #expect(try await control.rights(of: anna.id).allow(.viewLive, at: door))
        house.time.advance(.seconds(1))
        rights = try await control.rights(of: anna.id)
        #expect(!rights.allow(.viewLive, at: door) && rights.allow(.playBack, at: yard))
        try await permissions.count()
        #expect(try await permissions.all(at: site).map(\.record.permission) == [.playback])
    }

    /// A clock that is set back lengthens nothing: neither while the box runs, nor over a restart.
    @Test func aClockThatIsSetBackLengthensNothing() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let door = try await house.device(at: site)
        _ = try await house.accept(try await house.send(site, [.init(permission: .liveView, validity: .init(hours: 1, until: nil))]))
        #expect(try await control.rights(of: anna.id).allow(.viewLive, at: door))
        try await permissions.count()
        for _ in 0..<3 {
            house.time.advance(.seconds(1200))
            try await permissions.count()
            house.time.jumpWall(by: -1200)
        }
        #expect(try await !control.rights(of: anna.id).allow(.viewLive, at: door))
        #expect(try await permissions.all(at: site).isEmpty)
    }

    /// What was given by a wrong clock, or is over and not yet taken away, stands in the way of nothing.
    @Test func aPermissionThatIsOverIsReplaced() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let door = try await house.device(at: site)
        let hour: [PermissionWish] = [.init(permission: .liveView, validity: .init(hours: 1, until: nil))]
        _ = try await house.accept(try await house.send(site, hour))
        #expect(try await control.rights(of: anna.id).allow(.viewLive, at: door))
        try await permissions.count()
        house.time.advance(.seconds(3600))
        house.time.jumpWall(by: -7200)
        #expect(try await !control.rights(of: anna.id).allow(.viewLive, at: door))
        try await permissions.count()
        try await permissions.give(hour, to: nil, at: site)
        #expect(try await control.rights(of: anna.id).allow(.viewLive, at: door))
    }

    @Test func timeThatWasSpentIsCountedOverARestart() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let door = try await house.device(at: site)
        _ = try await house.accept(try await house.send(site, [.init(permission: .liveView, validity: .init(hours: 1, until: nil))]))
        // One that is new has spent nothing of what was before.
        try await permissions.count()
        house.time.advance(.seconds(3000))
        try await permissions.count()
        house.time.jumpWall(by: -3000)
        // Another process knows nothing of the first one's clock.
        let other = AccessControl(database: house.database, time: house.time.source)
        #expect(try await other.rights(of: anna.id).allow(.viewLive, at: door))
        house.time.advance(.seconds(601))
        #expect(try await !other.rights(of: anna.id).allow(.viewLive, at: door))
    }

    /// "It can be released early (not if permanent); it can be applied for again, with remarks; the owner approves or refuses."
    @Test func appliedForApprovedAndReleased() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let door = try await house.device(at: site)
        _ = try await house.accept(try await house.send(site))
        #expect(try await control.status(of: site) == .notAuthorized)
        let wishes: [PermissionWish] = [
            .init(permission: .liveView, deviceId: door.device, validity: .init(hours: 8, until: nil)),
            .init(permission: .configuration, validity: .permanent),
        ]
        let first = try await permissions.apply(wishes, remarks: "To look at the lens.", at: site, by: anna)
        #expect(first.kind == .authorization)
        _ = try await permissions.decide(first.id, at: site, isApproved: false)
        #expect(try await !control.rights(of: anna.id).allow(.viewLive, at: door))
        await refused(.notPossible) { _ = try await permissions.decide(first.id, at: site, isApproved: true) }
        let second = try await permissions.apply(wishes, remarks: nil, at: site, by: anna)
        _ = try await permissions.decide(second.id, at: site, isApproved: true)
        #expect(try await control.rights(of: anna.id).allow(.viewLive, at: door))
        for view in try await permissions.all(at: site) {
            if view.record.endsAt == nil {
                await refused(.notPossible) { try await permissions.release(view.record.id, at: site) }
            } else {
                try await permissions.release(view.record.id, at: site)
            }
        }
        let rights = try await control.rights(of: anna.id)
        #expect(!rights.allow(.viewLive, at: door) && rights.allow(.configure, at: door))
        let third = try await permissions.apply(wishes, remarks: nil, at: site, by: anna)
        #expect(third.kind == .permission)
        try await permissions.takeBack(third.id, at: site, by: anna)
        await refused(.notPossible) { _ = try await permissions.decide(third.id, at: site, isApproved: true) }
    }

    /// "Allow me to disable remote use": the provider can switch the owner's use off, and devices cannot be taken off the box.
    @Test func remoteUseIsSwitchedOffWhereTheOwnerAllowedIt() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let (door, yard) = (try await house.device(at: site, "Door"), try await house.device(at: site, "Yard"))
        let olga = try await house.accept(try await house.send(site, [.init(permission: .liveView, validity: .permanent)], control: true))
        #expect(try await control.rights(of: anna.id).allow(.controlRemoteUse, at: Place(site: site)))
        try await house.services.sites.setOwnerUse(false, of: door.device, at: site)
        var rights = try await control.rights(of: olga.id)
        #expect(!rights.allow(.viewLive, at: door) && rights.allow(.viewSite, at: door) && rights.allow(.viewLive, at: yard))
        #expect(!rights.allow(.removeDevice, at: yard))
        try await house.services.sites.setOwnerUse(true, of: nil, at: site)
        rights = try await control.rights(of: olga.id)
        #expect(rights.allow(.viewLive, at: door))
        try await house.services.sites.setOwnerUse(false, of: nil, at: site)
        // It is not shaken off by discarding the authorization.
        try await permissions.discard(at: site)
        rights = try await control.rights(of: olga.id)
        #expect(!rights.allow(.viewLive, at: door) && !rights.allow(.removeDevice, at: door))
        #expect(try await control.rights(of: anna.id).allow(.controlRemoteUse, at: Place(site: site)))
        try await house.services.sites.giveUpControl(at: site)
        rights = try await control.rights(of: olga.id)
        #expect(rights.allow(.viewLive, at: door) && rights.allow(.removeDevice, at: door))
    }

    @Test func wishesAreOfTheSiteItself() async throws {
        let anna = try await house.claim().caller
        let other = try await house.services.sites.add(SiteFields(), name: "Flat", timeZone: "Europe/Rome", by: anna)
        let elsewhere = try await house.device(at: other)
        let site = try await house.site()
        await refused(.notFound) {
            _ = try await house.send(site, [.init(permission: .liveView, deviceId: elsewhere.device, validity: .permanent)])
        }
        await refused(.notFound) {
            _ = try await house.send(site, [.init(permission: .liveView, channelId: elsewhere.channel, validity: .permanent)])
        }
        await refused(.notPossible) {
            _ = try await house.send(site, [.init(permission: .liveView, validity: .init(hours: nil, until: house.time.source.now()))])
        }
        await refused(.nameTaken) { _ = try await house.services.sites.add(SiteFields(), name: "FLAT", timeZone: "Europe/Rome", by: anna) }
        await refused(.notPossible) { try await house.services.sites.delete(other) }
    }

    /// Footage stays with the site when its channel is gone.
    @Test func footageOfAFormerChannelStaysWithItsSite() async throws {
        let anna = try await house.claim().caller
        let site = try await house.site()
        let door = try await house.device(at: site)
        let olga = try await house.accept(try await house.send(site))
        let channel = try #require(door.channel)
        try await house.database.write { _ = try ChannelRecord.deleteOne($0, key: channel) }
        let place = try #require(try await control.place(of: channel))
        #expect(try await control.rights(of: olga.id).allow(.playBack, at: place))
        #expect(try await !control.rights(of: anna.id).allow(.playBack, at: place))
    }
}
