import BoxDatabase
import Core
import Foundation
import Media
import Playback
import Refill
import TestSupport
import Testing

@testable import Exports

@Suite struct FootageFilesTests {
    private let folder: TemporaryFolder
    private let zero = Date(timeIntervalSince1970: 1_790_000_000)

    init() throws { folder = try TemporaryFolder() }

    private func files(pieceSeconds: Int? = nil, most: Int = 1 << 30) -> FootageFiles {
        FootageFiles(
            folder: folder.path, name: "front", title: "Front", channel: .timeOrdered(at: zero), zero: zero, pieceSeconds: pieceSeconds,
            most: most)
    }

    private func piece(_ samples: [Sample], from: Double) -> ExportedPiece {
        ExportedPiece(
            footage: FootagePiece(
                place: .cloud, kind: .event, clip: .timeOrdered(at: zero),
                span: Span(from: zero.addingTimeInterval(from), to: zero.addingTimeInterval(from + 4))), video: samples[0].format,
            audio: nil)
    }

    private func moved(_ samples: [Sample], by seconds: Double) throws -> [Sample] {
        try samples.map {
            let by = Duration.microseconds(Int64(seconds * 1_000_000))
            return try $0.at(time: $0.time + by, decodeTime: $0.decodeTime + by)
        }
    }

    private func pictures(_ name: String) throws -> [MediaTime] {
        try decodedPictures(Array(try Data(contentsOf: URL(filePath: "\(folder.path)/\(name)"))))
    }

    @Test func piecesFollowEachOtherWithoutTheGapBetweenThem() throws {
        let samples = try encodedSamples(40)
        var files = files()
        for start in [0.0, 60.0] {
            try files.begin(piece(samples, from: start))
            for sample in try moved(samples, by: start) { try files.take(sample) }
        }
        try files.close()
        #expect(files.files.count == 1)
        let file = try #require(files.files.first)
        #expect(file.pieces.map { ($0.startsAt * 10).rounded() / 10 } == [0, 4])
        #expect(file.pieces.map { $0.from.timeIntervalSince(zero).rounded() } == [0, 60])
        #expect(file.pieces.map { $0.to.timeIntervalSince(zero).rounded() } == [4, 64])
        let shown = try pictures(file.name)
        #expect(shown.count == 80)
        #expect(abs(try #require(shown.last).microseconds - 7_900_000) < 20_000)
        #expect(try FootageFiles.digest("\(folder.path)/\(file.name)") == (file.bytes, file.sha256))
    }

    @Test func anotherSizeBeginsAnotherFile() throws {
        var files = files()
        for (start, width) in [(0.0, 320), (10.0, 640)] {
            let samples = try encodedSamples(20, width: width, height: width / 2)
            try files.begin(piece(samples, from: start))
            for sample in try moved(samples, by: start) { try files.take(sample) }
        }
        try files.close()
        #expect(files.files.map(\.name) == ["front-1.mp4", "front-2.mp4"])
        #expect(try files.files.map { try pictures($0.name).count } == [20, 20])
    }

    @Test func longFootageIsCutIntoFilesAtKeyFrames() throws {
        let samples = try encodedSamples(100)
        var files = files(pieceSeconds: 4)
        try files.begin(piece(samples, from: 0))
        for sample in samples { try files.take(sample) }
        try files.close()
        #expect(files.files.count == 3)
        #expect(try files.files.map { try pictures($0.name).count } == [40, 40, 20])
        #expect(files.files.map { $0.pieces[0].from.timeIntervalSince(zero).rounded() } == [0, 4, 8])
    }

    @Test func moreThanThereIsRoomForIsRefused() throws {
        let samples = try encodedSamples(40)
        var files = files(most: 1000)
        try files.begin(piece(samples, from: 0))
        do {
            for sample in samples { try files.take(sample) }
            Issue.record("it took more than it may")
        } catch let failure as ExportFailure {
            #expect(failure.sentence.contains("larger"))
        }
    }
}

@Suite struct ExportNamesTests {
    @Test func namesAreOfPlainLettersAndOnce() {
        let channels = ["Front door", "front-door", "Überwachung/../x", "門"].map {
            ExportRecord.Channel(id: .timeOrdered(at: Date(timeIntervalSince1970: 0)), name: $0)
        }
        #expect(ExportQueue.names(channels) == ["front-door", "camera-2", "berwachung-x", "camera-4"])
        // A name that is the number of another one.
        let numbers = ["Camera 2", "Вход", "camera-3", "門"].map {
            ExportRecord.Channel(id: .timeOrdered(at: Date(timeIntervalSince1970: 0)), name: $0)
        }
        #expect(ExportQueue.names(numbers) == ["camera-2", "camera-3", "camera-4", "camera-5"])
    }
}

@Suite struct MergedParameterSetsTests {
    @Test func picturesOfTwoEncodersPlayInOneTrack() throws {
        let first = try encodedSamples(20)
        var second = try VideoEncoder(
            VideoEncoderSettings(encoder: "libx264", width: 320, height: 180, frameRate: 10, bitRate: 200_000, parameterSetID: 31))
        let format = second.format
        var others: [Sample] = []
        for index in 0..<20 {
            let frame = try Frame.testPicture(width: 320, height: 180, index: index)
            frame.setTime(MediaTime(microseconds: Int64(index) * 100_000))
            try second.send(frame)
            while let packet = try second.receive() { others.append(packet.sample(of: format)) }
        }
        let merged = try #require(MergedParameterSets.merged(first[0].format, format))
        let folder = try TemporaryFolder()
        var muxer = try MP4FileMuxer(path: "\(folder.path)/a.mp4", formats: [merged], title: "a", created: "2026-11-27T08:00:00Z")
        for (number, sample) in (others + first).enumerated() {
            let same = try #require(try MergedParameterSets.byteStream(sample, as: merged))
            let time = MediaTime(microseconds: Int64(number) * 100_000)
            try same.withPacket { packet throws(MediaError) in
                try muxer.write(packet, track: 0, time: time, decodeTime: time, duration: .milliseconds(100))
            }
        }
        try muxer.finish()
        let shown = try decodedPictures(Array(try Data(contentsOf: URL(filePath: "\(folder.path)/a.mp4"))))
        #expect(shown.count == others.count + first.count)
    }
}
