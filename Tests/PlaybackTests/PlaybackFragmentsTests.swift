import Foundation
import Media
import TestSupport
import Testing

@testable import Playback

private func later(_ samples: [Sample], by seconds: Double) throws -> [Sample] {
    try samples.map { try $0.at(time: $0.time + .seconds(seconds), decodeTime: $0.decodeTime + .seconds(seconds)) }
}

@Suite struct PlaybackFragmentsTests {
    @Test func joinsPiecesOnOneTimeLineWithJumps() throws {
        let first = try encodedSamples(30)
        let second = try later(encodedSamples(30), by: 100)
        var bytes: [UInt8] = []
        for (number, piece) in [first, second].enumerated() {
            let format = try #require(piece.first?.format)
            var fragments = try PlaybackFragments(
                video: format, audio: nil, like: nil, origin: MediaTime(microseconds: -1_000_000_000))
            if number == 0 { bytes += fragments.head }
            for sample in piece { try fragments.add(sample) }
            bytes += try fragments.cut()
            bytes += try fragments.finish()
        }
        let times = try decodedPictures(bytes)
        #expect(times.count == 60)
        #expect(times == times.sorted())
        #expect(times.first == MediaTime(microseconds: 1_000_000_000))
        #expect(times[30] == MediaTime(microseconds: 1_100_000_000))
    }

    @Test func silenceFillsATrackThatIsExpected() throws {
        let pictures = try encodedSamples(30)
        let format = try #require(pictures.first?.format)
        let like = StreamFormat(kind: .audio, codec: .aac, sampleRate: 8000, channels: 1, configuration: Data([0x15, 0x88]))
        var fragments = try PlaybackFragments(video: format, audio: nil, like: like, origin: .zero)
        #expect(fragments.contentType.contains("mp4a.40.2"))
        var bytes = fragments.head
        for sample in pictures { try fragments.add(sample) }
        bytes += try fragments.finish()
        let header = try MovieHeader(bytes)
        let samples = try MovieFragment(header: header).samples(in: bytes)
        let sound = samples.filter { $0.format.kind == .audio }
        let last = try #require(sound.last)
        #expect(last.time > MediaTime(microseconds: 2_500_000))
    }

    @Test func theSoundOfAFileIsTheSoundThatWasWritten() throws {
        let pictures = try encodedSamples(5)
        let format = try #require(pictures.first?.format)
        let spoken = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1)
        let fragments = try PlaybackFragments(video: format, audio: spoken, like: nil, origin: .zero)
        let header = try MovieHeader(fragments.head)
        // Otherwise a clip's sound and a device's, made AAC in the same way, could not follow one another.
        let carried = fragments.carried
        #expect(header.format(.audio) == carried)
        // Nor could a piece without sound.
        let silent = try PlaybackFragments(video: format, audio: nil, like: carried, origin: .zero)
        let made = silent.carried
        #expect(made?.configuration.map { $0 } == carried?.configuration.map { $0 })
        #expect(made == carried)
    }

    @Test func aPictureLastsUntilTheNext() throws {
        let keys = try encodedSamples(60).filter(\.isKeyFrame)
        let format = try #require(keys.first?.format)
        var fragments = try PlaybackFragments(video: format, audio: nil, like: nil, origin: .zero)
        var bytes = fragments.head
        for sample in keys { try fragments.add(sample) }
        bytes += try fragments.finish()
        let samples = try MovieFragment(header: try MovieHeader(bytes)).samples(in: bytes)
        for (one, next) in zip(samples, samples.dropFirst()) {
            #expect(abs((one.decodeTime + one.duration - next.decodeTime).microseconds) < 100)
        }
    }
}

@Suite struct JoinedTimesTests {
    @Test func whatADecoderNeedsFirstFollowsTheLastPicture() throws {
        let samples = try encodedSamples(30)
        var times = JoinedTimes()
        for sample in samples { _ = try times.place(sample, shift: .zero, start: .zero) }
        // The next piece has the same second once more.
        let again = try samples.compactMap { sample throws(MediaError) in
            try times.place(sample, shift: .seconds(2), start: MediaTime(microseconds: 3_000_000))
        }
        let decode = again.map(\.decodeTime)
        #expect(decode == decode.sorted())
        #expect(decode.first == MediaTime(microseconds: 2_901_000))
        #expect(Set(decode).count == decode.count)
        // From the next picture on the times are true again.
        #expect(again.last?.decodeTime == samples.last.map { $0.decodeTime + .seconds(2) })
    }

    @Test func soundIsNotHeardTwice() throws {
        func sound(_ seconds: Double) throws -> Sample {
            let time = MediaTime(microseconds: Int64(seconds * 1_000_000))
            return Sample(
                format: StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1), time: time, decodeTime: time,
                duration: .milliseconds(100), isKeyFrame: true, arrival: .zero, packet: try Packet(copying: [1, 2, 3]))
        }
        var times = JoinedTimes()
        #expect(try times.place(sound(0.9), shift: .zero, start: MediaTime(microseconds: 1_000_000)) == nil)
        #expect(try times.place(sound(1.1), shift: .zero, start: MediaTime(microseconds: 1_000_000)) != nil)
        #expect(try times.place(sound(1.0), shift: .zero, start: .zero) == nil)
    }
}
