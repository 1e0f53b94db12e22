import BoxDatabase
import Core
import Foundation
import Logging
@testable import Reach
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct DynamicDNSOutcomeTests {
    private static let start = Date(timeIntervalSince1970: 1_790_000_000)

    @Test(arguments: [
        (200, "good 203.0.113.7", DynamicDNSOutcome.Code.ok), (200, "nochg 203.0.113.7\r\n", .ok), (200, "nochg", .ok),
        (200, "badauth", .wrongCredentials), (401, "", .wrongCredentials), (401, "good 1.2.3.4", .wrongCredentials),
        (200, "notfqdn", .notAName),
        (200, "nohost", .noSuchName), (200, "!yours", .noSuchName), (200, "numhost", .tooManyNames), (200, "abuse", .blocked),
        (403, "badagent", .programRefused), (200, "!donator", .needsSubscription), (200, "dnserr", .serverTrouble),
        (200, "911", .serverTrouble),
        (503, "<html>", .serverTrouble), (200, "", .nonsense), (200, "<html>", .nonsense), (404, "good", .nonsense), (302, "", .nonsense),
    ])
    func answers(status: Int, text: String, code: DynamicDNSOutcome.Code) {
        let outcome = DynamicDNSOutcome(WebAnswer(status: status, text: text), address: "203.0.113.7", at: Self.start)
        #expect(outcome.code == code)
        #expect(outcome.address == (code == .ok ? "203.0.113.7" : nil))
        #expect(!outcome.condition("box.example.com").sentence.isEmpty)
    }

    @Test func theServersWordOfTheAddress() {
        let seen = DynamicDNSOutcome(WebAnswer(status: 200, text: "good 198.51.100.4"), address: nil, at: Self.start)
        #expect(seen.address == "198.51.100.4")
        let junk = DynamicDNSOutcome(WebAnswer(status: 200, text: "good <script>"), address: "203.0.113.7", at: Self.start)
        #expect(junk.address == "203.0.113.7")
    }

    /// A server that gives the name another address than it was asked for is not asked for ever.
    @Test func whatTheServerGivesInsteadIsNotFought() {
        let outcome = DynamicDNSOutcome(WebAnswer(status: 200, text: "good 198.51.100.4"), address: "203.0.113.7", at: Self.start)
        #expect(outcome.address == "198.51.100.4")
        #expect(outcome.next(address: "203.0.113.7", now: Self.start + 300) == .after(.seconds(86_100)))
        #expect(outcome.next(address: "203.0.113.8", now: Self.start + 300) == .now)
    }

    @Test func toldWhenItChangesAndOnceADay() {
        let outcome = DynamicDNSOutcome(WebAnswer(status: 200, text: "good 203.0.113.7"), address: "203.0.113.7", at: Self.start)
        #expect(outcome.next(address: "203.0.113.8", now: Self.start) == .now)
        #expect(outcome.next(address: "203.0.113.7", now: Self.start + 3600) == .after(.seconds(82_800)))
        #expect(outcome.next(address: nil, now: Self.start + 3600) == .after(.seconds(82_800)))
        #expect(outcome.next(address: "203.0.113.7", now: Self.start + 86_400) == .now)
        // The clock was set back.
        #expect(outcome.next(address: "203.0.113.7", now: Self.start - 10) == .now)
    }

    @Test(arguments: ["badauth", "notfqdn", "nohost", "numhost", "abuse", "badagent", "!donator"])
    func whatIsRefusedForGoodIsNotRepeated(text: String) {
        let outcome = DynamicDNSOutcome(WebAnswer(status: 200, text: text), address: "203.0.113.7", at: Self.start)
        #expect(outcome.next(address: "203.0.113.9", now: Self.start + 1e9) == .never)
    }

    @Test func whatMayPassIsTriedAgain() {
        let trouble = DynamicDNSOutcome(WebAnswer(status: 200, text: "911"), address: nil, at: Self.start)
        #expect(trouble.next(address: "203.0.113.9", now: Self.start) == .after(.seconds(1800)))
        var outcome = DynamicDNSOutcome(.unreachable, at: Self.start)
        var rests: [Double] = []
        for _ in 0..<9 {
            if case .after(let rest) = outcome.next(address: nil, now: Self.start) { rests.append(rest.seconds) }
            outcome = DynamicDNSOutcome(.unreachable, at: Self.start).following(outcome)
        }
        #expect(rests == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600])
        let good = DynamicDNSOutcome(WebAnswer(status: 200, text: "good"), address: nil, at: Self.start).following(outcome)
        #expect(good.failures == 0)
    }

    @Test func questions() {
        let url = { DynamicDNS.url($0, "box.example.com", $1, allowsHTTP: $2) }
        #expect(
            url("https://dyn.example.com", "203.0.113.7", false)
                == "https://dyn.example.com/nic/update?hostname=box.example.com&myip=203.0.113.7")
        #expect(url("https://dyn.example.com/own/path", nil, false) == "https://dyn.example.com/own/path?hostname=box.example.com")
        for wrong in [
            "http://dyn.example.com", "https://", "https://u:p@dyn.example.com", "file:///etc/passwd", "https://a/?x=y", "dyn.example.com",
        ] {
            #expect(url(wrong, nil, false) == nil, "\(wrong)")
        }
        #expect(url("http://127.0.0.1:9", nil, true) == "http://127.0.0.1:9/nic/update?hostname=box.example.com")
    }
}

/// The name at work, without a router and with a server of the test's own.
@Suite struct DynamicDNSTests {
    private final class Server: Sendable {
        let asked = Mutex<[WebQuestion]>([])
        let answer: Mutex<String>

        init(_ answer: String) { self.answer = Mutex(answer) }

        var web: WebAsker {
            WebAsker { question async throws(WebFailure) in
                self.asked.withLock { $0.append(question) }
                return WebAnswer(status: 200, text: self.answer.withLock { $0 })
            }
        }
        var count: Int { asked.withLock { $0.count } }
    }

    private struct Parts {
        let database: BoxDatabase
        let name: DynamicDNS
        let mapping: PortMapping
    }

    private static func parts(_ folder: TemporaryFolder, _ server: Server, _ time: TimeSource) throws -> Parts {
        let database = try BoxDatabase(path: folder.path + "/box.sqlite")
        let sealer = try SecretSealer(keyFile: folder.path + "/key")
        let logger = Logger(label: "test")
        let mapping = PortMapping(
            database: database, router: RouterProcess(path: "/nonexistent", allowsLoopback: false, time: time), allowsLoopback: false,
            time: time, logger: logger)
        let name = DynamicDNS(
            database: database, sealer: sealer, mapping: mapping, version: "1", allowsHTTP: false, web: server.web, time: time,
            logger: logger)
        return Parts(database: database, name: name, mapping: mapping)
    }

    private static func running<Value: Sendable>(_ parts: Parts, _ body: @Sendable () async throws -> Value) async throws -> Value {
        try await withBackgroundWork {
            _ = await concurrently(parts.mapping.run, parts.name.run)
        } _: {
            try await body()
        }
    }

    private static func settings(_ name: DynamicDNS) throws -> DynamicDNS.Settings {
        var settings = DynamicDNS.Settings()
        settings.enabled = true
        settings.serverURL = "https://dyn.example.com"
        settings.hostName = "box.example.com"
        settings.userName = "me"
        settings.password = try name.seal("s3cret:word")
        return settings
    }

    @Test func tellsTheServerWithoutARouterToo() async throws {
        let folder = try TemporaryFolder()
        let server = Server("good 198.51.100.4")
        let parts = try Self.parts(folder, server, .system)
        try await Self.running(parts) {
            try await parts.name.set(try Self.settings(parts.name))
            #expect(await eventually { parts.name.condition.code == "ok" })
        }
        let question = try #require(server.asked.withLock { $0.first })
        #expect(question.url == "https://dyn.example.com/nic/update?hostname=box.example.com")
        #expect(question.headers["Authorization"] == "Basic " + Data("me:s3cret:word".utf8).base64EncodedString())
        #expect(question.headers["User-Agent"] == "Gatehouse/1")
        #expect(question.checksCertificate)
        #expect(server.count == 1)
        #expect(parts.name.outcome?.address == "198.51.100.4")
    }

    @Test func aRefusalHoldsOverANewStart() async throws {
        let folder = try TemporaryFolder()
        let server = Server("badauth")
        let first = try Self.parts(folder, server, .system)
        try await Self.running(first) {
            try await first.name.set(try Self.settings(first.name))
            #expect(await eventually { first.name.condition.code == "wrong-credentials" })
        }
        let second = try Self.parts(folder, server, .system)
        try await Self.running(second) {
            #expect(await eventually { second.name.condition.code == "wrong-credentials" })
            #expect(server.count == 1)
            // Saved anew, it is tried anew.
            server.answer.withLock { $0 = "good 198.51.100.4" }
            try await second.name.set(try Self.settings(second.name))
            #expect(await eventually { second.name.condition.code == "ok" })
            #expect(server.count == 2)
        }
    }
}
