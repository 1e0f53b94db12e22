import Foundation
import Media
import NIOCore
import RTP
import Testing

@Suite struct ReportTests {
    private static let sound = StreamFormat(kind: .audio, codec: .pcmMuLaw, sampleRate: 8000, channels: 1)

    @Test func reportTellsTheTime() throws {
        let track = try #require(RTPTrack(format: Self.sound, payloadType: 0, source: 7, sequence: 0, timestampOffset: 100))
        let report = track.senderReport(
            at: MediaTime(microseconds: 2_000_000), wallClock: Date(timeIntervalSince1970: 0.5), name: "Gatehouse")
        let bytes = Array(report.readableBytesView)
        #expect(bytes.count.isMultiple(of: 4))
        #expect(Array(bytes[0..<8]) == [0x80, 200, 0, 6, 0, 0, 0, 7])
        // 1970 is 2 208 988 800 s after 1900; half a second is half of 2^32.
        #expect(Array(bytes[8..<16]) == [0x83, 0xAA, 0x7E, 0x80, 0x80, 0, 0, 0])
        #expect(Array(bytes[16..<20]) == [0, 0, 0x3E, 0xE4])
        #expect(bytes[29] == 202)
        #expect(Int(bytes[30]) << 8 | Int(bytes[31]) == (bytes.count - 28) / 4 - 1)
    }

    @Test func goodbyeIsRead() throws {
        let track = try #require(RTPTrack(format: Self.sound, payloadType: 0, source: 7, sequence: 0, timestampOffset: 100))
        for name in ["", "a", "ab", "abc", "abcd", String(repeating: "x", count: 300)] {
            let bytes = Array(track.goodbye(at: .zero, wallClock: Date(), name: name).readableBytesView)
            let items = try #require(RTCP.read(bytes))
            #expect(items.last == .goodbye(sources: [7]))
            guard case .sent(7, _, 100)? = items.first else {
                Issue.record("no sender's report: \(items)")
                continue
            }
        }
    }

    @Test func receptionIsRead() {
        let bytes: [UInt8] = [
            0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 7, 64, 0xFF, 0xFF, 0xFF, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0,
        ]
        #expect(RTCP.read(bytes) == [.reception(source: 7, fractionLost: 64, lost: -1, jitter: 5)])
    }

    @Test func junkIsNone() {
        #expect(RTCP.read([UInt8]()) == nil)
        #expect(RTCP.read([0x80]) == nil)
        #expect(RTCP.read([0x80, 201, 0xFF, 0xFF]) == nil)
        #expect(RTCP.read([0x80, 96, 0, 0]) == nil)
        #expect(RTCP.read([0x9F, 203, 0, 0]) == [.goodbye(sources: [])])
        #expect(RTCP.read([0x9F, 201, 0, 0]) == [])
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if bytes.count > 1 {
                bytes[0] = bytes[0] & 0x3F | 0x80
                bytes[1] = 200 + bytes[1] % 5
            }
            if bytes.count > 3 { (bytes[2], bytes[3]) = (0, bytes[3] % 20) }
            _ = RTCP.read(bytes)
        }
    }

    @Test func descriptionTellsAllTracks() {
        let video = StreamFormat(
            kind: .video, codec: .h264, configuration: Data([0, 0, 0, 1, 0x67, 0x64, 0, 0x28, 0xAC, 0, 0, 1, 0x68, 0xEE, 0x3C]))
        let aac = StreamFormat(kind: .audio, codec: .aac, sampleRate: 48_000, channels: 2, configuration: Data([0x11, 0x90]))
        let unknown = StreamFormat(kind: .audio, codec: Codec(rawValue: "vorbis"), sampleRate: 48_000, channels: 2)
        let tracks = MediaDescription.tracks([video, unknown, aac, Self.sound, .liveOpus])
        #expect(tracks.map(\.payloadType) == [96, 97, 0, 98])
        let lines = MediaDescription.session(tracks, name: "Gatehouse", id: 1).split(separator: "\r\n")
        #expect(lines.contains("m=video 0 RTP/AVP 96"))
        #expect(lines.contains("a=fmtp:96 packetization-mode=1;profile-level-id=640028;sprop-parameter-sets=Z2QAKKw=,aO48"))
        #expect(lines.contains("a=rtpmap:97 mpeg4-generic/48000/2"))
        #expect(lines.contains { $0.hasPrefix("a=fmtp:97") && $0.hasSuffix("config=1190") })
        #expect(lines.contains("a=rtpmap:0 PCMU/8000"))
        // Two channels are said, whatever is sent (RFC 7587, section 7).
        #expect(lines.contains("a=rtpmap:98 opus/48000/2"))
        #expect(lines.filter { $0.hasPrefix("a=control:track") } == (0...3).map { "a=control:track\($0)" })
    }

    @Test func h265TellsItsSets() {
        let video = StreamFormat(
            kind: .video, codec: .hevc, configuration: Data([0, 0, 1, 0x40, 1, 1, 0, 0, 1, 0x42, 1, 2, 0, 0, 1, 0x44, 1, 3]))
        let attributes = MediaDescription.tracks([video]).first?.attributes ?? []
        #expect(attributes == ["a=rtpmap:96 H265/90000", "a=fmtp:96 sprop-vps=QAEB;sprop-sps=QgEC;sprop-pps=RAED"])
    }
}
