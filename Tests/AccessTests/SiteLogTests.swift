import BoxDatabase
import Core
import Foundation
import TestSupport
import Testing

@testable import Access

/// Where the log of a site begins for its owner.
@Suite struct SiteLogTests {
    @Test func itBeginsWithTheHandoverWhateverTheClockSaid() async throws {
        let house = try AccessHouse()
        _ = try await house.claim()
        let (log, site) = (house.services.log, try await house.site())
        func did(_ action: String, result: String = "done") async throws {
            try await log.append(
                Operation(personId: nil, person: "anna", role: nil, action: action, site: site, address: "192.0.2.1", result: result))
        }
        #expect(try await log.handover(of: site) == nil)
        try await did("changeSite")
        try await did("acceptHandover", result: "name-taken")
        #expect(try await log.handover(of: site) == nil)
        house.time.advance(.seconds(3600))
        try await did("acceptHandover")
        house.time.jumpWall(by: -7200)
        try await did("beginLiveView")
        var filter = OperationFilter()
        let begin: Int = try #require(try await log.handover(of: site))
        (filter.site, filter.first) = (site, begin)
        #expect(try await log.lines(filter, limit: 9).map(\.action) == ["beginLiveView", "acceptHandover"])
    }
}
