import Access
import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@Suite struct PeopleTests {
    private let house = try? AccessHouse()

    private func refused(_ kind: PeopleRefusal.Kind, _ body: () async throws -> Void) async {
        await #expect { try await body() } throws: { ($0 as? PeopleRefusal)?.kind == kind }
    }

    /// "One role each; the three predefined roles cannot be deleted; a role in use cannot be deleted."
    @Test func rolesInUseAndPredefinedOnesStay() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let roles = house.services.roles
        #expect(try await roles.all().map(\.role.name) == ["Administrator", "IT Manager", "Site Manager"])
        for (role, _) in try await roles.all() {
            await refused(.predefinedRole) { try await roles.delete(role.id) }
            await refused(.predefinedRole) { _ = try await roles.change(role.id, name: "Other", permissions: nil, by: anna) }
        }
        let clerk = try await roles.make("Clerk", [.manageServicePackageAndOrder], by: anna)
        await refused(.nameTaken) { _ = try await roles.make("clerk", [.manageAllSites], by: anna) }
        let carla = try await house.join("carla", role: clerk.id)
        await refused(.roleInUse) { try await roles.delete(clerk.id) }
        try await house.services.people.delete(carla.caller.id, by: anna)
        try await roles.delete(clerk.id)
        await refused(.notFound) { try await roles.delete(clerk.id) }
    }

    /// "Nobody edits, disables or deletes their own account or the installer admin."
    @Test func nobodyTouchesTheirOwnAccountOrTheInstallerAdmins() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let bert = try await house.join("bert", .administrator).caller
        let (people, role) = (house.services.people, try await house.role(.siteManager))
        for (who, by) in [(anna.id, anna), (bert.id, bert), (anna.id, bert)] {
            await refused(.notThisAccount) { try await people.setRole(role, of: who, by: by) }
            await refused(.notThisAccount) { try await people.setDisabled(true, who, by: by) }
            await refused(.notThisAccount) { try await people.delete(who, by: by) }
        }
        try await people.setRole(role, of: bert.id, by: anna)
        #expect(try await people.one(bert.id).role.name == "Site Manager")
    }

    /// "A disabled employee cannot sign in."
    @Test func aDisabledEmployeeIsOut() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let bert = try await house.join("bert", .itManager)
        let (_, key) = try await house.services.account.makeKey(
            of: bert.caller.id, name: "k", actions: [.viewBox], lasts: 86_400, password: AccessHouse.password, address: "10.0.0.1")
        try await house.services.people.setDisabled(true, bert.caller.id, by: anna)
        for token in [bert.token, key] {
            await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: token) }
        }
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await house.signIn("bert") }
        #expect(try await house.services.control.rights(of: bert.caller.id) == .none)
        try await house.services.people.setDisabled(false, bert.caller.id, by: anna)
        _ = try await house.signIn("bert")
        // What there was before does not come back.
        await #expect(throws: AccessDenied.notSignedIn) { _ = try await house.signIns.authenticate(token: key) }
    }

    @Test func anInvitationIsGoodOnceAndForThreeDays() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let (people, role) = (house.services.people, try await house.role(.siteManager))
        let join = { (token: String, name: String) in
            try await people.join(
                token: token, userName: name, fullName: nil, password: AccessHouse.password, from: .init(address: "10.0.0.9", client: ""))
        }
        let (record, token) = try await people.invite("Bert", role: role, by: anna)
        await refused(.nameTaken) { _ = try await join(token, "ANNA") }
        _ = try await join(token, "bert")
        #expect(try await Set(people.all().map(\.person.fullName)) == [nil, "Bert"])
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await join(token, "carl") }
        #expect(try await !people.withdraw(record.id))
        let (late, lateToken) = try await people.invite("Carl", role: role, by: anna)
        let (taken, takenToken) = try await people.invite("Dora", role: role, by: anna)
        #expect(try await people.withdraw(taken.id))
        house.time.advance(.seconds(People.invited + 1))
        for token in [lateToken, takenToken] { await #expect(throws: AccessDenied.wrongPassword) { _ = try await join(token, "carl") } }
        #expect(try await people.invitations().isEmpty && late.name == "Carl")
    }

    @Test func whoIsInvitedToSitesManagesThemOnceTheyJoin() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let (people, sites, role) = (house.services.people, house.services.sites, try await house.role(.siteManager))
        let origin = SignIns.Origin(address: "10.0.0.9", client: "")
        let first = try await house.site()
        let gone = try await sites.add(SiteFields(), name: "Annex", timeZone: "Europe/Rome", by: anna)
        let (record, token) = try await people.invite("Bert", role: role, sites: [first, gone], by: anna)
        #expect(Set(record.siteIds) == [first, gone])
        let offer = try await people.offer(token, from: "10.0.0.9")
        #expect(offer.name == "Bert" && offer.role == "Site Manager" && offer.siteCount == 2 && !offer.company.isEmpty)
        try await sites.delete(gone)
        #expect(try await people.offer(token, from: "10.0.0.9").siteCount == 1)
        let bert = try await people.join(token: token, userName: "bert", fullName: nil, password: AccessHouse.password, from: origin)
        #expect(try await people.one(bert.caller.id).sites == [first])
        // What is no invitation any more tells nothing.
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await people.offer(token, from: "10.0.0.9") }
        await refused(.notFound) { _ = try await people.invite("Carl", role: role, sites: [gone], by: anna) }
    }

    /// Sites are given by who may assign them, and only as long as they may.
    @Test func anInvitationGivesNoSitesThatItsMakerMayNotAssign() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let (people, site) = (house.services.people, try await house.site())
        let (siteManager, administrator) = (try await house.role(.siteManager), try await house.role(.administrator))
        let bert = try await house.join("bert", .administrator).caller
        let (_, token) = try await people.invite("Carl", role: siteManager, sites: [site], by: bert)
        #expect(try await people.offer(token, from: "10.0.0.9").siteCount == 1)
        let office = try await house.services.roles.make(
            "Office", [.manageAccountAndRole, .manageAssignedSite, .manageServicePackageAndOrder], by: anna)
        try await people.setRole(office.id, of: bert.id, by: anna)
        #expect(try await people.offer(token, from: "10.0.0.9").siteCount == 0)
        let carl = try await people.join(
            token: token, userName: "carl", fullName: nil, password: AccessHouse.password, from: .init(address: "10.0.0.9", client: ""))
        #expect(try await people.one(carl.caller.id).sites.isEmpty)
        await refused(.beyondOwnRights) { _ = try await people.invite("Dora", role: siteManager, sites: [site], by: bert) }
        let clerk = try await house.services.roles.make("Clerk", [.manageServicePackageAndOrder], by: anna)
        await refused(.notPossible) { _ = try await people.invite("Dora", role: clerk.id, sites: [site], by: anna) }
        _ = try await people.invite("Dora", role: administrator, sites: [site], by: anna)
    }

    @Test func aSiteWithAllItsManagersKeepsNobodyFromJoining() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let (people, role, site) = (house.services.people, try await house.role(.siteManager), try await house.site())
        let (_, token) = try await people.invite("Bert", role: role, sites: [site], by: anna)
        let now = house.time.source.now()
        let company = try #require(try await people.one(anna.id).person.companyId)
        try await house.database.write { database in
            for number in 0..<People.mostManagers {
                let person = PersonRecord(
                    id: .timeOrdered(at: now), companyId: company, roleId: role, userName: "manager\(number)", passwordHash: "",
                    createdAt: now)
                try person.insert(database)
                try SiteAssignmentRecord(siteId: site, personId: person.id, createdAt: now).insert(database)
            }
        }
        await refused(.tooMany) { _ = try await people.invite("Carl", role: role, sites: [site], by: anna) }
        let bert = try await people.join(
            token: token, userName: "bert", fullName: nil, password: AccessHouse.password, from: .init(address: "10.0.0.9", client: ""))
        #expect(try await people.one(bert.caller.id).sites.isEmpty)
    }

    @Test func anInvitationEndsWithWhatItsMakerMay() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let (people, role) = (house.services.people, try await house.role(.administrator))
        let bert = try await house.join("bert", .administrator).caller
        let tokens = [try await people.invite("A", role: role, by: bert).token, try await people.invite("B", role: role, by: bert).token]
        let join = { (token: String) in
            try await people.join(
                token: token, userName: "carl", fullName: nil, password: AccessHouse.password, from: .init(address: "10.0.0.9", client: ""))
        }
        try await people.setDisabled(true, bert.id, by: anna)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await join(tokens[0]) }
        try await people.setDisabled(false, bert.id, by: anna)
        try await people.setRole(try await house.role(.itManager), of: bert.id, by: anna)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await join(tokens[0]) }
        try await people.setRole(role, of: bert.id, by: anna)
        _ = try await join(tokens[0])
        try await people.delete(bert.id, by: anna)
        await #expect(throws: AccessDenied.wrongPassword) { _ = try await join(tokens[1]) }
    }

    @Test func nobodyMakesAnybodyMoreThanThemselves() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let roles = house.services.roles
        let clerk = try await roles.make("Personnel", [.manageAccountAndRole, .manageAssignedSite], by: anna)
        let carla = try await house.join("carla", role: clerk.id).caller
        let bert = try await house.join("bert", .itManager).caller
        let people = house.services.people
        let (administrator, siteManager) = (try await house.role(.administrator), try await house.role(.siteManager))
        await refused(.beyondOwnRights) { _ = try await people.invite("D", role: administrator, by: carla) }
        await refused(.beyondOwnRights) { _ = try await people.invite("D", role: siteManager, by: carla) }
        await refused(.beyondOwnRights) { try await people.setDisabled(true, bert.id, by: carla) }
        await refused(.beyondOwnRights) { _ = try await roles.make("More", [.manageAllSites], by: carla) }
        await refused(.notThisAccount) { _ = try await roles.change(clerk.id, name: "Mine", permissions: nil, by: carla) }
        let helper = try await roles.make("Helper", [.manageAssignedSite], by: carla)
        _ = try await people.invite("D", role: helper.id, by: carla)
    }

    /// "At most 100 site managers a site."
    @Test func aSiteHasAHundredManagers() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let site = try await house.site()
        let (role, now) = (try await house.role(.siteManager), house.time.source.now())
        let company = try await house.services.people.one(anna.id).person.companyId
        let made = try await house.database.write { database in
            try (0...People.mostManagers).map { number in
                let person = PersonRecord(
                    id: .timeOrdered(at: now), companyId: company, roleId: role, userName: "m\(number)", passwordHash: "", createdAt: now)
                try person.insert(database)
                return person.id
            }
        }
        for person in made.dropLast() { try await house.services.people.assign([site], to: person) }
        let last = try #require(made.last)
        await refused(.tooMany) { try await house.services.people.assign([site], to: last) }
        // To be assigned again to what one has is no more.
        try await house.services.people.assign([site], to: made[0])
        try await house.services.people.assign([], to: made[0])
        try await house.services.people.assign([site], to: last)
    }

    @Test func rightsAreThoseOfTheRoleAndTheSites() async throws {
        let house = try #require(house)
        let anna = try await house.claim().caller
        let control = house.services.control
        let site = try await house.site()
        let place = Place(site: site, device: .timeOrdered(at: .distantPast))
        let all = try await control.rights(of: anna.id)
        #expect(all.allow(.configureBox) && all.allow(.viewLive, at: place) && all.allowEverywhere(.playBack))
        // What is an owner's is nobody else's.
        #expect(!all.allow(.grant, at: Place(site: site)))
        let bert = try await house.join("bert", .siteManager).caller
        #expect(try await control.rights(of: bert.id).sites.isEmpty)
        #expect(try await !control.rights(of: bert.id).allow(.viewLive, at: place))
        try await house.services.people.assign([site], to: bert.id)
        let rights = try await control.rights(of: bert.id)
        #expect(rights.allow(.viewLive, at: place) && rights.allow(.managePlans, at: place) && rights.allow(.viewBox))
        for action in [Action.configureBox, .managePeople, .manageCompany, .readLog, .assignSites] { #expect(!rights.allow(action)) }
        let carl = try await house.join("carl", .itManager).caller
        let manager = try await control.rights(of: carl.id)
        #expect(
            manager.allowEverywhere(.playBack) && manager.allow(.readLog) && manager.allow(.configureBox) && !manager.allow(.managePeople))
        // Whoever does not manage all sites does what they may at those that are assigned.
        let clerk = try await house.services.roles.make("Clerk", [.manageServicePackageAndOrder], by: anna)
        let emil = try await house.join("emil", role: clerk.id).caller
        #expect(try await !control.rights(of: emil.id).allow(.managePlans, at: place))
        // It is in force with the next question.
        try await house.services.people.setRole(try await house.role(.siteManager), of: carl.id, by: anna)
        #expect(try await control.rights(of: carl.id).sites.isEmpty)
    }
}
