import Core
import Foundation
import Media
import Recording
import TestSupport
import Testing

private let video = StreamFormat(kind: .video, codec: .h264, width: 640, height: 360)

/// A sample of 1000 bytes at `seconds`; a key frame where asked.
func sample(_ seconds: Double, key: Bool, format: StreamFormat = video, bytes: Int = 1000) throws -> Sample {
    let time = MediaTime(microseconds: Int64(seconds * 1_000_000))
    return Sample(
        format: format, time: time, decodeTime: time, duration: .milliseconds(40), isKeyFrame: key, arrival: .seconds(seconds + 1000),
        packet: try Packet(copying: [UInt8](repeating: 1, count: bytes), isKeyFrame: key))
}

@Suite struct RecentPacketsTests {
    /// 25 frames a second with a key frame every two.
    private func filled(seconds: Int, packets: RecentPackets = RecentPackets(span: .seconds(6))) throws -> RecentPackets {
        for index in 0..<seconds * 25 { packets.append(try sample(Double(index) / 25, key: index % 50 == 0)) }
        return packets
    }

    @Test func aCursorBeginsAtTheKeyFrameBeforeItsTime() async throws {
        let packets = try filled(seconds: 10)
        let batch = try #require(await packets.cursor(from: MediaTime(microseconds: 5_500_000)).next())
        #expect(batch.samples.first?.time.microseconds == 4_000_000)
        #expect(batch.samples.first?.isKeyFrame == true)
        #expect(batch.missed == 0)
    }

    @Test func keepsItsSpanFromAKeyFrameOnAndNoMore() throws {
        let packets = try filled(seconds: 60)
        // The newest key frame at least six seconds old begins the buffer: at most eight seconds of 25 samples remain.
        #expect(packets.bytes <= 8 * 25 * 1000 + 50 * 1000)
        #expect(packets.bytes >= 6 * 25 * 1000)
    }

    @Test func isBoundedWhateverTheKeyFrameDistance() throws {
        let packets = RecentPackets(span: .seconds(6), limitBytes: 100_000)
        for index in 0..<5000 { packets.append(try sample(Double(index) / 25, key: index == 0)) }
        #expect(packets.bytes <= 100_000)
        // Small samples take their place too: a camera may send as many as it likes.
        for index in 0..<5000 { packets.append(try sample(200 + Double(index) / 25, key: false, bytes: 1)) }
        #expect(packets.bytes < 200)
    }

    @Test func whoFellBehindGoesOnAtAKeyFrameAndIsTold() async throws {
        let packets = try filled(seconds: 2)
        let cursor = packets.cursor(from: .zero)
        for index in 50..<2000 { packets.append(try sample(Double(index) / 25, key: index % 50 == 0)) }
        let batch = try #require(await cursor.next())
        #expect(batch.missed > 1000)
        #expect(batch.samples.first?.isKeyFrame == true)
    }

    @Test func aNewStreamEndsTheCursorsOfTheOld() async throws {
        let packets = try filled(seconds: 4)
        let cursor = packets.cursor(from: .zero)
        packets.restart()
        let batch = await cursor.next()
        #expect(batch?.samples.count == nil)
        #expect(packets.bytes == 0)
    }

    @Test func theLeastLateSampleTellsTheStreamsTime() throws {
        let packets = RecentPackets()
        for index in 0..<50 {
            let time = MediaTime(microseconds: Int64(index) * 40_000)
            // Every sample but one is late by a hundred milliseconds.
            let late = Duration.milliseconds(index == 30 ? 0 : 100)
            packets.append(
                Sample(
                    format: video, time: time, decodeTime: time, duration: .zero, isKeyFrame: index == 0,
                    arrival: .milliseconds(index * 40) + late, packet: try Packet(copying: [1])))
        }
        #expect(packets.mediaTime(at: .seconds(5)) == MediaTime(microseconds: 5_000_000))
    }
}
