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
        var rest = file[...]
        var demuxer = try Demuxer(container: "mov") { target in
            let count = min(target.count, rest.count, 1000)
            rest.prefix(count).withUnsafeBytes { target.copyMemory(from: $0) }
            rest = rest.dropFirst(count)
            return count
        }
        let format = try #require(demuxer.formats.first ?? nil)
        #expect(format.codec == .h264 && format.width == 320 && format.height == 180)
        var decoder = try VideoDecoder(format: format)
        var frame = try Frame()
        var pictures: [Int64] = []
        while let item = try demuxer.read() {
            let time = item.time
            try decoder.send(item.packet, time: try #require(time))
            while try decoder.receive(into: &frame) { pictures.append(frame.time?.microseconds ?? -1) }
        }
        decoder.drain()
        while try decoder.receive(into: &frame) { pictures.append(frame.time?.microseconds ?? -1) }
        #expect(pictures == (0..<45).map { Int64($0) * 100_000 })
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
}
