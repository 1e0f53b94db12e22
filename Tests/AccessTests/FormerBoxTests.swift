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

    /// A box with people and no owners: all of them come through, and footage of a channel that was removed belongs to its site.
    @Test func aBoxWithPeopleComesThrough() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/box.sqlite"
        let (time, token) = (ManualTime(), AccessToken.make())
        let now = time.source.now()
        let hash = try PasswordHash(hashing: AccessHouse.password, rounds: 16).text
        let (site, gone) = (SiteID.timeOrdered(at: now), ChannelID.timeOrdered(at: now))
        let people = ["anna", "bert"].map { ($0, PersonID.timeOrdered(at: now)) }
        try {
            let queue = try DatabaseQueue(path: path)
            try Schema.migrator.migrate(queue, upTo: "10: people")
            try queue.write { database in
                try database.execute(sql: "INSERT INTO site VALUES (?, 'Shop', 'Europe/Rome', ?)", arguments: [site, now])
                let administrator = try CompanyRecord.found(in: database, at: now)
                let roles = try RoleRecord.order(Column("createdAt")).fetchAll(database)
                for (index, (name, id)) in people.enumerated() {
                    try database.execute(
                        sql: """
                            INSERT INTO person (id, companyId, roleId, isInstallerAdmin, userName, passwordHash, passwordSetAt, oneTimeStep, createdAt)
                            VALUES (?, ?, ?, ?, ?, ?, ?, 7, ?)
                            """,
                        arguments: [id, administrator.companyId, roles[index * 2].id, index == 0, name, hash, now, now])
                }
                try database.execute(sql: "INSERT INTO siteAssignment VALUES (?, ?, ?)", arguments: [site, people[1].1, now])
                try SignInRecord(
                    tokenHash: AccessToken.hash(token), id: .timeOrdered(at: now), personId: people[1].1, createdAt: now, lastUsedAt: now,
                    expiresAt: now.addingTimeInterval(86_400), address: "10.0.0.1", client: "test"
                ).insert(database)
                try database.execute(
                    sql:
                        "INSERT INTO event (id, channelId, channelName, category, source, startedAt) VALUES ('e', ?, 'Door', 'motion', 'box', ?)",
                    arguments: [gone, now])
            }
        }()
        let database = try BoxDatabase(path: path)
        let services = AccessServices(
            database: database, sealer: try SecretSealer(keyFile: folder.path + "/key"), setupCode: SetupCode(stored: "ABCD-EFGH"),
            resetPermit: ResetPermit(path: folder.path + "/reset-password", time: time.source), time: time.source, rounds: 16,
            clock: { "unknown" }, tell: { _, _ in })
        let bert = try await services.signIns.authenticate(token: token)
        #expect(bert.name == "bert")
        let rights = try await services.control.rights(of: bert.id)
        #expect(Set(rights.sites.keys) == [site] && rights.allow(.handOver, at: Place(site: site)) && !rights.allow(.configureBox))
        #expect(try await services.people.all().map(\.person.oneTimeStep) == [7, 7])
        #expect(try await services.people.one(people[0].1).person.isInstallerAdmin)
        let place = try #require(try await services.control.place(of: gone))
        #expect(rights.allow(.playBack, at: place))
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
