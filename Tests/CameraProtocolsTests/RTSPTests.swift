import CameraProtocols
import Foundation
import Testing

@Suite struct RTSPFramingTests {
    private static let answer = "RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nbody"
    private static let request = "ANNOUNCE rtsp://h/1 RTSP/1.0\nCSeq: 9\n\n"
    private static let packet: [UInt8] = [0x24, 2, 0, 3, 0x0D, 0x0A, 0x24]

    private func elements(_ bytes: [UInt8], of size: Int) throws -> [RTSPFraming.Element] {
        var framing = RTSPFraming()
        var found: [RTSPFraming.Element] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            framing.append(bytes[start..<min(start + size, bytes.count)])
            while let element = try framing.next() { found.append(element) }
        }
        return found
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func takesApartWhatComesInAnyPieces(size: Int) throws {
        let bytes = Array(Self.answer.utf8) + Self.packet + [0x0D, 0x0A] + Array(Self.request.utf8) + Self.packet + Array(Self.answer.utf8)
        let found = try elements(bytes, of: size)
        let answer = RTSPFraming.Element.answer(try RTSPMessage(parsing: Self.answer.utf8))
        let packet = RTSPFraming.Element.packet(channel: 2, bytes: [0x0D, 0x0A, 0x24])
        #expect(found == [answer, packet, .request(try RTSPRequest(parsing: Self.request.utf8)), packet, answer])
        guard case .answer(let message) = found[0] else { return }
        #expect(message.body == Array("body".utf8))
    }

    @Test func waitsForTheWholeBody() throws {
        #expect(try elements(Array(Self.answer.dropLast().utf8), of: 5).isEmpty)
    }

    @Test func refusesWhatNeverEnds() {
        #expect(throws: RTSPRefusal.tooLarge) {
            try elements(Array("RTSP/1.0 200 OK\r\n".utf8) + Array(repeating: 0x41, count: 70_000), of: 4096)
        }
        #expect(throws: RTSPRefusal.tooLarge) {
            try elements(Array("RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n".utf8), of: 4096)
        }
        #expect(throws: RTSPRefusal.notARequest) { try elements(Array("GET / HTTP/1.1\r\n\r\n".utf8), of: 4096) }
        #expect(throws: RTSPRefusal.notARequest) { try elements(Array("ANNOUNCE \u{8}\u{14}\0 RTSP/1.0\r\n\r\n".utf8), of: 4096) }
    }

    @Test func writesWhatItReads() throws {
        let request = RTSPRequest("PLAY", "rtsp://h/a b", headers: [("CSeq", "1"), ("Range", "clock=x\r\nEvil: 1")], body: [1, 2])
        let read = try RTSPRequest(parsing: request.bytes)
        #expect(read.method == "PLAY")
        #expect(read.address == "rtsp://h/a%20b")
        #expect(read["range"] == "clock=xEvil: 1")
        #expect(read["Evil"] == nil)
        #expect(read.body == [1, 2])
        let answer = RTSPMessage(status: 454, reason: "Session Not Found", headers: [("CSeq", "1")])
        #expect(try RTSPMessage(parsing: answer.bytes) == answer)
    }
}

@Suite struct ReplayTests {
    private let from = Date(timeIntervalSince1970: 1_727_777_700.25)
    private let to = Date(timeIntervalSince1970: 1_727_777_760)

    @Test func writesRangesInUTC() {
        #expect(ReplayRange(from: from, to: to).text == "clock=20241001T101500.250Z-20241001T101600.000Z")
        #expect(ReplayRange(from: from, to: nil).text == "clock=20241001T101500.250Z-")
        #expect(ReplayRange(from: Date(timeIntervalSince1970: 1_727_777_759.9996), to: nil).text == "clock=20241001T101600.000Z-")
    }

    @Test(arguments: [
        "clock=20241001T101500.25Z-20241001T101600Z", "clock = 20241001T101500.250Z-20241001T101600.0Z;time=19970123T143720Z",
        "Clock=2024-10-01T10:15:00.25Z-2024-10-01T10:16:00Z",
    ]) func readsRanges(text: String) {
        let text = text.replacing("clock = ", with: "clock= ")
        #expect(ReplayRange(text) == ReplayRange(from: from, to: to))
    }

    @Test func readsARangeWithoutAnEnd() {
        #expect(ReplayRange("clock=20241001T101500.25Z-") == ReplayRange(from: from, to: nil))
        #expect(ReplayRange("clock=20241001T101500.25Z") == ReplayRange(from: from, to: nil))
        for text in ["npt=0-", "clock=", "clock=-20241001T101500Z", "clock=now-", ""] { #expect(ReplayRange(text) == nil) }
    }

    private func packet(seconds: UInt32, fraction: UInt32, flags: UInt8, words: UInt8 = 3, profile: [UInt8] = [0xAB, 0xAC]) -> [UInt8] {
        func bytes(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
        return [0x91, 0xE0, 0x12, 0x34] + bytes(90_000) + bytes(7) + bytes(99) + profile + [0, words] + bytes(seconds) + bytes(fraction)
            + [flags, 1, 0, 0, 0x65]
    }

    @Test func readsWhenAFrameWasRecorded() throws {
        let packet = try #require(RTPPacket(packet(seconds: 3_936_766_500, fraction: 0x4000_0000, flags: 0x90)))
        #expect(packet.payloadType == 96)
        #expect(packet.isMarked)
        #expect(packet.sequence == 0x1234)
        #expect(packet.timestamp == 90_000)
        #expect(packet.source == 7)
        #expect(packet.stamp?.time == from)
        #expect(packet.stamp?.isCleanPoint == true)
        #expect(packet.stamp?.isLast == true)
        #expect(packet.stamp?.endsSection == false)
        // Seconds since 1900 overflow in 2036.
        #expect(RTPPacket(self.packet(seconds: 100, fraction: 0, flags: 0))?.stamp?.time == Date(timeIntervalSince1970: 2_085_978_596))
        #expect(
            packet.senderReport == [
                0x80, 200, 0, 6, 0, 0, 0, 7, 0xEA, 0xA6, 0x4A, 0x24, 0x40, 0, 0, 0, 0, 1, 0x5F, 0x90, 0, 0, 0, 0, 0, 0, 0, 0,
            ])
    }

    @Test func believesNoOtherExtension() {
        #expect(RTPPacket(packet(seconds: 3_936_766_500, fraction: 0, flags: 0, profile: [0xBE, 0xDE]))?.stamp == nil)
        #expect(RTPPacket(packet(seconds: 3_936_766_500, fraction: 0, flags: 0, words: 2))?.stamp == nil)
        #expect(RTPPacket(packet(seconds: 3_936_766_500, fraction: 0, flags: 0, words: 200))?.stamp == nil)
        // A clock that was never set.
        #expect(RTPPacket(packet(seconds: 2_208_988_800, fraction: 0, flags: 0))?.stamp == nil)
        #expect(RTPPacket([0x80, 96]) == nil)
        #expect(RTPPacket(Array(repeating: 0xFF, count: 40))?.stamp == nil)
        #expect(RTPPacket(Array(repeating: 0x9F, count: 14))?.stamp == nil)
    }

    @Test func hearsGoodbyes() {
        let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 1]
        #expect(RTPPacket.isGoodbye(report + [0x81, 203, 0, 1, 0, 0, 0, 1]))
        #expect(!RTPPacket.isGoodbye(report))
        #expect(!RTPPacket.isGoodbye([0x80, 201, 0xFF, 0xFF]))
        #expect(!RTPPacket.isGoodbye([]))
    }

    @Test func givesADescriptionOnWithControlsOfItsOwn() throws {
        let lines = [
            "v=0", "c=IN IP4 10.0.0.1", "a=control:rtsp://10.0.0.1/x", "a=range:clock=20240101T000000Z-", "m=application 0 RTP/AVP 107",
            "a=rtpmap:107 vnd.onvif.metadata/90000", "m=video 0 RTP/AVP 96", "a=control:rtsp://10.0.0.1/x/video", "a=rtpmap:96 H264/90000",
            "m=audio 0 RTP/AVP 8",
        ]
        let relayed = SessionDescription.relayed(Array(lines.joined(separator: "\r\n").utf8), keeping: [1, 2])
        #expect(
            String(decoding: relayed, as: UTF8.self).split(separator: "\r\n") == [
                "v=0", "m=video 0 RTP/AVP 96", "a=control:track0", "a=rtpmap:96 H264/90000", "m=audio 0 RTP/AVP 8", "a=control:track1",
            ])
        #expect(try SessionDescription(parsing: relayed).media.map(\.control) == ["track0", "track1"])
    }
}
