import Core
import NIOCore
import Testing
@testable import WebRTC

@Suite struct SentPacketsTests {
    private static func packet(_ number: Int) -> ByteBuffer { ByteBuffer(integer: UInt32(number)) }

    private static func filled(_ numbers: Range<Int>, first: UInt16 = 65_530) -> SentPackets {
        var sent = SentPackets()
        for number in numbers { sent.add(packet(number), sequence: first &+ UInt16(number), now: .milliseconds(number)) }
        return sent
    }

    @Test func lostPacketsGoAgainOverTheEndOfTheNumbers() {
        var sent = Self.filled(0..<20)
        #expect(sent.again([65_531, 3, 13], now: .milliseconds(50)) == [Self.packet(1), Self.packet(9), Self.packet(19)])
        // Neither what is to come, nor what never was.
        #expect(sent.again([14, 65_529], now: .milliseconds(50)).isEmpty)
    }

    @Test func whatWasAskedForTwiceAtOnceGoesOnce() {
        var sent = Self.filled(0..<20)
        #expect(sent.again([5, 5], now: .milliseconds(50)).count == 1)
        #expect(sent.again([5], now: .milliseconds(59)).isEmpty)
        #expect(sent.again([5], now: .milliseconds(61)).count == 1)
    }

    @Test func itIsBoundedByNumberAndAge() {
        var sent = SentPackets()
        for number in 0..<3000 { sent.add(Self.packet(number), sequence: 65_530 &+ UInt16(number), now: .microseconds(number)) }
        #expect(sent.count == SentPackets.most)
        sent.add(Self.packet(0), sequence: 65_530 &+ 3000, now: .seconds(60))
        #expect(sent.count == 1)
    }

    @Test func askingAgainAndAgainHasAnEnd() {
        var sent = Self.filled(0..<1000, first: 0)
        var count = 0
        for moment in stride(from: 1000, to: 1900, by: 25) {
            count += sent.again((0..<1000).map { UInt16($0) }, now: .milliseconds(moment)).count
        }
        #expect(count == 1000)
    }
}
