import ArgumentParser
import CameraProtocols
import Cameras
import Core
import Foundation
import Logging
import ManagementAPI
import Media
import RTSP
import Recording
import Relay
import UnixSignals

/// Passes one camera's stream on to many readers, without a box.
struct RestreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restream", abstract: "Opens a camera once and serves it by RTSP to many readers, packets as they are.",
        discussion: "Readers sign in with a user name and a password of at least 12 characters, given in the environment as "
            + "GATEHOUSE_RESTREAM_PASSWORD. Ends with Ctrl-C.")

    private static let shortestPassword = 12

    @Argument(help: "The RTSP URL, with user name and password if the camera asks for them.")
    var url: String

    @Option(help: "tcp or udp, towards the camera.")
    var transport = "tcp"

    @Option(help: "The address to serve on; 0.0.0.0 for all.")
    var address = "127.0.0.1"

    @Option(help: "The port to serve on.")
    var port = 8554

    @Option(help: "The path to serve under.")
    var path = "camera"

    @Option(help: "The user name that readers sign in with.")
    var user = "viewer"

    func validate() throws {
        guard RTSPAddress(url) != nil else { throw ValidationError("\(url) is not an RTSP URL such as rtsp://192.168.1.64/stream.") }
        guard RTSPOptions.Transport(rawValue: transport) != nil else { throw ValidationError("The transport must be tcp or udp.") }
        guard (0...65_535).contains(port) else { throw ValidationError("The port must be 1 to 65535, or 0 for any.") }
        guard !path.isEmpty, path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") }), !path.hasPrefix("/") else {
            throw ValidationError("The path must have letters that an address can have, such as camera.")
        }
    }

    func run() async throws {
        MediaLibrary.prepare()
        guard let camera = RTSPAddress(url), let transport = RTSPOptions.Transport(rawValue: transport) else { throw ExitCode(64) }
        guard let password = ProcessInfo.processInfo.environment["GATEHOUSE_RESTREAM_PASSWORD"], password.count >= Self.shortestPassword
        else {
            throw ValidationError(
                "Give readers' password in GATEHOUSE_RESTREAM_PASSWORD, with at least \(Self.shortestPassword) characters.")
        }
        let logger = Logger(label: "restream") { _ in BoxLog(level: LogLevel("notice")) }
        let session = CameraSession(
            role: .main,
            source: StreamSource(url: camera.url, userName: camera.userName, password: camera.password, transport: transport),
            admits: { $0 }, packets: RecentPackets(), timing: SessionTiming(), time: .system, logger: logger, told: { _ in }, changed: {})
        let server = RTSPServer(
            address: address, port: port, credentials: DigestCredentials(username: user, password: password),
            source: SingleStream(path: path, session: session), time: .system, logger: logger)
        let (address, path) = (address, path)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await session.run() }
            group.addTask {
                try await server.run { port in
                    FileHandle.standardOutput.write(Data("Readers open rtsp://\(address):\(port)/\(path)\n".utf8))
                }
            }
            group.addTask { for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return } }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// One camera's stream under one path.
private struct SingleStream: RTSPSource {
    private static let patience = Duration.seconds(10)
    private static let look = Duration.milliseconds(50)

    let path: String
    let session: CameraSession

    func open(_ path: String, user: String, address: String) async throws -> any RTSPStream {
        guard path == self.path else { throw RTSPServerRefusal.notFound }
        let giveUp = TimeSource.system.uptime() + Self.patience
        while TimeSource.system.uptime() < giveUp {
            if let status = session.status { return Stream(session: session, formats: [status.video] + (status.audio.map { [$0] } ?? [])) }
            try await TimeSource.system.sleep(Self.look)
        }
        throw RTSPServerRefusal.noPicture
    }

    private struct Stream: RTSPStream {
        let session: CameraSession
        let formats: [StreamFormat]

        func watch() -> any RTSPWatching {
            Watching(samples: LiveSamples(formats: formats, time: .system, packets: { [session] in (session.packets, session) }))
        }
    }

    private final class Watching: RTSPWatching {
        private let samples: LiveSamples

        init(samples: LiveSamples) { self.samples = samples }

        nonisolated(nonsending) func next() async -> RTSPBatch? {
            await samples.next().map(RTSPBatch.init)
        }
        func poll() -> RTSPPoll { RTSPPoll(samples.poll()) }
        func listen(to bell: (any Bell)?) { samples.listen(to: bell) }
        func rewind() { samples.rewind() }
        func count(bytes: Int, missed: Int) {}
        func whileItLasts(_ work: @escaping @Sendable () async throws -> Void) async throws { try await work() }
    }
}
