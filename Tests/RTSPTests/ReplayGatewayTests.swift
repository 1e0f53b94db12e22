import CameraProtocols
import Core
import Foundation
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RTSP

@Suite struct ReplayGatewayTests {
    private static let range = ReplayRange(
        from: Date(timeIntervalSince1970: 1_727_777_700), to: Date(timeIntervalSince1970: 1_727_777_710))
    private static let description = """
        v=0\r\na=control:*\r\nm=application 0 RTP/AVP 107\r\na=control:meta\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r
        a=control:rtsp://elsewhere/video\r\nm=audio 0 RTP/AVP 8\r\na=control:audio\r\n
        """
    /// Recorded at the 1,727,777,698th second of our time, half a second late.
    private static let video: [UInt8] =
        [0x90, 0xE0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7, 0xAB, 0xAC, 0, 3, 0xEA, 0xA6, 0x4A, 0x22, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0x65, 0x24]
    private static let audio: [UInt8] = [0x80, 0x88, 0, 1, 0, 0, 0, 9, 0, 0, 0, 8, 0xD5]
    private static let report: [UInt8] = [0x80, 200, 0, 6] + Array(repeating: 1, count: 24)
    private static let goodbye: [UInt8] = [0x81, 203, 0, 1, 0, 0, 0, 7]

    private static let path = "/onvif/recording1"

    /// A device that plays two packets and says goodbye.
    private static func answer(_ request: RTSPRequest) -> (RTSPMessage, [(channel: UInt8, bytes: [UInt8])], closes: Bool) {
        switch request.method {
        case "DESCRIBE":
            let headers = [(name: "Content-Base", value: request.address + "/")]
            return (FakeDevice.ok(request, headers, body: Array(description.utf8)), [], false)
        case "SETUP":
            // Other channels than it was asked for.
            let first = request.address.hasSuffix("video") ? 20 : 30
            return (
                FakeDevice.ok(request, [("Session", "-5;timeout=30"), ("Transport", "RTP/AVP/TCP;interleaved=\(first)-\(first + 1)")]), [],
                false
            )
        case "PLAY":
            return (FakeDevice.ok(request), [(99, [1]), (21, report), (20, video), (30, audio), (21, goodbye), (31, goodbye)], false)
        default: return (FakeDevice.ok(request), [], false)
        }
    }

    private static func play<Result: Sendable>(
        _ device: FakeDevice, credentials: DigestCredentials? = nil, allowsBasic: Bool = false, time: TimeSource = .system,
        body: @escaping @Sendable (ReplayGateway) async throws -> Result
    ) async throws -> Result {
        try await ReplayGateway.with(
            "rtsp://127.0.0.1:\(device.port)\(path)",
            at: RTSPEndpoint(host: "127.0.0.1", port: device.port, credentials: credentials, allowsBasic: allowsBasic),
            request: ReplayRequest(range: range), asked: range, time: time, body: body)
    }

    /// Asks one thing after the other on one connection, and answers everything that comes until it ends.
    private static func read(_ url: String, _ requests: [RTSPRequest]) async throws -> [RTSPFraming.Element] {
        let port = try #require(URLComponents(string: url)?.port)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port) {
            channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        return try await channel.executeThenClose { inbound, outbound in
            for request in requests { try await outbound.write(ByteBuffer(bytes: request.bytes)) }
            var framing = RTSPFraming()
            var found: [RTSPFraming.Element] = []
            for try await buffer in inbound {
                framing.append(buffer.readableBytesView)
                while let element = try framing.next() { found.append(element) }
            }
            return found
        }
    }

    private static func requests(_ url: String) -> [RTSPRequest] {
        [
            RTSPRequest("OPTIONS", url, headers: [("CSeq", "1")]), RTSPRequest("DESCRIBE", url, headers: [("CSeq", "2")]),
            RTSPRequest("SETUP", url + "/track0", headers: [("CSeq", "3"), ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")]),
            RTSPRequest("SETUP", url + "/track1", headers: [("CSeq", "4"), ("Transport", "RTP/AVP/TCP;unicast;interleaved=2-3")]),
            RTSPRequest("PLAY", url, headers: [("CSeq", "5"), ("Range", "npt=0.000-")]),
        ]
    }

    @Test(.timeLimit(.minutes(1))) func asksByTimeAndGivesPacketsOn() async throws {
        try await FakeDevice(Self.answer).run { device in
            let (found, startsAt) = try await Self.play(device) { gateway in
                (try await Self.read(gateway.url, Self.requests(gateway.url)), gateway.startsAt)
            }
            let packets = found.filter { if case .packet = $0 { true } else { false } }
            // A report of ours says when the frame was recorded; the device's own are left out.
            let report = try #require(RTPPacket(Self.video)?.senderReport)
            #expect(
                packets == [
                    .packet(channel: 1, bytes: report), .packet(channel: 0, bytes: Self.video), .packet(channel: 2, bytes: Self.audio),
                ])
            // The answer to PLAY came before them.
            #expect(found.prefix(5).allSatisfy { if case .answer(let answer) = $0 { answer.status == 200 } else { false } })
            #expect(startsAt == Date(timeIntervalSince1970: 1_727_777_698.5))
            let asked = device.requests
            #expect(asked.map(\.method) == ["DESCRIBE", "SETUP", "SETUP", "PLAY", "TEARDOWN"])
            #expect(asked.map(\.address).dropFirst().prefix(2) == ["rtsp://elsewhere/video", asked[0].address + "/audio"])
            #expect(asked[3]["Range"] == "clock=20241001T101500.000Z-20241001T101510.000Z")
            #expect(asked.prefix(4).allSatisfy { $0["Require"] == "onvif-replay" })
            #expect(asked[3]["Rate-Control"] == "no")
            #expect(asked.dropFirst(2).allSatisfy { $0["Session"] == "-5" })
        }
    }

    @Test(.timeLimit(.minutes(1))) func believesTheAnswerWhereFramesSayNothing() async throws {
        let video: [UInt8] = [0x80, 0xE0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 7, 0x65]
        let device = FakeDevice { request in
            guard request.method == "PLAY" else { return Self.answer(request) }
            // Sound that comes before the first picture would move the reader's zero.
            return (
                FakeDevice.ok(request, [("Range", "clock=20241001T101502Z-")]), [(30, Self.audio), (20, video), (30, Self.audio)], true
            )
        }
        try await device.run { device in
            let (found, startsAt) = try await Self.play(device) { gateway in
                (try await Self.read(gateway.url, Self.requests(gateway.url)), gateway.startsAt)
            }
            #expect(found.suffix(2) == [.packet(channel: 0, bytes: video), .packet(channel: 2, bytes: Self.audio)])
            #expect(found.count == 7)
            #expect(startsAt == Self.range.from.addingTimeInterval(2))
        }
    }

    @Test(.timeLimit(.minutes(1))) func haltsAndGoesOn() async throws {
        let device = FakeDevice { request in
            guard request.method == "PLAY" else { return Self.answer(request) }
            var packets: [(channel: UInt8, bytes: [UInt8])] = [(20, Self.video)]
            if request["Range"] == nil { packets += [(21, Self.goodbye), (31, Self.goodbye)] }
            return (FakeDevice.ok(request), packets, false)
        }
        try await device.run { device in
            try await Self.play(device) { gateway in
                let (read, _) = try await concurrently {
                    try await Self.read(gateway.url, Self.requests(gateway.url))
                } _: {
                    while gateway.startsAt == nil { await Task.yield() }
                    try await gateway.pause()
                    try await gateway.resume()
                }
                #expect(read.suffix(2) == [.packet(channel: 0, bytes: Self.video), .packet(channel: 0, bytes: Self.video)])
            }
            #expect(device.requests.suffix(4).map(\.method) == ["PLAY", "PAUSE", "PLAY", "TEARDOWN"])
        }
    }

    /// Its disk has to start first: the time until it answers is not its silence.
    @Test(.timeLimit(.minutes(1))) func waitsForADeviceThatAnswersLate() async throws {
        let time = ManualTime()
        let device = FakeDevice { request in
            guard request.method == "PLAY" else { return Self.answer(request) }
            // Three wait for the clock: whoever asked, whoever keeps the session alive, and whoever looks whether anything comes.
            #expect(await eventually { time.sleepers == 3 })
            time.advance(.seconds(9))
            #expect(await eventually { time.sleepers == 3 })
            return Self.answer(request)
        }
        try await device.run { device in
            let found = try await Self.play(device, time: time.source) { try await Self.read($0.url, Self.requests($0.url)) }
            #expect(found.last == .packet(channel: 2, bytes: Self.audio))
        }
    }

    @Test func asksForOtherWaysOfPlaying() {
        let request = ReplayRequest(range: nil, scale: -4, keepsPace: true, frames: .intra)
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "Rate-Control: yes", "Scale: -4.0", "Frames: intra", "Immediate: yes",
            ])
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["MD5", "SHA-256"]) func signsInByDigest(algorithm: String) async throws {
        let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=\(algorithm)"
        let device = FakeDevice { request in
            guard request["Authorization"] == nil else { return Self.answer(request) }
            let headers = [(name: "CSeq", value: request["CSeq"] ?? ""), (name: "WWW-Authenticate", value: challenge)]
            return (RTSPMessage(status: 401, reason: "Unauthorized", headers: headers), [], false)
        }
        try await device.run { device in
            try await Self.play(device, credentials: DigestCredentials(username: "user", password: "secret")) { _ in }
            let asked = device.requests
            #expect(asked.map(\.method) == ["DESCRIBE", "DESCRIBE", "SETUP", "SETUP", "TEARDOWN"])
            for request in asked.dropFirst() {
                let fields = try #require(HTTPChallenge.parse(headers: [request["Authorization"] ?? ""]).first?.parameters)
                #expect(fields["uri"] == request.address)
                #expect(fields["response"]?.count == (algorithm == "MD5" ? 32 : 64))
                #expect(fields["algorithm"] == algorithm)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func triesAWrongPasswordOnce() async throws {
        let device = FakeDevice { request in
            let headers = [
                (name: "CSeq", value: request["CSeq"] ?? ""), (name: "WWW-Authenticate", value: "Digest realm=\"r\", nonce=\"n\""),
            ]
            return (RTSPMessage(status: 401, reason: "Unauthorized", headers: headers), [], false)
        }
        try await device.run { device in
            let failure = await #expect(throws: RTSPFailure.self) {
                try await Self.play(device, credentials: DigestCredentials(username: "user", password: "wrong")) { _ in }
            }
            #expect(failure?.code == .wrongPassword)
            #expect(device.requests.count == 2)
        }
    }

    @Test(.timeLimit(.minutes(1))) func givesNoPasswordInTheOpen() async throws {
        let device = FakeDevice { request in
            let headers = [(name: "CSeq", value: request["CSeq"] ?? ""), (name: "WWW-Authenticate", value: "Basic realm=\"r\"")]
            return (RTSPMessage(status: 401, reason: "Unauthorized", headers: headers), [], false)
        }
        try await device.run { device in
            let failure = await #expect(throws: RTSPFailure.self) {
                try await Self.play(device, credentials: DigestCredentials(username: "user", password: "secret")) { _ in }
            }
            #expect(failure?.code == .insecure)
            #expect(device.requests.allSatisfy { $0["Authorization"] == nil })
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (457, RTSPFailure.Code.nothingThere), (404, .nothingThere), (455, .unsupported), (551, .unsupported), (453, .busy),
            (500, .deviceError),
        ])
    func tellsWhyTheDeviceDoesNotPlay(status: Int, code: RTSPFailure.Code) async throws {
        let device = FakeDevice { request in
            guard request.method == "PLAY" else { return Self.answer(request) }
            return (RTSPMessage(status: status, reason: "No", headers: [("CSeq", request["CSeq"] ?? "")]), [], false)
        }
        try await device.run { device in
            // The reader only sees that nothing comes.
            let failure = await #expect(throws: RTSPFailure.self) {
                try await Self.play(device) { gateway in
                    let found = try await Self.read(gateway.url, Self.requests(gateway.url))
                    if found.count == 5 { throw RTSPRefusal.notAnAnswer }
                }
            }
            #expect(failure?.code == code)
        }
    }

    @Test(.timeLimit(.minutes(1))) func letsOnlyInWhoKnowsThePath() async throws {
        try await FakeDevice(Self.answer).run { device in
            let found = try await Self.play(device) { gateway in
                let parts = try #require(URLComponents(string: gateway.url))
                #expect(parts.path.count > 16)
                return try await Self.read(gateway.url, [RTSPRequest("DESCRIBE", "rtsp://127.0.0.1:\(parts.port ?? 0)/", headers: [])])
            }
            guard case .answer(let answer)? = found.first else { throw RTSPRefusal.notAnAnswer }
            #expect(answer.status == 404)
            #expect(found.count == 1)
            #expect(!device.requests.contains { $0.method == "PLAY" })
        }
    }

    @Test(.timeLimit(.minutes(1))) func knowsThatTheDeviceBrokeOff() async throws {
        let device = FakeDevice { request in
            guard request.method == "PLAY" else { return Self.answer(request) }
            return (FakeDevice.ok(request), [(20, Self.video)], true)
        }
        try await device.run { device in
            let hasPlayedAll = try await Self.play(device) { gateway in
                let found = try await Self.read(gateway.url, Self.requests(gateway.url))
                #expect(found.contains(.packet(channel: 0, bytes: Self.video)))
                return gateway.hasPlayedAll
            }
            #expect(!hasPlayedAll)
        }
    }
}
