import Core
import Foundation
import TestSupport
import Testing

@testable import CloudStorage

@Suite struct VoucherTests {
    private let issuer = IssuerKey()

    private func issue(_ stock: [Voucher.Stock] = []) throws -> Voucher {
        try Voucher.issue(
            keys: [.init(sha256: ServiceKey().sha256, package: .thirtyDaysYear, redeemUntil: CalendarDay("2027-12-31"), box: "GH1")],
            packages: stock, by: issuer, at: Date())
    }

    @Test func aVoucherIsBelievedWhateverItsJSONLooksLike() throws {
        let voucher = try issue([.init(package: .sevenDaysMonth, count: 3, box: "GH1")])
        let encoder = GatehouseJSON.makeEncoder()
        for formatting: JSONEncoder.OutputFormatting in [[], .prettyPrinted, [.sortedKeys, .prettyPrinted]] {
            encoder.outputFormatting = formatting
            let read = try Voucher.read(try encoder.encode(voucher))
            #expect(read == voucher)
            try read.verify(issuers: [IssuerKey().publicText, issuer.publicText])
        }
    }

    @Test func aPrivateKeyReadFromItsFileIsTheSame() throws {
        let again = try #require(IssuerKey(privateText: issuer.privateText + "\n"))
        #expect(again.publicText == issuer.publicText && IssuerKey.isPublic(again.publicText))
        #expect(IssuerKey(privateText: "nonsense") == nil && !IssuerKey.isPublic("nonsense") && !IssuerKey.isPublic(""))
    }

    @Test func everyChangeOfASignedVoucherIsFound() throws {
        let voucher = try issue([.init(package: .sevenDaysMonth, count: 3, box: "GH1")])
        let text = String(decoding: try GatehouseJSON.encoder.encode(voucher), as: UTF8.self)
        let key = try #require(voucher.keys.first?.sha256)
        let changes = [
            ("\"count\":3", "\"count\":300"), ("30-days-year", "7-days-year"), ("7-days-month", "30-days-month"),
            ("2027-12-31", "2028-12-31"), ("\"box\":\"GH1\"", "\"box\":\"GH2\""), (key, ServiceKey().sha256),
            (voucher.issuedAt, "2027-01-01T00:00:00.000Z"), (voucher.id, "another"),
        ]
        for (old, new) in changes {
            let changed = try Voucher.read(Data(text.replacing(old, with: new).utf8))
            #expect(changed != voucher)
            let mistake = #expect(throws: VoucherMistake.self) { try changed.verify(issuers: [issuer.publicText]) }
            #expect(mistake?.code == .forged, "\(old)")
        }
    }

    @Test func onlyIssuersThatAreSetAreBelieved() throws {
        let voucher = try issue()
        let mistake = #expect(throws: VoucherMistake.self) { try voucher.verify(issuers: [IssuerKey().publicText]) }
        #expect(mistake?.code == .unknownIssuer)
        // Another's voucher under this issuer's name.
        let other = IssuerKey()
        let made = try Voucher.issue(keys: voucher.keys, packages: [], by: other, at: Date())
        let forged = Voucher(
            id: made.id, issuer: issuer.publicText, issuedAt: made.issuedAt, keys: made.keys, packages: [], signature: made.signature)
        #expect(#expect(throws: VoucherMistake.self) { try forged.verify(issuers: [issuer.publicText]) }?.code == .forged)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "{\"format\":2}", "\u{0}",
        #"{"format":1,"id":"a","issuer":"x","issuedAt":"2027-01-01T00:00:00.000Z","keys":[],"packages":[],"signature":""}"#,
        #"{"format":1,"id":"a b\nc","issuer":"","issuedAt":"now","keys":[{"sha256":"0","package":"7-days-month"}],"packages":[],"signature":""}"#,
    ])
    func whatIsNoVoucherIsRefused(text: String) {
        #expect(#expect(throws: VoucherMistake.self) { try Voucher.read(Data(text.utf8)) }?.code == .malformed)
    }
}

@Suite struct VoucherImportTests {
    @Test func aVoucherThatIsImportedTwiceCountsOnce() async throws {
        let bench = try await PlanBench()
        let keys = [ServiceKey(), ServiceKey()]
        let voucher = try bench.voucher(
            keys,
            stock: [
                .init(package: .sevenDaysMonth, count: 3, box: PlanBench.serialNumber),
                .init(package: .sevenDaysYear, count: 9, box: "OTHER"),
            ])
        let first = try await bench.ledger.take(voucher)
        #expect(first == VoucherImport(keys: 2, keysOfOthers: 0, packages: 3))
        #expect(first.sentence == "2 service keys are known now, and 3 packages are in stock now.")
        try await bench.ledger.activate(bench.front, serviceKey: keys[0].text)
        let second = try await bench.ledger.take(voucher)
        #expect(second == VoucherImport() && second.sentence.contains("imported before"))
        #expect(try await bench.ledger.books().stock == [.sevenDaysMonth: 3])
        #expect(try await bench.refusal { try await bench.ledger.activate(bench.back, serviceKey: keys[0].text) }.code == .usedKey)
    }

    @Test func aForgedVoucherChangesNothing() async throws {
        let bench = try await PlanBench()
        let made = try Voucher.issue(
            keys: [], packages: [.init(package: .sevenDaysMonth, count: 5, box: PlanBench.serialNumber)], by: IssuerKey(), at: Date())
        await #expect(throws: VoucherMistake.self) { try await bench.ledger.take(made) }
        #expect(try await bench.ledger.books().stock.isEmpty)
    }

    @Test func aVoucherInTheStoreIsFetchedWhenAKeyIsNotKnownAndEveryHour() async throws {
        let bench = try await PlanBench()
        let keys = [ServiceKey(), ServiceKey()]
        func leave(_ voucher: Voucher) async throws {
            let data = try GatehouseJSON.encoder.encode(voucher)
            let name = PlanBench.serialNumber + "/vouchers/current.json"
            try await bench.store.delete(name)
            try await bench.store.put(
                ObjectUpload(
                    key: name, content: .data(data), bytes: data.count, sha256: Sidecar.sha256(data), contentType: "application/json"),
                progress: { _ in })
        }
        #expect(try await bench.refusal { try await bench.ledger.activate(bench.front, serviceKey: keys[0].text) }.code == .unknownKey)
        try await leave(try bench.voucher(keys))
        try await bench.ledger.activate(bench.front, serviceKey: keys[0].text)
        #expect(bench.state(of: bench.front).isActive)

        let task = Task { await bench.ledger.run() }
        defer { task.cancel() }
        #expect(await eventually { bench.time.sleepers > 0 })
        try await leave(try bench.voucher(stock: [.init(package: .sevenDaysMonth, count: 1, box: PlanBench.serialNumber)]))
        for _ in 0..<61 {
            bench.time.advance(.seconds(60))
            #expect(await eventually { bench.time.sleepers > 0 })
        }
        #expect(try await bench.ledger.books().stock == [.sevenDaysMonth: 1])
    }
}
