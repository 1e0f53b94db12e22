import Core
import Foundation
import Media
import MediaWorker
import SystemPackage
import TestSupport
import Testing

@testable import Exports

/// With the box's own program as the worker.
@Suite struct EdgeEncoderTests {
    private static let binary = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent(".build/debug/gatehouse").path

    /// Two encoders' pictures in one file: all of them decode, the first is the wanted one, and the camera's own are the same.
    ///
    /// Where pictures are shown some time after they are decoded, the camera's next key frame is decoded before the edge's last picture is shown.
    @Test(arguments: ["libx264", "libx265"], [0, 1, 3])
    func aFileBeginsWithAnyPicture(_ camera: String, shownLater frames: Int) async throws {
        let delay = Duration.milliseconds(100 * frames)
        var last: MediaTime?
        let samples = try encodedSamples(60, encoder: camera).map { sample in
            // How long a stream's pictures are kept is not known before the first has come.
            let decodeTime = last.map { max($0 + .milliseconds(1), sample.time - delay) } ?? sample.time
            last = decodeTime
            return try sample.at(time: sample.time, decodeTime: decodeTime)
        }
        let edge = EdgeEncoder(worker: TranscodeWorker(executable: WorkerExecutable(path: FilePath(Self.binary))))
        let made = try #require(try await edge.encode(Array(samples[..<20]), from: MediaTime(microseconds: 1_200_000), before: samples[20]))
        #expect(made.samples.first?.time == MediaTime(microseconds: 1_200_000))
        let folder = try TemporaryFolder()
        var muxer = try MP4FileMuxer(
            path: "\(folder.path)/edge.mp4", formats: [made.format], title: "Front", created: "2026-11-28T00:00:00Z")
        let all = made.samples + (try samples[20...].compactMap { try MergedParameterSets.byteStream($0, as: made.format) })
        if camera == "libx265" {
            // Each encoder's own parameter sets come before its key frames.
            #expect(all.filter(\.isKeyFrame).allSatisfy { $0.withBytes { Array($0.prefix(5)) } == [0, 0, 0, 1, 0x40] })
        }
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.decodeTime < $1.decodeTime })
        for sample in all {
            try sample.withPacket { packet throws(MediaError) in
                try muxer.write(
                    packet, track: 0, time: sample.time - .microseconds(1_200_000) + delay,
                    decodeTime: sample.decodeTime - .microseconds(1_200_000) + delay, duration: .milliseconds(100))
            }
        }
        try muxer.finish()
        let pictures = try decodedPictures(Array(try Data(contentsOf: URL(filePath: "\(folder.path)/edge.mp4"))))
        #expect(pictures.count == 48)
        #expect(zip(pictures, pictures.dropFirst()).allSatisfy { abs(($1 - $0).microseconds - 100_000) < 200 })
    }
}
