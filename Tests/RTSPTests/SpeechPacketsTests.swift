import CameraProtocols
import Testing

@testable import RTSP

@Suite struct SpeechPacketsTests {
    private static func packets() -> SpeechPackets { SpeechPackets(payloadType: 97, source: 7, sequence: 65_535, timestamp: .max - 159) }

    private static func packet(_ step: SpeechPackets.Step) throws -> [UInt8] {
        guard case .packet(let bytes) = step else {
            Issue.record("no packet: \(step)")
            return [UInt8](repeating: 0, count: 12)
        }
        return bytes
    }

    @Test func packetsFollowOneAnotherAtThePaceOfSpeech() throws {
        var packets = Self.packets()
        #expect(packets.next(at: .zero) == .dry)
        packets.append((0..<400).map { UInt8($0 & 0xFF) })
        let first = try Self.packet(packets.next(at: .seconds(1)))
        #expect(first.count == 12 + 160 && first[0] == 0x80 && first[1] == 0x80 | 97)
        #expect(RTPPacket(first)?.sequence == 65_535 && RTPPacket(first)?.timestamp == .max - 159 && RTPPacket(first)?.source == 7)
        #expect(packets.next(at: .seconds(1)) == .wait(.milliseconds(20)))
        // A little late is no silence: the next one is due when it would have been.
        let second = try Self.packet(packets.next(at: .milliseconds(1030)))
        #expect(RTPPacket(second)?.sequence == 0 && RTPPacket(second)?.timestamp == 0 && RTPPacket(second)?.isMarked == false)
        #expect(packets.next(at: .milliseconds(1040)) == .dry)
        packets.finish()
        let last = try Self.packet(packets.next(at: .milliseconds(1040)))
        #expect(last.count == 12 + 80 && Array(last.suffix(2)) == [142, 143])
        #expect(packets.next(at: .seconds(2)) == .done)
    }

    @Test func afterSilenceTimeHasPassed() throws {
        var packets = Self.packets()
        packets.append([UInt8](repeating: 1, count: 160))
        _ = packets.next(at: .seconds(1))
        packets.append([UInt8](repeating: 1, count: 160))
        let later = try #require(RTPPacket(try Self.packet(packets.next(at: .milliseconds(2020)))))
        // A second, behind the 20 ms that were said.
        #expect(later.isMarked && later.sequence == 0 && later.timestamp == 8000)
    }

    @Test func whatWaitsIsBounded() throws {
        var packets = Self.packets()
        packets.append([UInt8](repeating: 1, count: 100_000))
        packets.append([UInt8](repeating: 2, count: 160))
        packets.finish()
        var (count, now) = (0, Duration.seconds(1))
        while case .packet(let bytes) = packets.next(at: now) {
            count += bytes.count - 12
            now += .milliseconds(20)
        }
        #expect(count == SpeechPackets.mostWaiting)
    }
}
