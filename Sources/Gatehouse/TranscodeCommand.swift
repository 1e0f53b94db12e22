import ArgumentParser
import CloudStorage
import Core
import Foundation
import Media
import MediaWorker
import Recording
import SystemPackage

/// Makes the cloud copy of a video file, in a worker, as the box does.
struct TranscodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcode", abstract: "Makes the cloud copy of a video file, as the box makes it of a recording.",
        discussion: "The file must be MP4 or QuickTime that can be read from front to back (fragmented, or with its index in front).")

    @Argument(help: "The video file.")
    var file: String

    @Option(help: "The definition: high or standard.")
    var definition = "high"

    @Option(help: "Frames a second of the copy.")
    var frameRate = 10

    @Option(help: "The file to write.")
    var output = "clip.mp4"

    @Option(help: "Folder of the profiles.")
    var profiles: String?

    func run() async throws {
        MediaLibrary.prepare()
        let definitions = try Definitions(yaml: ProfileFolder.read("definitions.yaml", in: ProfileFolder.find(profiles)))
        guard let kind = Definition.Kind(rawValue: definition), let wanted = definitions.definition(kind) else {
            throw ValidationError("The definition must be high or standard.")
        }
        guard (1...60).contains(frameRate) else { throw ValidationError("The frame rate must be 1 to 60.") }
        guard let source = FileHandle(forReadingAtPath: file) else { throw ValidationError("\(file) cannot be read.") }
        let settings = VideoEncoderSettings(
            encoder: "libx264", width: wanted.width, height: wanted.height, frameRate: frameRate, bitRate: wanted.bitRate)
        let worker = TranscodeWorker(executable: WorkerExecutable(path: FilePath(ExecutablePath.current)))
        do {
            let writer = ClipFileWriter(file: try OutputFile(path: output))
            let result = try await worker.run(
                TranscodeJob(video: .encode(settings), start: .zero, thumbnailAt: .zero), source: FileSource(handle: source), output: writer
            )
            try await writer.finish()
            let footage = result.footage
            print(
                "\(output): \(footage.width)x\(footage.height), \(footage.frameRate) frames/s, \((footage.duration * 10).rounded() / 10) s, "
                    + "\((result.cpuSeconds * 100).rounded() / 100) s of processor time")
        } catch let failure as WorkerFailure {
            FileHandle.standardError.write(Data("gatehouse: the file could not be transcoded: \(failure)\n".utf8))
            throw ExitCode(1)
        }
    }
}

/// A whole file as a worker's source.
private struct FileSource: TranscodeSource {
    let handle: FileHandle
    private let queue = BlockingQueue(name: "source")

    init(handle: FileHandle) {
        self.handle = handle
    }

    func next() async throws -> [UInt8]? {
        let data = try await queue.run { try handle.read(upToCount: 1 << 18) }
        return data.flatMap { $0.isEmpty ? nil : Array($0) }
    }
}

/// A plain file as a clip's.
private final class OutputFile: FootageFile {
    private let handle: FileHandle
    private let queue = BlockingQueue(name: "output")

    init(path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forUpdatingAtPath: path) else {
            throw ValidationError("\(path) cannot be written.")
        }
        self.handle = handle
    }

    func append(_ bytes: [UInt8]) async throws {
        try await queue.run { [handle] in
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(bytes))
        }
    }

    func overwrite(_ bytes: [UInt8], at offset: Int) async throws {
        try await queue.run { [handle] in
            try handle.seek(toOffset: UInt64(offset))
            try handle.write(contentsOf: Data(bytes))
        }
    }

    func synchronize() async throws {
        try await queue.run { [handle] in try handle.synchronize() }
    }
}
