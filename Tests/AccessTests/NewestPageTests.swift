import BoxDatabase
import Core
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Access

/// Lists that begin with their newest are read in parts.
@Suite struct NewestPageTests {
    private let house: AccessHouse
    private let site: SiteID
    private var handovers: Handovers { house.services.handovers }

    init() async throws {
        house = try AccessHouse()
        _ = try await house.claim()
        site = try await house.site()
        for _ in 0..<5 {
            _ = try await house.send(site)
            house.time.advance(.seconds(1))
        }
    }

    private func walk(_ limit: Int, in state: HandoverRecord.State? = nil) async throws -> [[HandoverID]] {
        var (page, parts) = (NewestPage(limit: limit), [[HandoverID]]())
        repeat {
            let part = try await handovers.all(of: site, in: state, page)
            parts.append(part.items.map(\.id))
            page.before = part.next
        } while page.before != nil
        return parts
    }

    @Test(arguments: [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (5, [5]), (6, [5])])
    func allAreThereOnceTheNewestFirst(limit: Int, sizes: [Int]) async throws {
        let parts = try await walk(limit)
        #expect(parts.map(\.count) == sizes)
        #expect(parts.joined().map(\.text) == parts.joined().map(\.text).sorted(by: >))
        #expect(Set(parts.joined()).count == 5)
    }

    @Test func thoseOfOneStateFillTheirParts() async throws {
        #expect(try await walk(2, in: .void).map(\.count) == [2, 2])
        #expect(try await walk(2, in: .pending).map(\.count) == [1])
    }

    @Test func aPartGoesOnBehindWhatIsGone() async throws {
        let first = try await handovers.all(of: site, NewestPage(limit: 2))
        let (before, all) = (try #require(first.next), try await handovers.all(of: site).items.map(\.id))
        try await house.database.write { try $0.execute(sql: "DELETE FROM handover WHERE id = ?", arguments: [before]) }
        let second = try await handovers.all(of: site, NewestPage(before: before, limit: 2))
        #expect(second.items.map(\.id) == Array(all[2...3]))
    }

    @Test func whatMayNotBeSeenFillsNoPart() async throws {
        let part = try await house.database.read { database in
            let rows = HandoverRecord.filter(Column("siteId") == site)
            var turn = 0
            return try NewestPage(limit: 2).cut(rows, \.id, database) { record -> HandoverID? in
                turn += 1
                return turn.isMultiple(of: 2) ? record.id : nil
            }
        }
        #expect(part.items.count == 2 && part.next == nil)
    }
}
