import CameraProtocols
import Core
import Foundation
import Media
import Synchronization
import Testing

@testable import RTSP

@Suite struct LiveClientTests {
    /// Takes down what it is given.
    private final class Notes: LiveClient.Taker {
        struct One: Sendable, Equatable {
            let track: Int
            let bytes: [UInt8]
            let isKeyFrame: Bool
            let duration: Duration
        }

        let tracks = Mutex<[StreamFormat?]>([])
        let taken = Mutex<[One]>([])
        let times = Mutex<[MediaTime?]>([])
        let data = Mutex<[[UInt8]]>([])
        let enough = Signal()

        func open(_ tracks: [StreamFormat?]) { self.tracks.withLock { $0 = tracks } }
        func take(_ item: consuming Demuxer.Item) {
            let one = One(
                track: item.track, bytes: item.packet.withBytes { Array($0) }, isKeyFrame: item.packet.isKeyFrame, duration: item.duration)
            taken.withLock { $0.append(one) }
            times.withLock { $0.append(item.time) }
            enough.raise()
        }
        func takeData(_ bytes: ArraySlice<UInt8>) { data.withLock { $0.append(Array(bytes)) } }
    }

    private static let video =
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 sprop-parameter-sets=Z0IAHqtAUB7I,aM4xEg==\r\na=control:v\r\n"
    private static let sound = "m=audio 0 RTP/AVP 8\r\na=control:a\r\n"
    private static let events = "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:m\r\n"
    private static let key: [UInt8] = [0x80, 0xE0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0x65, 0x88, 1]
    /// 200 ms later, with an extension of its head and padding.
    private static let picture: [UInt8] =
        [0xB0, 0xE0, 0, 2, 0, 0, 0x46, 0x50, 0, 0, 0, 7, 0xBE, 0xDE, 0, 1, 0x10, 1, 0, 0, 0x41, 0x9A, 2, 0, 0, 3]
    private static let spoken: [UInt8] = [0x80, 0x88, 0, 1, 0, 0, 0, 9, 0, 0, 0, 8] + Array(repeating: 0xD5, count: 160)
    private static let document: [UInt8] = [0x80, 0xEB, 0, 1, 0, 0, 0, 9, 0, 0, 0, 9, 0x3C, 0x61, 0x3E]
    private static let goodbyes: [(channel: UInt8, bytes: [UInt8])] =
        [1, 3, 5].map { ($0, [0x81, 203, 0, 1, 0, 0, 0, 7]) }

    private static func device(_ media: String, _ packets: [(channel: UInt8, bytes: [UInt8])]) -> FakeDevice {
        FakeDevice { request in
            switch request.method {
            case "DESCRIBE": (FakeDevice.ok(request, body: Array("v=0\r\n\(media)".utf8)), [], false)
            case "SETUP": (FakeDevice.ok(request, [("Session", "1")]), [], false)
            case "PLAY": (FakeDevice.ok(request), packets, false)
            default: (FakeDevice.ok(request), [], false)
            }
        }
    }

    private static func receive(
        _ device: FakeDevice, wantsData: Bool = true, timeout: Duration = .seconds(10), to notes: Notes = Notes()
    ) async throws -> (any Error)? {
        try await device.run { device in
            let source = try #require(
                LiveClient.Source(url: "rtsp://a%40b:c%2Fd@127.0.0.1:\(device.port)/s", wantsData: wantsData, timeout: timeout))
            do { try await LiveClient.receive(source, time: .system, to: notes) } catch { return error }
            return nil
        }
    }

    @Test func givesPicturesSoundAndDocuments() async throws {
        let notes = Notes()
        let device = Self.device(
            Self.video + Self.sound + Self.events, [(0, Self.key), (2, Self.spoken), (4, Self.document), (0, Self.picture)] + Self.goodbyes)
        #expect(try await Self.receive(device, to: notes) as? StreamTrouble == .ended)
        let tracks = notes.tracks.withLock { $0 }
        #expect(tracks.map { $0?.codec } == [.h264, .pcmALaw, nil])
        #expect(
            tracks.first??.configuration
                == Data([0, 0, 0, 1, 0x67, 0x42, 0, 0x1E, 0xAB, 0x40, 0x50, 0x1E, 0xC8, 0, 0, 0, 1, 0x68, 0xCE, 0x31, 0x12]))
        #expect(
            notes.taken.withLock { $0 } == [
                .init(track: 0, bytes: [0, 0, 0, 1, 0x65, 0x88, 1], isKeyFrame: true, duration: .zero),
                .init(track: 1, bytes: Array(repeating: 0xD5, count: 160), isKeyFrame: true, duration: .milliseconds(20)),
                .init(track: 0, bytes: [0, 0, 0, 1, 0x41, 0x9A, 2], isKeyFrame: false, duration: .zero),
            ])
        let times = notes.times.withLock { $0.compactMap { $0 } }
        #expect(times.count == 3 && times[2] - times[0] == .milliseconds(200))
        #expect(notes.data.withLock { $0 } == [[0x3C, 0x61, 0x3E]])
        // Devices have few sessions; the password is not in any address.
        #expect(device.requests.map(\.method) == ["DESCRIBE", "SETUP", "SETUP", "SETUP", "PLAY", "TEARDOWN"])
        #expect(device.requests.allSatisfy { !$0.address.contains("@") })
    }

    @Test func dataIsLeftAloneWhereItIsNotWanted() async throws {
        let device = Self.device(Self.events + Self.video, [(0, Self.key)] + Self.goodbyes)
        let notes = Notes()
        #expect(try await Self.receive(device, wantsData: false, to: notes) as? StreamTrouble == .ended)
        #expect(device.requests.filter { $0.method == "SETUP" }.map(\.address).allSatisfy { $0.hasSuffix("/v") })
        #expect(notes.taken.withLock { $0.count } == 1)
    }

    @Test(arguments: [
        "m=video 0 RTP/AVP 26\r\n", "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\n",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-max-don-diff=2\r\n", video + "m=audio 0 RTP/AVP 9\r\n",
        video + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\na=fmtp:97 mode=AAC-lbr;sizelength=6;config=1408\r\n",
    ])
    func whatItDoesNotKnowIsLeftToLibavformat(media: String) async throws {
        let device = Self.device(media, [])
        #expect(try await Self.receive(device) is LiveClient.Unsupported)
        #expect(!device.requests.contains { $0.method == "PLAY" })
    }

    @Test(arguments: [(401, StreamTrouble.wrongPassword), (404, .noSuchPath), (453, .busy), (503, .busy)])
    func refusalsAreToldApart(status: Int, trouble: StreamTrouble) async throws {
        let device = FakeDevice { request in
            var answer = FakeDevice.ok(request, [("WWW-Authenticate", "Basic realm=\"r\"")])
            answer.status = status
            return (answer, [], false)
        }
        #expect(try await Self.receive(device) as? StreamTrouble == trouble)
        // A wrong password is tried once: cameras lock accounts.
        #expect(device.requests.count == (status == 401 ? 2 : 1))
    }

    @Test func silenceAndEndsAreToldApart() async throws {
        #expect(try await Self.receive(Self.device(Self.video, []), timeout: .milliseconds(300)) as? StreamTrouble == .silent)
        // What is of another payload type than was described is nothing.
        let strange = Self.key.enumerated().map { $0.offset == 1 ? 0xE1 : $0.element }
        let device = Self.device(Self.video, Array(repeating: (0, strange), count: 50))
        #expect(try await Self.receive(device, timeout: .milliseconds(300)) as? StreamTrouble == .silent)
        let closing = FakeDevice { request in
            let (answer, _, _) = (FakeDevice.ok(request, [("Session", "1")], body: Array("v=0\r\n\(Self.video)".utf8)), 0, 0)
            return (answer, [(0, Self.key)], request.method == "PLAY")
        }
        #expect(try await Self.receive(closing) as? StreamTrouble == .ended)
        let talkative = FakeDevice { _ in (RTSPMessage(status: 200, reason: "", headers: []), [], true) }
        #expect(try await Self.receive(talkative) is StreamTrouble)
    }

    /// Cameras have few sessions: one that is wanted no more is ended in words.
    @Test(.timeLimit(.minutes(1))) func whatIsNotWantedAnyMoreIsTakenLeaveOf() async throws {
        let notes = Notes()
        let device = Self.device(Self.video, [(0, Self.key)])
        try await device.run { device in
            let source = try #require(
                LiveClient.Source(url: "rtsp://127.0.0.1:\(device.port)/s", wantsData: false, timeout: .seconds(30)))
            let task = Task { try await LiveClient.receive(source, time: .system, to: notes) }
            await notes.enough.wait()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(device.requests.last?.method == "TEARDOWN")
        }
    }

    @Test func aSessionThatIsNotWholeIsLetGoOf() async throws {
        let device = FakeDevice { request in
            switch request.method {
            case "DESCRIBE": (FakeDevice.ok(request, body: Array("v=0\r\n\(Self.video)\(Self.sound)".utf8)), [], false)
            case "SETUP" where request.address.hasSuffix("/a"):
                (RTSPMessage(status: 453, reason: "Not Enough Bandwidth", headers: [("CSeq", request["CSeq"] ?? "")]), [], false)
            case "SETUP": (FakeDevice.ok(request, [("Session", "1")]), [], false)
            default: (FakeDevice.ok(request), [], false)
            }
        }
        #expect(try await Self.receive(device) as? StreamTrouble == .busy)
        #expect(device.requests.map(\.method) == ["DESCRIBE", "SETUP", "SETUP", "TEARDOWN"])
        #expect(device.requests.last?["Session"] == "1")
    }

    private static func examined(_ answers: [StreamTrouble?]) async throws -> (asked: Int, trouble: (any Error)?) {
        let asked = Mutex(0)
        let device = device(video, [])
        // The pause before the second attempt is over at once.
        let time = TimeSource(now: TimeSource.system.now, uptime: TimeSource.system.uptime) {
            if $0 != .seconds(1) { try await TimeSource.system.sleep($0) }
        }
        let trouble: (any Error)? = try await device.run { device in
            let source = try #require(LiveClient.Source(url: "rtsp://127.0.0.1:\(device.port)/s", wantsData: false, timeout: .seconds(10)))
            do {
                try await LiveClient.examined(source, time: time) {
                    let number = asked.withLock { asked in
                        defer { asked += 1 }
                        return asked
                    }
                    if let trouble = answers[number] { throw trouble }
                }
            } catch {
                return error
            }
            return nil
        }
        #expect(device.requests.map(\.method) == ["DESCRIBE"])
        return (asked.withLock { $0 }, trouble)
    }

    /// A device with one session may hold that of the examination for a moment.
    @Test func aDeviceThatIsBusyAfterItsExaminationIsAskedOnceMore() async throws {
        let found = try await Self.examined([.busy, nil])
        #expect(found.asked == 2 && found.trouble == nil)
        let busy = try await Self.examined([.busy, .busy])
        #expect(busy.asked == 2 && busy.trouble as? StreamTrouble == .busy)
        let other = try await Self.examined([.silent])
        #expect(other.asked == 1 && other.trouble as? StreamTrouble == .silent)
    }

    @Test func otherAddressesAreNone() {
        for url in ["http://a/b", "rtsp://", "rtsp:///x", "", "a b"] {
            #expect(LiveClient.Source(url: url, wantsData: false, timeout: .seconds(1)) == nil)
        }
    }
}

@Suite struct LiveTimesTests {
    @Test func timestampsGoOnOverTheirEnd() {
        var times = LiveTimes(clockRate: 90_000)
        #expect(times.time(of: .max - 44_999, elapsed: .milliseconds(250)) == MediaTime(microseconds: 250_000))
        #expect(times.time(of: 45_000, elapsed: .seconds(9)) == MediaTime(microseconds: 1_250_000))
        #expect(times.time(of: 0, elapsed: .seconds(9)) == MediaTime(microseconds: 750_000))
        #expect(LiveTimes(clockRate: 8000).duration(ticks: 160) == .milliseconds(20))
    }

    private static func reported(_ rate: Int, from elapsed: Duration, ntp: UInt64, at timestamp: UInt32) -> LiveTimes {
        var times = LiveTimes(clockRate: rate)
        _ = times.time(of: 1000, elapsed: elapsed)
        times.take(LiveTimes.Report(ntp: ntp, timestamp: timestamp))
        return times
    }

    @Test func soundFollowsThePictures() {
        // The pictures' timestamp 1000 is second 10 of the device's clock, the sound's is 10.5.
        let video = Self.reported(90_000, from: .seconds(1), ntp: 12 << 32, at: 1000 + 180_000)
        var sound = Self.reported(8000, from: .seconds(1), ntp: 10 << 32 | 1 << 31, at: 1000)
        #expect(sound.follow(video, within: .seconds(2)) == true)
        #expect(sound.time(of: 1000, elapsed: .zero) == MediaTime(microseconds: 1_500_000))
        // What is too far apart is no time of one clock.
        var strange = Self.reported(8000, from: .seconds(1), ntp: 900 << 32, at: 1000)
        #expect(strange.follow(video, within: .seconds(2)) == true)
        #expect(strange.time(of: 1000, elapsed: .zero) == MediaTime(microseconds: 1_000_000))
        var silent = LiveTimes(clockRate: 8000)
        #expect(silent.follow(video, within: .seconds(2)) == false)
    }

    @Test func picturesOutOfOrderAreDecodedBeforeTheyAreShown() {
        var order = DecodeTimes()
        // I P B B P B B, over and over.
        var shown: [Int64] = [0]
        for group in 0..<20 { shown += [3, 1, 2].map { Int64(group) * 3 + $0 } }
        let decoded = shown.map { order.next(MediaTime(microseconds: $0 * 40_000)) }
        for (time, decoded) in zip(shown, decoded) { #expect(decoded.microseconds <= time * 40_000) }
        let steady = decoded.dropFirst(3)
        for (before, after) in zip(steady, steady.dropFirst()) { #expect(after > before) }
    }

    /// A clock that was set is no order of pictures.
    @Test func aStepOfTheClockReordersNothing() {
        var order = DecodeTimes()
        for step in [0, 90, -90, 2, -2] as [Int64] {
            for number in Int64(0)..<50 {
                let time = MediaTime(microseconds: (number + 100 + step * 10) * 40_000)
                #expect(order.next(time) == time)
            }
        }
    }

    @Test func picturesInOrderAreDecodedWhenShown() {
        var order = DecodeTimes()
        for number in Int64(0)..<50 { #expect(order.next(MediaTime(microseconds: number)) == MediaTime(microseconds: number)) }
    }
}
