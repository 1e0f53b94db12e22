import Core
import Foundation
import Media
import Testing
@testable import WebRTC

@Suite struct PacingTests {
    private static let format = StreamFormat(kind: .video, codec: .h264, width: 640, height: 360)

    private static func sample(_ milliseconds: Int64, isKeyFrame: Bool = false) throws -> (sample: Sample, time: MediaTime) {
        let time = MediaTime(microseconds: milliseconds * 1000)
        let sample = Sample(
            format: format, time: time, decodeTime: time, duration: .zero, isKeyFrame: isKeyFrame,
            arrival: .seconds(100) + .milliseconds(milliseconds), packet: try Packet(copying: [1, 2, 3], isKeyFrame: isKeyFrame))
        return (sample, time)
    }

    @Test func aBurstEndsWithThePictureOfNow() throws {
        var timeline = ViewerTimeline()
        let old = try stride(from: 0, through: 4000, by: 40).map { try Self.sample(Int64($0), isKeyFrame: $0 == 0) }
        let times = timeline.times(of: old, isBurst: true).compactMap { $0 }
        #expect(times.count == old.count)
        #expect(times == times.sorted())
        // Four seconds in a twentieth of one.
        let first = try #require(times.first)
        let last = try #require(times.last)
        #expect(last - first == .microseconds(500 * 100))
        #expect(timeline.time(at: .seconds(104)) == last)
        let next = timeline.times(of: [try Self.sample(4040)], isBurst: false)
        #expect(next.compactMap { $0 }.first == last + .milliseconds(40))
    }

    @Test func timesGoOnRisingWhenThePictureWasLost() throws {
        var timeline = ViewerTimeline()
        var all: [MediaTime] = []
        let key = try Self.sample(0, isKeyFrame: true)
        all += timeline.times(of: [key], isBurst: true).compactMap { $0 }
        all += timeline.times(of: [try Self.sample(40), try Self.sample(80)], isBurst: false).compactMap { $0 }
        // The same again, with one more.
        all += timeline.times(of: [key, try Self.sample(40), try Self.sample(80), try Self.sample(120)], isBurst: true).compactMap { $0 }
        all += timeline.times(of: [try Self.sample(160)], isBurst: false).compactMap { $0 }
        #expect(all.count == 8)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 < $1 })
        #expect(all[7] - all[0] == .milliseconds(160))
    }

    @Test func packetsGoInPieces() {
        var pace = Pace()
        #expect(pace.take(100, now: .zero).count == 24)
        let (count, wait) = pace.take(76, now: .zero)
        #expect(count == 0)
        #expect(wait == .milliseconds(4))
        #expect(pace.take(76, now: .milliseconds(4)).count == 12)
        // No more is saved up than fits.
        #expect(pace.take(100, now: .seconds(60)).count == 24)
    }
}
