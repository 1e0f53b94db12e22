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
    @Test(arguments: ["libx264", "libx265"]) func aFileBeginsWithAnyPicture(_ camera: String) async throws {
        let samples = try encodedSamples(60, encoder: camera)
        let edge = EdgeEncoder(worker: TranscodeWorker(executable: WorkerExecutable(path: FilePath(Self.binary))))
        let made = try #require(try await edge.encode(Array(samples[..<20]), from: MediaTime(microseconds: 1_200_000)))
        #expect(made.samples.first?.time == MediaTime(microseconds: 1_200_000))
        let folder = try TemporaryFolder()
        var muxer = try MP4FileMuxer(
            path: "\(folder.path)/edge.mp4", formats: [made.format], title: "Front", created: "2026-11-28T00:00:00Z")
        let all = made.samples + (try samples[20...].compactMap { try MergedParameterSets.byteStream($0, as: made.format) })
        if camera == "libx265" {
            // Each encoder's own parameter sets come before its key frames.
            #expect(all.filter(\.isKeyFrame).allSatisfy { $0.withBytes { Array($0.prefix(5)) } == [0, 0, 0, 1, 0x40] })
        }
        for sample in all {
            try sample.withPacket { packet throws(MediaError) in
                try muxer.write(
                    packet, track: 0, time: sample.time - .microseconds(1_200_000), decodeTime: sample.time - .microseconds(1_200_000),
                    duration: .milliseconds(100))
            }
        }
        try muxer.finish()
        let pictures = try decodedPictures(Array(try Data(contentsOf: URL(filePath: "\(folder.path)/edge.mp4"))))
        #expect(pictures.count == 48)
        #expect(zip(pictures, pictures.dropFirst()).allSatisfy { abs(($1 - $0).microseconds - 100_000) < 200 })
    }
}
