public import Core
import Crypto
import Foundation
import Synchronization

/// Whether the box is reached at its address on the internet: looked at from the box itself, through the router, and by somebody outside whom the owner
/// trusts. A nonce, answered with a key that only this box has, tells it from others.
public final class OutsideTest: Sendable {
    /// The route that answers, see `digest`.
    public static let path = "/api/v1/reach/echo"

    private let key = SymmetricKey(size: .bits256)
    private let web: WebAsker
    private let time: TimeSource
    private let state = Mutex<(running: Bool, last: Condition?)>((false, nil))

    init(web: WebAsker, time: TimeSource) {
        self.web = web
        self.time = time
    }

    /// The last result.
    public var last: Condition? { state.withLock { $0.last } }

    /// What this box answers to a nonce of 16 to 64 hexadecimal digits; nil for anything else.
    public func digest(of nonce: String) -> String? {
        guard (16...64).contains(nonce.utf8.count), nonce.utf8.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else { return nil }
        return Data(HMAC<SHA256>.authenticationCode(for: Data(nonce.utf8), using: key)).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// Tests `address` and `port`; nil while a test runs already.
    public func run(address: String, port: Int, checker: String?) async -> Condition? {
        guard
            state.withLock({ state in
                defer { state.running = true }
                return !state.running
            })
        else { return nil }
        let nonce = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined().prefix(48).description
        let (inside, outside) = await concurrently {
            await self.lookThroughRouter(address, port, nonce)
        } _: {
            await self.ask(checker, address, port, nonce)
        }
        let result = OutsideVerdict.condition(inside, outside, now: time.now())
        state.withLock { $0 = (false, result) }
        return result
    }

    private func lookThroughRouter(_ address: String, _ port: Int, _ nonce: String) async -> OutsideVerdict.Look {
        // The answer proves itself; the certificate is the box's own and bears no such address.
        let question = WebQuestion(
            url: "https://\(address):\(port)\(Self.path)?nonce=\(nonce)", checksCertificate: false, within: .seconds(8))
        do throws(WebFailure) {
            let answer = try await web.ask(question)
            guard let digest = digest(of: nonce) else { return .nothing }
            return answer.status == 200 && answer.text.contains(digest) ? .thisBox : .another
        } catch {
            return error == .unreachable ? .nothing : .another
        }
    }

    private struct Word: Decodable {
        let reachable: Bool
        let digest: String?
    }

    private func ask(_ checker: String?, _ address: String, _ port: Int, _ nonce: String) async -> OutsideVerdict.Word? {
        guard let checker, var parts = URLComponents(string: checker) else { return nil }
        parts.queryItems =
            (parts.queryItems ?? []) + [
                URLQueryItem(name: "host", value: address), URLQueryItem(name: "port", value: String(port)),
                URLQueryItem(name: "path", value: Self.path), URLQueryItem(name: "nonce", value: nonce),
            ]
        guard let url = parts.string else { return nil }
        do throws(WebFailure) {
            let answer = try await web.ask(WebQuestion(url: url, headers: ["Accept": "application/json"], within: .seconds(25)))
            guard answer.status == 200, let word = try? JSONDecoder().decode(Word.self, from: Data(answer.text.utf8)) else {
                return .useless
            }
            guard word.reachable else { return .no }
            return word.digest.map { $0 == digest(of: nonce) ? .thisBox : .another } ?? .somebody
        } catch {
            return .useless
        }
    }
}

/// What both looks say together.
enum OutsideVerdict {
    /// What the box saw at its own address.
    enum Look { case thisBox, another, nothing }
    /// What the checker said.
    enum Word { case thisBox, another, somebody, no, useless }

    static func condition(_ look: Look, _ word: Word?, now: Date) -> Condition {
        let (code, severity, sentence) = told(look, word)
        return Condition(code: code, severity: severity, sentence: sentence, since: now)
    }

    private static func told(_ look: Look, _ word: Word?) -> (String, Severity, String) {
        switch (look, word) {
        case (_, .thisBox): ("reachable", .ok, "The checker reached this very box from outside.")
        case (_, .another): ("another-box-answered", .trouble, "The checker reached something at this address, but it is not this box.")
        case (.thisBox, .no):
            (
                "not-reachable", .trouble,
                "From outside nothing answers, though the box reaches itself through the router: the provider or a firewall stops it."
            )
        case (_, .no): ("not-reachable", .trouble, "From outside nothing answers at this address.")
        case (.another, .somebody), (.another, .useless), (.another, nil):
            (
                "another-box-answered", .trouble,
                "At this address something answers that is not this box: another device, or the router’s own page."
            )
        case (.thisBox, .somebody): ("reachable", .ok, "The checker reached it from outside, and through the router this very box answers.")
        case (.nothing, .somebody):
            ("reachable", .attention, "The checker reached something from outside; whether it is this box, it did not say.")
        case (.thisBox, nil): ("reachable", .ok, "The box was reached through the router itself. Only a look from outside tells more.")
        case (.thisBox, .useless):
            ("reachable", .attention, "The box was reached through the router itself; the checker gave no answer that can be read.")
        case (.nothing, nil):
            (
                "cannot-tell", .attention,
                "From inside nothing answers. Many routers do not lead their own network back in, so try from a phone without Wi-Fi."
            )
        case (.nothing, .useless):
            ("cannot-tell", .attention, "From inside nothing answers, and the checker gave no answer that can be read.")
        }
    }
}
