import Core
import Foundation
@testable import Reach
import Synchronization
import Testing

@Suite struct OutsideTestTests {
    /// What answers at the box's address, and the checker.
    private enum Peer: Sendable {
        case box, other, silent, wrongCertificate
        case says(@Sendable (String) -> String)
    }

    private static func run(_ look: Peer, checker: Peer? = nil) async -> Condition? {
        let box = Mutex<OutsideTest?>(nil)
        let test = OutsideTest(
            web: WebAsker { question async throws(WebFailure) in
                let items = URLComponents(string: question.url)?.queryItems ?? []
                let digest = items.first { $0.name == "nonce" }?.value.flatMap { nonce in box.withLock { $0?.digest(of: nonce) } } ?? ""
                let isChecker = question.url.hasPrefix("https://check.example.com/")
                switch isChecker ? checker ?? .silent : look {
                case .box: return WebAnswer(status: 200, text: #"{"reachable":true,"digest":"\#(digest)"}"#)
                case .other: return WebAnswer(status: 200, text: #"{"reachable":true,"digest":"00"}"#)
                case .silent: throw .unreachable
                case .wrongCertificate: throw .certificate
                case .says(let text): return WebAnswer(status: 200, text: text(digest))
                }
            }, time: .system)
        box.withLock { $0 = test }
        return await test.run(address: "203.0.113.7", port: 8443, checker: checker.map { _ in "https://check.example.com/?a=b" })
    }

    @Test func throughTheRouter() async {
        #expect(await Self.run(.box)?.code == "reachable")
        #expect(await Self.run(.other)?.code == "another-box-answered")
        #expect(await Self.run(.wrongCertificate)?.code == "another-box-answered")
        // Many routers do not lead their own network back in: that says nothing about outside.
        #expect(await Self.run(.silent)?.code == "cannot-tell")
    }

    @Test func byAChecker() async {
        #expect(await Self.run(.silent, checker: .box)?.code == "reachable")
        #expect(await Self.run(.box, checker: .other)?.code == "another-box-answered")
        #expect(await Self.run(.silent, checker: .says { _ in #"{"reachable":false}"# })?.code == "not-reachable")
        #expect(await Self.run(.box, checker: .says { _ in #"{"reachable":false}"# })?.code == "not-reachable")
        #expect(await Self.run(.box, checker: .says { _ in #"{"reachable":true}"# })?.severity == .ok)
        #expect(await Self.run(.silent, checker: .says { _ in #"{"reachable":true}"# })?.severity == .attention)
        #expect(await Self.run(.other, checker: .says { _ in #"{"reachable":true}"# })?.code == "another-box-answered")
        for junk in ["", "[]", "{", #"{"reachable":"yes"}"#, #"{"reachable":1}"#] {
            #expect(await Self.run(.silent, checker: .says { _ in junk })?.code == "cannot-tell", "\(junk)")
        }
        #expect(await Self.run(.box, checker: .silent)?.code == "reachable")
    }

    private static func silent() -> OutsideTest {
        OutsideTest(web: WebAsker { _ async throws(WebFailure) in throw .unreachable }, time: .system)
    }

    @Test func digests() {
        let (one, other) = (Self.silent(), Self.silent())
        let nonce = "0123456789abcdef"
        #expect(one.digest(of: nonce)?.count == 64)
        #expect(one.digest(of: nonce) == one.digest(of: nonce))
        #expect(one.digest(of: nonce) != one.digest(of: nonce + "0"))
        #expect(one.digest(of: nonce) != other.digest(of: nonce))
        for wrong in ["", "0123456789abcde", String(repeating: "a", count: 65), "0123456789abcdeg", "０１２３４５６７８９abcdef"] {
            #expect(one.digest(of: wrong) == nil)
        }
    }
}
