import Core
import Foundation
import TestSupport
import Testing

@testable import CloudStorage

@Suite struct ServiceKeyUseTests {
    @Test func eachWayInWhichAKeyIsWrongHasASentenceOfItsOwn() async throws {
        let bench = try await PlanBench()
        try bench.goTo("2027-04-01T12:00:00Z")
        let (used, expired, other, good) = (ServiceKey(), ServiceKey(), ServiceKey(), ServiceKey())
        try await bench.ledger.take(try bench.voucher([used, good]))
        try await bench.ledger.take(try bench.voucher([expired], until: CalendarDay("2027-03-31")))
        try await bench.ledger.take(try bench.voucher([other], box: "GHOTHERBOX"))
        try await bench.ledger.activate(bench.front, serviceKey: used.text)

        var mistyped = Array(good.text)
        mistyped.swapAt(0, mistyped.firstIndex { $0 != mistyped[0] && $0 != "-" } ?? 1)
        let wrong: [(String, PlanRefusal.Code, String)] = [
            (String(mistyped), .mistypedKey, "mistyped"), (used.text, .usedKey, "used already, for Front"),
            (expired.text, .expiredKey, "31 March 2027"), (other.text, .otherBoxKey, "GHOTHERBOX"),
            (ServiceKey().text, .unknownKey, "typed correctly"),
        ]
        var sentences: Set<String> = []
        for (key, code, part) in wrong {
            let refusal = try await bench.refusal { try await bench.ledger.activate(bench.back, serviceKey: key) }
            #expect(refusal.code == code && refusal.code.isOfKey)
            #expect(refusal.sentence.contains(part), "\(refusal.sentence)")
            sentences.insert(refusal.sentence)
        }
        #expect(sentences.count == wrong.count)
        #expect(bench.state(of: bench.back) == .notActivated)
        try await bench.ledger.activate(bench.back, serviceKey: good.text.lowercased())
        #expect(bench.state(of: bench.back).isActive)
    }

    @Test func onItsLastDayAKeyIsStillGood() async throws {
        let bench = try await PlanBench()
        let keys = [ServiceKey(), ServiceKey()]
        try await bench.ledger.take(try bench.voucher(keys, until: CalendarDay("2027-03-31")))
        // The last minute of the day in Berlin, which is two hours ahead then.
        try bench.goTo("2027-03-31T21:59:00Z")
        try await bench.ledger.activate(bench.front, serviceKey: keys[0].text)
        try bench.goTo("2027-03-31T22:00:00Z")
        #expect(try await bench.refusal { try await bench.ledger.activate(bench.back, serviceKey: keys[1].text) }.code == .expiredKey)
    }

    @Test func aKeyForAnyBoxIsUsedOnOneOnly() async throws {
        let first = try await PlanBench()
        let second = try await PlanBench(box: "GHSECOND", sharing: first)
        let key = ServiceKey()
        let voucher = try first.voucher([key], box: nil)
        try await first.ledger.take(voucher)
        try await second.ledger.take(voucher)
        try await second.ledger.activate(second.front, serviceKey: key.text)
        let refusal = try await first.refusal { try await first.ledger.activate(first.front, serviceKey: key.text) }
        #expect(refusal.code == .usedKey && refusal.sentence.contains("GHSECOND"))
        #expect(first.state(of: first.front) == .notActivated && second.state(of: second.front).isActive)
    }

    @Test func aClaimThatThePowerInterruptedIsTakenUpAgain() async throws {
        let bench = try await PlanBench()
        let key = ServiceKey()
        try await bench.ledger.take(try bench.voucher([key], box: nil))
        let claim = Data(
            #"{"box":"\#(PlanBench.serialNumber)","claimedAt":"2027-01-01T00:00:00.000Z","format":1,"sha256":"\#(key.sha256)"}"#.utf8)
        try await bench.store.put(
            ObjectUpload(
                key: "vouchers/claims/\(key.sha256).json", content: .data(claim), bytes: claim.count, sha256: Sidecar.sha256(claim),
                contentType: "application/json"), progress: { _ in })
        try await bench.ledger.activate(bench.front, serviceKey: key.text)
        #expect(bench.state(of: bench.front).isActive)
    }

    @Test(arguments: [PlanBench.Reach.none, .failing])
    func withoutTheStoreOnlyKeysForThisBoxAreTaken(reach: PlanBench.Reach) async throws {
        let bench = try await PlanBench(reach: reach)
        let (any, own) = (ServiceKey(), ServiceKey())
        try await bench.ledger.take(try bench.voucher([any], box: nil))
        try await bench.ledger.take(try bench.voucher([own]))
        let refusal = try await bench.refusal { try await bench.ledger.activate(bench.front, serviceKey: any.text) }
        #expect(refusal.code == .storeNeeded && refusal.sentence.contains("Whether another box has used this key"))
        try await bench.ledger.activate(bench.front, serviceKey: own.text)
        #expect(bench.state(of: bench.front).isActive)
    }

    @Test func twoWhoEnterOneKeyAtOnceDoNotBothGetIt() async throws {
        let bench = try await PlanBench()
        let key = ServiceKey()
        try await bench.ledger.take(try bench.voucher([key], box: nil))
        let taken = await withTaskGroup(of: Bool.self) { group in
            for channel in [bench.front, bench.back, bench.front, bench.back] {
                group.addTask { (try? await bench.ledger.activate(channel, serviceKey: key.text)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 1)
        #expect([bench.front, bench.back].filter { bench.state(of: $0).isActive }.count == 1)
    }
}
