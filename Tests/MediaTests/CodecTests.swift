import Foundation
import Media
import TestSupport
import Testing

@Suite struct CodecTests {
    @Test func aKeyFrameComesEveryTwoSeconds() throws {
        let samples = try encodedSamples(80)
        #expect(samples.count == 80)
        let keys = samples.filter(\.isKeyFrame).map(\.time.microseconds)
        #expect(keys == [0, 2_000_000, 4_000_000, 6_000_000])
    }

    @Test func whatIsMuxedIsDemuxedAndDecodedAgain() throws {
        let samples = try encodedSamples(45)
        let file = try fragmentedMP4(samples)
        #expect(try decodedPictures(file) == (0..<45).map { MediaTime(microseconds: $0 * 100_000) })
    }

    @Test func aFileThatBeginsLaterBearsTheTimesOfItsPackets() throws {
        let samples = try encodedSamples(3)
        var muxer = try FragmentedMP4Muxer(formats: [try #require(samples.first).format], container: .mp4, beginsLater: true)
        for sample in samples { try muxer.write(sample, track: 0, origin: MediaTime(microseconds: -12_000_000)) }
        try muxer.cut()
        #expect(try decodedPictures(muxer.takeBytes()) == [12_000_000, 12_100_000, 12_200_000].map { MediaTime(microseconds: $0) })
    }

    @Test func pictureParametersAreFoundInTheKeyFrame() throws {
        let sample = try #require(try encodedSamples(1, width: 640, height: 368).first)
        let packet = try sample.withBytes { bytes throws(MediaError) in try Packet(copying: bytes, isKeyFrame: true) }
        let unknown = StreamFormat(kind: .video, codec: .h264)
        var parameters = try PictureParameters(format: unknown)
        let found = parameters.format(of: packet, after: unknown)
        // The encoder was asked for global headers, so the size comes only where the parameter sets are in the stream.
        #expect(found.width == 640 || found === unknown)
    }

    @Test func picturesBecomeJPEGsOfTheAskedWidth() throws {
        let frame = try Frame.testPicture(width: 640, height: 360, index: 3)
        let jpeg = try JPEG.encode(frame, width: 320)
        #expect(jpeg.prefix(2) == [0xFF, 0xD8] && jpeg.suffix(2) == [0xFF, 0xD9])
        #expect(jpeg.count > 1000)
    }

    @Test func alawBecomesAACOfTheSameLengthAndTime() throws {
        let source = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1)
        var transcoder = try AudioTranscoder(source: source)
        var made: [(Int64, Int64)] = []
        // Ten seconds in packets of 20 ms.
        for index in 0..<500 {
            let packet = try Packet(copying: (0..<160).map { UInt8(truncatingIfNeeded: $0 * 7) }, isKeyFrame: true)
            try transcoder.transcode(packet, time: MediaTime(microseconds: Int64(index) * 20_000)) { encoded throws(MediaError) in
                made.append((encoded.time.microseconds, encoded.duration.microseconds))
            }
        }
        try transcoder.finish { encoded throws(MediaError) in made.append((encoded.time.microseconds, encoded.duration.microseconds)) }
        let end = try #require(made.last)
        #expect(end.0 + 128_000 >= 10_000_000)
        #expect(zip(made, made.dropFirst()).allSatisfy { abs($1.0 - $0.0 - 128_000) <= 1 })
        // The encoder's own delay lies before the beginning.
        #expect(made.first?.0 == -128_000)
    }

    /// Clocks that are brought together a second after the beginning: the sound follows, within the time of some packets.
    @Test func soundFollowsAClockThatIsCorrected() throws {
        let source = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1)
        var transcoder = try AudioTranscoder(source: source)
        var made: [Int64] = []
        for index in 0..<500 {
            let packet = try Packet(copying: Array(repeating: 0xD5, count: 160), isKeyFrame: true)
            let late: Int64 = index < 50 ? 0 : 50_000
            try transcoder.transcode(packet, time: MediaTime(microseconds: Int64(index) * 20_000 + late)) { encoded throws(MediaError) in
                made.append(encoded.time.microseconds)
            }
        }
        #expect(zip(made, made.dropFirst()).allSatisfy { $1 > $0 })
        // Frames of 128 ms: where the last ones lie, counted from the first.
        let error = try #require(made.last) + 128_000 - Int64(made.count - 1) * 128_000 - 50_000
        #expect(abs(error) <= 16_000, "\(error)")
    }

    /// A tone of AAC as cameras send it, at a rate that Opus does not have.
    @Test func aacBecomesOpusOfTheSameLengthAndTone() throws {
        let tone = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 16_000, channels: 1)
        var camera = try AudioTranscoder(source: tone)
        var aac: [(bytes: [UInt8], time: MediaTime)] = []
        for index in 0..<500 {
            // Half the time of 8 ms loud, half quiet: 125 Hz.
            let packet = try Packet(copying: (0..<320).map { $0 % 128 < 64 ? 0xAA : 0x2A }, isKeyFrame: true)
            try camera.transcode(packet, time: MediaTime(microseconds: Int64(index) * 20_000)) { encoded throws(MediaError) in
                aac.append((encoded.packet.withBytes { Array($0) }, encoded.time))
            }
        }
        var box = try AudioTranscoder(source: camera.format, target: .opus)
        var times: [Int64] = []
        var sizes = 0
        for (bytes, time) in aac {
            try box.transcode(try Packet(copying: bytes, isKeyFrame: true), time: time) { encoded throws(MediaError) in
                times.append(encoded.time.microseconds)
                sizes += encoded.packet.count
            }
        }
        #expect(zip(times, times.dropFirst()).allSatisfy { abs($1 - $0 - 20_000) <= 1 })
        #expect(abs(times.count - 500) <= 8)
        // Silence would be a few bytes each.
        #expect(sizes / max(1, times.count) > 40)
    }
}
