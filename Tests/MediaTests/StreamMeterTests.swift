import Testing

@testable import Media

@Suite struct StreamMeterTests {
    /// Twenty seconds at 15 frames a second, key frames of 20,000 bytes every two seconds, others of 2,000; the first group cut short.
    @Test func bitsAreCountedOverWholeGroups() throws {
        let format = StreamFormat(kind: .video, codec: .h264, width: 640, height: 360)
        var meter = StreamMeter()
        var rates: Set<Int> = []
        for index in 0..<300 {
            let isKey = index == 0 || index % 30 == 7
            let time = MediaTime(microseconds: Int64(index) * 66_667)
            let packet = try Packet(copying: [UInt8](repeating: 0, count: isKey ? 20_000 : 2_000), isKeyFrame: isKey)
            _ = meter.add(
                Sample(
                    format: format, time: time, decodeTime: time, duration: .zero, isKeyFrame: isKey, arrival: .zero, packet: packet))
            if meter.bitRate > 0 { rates.insert(meter.bitRate / 1000) }
        }
        // (20,000 + 29 x 2,000) x 8 bits in two seconds.
        #expect(rates.allSatisfy { abs($0 - 312) <= 2 })
        #expect(!rates.isEmpty)
        #expect(abs(meter.keyFrameSeconds - 2) < 0.01)
        #expect(abs(meter.frameRate - 15) < 0.2)
    }
}
