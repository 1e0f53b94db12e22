import Core
import Foundation
import NIOCore
import Synchronization
import Testing
import TestSupport

@testable import ManagementAPI

@Suite struct EntityTagTests {
    private func tag(_ text: String, _ settable: Set<String> = ["name"]) -> EntityTag {
        EntityTag(ByteBuffer(string: text), settable: settable)
    }

    @Test func whatCannotBeSetChangesTheSecondPartAlone() {
        let first = tag(#"{"name":"Till","bitRate":1}"#), second = tag(#"{"name":"Till","bitRate":2}"#),
            third = tag(#"{"name":"Door","bitRate":1}"#)
        #expect(first.settings == second.settings)
        #expect(first.all != second.all)
        #expect(first.settings != third.settings)
        #expect(second.isNamed(inMatch: first.text))
        #expect(!third.isNamed(inMatch: first.text))
        #expect(!second.isNamed(inNoneMatch: first.text))
        #expect(first.isNamed(inNoneMatch: "W/\(first.text)"))
    }

    @Test func whereNothingCanBeSetEverythingCounts() {
        for settable in [Set<String>(), ["zebra"]] {
            #expect(tag("[1]", settable) != tag("[2]", settable))
            #expect(!tag(#"{"a":1}"#, settable).isNamed(inMatch: tag(#"{"a":2}"#, settable).text))
        }
    }

    @Test(arguments: ["", "\"", "\"-\"", "W/\"a-b\"", ",,,", "\"\(String(repeating: "x", count: 5000))"])
    func nonsenseNamesNothing(header: String) {
        #expect(!tag("{}").isNamed(inMatch: header))
        #expect(!tag("{}").isNamed(inNoneMatch: header))
    }

    @Test func aWeakTagIsNoneForAChange() {
        let one = tag(#"{"name":"Till"}"#)
        #expect(one.isNamed(inMatch: "\"x\", \(one.text)"))
        #expect(one.isNamed(inMatch: "*"))
        #expect(!one.isNamed(inMatch: "W/\(one.text)"))
    }

    @Test func theDocumentSaysWhatCanBeSet() throws {
        let fields = try SettableFields(document: APIServer.openAPI())
        #expect(fields["/api/v1/sites/{id}"].isSuperset(of: ["name", "city", "remarks"]))
        #expect(!fields["/api/v1/channels/{id}"].contains("state"))
        #expect(fields["/api/v1/channels/{id}"].contains("name"))
        #expect(fields["/api/v1/events"].isEmpty)
    }
}

@Suite struct RequestLimitsTests {
    @Test func threeSecondsWorthAtOnceThenAsManyAsFlowIn() throws {
        let time = ManualTime()
        let limits = RequestLimits(perSecond: 10, time: time.source)
        for _ in 0..<30 { try limits.count("ada") }
        #expect(throws: Problem.self) { try limits.count("ada") }
        try limits.count("bert")
        time.advance(.milliseconds(500))
        for _ in 0..<5 { try limits.count("ada") }
        #expect(throws: Problem.self) { try limits.count("ada") }
    }

    @Test func asManyClientsAsOneLikesTakeNoMoreMemoryNorSetAnybodyFree() throws {
        let time = ManualTime()
        let limits = RequestLimits(perSecond: 1, time: time.source)
        for _ in 0..<3 { try limits.count("ada") }
        #expect(throws: Problem.self) { try limits.count("ada") }
        for number in 0..<20_000 { try limits.count("\(number)") }
        // She asked before all of them, and has to wait still.
        #expect(throws: Problem.self) { try limits.count("ada") }
        #expect(limits.clients <= 4_096)
    }

    @Test func noughtIsNoLimit() throws {
        let limits = RequestLimits(perSecond: 0, time: ManualTime().source)
        for _ in 0..<10_000 { try limits.count("ada") }
    }
}
