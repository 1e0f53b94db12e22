import CameraProtocols
import Core
import Foundation
import Testing

@testable import RTSP

@Suite struct RTSPServerTests {
    @Test func transportsAreChosen() {
        #expect(RTSPTransport("RTP/AVP/TCP;unicast;interleaved=2-3") == .interleaved(rtp: 2, rtcp: 3))
        #expect(RTSPTransport("RTP/AVP/TCP;unicast") == .interleaved(rtp: nil, rtcp: nil))
        #expect(
            RTSPTransport("RTP/AVP;multicast, RTP/AVP/UDP;unicast;client_port=5000-5001;mode=\"PLAY\"") == .datagrams(rtp: 5000, rtcp: 5001)
        )
        #expect(RTSPTransport("RTP/AVP;unicast;client_port=5000") == .datagrams(rtp: 5000, rtcp: 5001))
        for wrong in [
            "", ";", ",,,", "RTP/AVP", "RTP/AVP;multicast", "RTP/AVP;client_port=", "RTP/AVP;client_port=1-2",
            "RTP/AVP;client_port=70000-70001", "RTP/AVP;client_port=9223372036854775807", "RTP/AVP/TCP;interleaved=9223372036854775807",
            "RTP/AVP;client_port=65535", "RTP/AVP;client_port=5000-5000", "RTP/AVP/TCP;interleaved=255-256", "RTP/AVP/TCP;interleaved=-1",
            "RTP/AVP/TCP;interleaved=3-3", "RTP/SAVP;unicast;client_port=5000-5001", "RAW/RAW/UDP;client_port=5000-5001",
        ] { #expect(RTSPTransport(wrong) == nil, "\(wrong)") }
    }

    @Test func pathsAreTakenApart() throws {
        func path(_ address: String) throws -> [String] {
            let found = try #require(RTSPServerConnection.path(of: address))
            return [found.path] + (found.track.map { ["\($0)"] } ?? [])
        }
        #expect(try path("rtsp://box:8554/abc/main") == ["abc/main"])
        #expect(try path("RTSP://box/abc/main/?x=1") == ["abc/main"])
        #expect(try path("rtsp://user:secret@box/abc/main/track1") == ["abc/main", "1"])
        #expect(try path("rtsp://box/abc/main/trackx") == ["abc/main/trackx"])
        #expect(try path("rtsp://box/trackside") == ["trackside"])
        #expect(try path("rtsp://box/trackside/track0") == ["trackside", "0"])
        #expect(try path("rtsp://box/") == [""])
        for wrong in ["", "*", "rtsp://", "rtsp://box", "http://box/abc", "rtsp://box/" + String(repeating: "a", count: 300)] {
            #expect(RTSPServerConnection.path(of: wrong) == nil, "\(wrong)")
        }
    }

    @Test func throttleBlocksAndForgives() {
        let throttle = SignInThrottle()
        for second in 0..<5 {
            #expect(!throttle.isBlocked("a", now: .seconds(second)))
            throttle.failed("a", now: .seconds(second))
        }
        #expect(throttle.isBlocked("a", now: .seconds(5)))
        #expect(!throttle.isBlocked("b", now: .seconds(5)))
        #expect(!throttle.isBlocked("a", now: .seconds(65)))
        for number in 0..<5000 { throttle.failed("\(number)", now: .seconds(number)) }
        #expect(!throttle.isBlocked("0", now: .seconds(5000)))
    }
}

@Suite struct DigestVerifierTests {
    private static let right = DigestCredentials(username: "viewer", password: "Harbour-Lamp-2026")

    private static func verifier() -> DigestVerifier {
        let count = Counter()
        return DigestVerifier(credentials: right, realm: "Gatehouse") { "nonce\(count.next())" }
    }

    private static func authenticator(_ challenges: [String], _ credentials: DigestCredentials = right) throws -> HTTPAuthenticator {
        try HTTPAuthenticator(
            challenges: HTTPChallenge.parse(headers: challenges), credentials: credentials, allowsBasic: false, makeClientNonce: { "c" })
    }

    @Test(arguments: [0, 1]) func bothAlgorithmsLetIn(place: Int) throws {
        var verifier = Self.verifier()
        var client = try Self.authenticator([verifier.challenges(now: .zero, isStale: false)[place]])
        for _ in 0..<3 {
            let text = client.authorization(method: "DESCRIBE", uri: "rtsp://box/a/main")
            #expect(verifier.judge(text, method: "DESCRIBE", now: .seconds(1)) == .right)
        }
    }

    @Test func wrongPasswordsAreWrong() throws {
        var verifier = Self.verifier()
        let challenges = verifier.challenges(now: .zero, isStale: false)
        for credentials in [DigestCredentials(username: "viewer", password: "other"), .init(username: "x", password: Self.right.password)] {
            var client = try Self.authenticator(challenges, credentials)
            #expect(verifier.judge(client.authorization(method: "A", uri: "u"), method: "A", now: .zero) == .wrong)
        }
        // Many of them: an earlier comparison took one in a hundred for the right one.
        for number in 0..<2000 {
            var client = try Self.authenticator(challenges, .init(username: "viewer", password: "guess \(number)"))
            #expect(verifier.judge(client.authorization(method: "A", uri: "u"), method: "A", now: .zero) == .wrong)
        }
        var client = try Self.authenticator(challenges)
        // Made for another method.
        #expect(verifier.judge(client.authorization(method: "A", uri: "u"), method: "B", now: .zero) == .wrong)
    }

    @Test func whatWasThereIsStale() throws {
        var verifier = Self.verifier()
        var client = try Self.authenticator(verifier.challenges(now: .zero, isStale: false))
        let text = client.authorization(method: "A", uri: "u")
        #expect(verifier.judge(text, method: "A", now: .zero) == .right)
        #expect(verifier.judge(text, method: "A", now: .zero) == .stale)
        #expect(verifier.judge(client.authorization(method: "A", uri: "u"), method: "A", now: .seconds(301)) == .stale)
        let anew = verifier.challenges(now: .seconds(301), isStale: true)
        #expect(anew.allSatisfy { $0.contains("stale=true") && $0.contains("nonce2") })
    }

    @Test func junkIsMissing() {
        var verifier = Self.verifier()
        for text in [
            nil, "", "Digest", "Basic dmlld2VyOng=", "Digest username=\"viewer\"", "Digest " + String(repeating: "=,\"", count: 4000),
        ] {
            #expect(verifier.judge(text, method: "A", now: .zero) == .missing)
        }
    }
}
