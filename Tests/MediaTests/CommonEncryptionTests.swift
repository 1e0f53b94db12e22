import Foundation
import TestSupport
import Testing

@testable import Media

@Suite struct CommonEncryptionTests {
    private let identifier = [UInt8](1...16)
    private let secret = [UInt8](101...116)

    /// The packets of a file, as they come out with `key`.
    private func packets(_ file: [UInt8], key: [UInt8]?) throws -> [(track: Int, time: MediaTime?, bytes: [UInt8])] {
        var rest = file[...]
        var demuxer = try Demuxer(container: "mov", decryptionKey: key) { target in
            let count = min(target.count, rest.count)
            rest.prefix(count).withUnsafeBytes { target.copyMemory(from: $0) }
            rest = rest.dropFirst(count)
            return count
        }
        var found: [(track: Int, time: MediaTime?, bytes: [UInt8])] = []
        while let item = try demuxer.read() {
            let bytes = try item.packet.withBytes { bytes throws(MediaError) in Array(bytes) }
            found.append((item.track, item.time, bytes))
        }
        return found
    }

    /// A file's parts: what comes before the first fragment, and the fragments.
    private func encrypted(_ file: [UInt8], _ encryption: inout CommonEncryption) throws -> [UInt8] {
        let header = try #require(MP4Stream.end(of: "moov", in: file))
        var (rest, out) = (Array(file[header...]), try encryption.header(Array(file[..<header])))
        while let end = MP4Stream.end(of: "mdat", in: rest) {
            out += try encryption.fragment(Array(rest[..<end]))
            rest.removeFirst(end)
        }
        #expect(rest.isEmpty)
        return out
    }

    @Test func pictureIsEncryptedAndOpensWithTheKeyAlone() throws {
        let file = try fragmentedMP4(try encodedSamples(45))
        var encryption = try CommonEncryption(identifier: identifier, secret: secret)
        let made = try encrypted(file, &encryption)
        #expect(encryption.vector == 45)
        let (plain, opened) = (try packets(file, key: nil), try packets(made, key: secret))
        #expect(plain.map(\.bytes) == opened.map(\.bytes) && plain.map(\.time) == opened.map(\.time))
        let closed = try packets(made, key: nil)
        #expect(closed.count == plain.count)
        for (one, other) in zip(plain, closed) where one.bytes.count > 64 {
            #expect(one.bytes.count == other.bytes.count)
            // Lengths, headers and the encoder's own remarks stay; of the picture hardly a byte is where it was.
            let half = one.bytes.count / 2
            let same = zip(one.bytes.suffix(half), other.bytes.suffix(half)).count { $0 == $1 }
            #expect(same < half / 20 + 16, "\(same) of \(half)")
            #expect(one.bytes.suffix(16) != other.bytes.suffix(16))
        }
        #expect(try packets(made, key: [UInt8](repeating: 9, count: 16)).map(\.bytes) != plain.map(\.bytes))
    }

    @Test(arguments: [Codec.aac, .pcmALaw]) func soundAndPictureShareNoVector(codec: Codec) throws {
        let video = try encodedSamples(20)
        let rate = codec == .aac ? 48_000 : 8000
        let format = StreamFormat(
            kind: .audio, codec: codec, sampleRate: rate, channels: codec == .aac ? 2 : 1,
            configuration: Data(codec == .aac ? [0x11, 0x90] : []))
        var muxer = try FragmentedMP4Muxer(
            formats: [try #require(video.first).format, format], container: codec == .aac ? .mp4 : .mov)
        var file = muxer.takeBytes()
        for (index, sample) in video.enumerated() {
            if index == 10 {
                try muxer.cut()
                file += muxer.takeBytes()
            }
            try muxer.write(sample, track: 0, origin: .zero)
            let sound = try Packet(copying: [UInt8](repeating: UInt8(index), count: codec == .aac ? 100 : 800), isKeyFrame: true)
            let time = MediaTime(microseconds: Int64(index) * 100_000)
            try muxer.write(sound, track: 1, time: time, decodeTime: time, duration: .milliseconds(100))
        }
        try muxer.cut()
        file += muxer.takeBytes()
        var encryption = try CommonEncryption(identifier: identifier, secret: secret)
        let made = try encrypted(file, &encryption)
        // Raw sound may be many samples a packet.
        #expect(encryption.vector >= 40)
        let (plain, opened) = (try packets(file, key: nil), try packets(made, key: secret))
        #expect(plain.filter { $0.track == 1 }.map(\.bytes) == opened.filter { $0.track == 1 }.map(\.bytes))
        #expect(plain.filter { $0.track == 0 }.map(\.bytes) == opened.filter { $0.track == 0 }.map(\.bytes))
        let closed = try packets(made, key: nil).filter { $0.track == 1 }.map(\.bytes)
        #expect(zip(closed, plain.filter { $0.track == 1 }.map(\.bytes)).allSatisfy { $0 != $1 })
    }

    @Test func parameterSetsStayAndSlicesDoNot() {
        func unit(_ type: UInt8, _ length: Int) -> [UInt8] { MP4.big(UInt32(length)) + [type] + [UInt8](repeating: 7, count: length - 1) }
        let sample = unit(7, 20) + unit(8, 4) + unit(0x65, 100) + unit(0x41, 10)
        let spans = CommonEncryption.spans(of: 0..<sample.count, in: sample, layout: .units(length: 4, hevc: false))
        // 99 bytes of slice: six blocks and three bytes over; the last slice is smaller than a block.
        #expect(spans == [.init(clear: 24 + 8 + 4 + 4, protected: 96), .init(clear: 14, protected: 0)])
        #expect(spans.reduce(0) { $0 + $1.clear + $1.protected } == sample.count)
        let many = (0..<60).flatMap { _ in unit(0x65, 40) }
        let fitted = CommonEncryption.spans(of: 0..<many.count, in: many, layout: .units(length: 4, hevc: false))
        #expect(fitted.count == 40 && fitted.reduce(0) { $0 + $1.clear + $1.protected } == many.count)
        let torn = MP4.big(UInt32(500)) + [UInt8](repeating: 3, count: 60)
        let rest = CommonEncryption.spans(of: 0..<torn.count, in: torn, layout: .units(length: 4, hevc: false))
        #expect(rest == [.init(clear: 0, protected: torn.count)])
    }

    @Test func whatIsNotUnderstoodIsRefused() throws {
        let file = try fragmentedMP4(try encodedSamples(10))
        let header = try #require(MP4Stream.end(of: "moov", in: file))
        let fragment = Array(file[header...])
        var encryption = try CommonEncryption(identifier: identifier, secret: secret)
        #expect(throws: MediaError.self) { try encryption.fragment(fragment) }
        _ = try encryption.header(Array(file[..<header]))
        #expect(throws: MediaError.self) { try encryption.fragment(Array(fragment.dropLast(5))) }
        for place in stride(from: 0, to: 400, by: 3) {
            var changed = fragment
            changed[place] = 0xFF
            _ = try? encryption.fragment(changed)
        }
        #expect(throws: MediaError.self) { try CommonEncryption(identifier: identifier, secret: [1]) }
    }

    @Test func samplesWithoutSizeOrNumberEndSomewhere() throws {
        let file = try fragmentedMP4(try encodedSamples(10))
        let header = try #require(MP4Stream.end(of: "moov", in: file))
        var encryption = try CommonEncryption(identifier: identifier, secret: secret)
        _ = try encryption.header(Array(file[..<header]))
        // Offsets from the moof, a default size of 0, and a run without fields: no byte says where it ends.
        let head = MP4.fullBox("tfhd", flags: 0x02_0010, MP4.big(UInt32(1)) + MP4.big(UInt32(0)))
        for count in [UInt32.max, 1 << 20] {
            let run = MP4.fullBox("trun", MP4.big(count))
            let fragment = MP4.box("moof", MP4.box("traf", head + run)) + MP4.box("mdat", [UInt8](repeating: 1, count: 64))
            #expect(throws: MediaError.self) { try encryption.fragment(fragment) }
        }
        let run = MP4.fullBox("trun", MP4.big(UInt32(2)))
        _ = try encryption.fragment(MP4.box("moof", MP4.box("traf", head + run)) + MP4.box("mdat", [UInt8](repeating: 1, count: 64)))
        #expect(encryption.vector == 2)
    }
}
