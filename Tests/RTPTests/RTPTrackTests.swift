import Foundation
import Media
import NIOCore
@testable import RTP
import TestSupport
import Testing

@Suite struct RTPTrackTests {
    private static let hevc = StreamFormat(
        kind: .video, codec: .hevc, width: 640, height: 360,
        configuration: Data(
            annexB([
                [0x40, 1, 2, 3], [0x42, 1, 4, 5, 6], [0x44, 1, 7],
            ])))

    private static func annexB(_ units: [[UInt8]]) -> [UInt8] { units.flatMap { [0, 0, 0, 1] + $0 } }

    private static func sample(_ format: StreamFormat, _ bytes: [UInt8], isKeyFrame: Bool = false) throws -> Sample {
        Sample(
            format: format, time: .zero, decodeTime: .zero, duration: .zero, isKeyFrame: isKeyFrame, arrival: .zero,
            packet: try Packet(copying: bytes, isKeyFrame: isKeyFrame))
    }

    private static func track(_ format: StreamFormat, largestPacket: Int = 300, sequence: UInt16 = 65_530) throws -> RTPTrack {
        try #require(
            RTPTrack(
                format: format, payloadType: 96, source: 0xABCD_EF01, sequence: sequence, timestampOffset: .max - 5000,
                largestPacket: largestPacket))
    }

    @Test(arguments: [64, 300, 1400]) func h264GoesThroughUnchanged(largest: Int) throws {
        let samples = try encodedSamples(6)
        let format = try #require(samples.first?.format)
        var track = try Self.track(format, largestPacket: largest)
        var reader = Depacketizer()
        var wanted: [[UInt8]] = []
        for sample in samples {
            let sets = sample.isKeyFrame ? AnnexB.units(Array(format.configuration)) : []
            let units = sample.withBytes { AnnexB.units(Array($0)) }
            let hasSets = units.contains { $0[0] & 0x1F == 7 }
            wanted += (hasSets ? [] : sets) + units
            let packets = track.packets(of: sample, at: sample.time)
            for packet in packets {
                #expect(packet.readableBytes <= largest)
                reader.takeVideo(packet)
            }
            #expect(reader.heads.suffix(packets.count).map(\.isMarked) == packets.indices.map { $0 == packets.count - 1 })
        }
        #expect(reader.units == wanted)
        for (before, after) in zip(reader.heads, reader.heads.dropFirst()) { #expect(after.sequence == before.sequence &+ 1) }
        #expect(reader.heads.allSatisfy { $0.payloadType == 96 && $0.source == 0xABCD_EF01 })
        #expect(track.packetCount == UInt32(reader.heads.count))
        #expect(track.payloadBytes == UInt32(reader.payloads.reduce(0) { $0 + $1.count }))
    }

    /// Within a connection readers get the same packets, each with what is its own.
    @Test func templatesAreTheSamePackets() throws {
        let templates = PacketTemplates()
        let samples = try encodedSamples(6)
        let format = try #require(samples.first?.format)
        var scratch = PacketScratch()
        var held: [(bytes: ByteBuffer, wanted: [UInt8])] = []
        let make = { (source: UInt32) in
            try #require(RTPTrack(format: format, payloadType: 97, source: source, sequence: 65_534, timestampOffset: source * 1000))
        }
        var tracks = try (UInt32(7)...9).map { (one: try make($0), other: try make($0)) }
        // First each reader gets all, then all readers get each.
        let turns =
            tracks.indices.flatMap { reader in samples.map { (reader, $0) } }
            + samples.flatMap { sample in tracks.indices.map { ($0, sample) } }
        for (reader, sample) in turns {
            let time = sample.time + .seconds(reader)
            var wanted: [UInt8] = []
            for packet in tracks[reader].one.packets(of: sample, at: time) {
                wanted += [0x24, 6, UInt8(packet.readableBytes >> 8), UInt8(packet.readableBytes & 0xFF)] + packet.readableBytesView
            }
            let bytes = tracks[reader].other.interleaved(sample, at: time, channel: 6, from: templates, scratch: &scratch)
            #expect(Array(bytes.readableBytesView) == wanted)
            // Every third one is still on its way when the next are made.
            if held.count.isMultiple(of: 3) { held.append((bytes, wanted)) } else { held.append((ByteBuffer(bytes: wanted), wanted)) }
        }
        for one in held { #expect(Array(one.bytes.readableBytesView) == one.wanted) }
        for (one, other) in tracks {
            #expect(one.sequence == other.sequence && one.packetCount == other.packetCount && one.payloadBytes == other.payloadBytes)
        }
    }

    /// However large pictures are, what is kept for readers to come is bounded.
    @Test func templatesAreBounded() throws {
        let templates = PacketTemplates()
        let format = StreamFormat(kind: .video, codec: .h264)
        let track = try Self.track(format)
        for size in [900_000, 2 << 20] {
            for _ in 0..<12 {
                let sample = try Self.sample(format, Self.annexB([[0x41] + [UInt8](repeating: 7, count: size)]), isKeyFrame: false)
                _ = templates.template(of: sample, for: track)
                #expect(templates.bytes <= 8 << 20)
            }
            #expect(templates.bytes > 4 << 20)
        }
    }

    @Test func parameterSetsGoTogether() throws {
        let format = StreamFormat(
            kind: .video, codec: .h264, configuration: Data(Self.annexB([[0x67, 0x64, 0, 0x28, 1], [0x68, 2, 3]])))
        var track = try Self.track(format)
        let packets = track.packets(of: try Self.sample(format, Self.annexB([[0x65, 1, 2, 3]]), isKeyFrame: true), at: .zero)
        #expect(packets.count == 2)
        #expect(
            Array(try #require(packets.first).readableBytesView.dropFirst(12)) == [0x78, 0, 5, 0x67, 0x64, 0, 0x28, 1, 0, 3, 0x68, 2, 3])
    }

    @Test(arguments: [64, 300, 1400]) func h265GoesThroughUnchanged(largest: Int) throws {
        let picture: [UInt8] = [0x26, 1] + (0..<5000).map { UInt8($0 % 251 + 1) }
        let second: [UInt8] = [0x02, 1] + (0..<100).map { UInt8($0 % 251 + 1) }
        var track = try Self.track(Self.hevc, largestPacket: largest)
        var reader = Depacketizer(isH265: true)
        for packet in track.packets(of: try Self.sample(Self.hevc, Self.annexB([picture]), isKeyFrame: true), at: .zero) {
            #expect(packet.readableBytes <= largest)
            reader.takeVideo(packet)
        }
        for packet in track.packets(of: try Self.sample(Self.hevc, Self.annexB([second])), at: .zero) { reader.takeVideo(packet) }
        #expect(reader.units == AnnexB.units(Array(Self.hevc.configuration)) + [picture, second])
    }

    @Test func timestampsFollowTheClock() throws {
        let track = try Self.track(Self.hevc)
        let zero = track.timestamp(of: .zero)
        for (microseconds, ticks) in [(1_000_000, 90_000), (40_000, 3600), (3_600_000_000, 324_000_000), (86_400_000_000_000, 0)] {
            let wanted = ticks == 0 ? UInt32(truncatingIfNeeded: 86_400_000 * 90_000) : UInt32(ticks)
            #expect(track.timestamp(of: MediaTime(microseconds: Int64(microseconds))) &- zero == wanted)
        }
    }

    @Test func aacGoesThroughWhole() throws {
        let format = StreamFormat(kind: .audio, codec: .aac, sampleRate: 48_000, channels: 2, configuration: Data([0x11, 0x90]))
        var track = try Self.track(format)
        for length in [1, 200, 284, 285, 2000] {
            let unit = (0..<length).map { UInt8($0 % 256) }
            var reader = Depacketizer()
            for packet in track.packets(of: try Self.sample(format, unit), at: .zero) {
                #expect(packet.readableBytes <= 300)
                reader.take(packet)
            }
            #expect(reader.payloads.flatMap { $0.dropFirst(4) } == unit)
            #expect(reader.payloads.allSatisfy { $0[0] == 0 && $0[1] == 16 && Int($0[2]) << 5 | Int($0[3]) >> 3 == length })
            #expect(reader.heads.last?.isMarked == true && reader.heads.dropLast().allSatisfy { !$0.isMarked })
        }
    }

    @Test func g711CountsItsOctets() throws {
        let format = StreamFormat(kind: .audio, codec: .pcmALaw, sampleRate: 8000, channels: 1)
        var track = try Self.track(format)
        let bytes = (0..<1000).map { UInt8($0 % 256) }
        var reader = Depacketizer()
        for packet in track.packets(of: try Self.sample(format, bytes), at: .zero) { reader.take(packet) }
        #expect(reader.payloads.flatMap { $0 } == bytes)
        var ticks = track.timestamp(of: .zero)
        for (head, payload) in zip(reader.heads, reader.payloads) {
            #expect(head.timestamp == ticks)
            ticks &+= UInt32(payload.count)
        }
    }

    @Test func nothingIsMadeOfNothing() throws {
        var track = try Self.track(Self.hevc)
        for bytes: [UInt8] in [[], [0], [1, 2, 3], [0, 0, 1], [0, 0, 1, 0x26], [0, 0, 0, 1, 0, 0, 0, 1]] {
            #expect(track.packets(of: try Self.sample(Self.hevc, bytes, isKeyFrame: true), at: .zero).count <= 1)
        }
    }

    @Test func opusIsCountedAt48Kilohertz() throws {
        let payload = (0..<90).map { UInt8($0) }
        let sample = Sample(
            format: .liveOpus, time: .zero, decodeTime: .zero, duration: .milliseconds(20), isKeyFrame: true, arrival: .zero,
            packet: try Packet(copying: payload, isKeyFrame: true))
        var track = try #require(RTPTrack(format: .liveOpus, payloadType: 111, source: 1, sequence: 0, timestampOffset: 0))
        let packets = track.packets(of: sample, at: MediaTime(microseconds: 20_000))
        #expect(packets.count == 1)
        let bytes = try #require(packets.first.map { Array($0.readableBytesView) })
        #expect(Array(bytes[4..<8]) == [0, 0, 3, 0xC0])
        #expect(Array(bytes[12...]) == payload)
    }

    @Test func othersHaveNoPayloadFormat() {
        for codec in ["mjpeg", "vorbis", "pcm_s16le", "none"] {
            let format = StreamFormat(kind: .audio, codec: Codec(rawValue: codec), sampleRate: 8000, channels: 1)
            #expect(RTPTrack(format: format, payloadType: 96, source: 1, sequence: 0, timestampOffset: 0) == nil)
        }
    }
}
