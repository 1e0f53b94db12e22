import BoxDatabase
import Core
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CloudStorage

@Suite struct PlanLedgerTests {
    @Test func aPackageOfTheStockActivatesAndRenews() async throws {
        let bench = try await PlanBench()
        try bench.goTo("2027-01-31T09:00:00Z")
        try await bench.stock(.thirtyDaysMonth, 2)
        #expect(bench.state(of: bench.front) == .notActivated && !bench.ledger.cover(of: bench.front).admits)
        try await bench.ledger.activate(bench.front, package: .thirtyDaysMonth)
        #expect(bench.state(of: bench.front) == .expiring && bench.lastDay(of: bench.front) == "2027-02-28")
        #expect(bench.ledger.cover(of: bench.front) == .active(retentionDays: 30))
        try await bench.ledger.activate(bench.front, package: .thirtyDaysMonth)
        #expect(bench.state(of: bench.front) == .active && bench.lastDay(of: bench.front) == "2027-03-31")
        let refusal = try await bench.refusal { try await bench.ledger.activate(bench.front, package: .thirtyDaysMonth) }
        #expect(refusal.code == .nothingInStock)
        #expect(try await bench.ledger.books().stock.isEmpty)
        let history = try await bench.history()
        #expect(history.map(\.kind) == [.activated, .renewed] && history.allSatisfy { $0.source == .stock && $0.voucherId != nil })
        #expect(bench.changes.list.withLock { $0 } == [bench.front, bench.front])
    }

    @Test func theRetentionOfAChannelFollowsItsPlan() async throws {
        let bench = try await PlanBench()
        try await bench.stock(.sevenDaysMonth, 1)
        let channel = try await bench.channel(bench.front)
        #expect(bench.ledger.retentionDays(of: channel) == 11)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        #expect(bench.ledger.retentionDays(of: channel) == 7)
    }

    @Test func plansOutliveARestart() async throws {
        let bench = try await PlanBench()
        try await bench.stock(.sevenDaysYear, 1)
        try await bench.ledger.activate(bench.front, package: .sevenDaysYear)
        let again = PlanLedger(
            box: PlanBench.serialNumber, issuers: [bench.issuer.publicText], database: bench.database, store: { nil },
            time: bench.time.source, logger: quiet, changed: { _ in })
        #expect(!again.cover(of: bench.front).admits)
        try await again.load()
        #expect(again.cover(of: bench.front) == .active(retentionDays: 7))
        #expect(again.plan(of: bench.front) == bench.ledger.plan(of: bench.front))
    }

    @Test func aChannelThatIsNotLinkedTakesNoPlan() async throws {
        let bench = try await PlanBench()
        try await bench.stock(.sevenDaysMonth, 1)
        let key = ServiceKey()
        try await bench.ledger.take(try bench.voucher([key]))
        #expect(try await bench.refusal { try await bench.ledger.activate(bench.shed, package: .sevenDaysMonth) }.code == .notLinked)
        #expect(try await bench.refusal { try await bench.ledger.activate(bench.shed, serviceKey: key.text) }.code == .notLinked)
        // Neither is lost.
        #expect(try await bench.ledger.books().stock == [.sevenDaysMonth: 1])
        try await bench.ledger.activate(bench.front, serviceKey: key.text)
    }

    @Test func aChannelWithAnActivePlanCannotBeUnlinked() async throws {
        let bench = try await PlanBench()
        try bench.goTo("2027-02-14T12:00:00Z")
        let channel = try await bench.channel(bench.front)
        try bench.ledger.admitUnlinking(channel)
        try await bench.stock(.sevenDaysMonth, 1)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        let refusal = #expect(throws: PlanRefusal.self) { try bench.ledger.admitUnlinking(channel) }
        #expect(refusal?.code == .hasPlan && refusal?.sentence.contains("Front has an active plan until 14 March 2027") == true)
        try bench.goTo("2027-03-14T22:59:59Z")
        #expect(throws: PlanRefusal.self) { try bench.ledger.admitUnlinking(channel) }
        try bench.goTo("2027-03-14T23:00:00Z")
        try bench.ledger.admitUnlinking(channel)
    }

    @Test func whatIsLeftMovesToAnotherChannel() async throws {
        let bench = try await PlanBench()
        try bench.goTo("2027-01-31T09:00:00Z")
        try await bench.stock(.thirtyDaysMonth, 4)
        try await bench.ledger.activate(bench.front, package: .thirtyDaysMonth)
        try await bench.ledger.activate(bench.front, package: .thirtyDaysMonth)
        try await bench.ledger.setAutomaticRenewal(true, of: bench.front)
        try bench.goTo("2027-02-10T09:00:00Z")
        #expect(try await bench.refusal { try await bench.ledger.transfer(from: bench.front, to: bench.shed) }.code == .notLinked)
        #expect(try await bench.refusal { try await bench.ledger.transfer(from: bench.front, to: bench.front) }.code == .sameChannel)
        #expect(try await bench.refusal { try await bench.ledger.transfer(from: bench.back, to: bench.front) }.code == .noPlan)
        try await bench.ledger.transfer(from: bench.front, to: bench.back)
        #expect(bench.state(of: bench.front) == .notActivated && !bench.ledger.cover(of: bench.front).admits)
        #expect(bench.lastDay(of: bench.back) == "2027-03-31" && bench.ledger.plan(of: bench.back).automaticRenewal)
        #expect(bench.ledger.cover(of: bench.back) == .active(retentionDays: 30))
        try await bench.ledger.activate(bench.front, package: .thirtyDaysMonth)
        #expect(try await bench.refusal { try await bench.ledger.transfer(from: bench.front, to: bench.back) }.code == .hasPlan)
        let entry = try #require(try await bench.history().first { $0.kind == .transferred })
        #expect(entry.channelName == "Front" && entry.toChannelId == bench.back && entry.toChannelName == "Back")
        // Its anchor moved with it: a month after 31 March is 30 April.
        try await bench.ledger.activate(bench.back, package: .thirtyDaysMonth)
        #expect(bench.lastDay(of: bench.back) == "2027-04-30")
    }

    @Test func aPlanThatBeganEarlierCoversTheChannelItIsMovedTo() async throws {
        let bench = try await PlanBench()
        try await bench.stock(.sevenDaysYear, 2)
        try await bench.ledger.activate(bench.front, package: .sevenDaysYear)
        let until = bench.ledger.plan(of: bench.front).until
        bench.time.advance(.seconds(86_400))
        try await bench.ledger.activate(bench.back, package: .sevenDaysYear)
        bench.time.advance(.seconds(86_400))
        try await bench.ledger.end(bench.back)
        bench.time.advance(.seconds(86_400))
        try await bench.ledger.transfer(from: bench.front, to: bench.back)
        #expect(bench.state(of: bench.back) == .active && bench.ledger.plan(of: bench.back).until == until)
        #expect(bench.ledger.plan(of: bench.back).periods.count == 2)
        await bench.ledger.sweep()
        #expect(try await bench.history().map(\.kind) == [.activated, .activated, .ended, .transferred])
    }

    @Test func aPlanCanBeEndedBeforeItsTime() async throws {
        let bench = try await PlanBench()
        try await bench.stock(.sevenDaysMonth, 3)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        bench.time.advance(.seconds(3600))
        try await bench.ledger.end(bench.front)
        #expect(bench.state(of: bench.front) == .expired && bench.ledger.plan(of: bench.front).periods.count == 1)
        #expect(try await bench.refusal { try await bench.ledger.end(bench.front) }.code == .noPlan)
        // It was told: the sweep has nothing to add.
        await bench.ledger.sweep()
        #expect(try await bench.history().map(\.kind) == [.activated, .renewed, .ended])
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        #expect(bench.state(of: bench.front).isActive)
    }

    /// A device that is moved loses its plans with the move, or not at all.
    @Test func aPlanEndsTogetherWithWhatElseIsWritten() async throws {
        struct Failed: Error {}
        let bench = try await PlanBench()
        try await bench.stock(.sevenDaysMonth, 1)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        let (now, front, back) = (bench.time.source.now(), bench.front, bench.back)
        await #expect(throws: Failed.self) {
            try await bench.database.write { database in
                try PlanLedger.void(front, at: now, database)
                throw Failed()
            }
        }
        try await bench.ledger.reload([front])
        #expect(bench.state(of: front).isActive)
        try await bench.database.write { database in
            // A channel without a plan has nothing to lose.
            for channel in [front, back] { try PlanLedger.void(channel, at: now, database) }
        }
        try await bench.ledger.reload([front, back])
        #expect(bench.state(of: front) == .expired && bench.state(of: back) == .notActivated)
        #expect(try await bench.history().map(\.kind) == [.activated, .ended])
    }

    @Test func whatRenewsItselfTakesAPackageOfItsKindOnTheLastDay() async throws {
        let bench = try await PlanBench()
        try bench.goTo("2027-02-14T12:00:00Z")
        try await bench.stock(.sevenDaysMonth, 2)
        try await bench.stock(.thirtyDaysMonth, 1)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        try await bench.ledger.setAutomaticRenewal(true, of: bench.front)
        try bench.goTo("2027-03-13T22:59:00Z")
        await bench.ledger.sweep()
        #expect(bench.lastDay(of: bench.front) == "2027-03-14")
        try bench.goTo("2027-03-13T23:01:00Z")
        await bench.ledger.sweep()
        await bench.ledger.sweep()
        #expect(bench.lastDay(of: bench.front) == "2027-04-14")
        #expect(try await bench.ledger.books().stock == [.thirtyDaysMonth: 1])
        #expect(try await bench.history().last?.source == .automatic)
        // There is none of its kind any more: it expires, which is told once.
        try bench.goTo("2027-04-14T21:59:59Z")
        await bench.ledger.sweep()
        #expect(bench.state(of: bench.front) == .expiring)
        try bench.goTo("2027-04-14T22:00:00Z")
        await bench.ledger.sweep()
        await bench.ledger.sweep()
        #expect(bench.state(of: bench.front) == .expired)
        let history = try await bench.history()
        #expect(history.map(\.kind) == [.activated, .renewed, .expired])
        #expect(history.last?.at == GatehouseJSON.date("2027-04-14T22:00:00Z"))
        // Packages that come later renew nothing by themselves.
        try await bench.stock(.sevenDaysMonth, 1)
        await bench.ledger.sweep()
        #expect(bench.state(of: bench.front) == .expired)
    }

    @Test func aBoxThatWasOffAtTheEndRenewsWhenItIsBack() async throws {
        let bench = try await PlanBench()
        try bench.goTo("2027-02-14T12:00:00Z")
        try await bench.stock(.sevenDaysMonth, 2)
        try await bench.ledger.activate(bench.front, package: .sevenDaysMonth)
        try await bench.ledger.setAutomaticRenewal(true, of: bench.front)
        try bench.goTo("2027-03-20T12:00:00Z")
        await bench.ledger.sweep()
        #expect(bench.lastDay(of: bench.front) == "2027-04-20")
    }

    @Test func withoutAnIssuerNoPlanIsNeeded() async throws {
        let bench = try await PlanBench()
        let free = PlanLedger(
            box: PlanBench.serialNumber, issuers: [], database: bench.database, store: { nil }, time: bench.time.source, logger: quiet,
            changed: { _ in })
        #expect(free.cover(of: bench.front) == .notNeeded && free.cover(of: bench.front).admits)
        let voucher = try bench.voucher([ServiceKey()])
        #expect(try await bench.refusal { try await free.take(voucher) }.code == .notEnforced)
        #expect(try await bench.refusal { try await free.activate(bench.front, serviceKey: ServiceKey().text) }.code == .notEnforced)
        #expect(try await bench.refusal { try await free.activate(bench.front, package: .sevenDaysMonth) }.code == .notEnforced)
    }
}
