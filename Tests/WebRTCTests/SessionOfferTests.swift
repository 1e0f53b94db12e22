import Testing
import WebRTC

@Suite struct SessionOfferTests {
    private let high: ViewerCodec = .h264(profile: [0x64, 0x00, 0x28])

    private static func local() throws -> LocalDescription {
        LocalDescription(
            credentials: try #require(ICECredentials(fragment: "abcd", password: String(repeating: "p", count: 22))),
            fingerprint: try #require(CertificateFingerprint(algorithm: "sha-256", bytes: Array(0..<32))),
            candidates: ["candidate:1 1 UDP 2015363327 192.0.2.1 40000 typ host"], videoSource: 7, audioSource: 8, id: 99)
    }

    @Test func aiortcGetsPictureAndSound() throws {
        let agreement = try Agreement(try SessionOffer(Offers.aiortc), video: high, audio: .pcma)
        #expect(agreement.video.payloadType == 99)
        #expect(agreement.audio?.payloadType == 8)
        // Both go by the transport of the picture, which stands first.
        #expect(agreement.credentials.fragment == "5hap")
        #expect(agreement.candidates.map(\.address) == ["192.0.2.2", "fd00::2"])
        let answer = agreement.answer(try Self.local())
        #expect(answer.hasPrefix("v=0\r\n"))
        #expect(answer.contains("a=group:BUNDLE 0 1\r\n"))
        #expect(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 99\r\n"))
        #expect(answer.contains("a=rtpmap:99 H264/90000\r\n"))
        #expect(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 8\r\n"))
        #expect(answer.contains("a=rtcp-fb:99 nack pli\r\n"))
        #expect(answer.components("a=sendonly\r\n") == 2)
        #expect(answer.components("a=setup:passive\r\n") == 2)
    }

    @Test func chromiumGetsTheProfileOfTheCamera() throws {
        let offer = try SessionOffer(Offers.chromium)
        #expect(try Agreement(offer, video: high, audio: .pcmu).video.payloadType == 116)
        #expect(try Agreement(offer, video: .h264(profile: [0x42, 0xE0, 0x1E]), audio: .pcmu).video.payloadType == 109)
        #expect(try Agreement(offer, video: .h264(profile: [0x42, 0xC0, 0x1E]), audio: .pcmu).video.payloadType == 103)
        // Any is better than none; never one of another packetization mode.
        #expect(try Agreement(offer, video: .h264(profile: []), audio: nil).video.payloadType == 103)
        // Names are not looked up.
        #expect(try Agreement(offer, video: high, audio: nil).candidates.isEmpty)
    }

    @Test func soundThatTheBoxMakesIsOpus() throws {
        let agreement = try Agreement(try SessionOffer(Offers.chromium), video: high, audio: .opus)
        #expect(agreement.audio?.payloadType == 111)
        #expect(agreement.answer(try Self.local()).contains("a=rtpmap:111 opus/48000/2\r\n"))
    }

    @Test func sectionsThatAreNotServedAreRejected() throws {
        let answer = try Agreement(try SessionOffer(Offers.chromium), video: high, audio: nil).answer(try Self.local())
        #expect(answer.contains("m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"))
        #expect(answer.contains("a=group:BUNDLE 1\r\n"))
        #expect(answer.components("a=candidate:") == 1)
    }

    @Test func gstreamerWithoutAGroup() throws {
        let offer = try SessionOffer(Offers.gstreamer)
        let agreement = try Agreement(offer, video: .h265, audio: nil)
        #expect(agreement.video.payloadType == 96)
        #expect(!agreement.fingerprints.isEmpty)
        #expect(!agreement.answer(try Self.local()).contains("BUNDLE"))
        let refusal = #expect(throws: OfferRefusal.self) { try Agreement(offer, video: high, audio: nil) }
        #expect(refusal?.kind == .notPlayable)
    }

    @Test(arguments: [
        "a=setup:actpass", "a=fingerprint:", "a=ice-pwd:", "a=rtcp-mux", "a=recvonly", "a=ice-ufrag:",
    ]) func offersThatLackSomethingAreRefused(_ line: String) throws {
        let lines = Offers.aiortc.split(separator: "\r\n").map {
            $0.hasPrefix(line) ? line == "a=setup:actpass" ? "a=setup:passive" : $0 == "a=recvonly" ? "a=inactive" : "b=x" : String($0)
        }
        #expect(throws: OfferRefusal.self) {
            try Agreement(try SessionOffer(lines.joined(separator: "\r\n")), video: high, audio: nil)
        }
    }

    @Test(arguments: [
        "", "v=0", "nonsense", "v=1\r\nm=video 9 UDP/TLS/RTP/SAVPF 96", "v=0\r\nm=video x UDP/TLS/RTP/SAVPF 96", "v=0\r\nm=video 9\r\n",
        "v=0\r\nm=vi\u{7}deo 9 UDP/TLS/RTP/SAVPF 96", "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nv=0",
        "v=0\r\n" + String(repeating: "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", count: 40), String(repeating: "a=x\r\n", count: 20_000),
    ]) func whatIsNoOfferIsRefused(_ text: String) {
        #expect(throws: OfferRefusal.self) { try SessionOffer(text) }
    }

    @Test func parametersWithControlCharactersDoNotComeBack() throws {
        let text = Offers.aiortc.replacing("profile-level-id=42001f", with: "profile-level-id=42001f;x\u{1}=y;z=\u{e9}")
        let answer = try Agreement(try SessionOffer(text), video: high, audio: nil).answer(try Self.local())
        #expect(answer.utf8.allSatisfy { $0 < 0x7F && ($0 >= 0x20 || $0 == 13 || $0 == 10) })
    }

    @Test func fragmentsOfCandidates() throws {
        let text = """
            a=ice-ufrag:5hap\r
            a=ice-pwd:DfowSEJYIuh77VEv16g9Io\r
            m=video 9 UDP/TLS/RTP/SAVPF 0\r
            a=mid:0\r
            a=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host\r
            a=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host\r
            a=candidate:2 2 udp 2130706431 192.0.2.7 5001 typ host\r
            a=candidate:3 1 tcp 2130706431 192.0.2.7 9 typ host tcptype active\r
            a=candidate:4 1 udp 2130706431 evil.example.com 5000 typ host\r
            a=candidate:5 1 udp 1 2001:db8::1 5000 typ srflx raddr 0.0.0.0 rport 0\r
            a=end-of-candidates\r

            """
        let fragment = try #require(CandidateFragment(text))
        #expect(fragment.fragment == "5hap")
        #expect(fragment.candidates.map(\.address) == ["192.0.2.7", "2001:db8::1"])
        #expect(fragment.isLast)
        #expect(CandidateFragment("junk") == nil)
        #expect(CandidateFragment(String(repeating: "a=x\r\n", count: 5000)) == nil)
    }
}

extension String {
    fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}
