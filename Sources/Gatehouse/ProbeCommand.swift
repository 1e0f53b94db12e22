import ArgumentParser
import Cameras
import Core
import Foundation
import Media
import Outbound

/// Shows what a camera sends.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Shows what a camera sends: codecs, sizes, rates, key frames, sound, and what hurts the cloud copy."
    )

    @Argument(help: "The RTSP URL, with user name and password if the camera asks for them.")
    var url: String

    @Option(help: "A second URL: the sub stream.")
    var sub: String?

    @Option(help: "tcp or udp.")
    var transport = "tcp"

    func run() async throws {
        MediaLibrary.prepare()
        guard let address = RTSPAddress(url) else { throw ValidationError("\(url) is not an RTSP URL such as rtsp://192.168.1.64/stream.") }
        guard let transport = RTSPOptions.Transport(rawValue: transport) else { throw ValidationError("The transport must be tcp or udp.") }
        let tester = CameraTester(policy: AddressPolicy(allowsLocal: true), paths: [], time: .system)
        let result = await tester.test(
            CameraAddress(
                place: .url(address), subURL: sub.flatMap { RTSPAddress($0) }, userName: address.userName, password: address.password,
                transport: transport))
        for stream in result.streams { Self.show(stream) }
        guard result.ok else {
            FileHandle.standardError.write(Data("gatehouse: \(result.sentence)\n".utf8))
            throw ExitCode(1)
        }
    }

    private static func show(_ stream: StreamStatus) {
        print("\(stream.role.rawValue) stream")
        print("  video: \(stream.video.codec.rawValue) \(stream.video.width)x\(stream.video.height)")
        print("  frame rate: \(stream.frameRate > 0 ? "\(stream.frameRate) frames/s" : "not known yet")")
        print("  bit rate: \(stream.bitRate > 0 ? "\(stream.bitRate / 1000) kbit/s" : "not known yet")")
        print("  key frames: \(stream.keyFrameSeconds > 0 ? "every \(stream.keyFrameSeconds) s" : "more than 5 s apart")")
        let sound = stream.audio.map {
            "\($0.codec.rawValue) \($0.sampleRate) Hz, \($0.channels == 1 ? "mono" : "\($0.channels) channels")"
        }
        print("  sound: \(sound ?? "none")")
        for warning in stream.warnings { print("  warning: \(warning)") }
    }
}
