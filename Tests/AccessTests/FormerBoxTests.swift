import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access
@testable import BoxDatabase

/// A box that knew one administrator.
@Suite struct FormerBoxTests {
    @Test func itsAdministratorAndSignInsComeThrough() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/box.sqlite"
        let (time, token) = (ManualTime(), AccessToken.make())
        let now = time.source.now()
        let hash = try PasswordHash(hashing: AccessHouse.password, rounds: 16).text
        try {
            let queue = try DatabaseQueue(path: path)
            try Schema.migrator.migrate(queue, upTo: "9: exports")
            try queue.write { database in
                try database.execute(
                    sql: "INSERT INTO site VALUES (?, 'Shop', 'Europe/Rome', ?)", arguments: [SiteID.timeOrdered(at: now), now])
                try database.execute(sql: "INSERT INTO administrator VALUES ('Anna', ?, ?)", arguments: [hash, now])
                try database.execute(
                    sql: "INSERT INTO signIn VALUES (?, 'Anna', ?, ?)",
                    arguments: [AccessToken.hash(token), now.addingTimeInterval(-60), now.addingTimeInterval(86_400)])
            }
        }()
        let database = try BoxDatabase(path: path)
        let services = AccessServices(
            database: database, sealer: try SecretSealer(keyFile: folder.path + "/key"), setupCode: SetupCode(stored: "ABCD-EFGH"),
            resetPermit: ResetPermit(path: folder.path + "/reset-password", time: time.source), time: time.source, rounds: 16,
            clock: { "unknown" },
            tell: { _, _ in })
        let caller = try await services.signIns.authenticate(token: token)
        #expect(caller.name == "Anna")
        let rights = try await services.control.rights(of: caller.id)
        let site = try #require(try await services.sites.all(Set(rights.sites.keys)).first)
        #expect(site.record.name == "Shop" && site.status == .notHandedOver && site.company == "Service provider")
        #expect(rights.allow(.configureBox) && rights.allow(.configure, at: Place(site: site.record.id)))
        #expect(try await services.people.one(caller.id).person.isInstallerAdmin)
        #expect(try await services.roles.all().map(\.people) == [1, 0, 0])
        _ = try await services.signIns.signIn(
            userName: "anna", password: AccessHouse.password, oneTimePassword: nil, from: .init(address: "10.0.0.1", client: ""))
        await #expect(throws: AccessDenied.alreadyClaimed) {
            _ = try await services.signIns.claim(
                code: "ABCD-EFGH", userName: "bert", password: AccessHouse.password, siteName: "Mine", timeZone: "UTC",
                from: .init(address: "10.0.0.1", client: ""))
        }
        #expect(try await database.read { try String.fetchAll($0, sql: "PRAGMA foreign_key_check") }.isEmpty)
    }

    @Test func aBoxThatNobodyClaimedStaysNew() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/box.sqlite"
        try { try Schema.migrator.migrate(try DatabaseQueue(path: path), upTo: "9: exports") }()
        let database = try BoxDatabase(path: path)
        #expect(try await database.read { try PersonRecord.fetchCount($0) + CompanyRecord.fetchCount($0) } == 0)
    }
}
