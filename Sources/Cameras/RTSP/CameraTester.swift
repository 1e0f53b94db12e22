public import Core
import Foundation
public import Media
public import Outbound
import RTSP

/// How a camera is reached, as a person entered it.
public struct CameraAddress: Sendable, Equatable {
    public enum Place: Sendable, Equatable {
        case url(RTSPAddress)
        /// Known paths are tried.
        case host(String, port: Int)
    }

    public var place: Place
    public var subURL: RTSPAddress?
    public var userName: String?
    public var password: String?
    public var transport: RTSPOptions.Transport

    public init(place: Place, subURL: RTSPAddress?, userName: String?, password: String?, transport: RTSPOptions.Transport) {
        self.place = place
        self.subURL = subURL
        self.userName = userName
        self.password = password
        self.transport = transport
    }

    /// The host that is connected to.
    public var host: String {
        switch place {
        case .url(let address): address.host
        case .host(let host, _): host
        }
    }
}

/// What a test of a camera showed, step by step.
public struct CameraTestResult: Sendable {
    public struct Step: Codable, Sendable, Equatable {
        public let name: String
        /// Nil where the test did not come so far.
        public let ok: Bool?
        public let sentence: String
    }

    /// `ok`, or what is wrong: `wrong-password`, `unreachable`, ...
    public var code = "ok"
    public var sentence = "The camera works."
    public var steps: [Step] = []
    public var url: String?
    public var subURL: String?
    public var streams: [StreamStatus] = []
    /// A key frame of the main stream, for a picture.
    public var keyFrame: Sample?
    public var ok: Bool { code == "ok" }
}

/// Tries a camera as a person would: is it there, does it let us in, what does it send.
public struct CameraTester: Sendable {
    /// Paths of RTSP URLs by make, for cameras of which only the address is known.
    public struct KnownPath: Codable, Sendable {
        public let make: String
        public let main: String
        public let sub: String?
    }

    private let policy: AddressPolicy
    private let paths: [KnownPath]
    private let time: TimeSource

    public init(policy: AddressPolicy, paths: [KnownPath], time: TimeSource) {
        self.policy = policy
        self.paths = paths
        self.time = time
    }

    /// Tests the camera at `address`, in at most about 15 seconds; `quick` looks only until a picture came.
    public func test(_ address: CameraAddress, quick: Bool = false) async -> CameraTestResult {
        var result = CameraTestResult()
        do {
            try await policy.check(host: address.host)
            if let sub = address.subURL { try await policy.check(host: sub.host) }
        } catch {
            return failed(result, code: error.code, sentence: error.sentence, at: "reach")
        }
        let outcome: (KnownPath?, StreamSight)
        do {
            outcome = try await openMain(address, quick: quick, into: &result)
        } catch {
            let trouble = StreamTrouble(error)
            return failed(result, code: trouble.code, sentence: trouble.sentence, at: Self.step(of: trouble))
        }
        let (path, main) = outcome
        result.streams = [main.status]
        result.keyFrame = main.keyFrame
        await openSub(address, path: path, quick: quick, into: &result)
        result.steps = [
            .init(name: "reach", ok: true, sentence: "The camera answers."),
            .init(name: "sign-in", ok: true, sentence: address.userName == nil ? "It asks for no password." : "It accepts the password."),
            .init(name: "streams", ok: true, sentence: "It sends \(Self.describe(main.status))."),
            .init(
                name: "picture", ok: main.keyFrame != nil, sentence: main.keyFrame == nil ? "No key frame came in time." : "A picture came."
            ),
        ]
        if main.keyFrame == nil { return failed(result, code: "no-video", sentence: StreamTrouble.noVideo.sentence, at: "picture") }
        return result
    }

    private func openMain(_ address: CameraAddress, quick: Bool, into result: inout CameraTestResult) async throws -> (
        KnownPath?, StreamSight
    ) {
        switch address.place {
        case .url(let url):
            result.url = url.url
            return (nil, try await look(url.url, address, role: .main, span: quick ? .zero : Self.span))
        case .host(let host, let port):
            var last: any Error = StreamTrouble.noSuchPath
            for path in paths {
                guard let url = RTSPAddress(host: host, port: port, path: path.main) else { continue }
                do {
                    let sight = try await look(url.url, address, role: .main, span: quick ? .zero : Self.span)
                    result.url = url.url
                    return (path, sight)
                } catch {
                    last = error
                    // Another path helps only where the camera answers and does not know this one.
                    guard [StreamTrouble.noSuchPath, .busy].contains(StreamTrouble(error)) else { throw error }
                }
            }
            throw last
        }
    }

    private func openSub(_ address: CameraAddress, path: KnownPath?, quick: Bool, into result: inout CameraTestResult) async {
        var url = address.subURL
        if url == nil, let sub = path?.sub, case .host(let host, let port) = address.place {
            url = RTSPAddress(host: host, port: port, path: sub)
        }
        guard let url, let sight = try? await look(url.url, address, role: .sub, span: quick ? .zero : Self.span) else { return }
        result.subURL = url.url
        result.streams.append(sight.status)
    }

    private func failed(_ partial: CameraTestResult, code: String, sentence: String, at step: String) -> CameraTestResult {
        var result = partial
        result.code = code
        result.sentence = sentence
        let names = ["reach", "sign-in", "streams", "picture"]
        let reached = names.firstIndex(of: step) ?? 0
        result.steps = names.enumerated().map { index, name in
            index < reached
                ? .init(name: name, ok: true, sentence: name == "reach" ? "The camera answers." : "It lets the box in.")
                : index == reached ? .init(name: name, ok: false, sentence: sentence) : .init(name: name, ok: nil, sentence: "Not tried.")
        }
        return result
    }

    private static func step(of trouble: StreamTrouble) -> String {
        switch trouble {
        case .unreachable, .refused, .silent, .notRTSP: "reach"
        case .wrongPassword: "sign-in"
        default: "streams"
        }
    }

    private static func describe(_ status: StreamStatus) -> String {
        let sound = status.audio.map { " with sound (\($0.codec.rawValue))" } ?? " without sound"
        return "\(status.video.codec.rawValue.uppercased()) \(status.video.width)x\(status.video.height)\(sound)"
    }

    // MARK: Looking

    public struct StreamSight: Sendable {
        public let status: StreamStatus
        public let keyFrame: Sample?
    }

    private static let span = Duration.seconds(5)

    private func look(_ url: String, _ address: CameraAddress, role: StreamRole, span: Duration) async throws -> StreamSight {
        let pinned: String
        do throws(AddressRefusal) { pinned = try await policy.check(host: RTSPAddress(url)?.host ?? address.host) } catch {
            throw error.code == "address-refused" ? StreamTrouble.addressRefused(error.sentence) : StreamTrouble.unreachable
        }
        let signedIn = Self.withCredentials(PinnedHost.url(url, at: pinned), address)
        let options = RTSPOptions(transport: address.transport, timeout: .seconds(6))
        let watch = { [time] () async throws -> StreamSight in
            let interrupt = Interrupt()
            return try await withTaskCancellationHandler {
                // A thread of its own each: many cameras are looked at at once.
                try await BlockingQueue(name: "camera-test").run {
                    try Self.watch(signedIn, role: role, options: options, span: span, interrupt: interrupt, time: time)
                }
            } onCancel: {
                interrupt.stop()
            }
        }
        guard let live = LiveClient.Source(url: signedIn, wantsData: false, timeout: options.timeout) else { return try await watch() }
        return try await LiveClient.examined(live, time: time, receive: watch)
    }

    /// Receives for `span`, or until three key frames tell enough; with no span until the first picture.
    private static func watch(
        _ url: String, role: StreamRole, options: RTSPOptions, span: Duration, interrupt: Interrupt, time: TimeSource
    ) throws -> StreamSight {
        var demuxer = try Demuxer(rtsp: url, options: options, interrupt: interrupt)
        var reception = try StreamReception(tracks: demuxer.formats, role: role, now: time.uptime(), silence: .seconds(5))
        let began = time.uptime()
        let end = began + (span == .zero ? .seconds(5) : span)
        var keyFrame: Sample?
        // Without a key frame nothing is known: it is waited for a little longer.
        while time.uptime() < end || keyFrame == nil && time.uptime() < began + .seconds(8), let item = try demuxer.read() {
            guard let sample = try reception.take(item, arrival: time.uptime()) else { continue }
            if sample.isKeyFrame, sample.format.kind == .video { keyFrame = sample }
            if span == .zero, keyFrame != nil { break }
            if span <= Self.span, reception.isSettled { break }
        }
        return StreamSight(status: reception.status, keyFrame: keyFrame)
    }

    /// What a stream really sends, received for `span`.
    /// - Throws: `StreamTrouble` where it does not come.
    public func capture(_ url: String, _ address: CameraAddress, role: StreamRole, span: Duration) async throws -> StreamSight {
        do {
            return try await look(url, address, role: role, span: span)
        } catch {
            throw StreamTrouble(error)
        }
    }

    /// `url` with the credentials in it, as FFmpeg takes them.
    static func withCredentials(_ url: String, _ address: CameraAddress) -> String {
        guard let userName = address.userName, var parts = URLComponents(string: url) else { return url }
        parts.user = userName
        parts.password = address.password
        return parts.string ?? url
    }
}
