import ArgumentParser
import Cameras
import CloudStorage
import Core
import Foundation
import Logging
import Media
import MediaWorker
import Recording
import SystemPackage

/// Records a clip of a camera as the box would, without a box.
struct ClipCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip", abstract: "Records a clip of a camera into an MP4 file, made as the box makes cloud copies.")

    @Argument(help: "The RTSP URL, with user name and password if the camera asks for them.")
    var url: String

    @Option(help: "Length of the clip.")
    var seconds = 10

    @Option(help: "The definition: high or standard.")
    var definition = "high"

    @Option(help: "The file to write.")
    var output = "clip.mp4"

    @Option(help: "Folder of the profiles.")
    var profiles: String?

    func run() async throws {
        MediaLibrary.prepare()
        guard let address = RTSPAddress(url) else { throw ValidationError("\(url) is not an RTSP URL such as rtsp://192.168.1.64/stream.") }
        guard (1...300).contains(seconds) else { throw ValidationError("The length must be 1 to 300 seconds.") }
        let definitions = try Definitions(yaml: ProfileFolder.read("definitions.yaml", in: ProfileFolder.find(profiles)))
        guard let kind = Definition.Kind(rawValue: definition), let wanted = definitions.definition(kind) else {
            throw ValidationError("The definition must be high or standard.")
        }
        let worker = WorkerExecutable(path: FilePath(ExecutablePath.current))
        let recorder = SingleClip(
            source: StreamSource(url: address.url, userName: address.userName, password: address.password, transport: .tcp),
            definition: wanted, seconds: seconds, worker: worker, definitions: definitions)
        do {
            let footage = try await recorder.record(to: output)
            print(
                "\(output): \(footage.width)x\(footage.height), \(footage.frameRate) frames/s, \((footage.duration * 10).rounded() / 10) s")
        } catch let error as SingleClip.Failure {
            FileHandle.standardError.write(Data("gatehouse: \(error.sentence)\n".utf8))
            throw ExitCode(1)
        }
    }
}
