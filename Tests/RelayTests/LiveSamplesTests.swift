import Core
import Media
import Recording
import TestSupport
import Testing

@testable import Relay

/// A viewer's samples: from the newest key frame on, on one rising time line, and never more than the newest of what it is behind.
@Suite struct LiveSamplesTests {
    private static let video = StreamFormat(kind: .video, codec: .h264, width: 64, height: 64)
    private static let sound = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1)

    private let packets = RecentPackets()

    private func viewer(_ formats: [StreamFormat] = [video, sound]) -> LiveSamples {
        LiveSamples(formats: formats, time: .system, packets: { [packets] in (packets, true) })
    }

    /// Pictures every tenth of a second, numbers from `numbers`, key frames every ten, with sound between.
    private func arrive(_ numbers: Range<Int>, from start: Duration = .seconds(5), format: StreamFormat = video, hasSound: Bool = false)
        throws
    {
        for number in numbers {
            let time = MediaTime(microseconds: Int64(number) * 100_000)
            let arrival = start + .milliseconds(100 * number)
            let isKey = number.isMultiple(of: 10)
            packets.append(
                Sample(
                    format: format, time: time, decodeTime: time, duration: .zero, isKeyFrame: isKey, arrival: arrival,
                    packet: try Packet(copying: [1, 2, 3], isKeyFrame: isKey)))
            guard hasSound else { continue }
            packets.append(
                Sample(
                    format: Self.sound, time: time + .milliseconds(50), decodeTime: time + .milliseconds(50), duration: .zero,
                    isKeyFrame: true,
                    arrival: arrival, packet: try Packet(copying: [4])))
        }
    }

    private func milliseconds(_ batch: LiveSamples.Batch?) -> [Int64] { (batch?.samples ?? []).map { $0.time.microseconds / 1000 } }

    @Test func beginsAtTheNewestKeyFrameWithItsSound() async throws {
        try arrive(0..<12, hasSound: true)
        let batch = await viewer().next()
        #expect(milliseconds(batch) == [0, 50, 100, 150])
        #expect(batch?.samples.first?.sample.isKeyFrame == true)
        #expect(batch?.missed == 0)
    }

    @Test func soundThatWasNotDescribedIsLeftOut() async throws {
        try arrive(0..<3, hasSound: true)
        #expect(milliseconds(await viewer([Self.video]).next()) == [0, 100, 200])
    }

    @Test func whoIsBehindGoesOnAtTheNewestKeyFrame() async throws {
        let viewer = viewer()
        try arrive(0..<2)
        #expect(milliseconds(await viewer.next()) == [0, 100])
        try arrive(2..<52)
        let batch = await viewer.next()
        #expect(milliseconds(batch) == [5000, 5100])
        #expect(batch?.missed == 48)
    }

    @Test func timesGoOnRisingWhereTheStreamStartsAnew() async throws {
        let viewer = viewer()
        try arrive(0..<5)
        #expect(milliseconds(await viewer.next()) == [0, 100, 200, 300, 400])
        packets.restart()
        // Ten seconds later, and the camera begins at zero.
        try arrive(0..<3, from: .seconds(15))
        #expect(milliseconds(await viewer.next()) == [10_000, 10_100, 10_200])
    }

    @Test func timesGoOnRisingAfterAPause() async throws {
        let viewer = viewer()
        try arrive(0..<5)
        let before = milliseconds(await viewer.next())
        viewer.rewind()
        let after = milliseconds(await viewer.next())
        #expect(after.count == 5)
        #expect(try #require(after.first) > (try #require(before.last)))
    }

    @Test func anotherCodecEndsIt() async throws {
        let viewer = viewer()
        try arrive(0..<2)
        #expect(milliseconds(await viewer.next()) == [0, 100])
        packets.restart()
        try arrive(0..<2, format: StreamFormat(kind: .video, codec: .hevc, width: 64, height: 64))
        #expect(await viewer.next()?.samples.isEmpty ?? true)
        #expect(await viewer.next()?.samples.isEmpty ?? true)
    }

    @Test func whoPollsGetsTheSameUntilAGap() async throws {
        let viewer = viewer()
        #expect(viewer.poll().text == "gap")
        try arrive(0..<2)
        #expect(milliseconds(await viewer.next()) == [0, 100])
        let told = CountingBell()
        viewer.listen(to: told)
        #expect(viewer.poll().text == "nothing")
        try arrive(2..<4)
        #expect(told.count == 2)
        #expect(viewer.poll().text == "[200, 300]")
        packets.restart()
        #expect(told.count == 3)
        #expect(viewer.poll().text == "gap")
        viewer.listen(to: nil)
        try arrive(0..<2, from: .seconds(8))
        #expect(milliseconds(await viewer.next()) == [3000, 3100])
    }

    @Test func anotherSizeGoesOn() async throws {
        let viewer = viewer()
        try arrive(0..<2)
        _ = await viewer.next()
        packets.restart()
        try arrive(0..<2, from: .seconds(8), format: StreamFormat(kind: .video, codec: .h264, width: 128, height: 64))
        #expect(milliseconds(await viewer.next()) == [3000, 3100])
    }
}

extension LiveSamples.Poll {
    /// What it is, or the times of its samples.
    fileprivate var text: String {
        switch self {
        case .batch(let batch): "\(batch.samples.map { $0.time.microseconds / 1000 })"
        case .nothing: "nothing"
        case .gap: "gap"
        }
    }
}

/// Counts how often it is rung.
private final class CountingBell: Bell {
    private let rings = Counter()
    var count: Int { rings.value }
    func ring() { rings.add(1) }
}
