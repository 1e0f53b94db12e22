import Media
import NIOCore
import TestSupport
import Testing

@testable import RTP

@Suite struct VideoAssemblyTests {
    /// A first slice with a key picture, a first slice without, and a further slice, as H.264 has them.
    private static let key: [UInt8] = [0x65, 0x88, 1, 2, 3]
    private static let picture: [UInt8] = [0x41, 0x9A, 4, 5]
    private static let further: [UInt8] = [0x41, 0x43, 6, 7]

    private static func annexB(_ units: [UInt8]...) -> [UInt8] { units.flatMap { [0, 0, 0, 1] + $0 } }

    private static func taken(
        _ assembly: inout VideoAssembly, _ payload: [UInt8], at timestamp: UInt32, isMarked: Bool = true, isAfterLoss: Bool = false
    ) -> [AccessUnit] {
        assembly.take(payload[...], timestamp: timestamp, isMarked: isMarked, isAfterLoss: isAfterLoss)
    }

    /// Each picture is there with its last packet.
    @Test(arguments: [64, 300, 1400]) func whatOurTrackSendsComesBack(largest: Int) throws {
        let samples = try encodedSamples(6)
        let format = try #require(samples.first?.format)
        var track = try #require(
            RTPTrack(format: format, payloadType: 96, source: 1, sequence: 65_530, timestampOffset: .max - 5000, largestPacket: largest))
        var assembly = VideoAssembly(isH265: false)
        for sample in samples {
            let packets = track.packets(of: sample, at: sample.time)
            var pictures: [AccessUnit] = []
            for (index, packet) in packets.enumerated() {
                let bytes = Array(packet.readableBytesView)
                pictures += Self.taken(&assembly, Array(bytes[12...]), at: track.timestamp(of: sample.time), isMarked: bytes[1] & 0x80 != 0)
                #expect(pictures.count == (index == packets.count - 1 ? 1 : 0))
            }
            let units = pictures.first.map { AnnexB.units($0.bytes) } ?? []
            #expect(Array(units.suffix(1)) == sample.withBytes { AnnexB.units(Array($0)) }.suffix(1))
            #expect(pictures.first?.isKeyFrame == sample.isKeyFrame)
            #expect(pictures.first?.timestamp == track.timestamp(of: sample.time))
        }
    }

    @Test func setsBelongToTheirPicture() {
        var assembly = VideoAssembly(isH265: false)
        // Marked each by itself, and with a time of their own, as some cameras do.
        #expect(Self.taken(&assembly, [0x67, 1, 2], at: 5) == [])
        #expect(Self.taken(&assembly, [0x68, 3], at: 6) == [])
        let pictures = Self.taken(&assembly, Self.key, at: 7)
        #expect(pictures == [AccessUnit(bytes: Self.annexB([0x67, 1, 2], [0x68, 3], Self.key), timestamp: 7, isKeyFrame: true)])
    }

    @Test func aggregatesAndStartCodes() {
        var assembly = VideoAssembly(isH265: false)
        #expect(Self.taken(&assembly, [0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3], at: 7, isMarked: false) == [])
        let pictures = Self.taken(&assembly, [0, 0, 0, 1] + Self.key, at: 7)
        #expect(pictures.map(\.bytes) == [Self.annexB([0x67, 1, 2], [0x68, 3], Self.key)])
    }

    /// Without markers a picture ends where the next begins: with another time, or with another first slice.
    @Test func withoutMarkers() {
        var assembly = VideoAssembly(isH265: false)
        #expect(Self.taken(&assembly, Self.key, at: 1, isMarked: false) == [])
        #expect(Self.taken(&assembly, Self.further, at: 1, isMarked: false) == [])
        #expect(Self.taken(&assembly, Self.picture, at: 2, isMarked: false).map(\.bytes) == [Self.annexB(Self.key, Self.further)])
        #expect(Self.taken(&assembly, Self.picture, at: 2, isMarked: false).map(\.bytes) == [Self.annexB(Self.picture)])
    }

    /// A camera that marks every slice costs one picture, then its markers count no more.
    @Test func markersThatLie() {
        var assembly = VideoAssembly(isH265: false)
        _ = Self.taken(&assembly, Self.key, at: 1)
        _ = Self.taken(&assembly, Self.further, at: 1)
        for time in UInt32(2)...4 {
            _ = Self.taken(&assembly, Self.picture, at: time)
            #expect(Self.taken(&assembly, Self.further, at: time) == [])
        }
        #expect(Self.taken(&assembly, Self.picture, at: 5).map(\.bytes) == [Self.annexB(Self.picture, Self.further)])
    }

    @Test func aUnitWithoutAllItsPiecesIsLeftOut() {
        var assembly = VideoAssembly(isH265: false)
        #expect(Self.taken(&assembly, [0x67, 1, 2], at: 1, isMarked: false) == [])
        #expect(Self.taken(&assembly, [0x7C, 0x85, 0x88, 1, 2], at: 1, isMarked: false) == [])
        // Its middle is missing; then a piece without a beginning.
        #expect(Self.taken(&assembly, [0x7C, 0x45, 3, 4], at: 1, isMarked: false, isAfterLoss: true) == [])
        let pictures = Self.taken(&assembly, Self.picture, at: 1)
        #expect(pictures.map(\.bytes) == [Self.annexB([0x67, 1, 2], Self.picture)])
    }

    /// Streams that are refreshed bit by bit have no key pictures, but places where decoding may start.
    @Test func aRecoveryPointIsAKey() {
        var assembly = VideoAssembly(isH265: false)
        #expect(Self.taken(&assembly, [0x06, 0x05, 2, 9, 9, 0x06, 1, 0xC4, 0x80], at: 1, isMarked: false) == [])
        #expect(Self.taken(&assembly, Self.picture, at: 1).first?.isKeyFrame == true)
        #expect(Self.taken(&assembly, [0x06, 0x05, 2, 6, 6, 0x80], at: 2, isMarked: false) == [])
        #expect(Self.taken(&assembly, Self.picture, at: 2).first?.isKeyFrame == false)
    }

    /// A message in pieces that ends one picture and begins the next, and whose end is lost (found by the fuzzer: the box ended).
    @Test func aRecoveryPointInPiecesThatIsCutOff() {
        var assembly = VideoAssembly(isH265: false)
        #expect(Self.taken(&assembly, Self.picture, at: 7, isMarked: false) == [])
        let ended = Self.taken(&assembly, [0x7C, 0x86, 6, 1, 0], at: 7, isMarked: false)
        #expect(ended.map(\.bytes) == [Self.annexB(Self.picture)])
        let next = Self.taken(&assembly, Self.key, at: 8, isAfterLoss: true)
        #expect(next.map(\.bytes) == [Self.annexB(Self.key)])
    }

    /// The picture that decoding could start at is lost: the next one is none.
    @Test func aRecoveryPointOfALostPictureIsNoKey() {
        var assembly = VideoAssembly(isH265: false)
        #expect(Self.taken(&assembly, [0x06, 6, 1, 0, 0x80], at: 7, isMarked: false) == [])
        #expect(Self.taken(&assembly, Self.picture, at: 8, isAfterLoss: true).map(\.isKeyFrame) == [false])
        #expect(Self.taken(&assembly, [0x06, 6, 1, 0, 0x80], at: 9, isMarked: false) == [])
        #expect(Self.taken(&assembly, Self.picture, at: 9).map(\.isKeyFrame) == [true])
    }

    @Test func h265InPieces() {
        var assembly = VideoAssembly(isH265: true)
        #expect(Self.taken(&assembly, [0x60, 1, 0, 3, 0x40, 1, 9, 0, 3, 0x42, 1, 8], at: 1, isMarked: false) == [])
        #expect(Self.taken(&assembly, [0x62, 1, 0x93, 0xAF, 1], at: 1, isMarked: false) == [])
        #expect(Self.taken(&assembly, [0x62, 1, 0x13, 2], at: 1, isMarked: false) == [])
        let pictures = Self.taken(&assembly, [0x62, 1, 0x53, 3], at: 1)
        #expect(pictures.map(\.bytes) == [Self.annexB([0x40, 1, 9], [0x42, 1, 8], [0x26, 1, 0xAF, 1, 2, 3])])
        #expect(pictures.first?.isKeyFrame == true)
    }

    @Test func aPictureWithoutEndIsNone() {
        var assembly = VideoAssembly(isH265: false)
        let piece = [0x7C, 0x05] + [UInt8](repeating: 7, count: 60_000)
        _ = Self.taken(&assembly, [0x7C, 0x85, 0x88, 1], at: 1, isMarked: false)
        for _ in 0..<200 { #expect(Self.taken(&assembly, piece, at: 1, isMarked: false) == []) }
        #expect(Self.taken(&assembly, [0x7C, 0x45, 3], at: 1).map(\.bytes) == [[]])
        #expect(Self.taken(&assembly, Self.picture, at: 2).map(\.bytes) == [Self.annexB(Self.picture)])
    }

    @Test func nonsenseIsPassedOver() {
        for isH265 in [false, true] {
            var state: UInt64 = 5
            // Knuth's MMIX.
            func next() -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state >> 33
            }
            var assembly = VideoAssembly(isH265: isH265)
            for _ in 0..<20_000 {
                let payload = (0..<Int(next() % 12)).map { _ in UInt8(truncatingIfNeeded: next()) }
                let flags = next()
                let pictures = assembly.take(
                    payload[...], timestamp: UInt32(flags & 3), isMarked: flags & 4 != 0, isAfterLoss: flags & 24 == 24)
                #expect(pictures.allSatisfy { $0.bytes.count < 100_000 })
            }
        }
    }
}

@Suite struct AudioAssemblyTests {
    @Test func g711() {
        var assembly = AudioAssembly(coding: .g711(channels: 2))
        #expect(
            assembly.take([1, 2, 3, 4], timestamp: 9, isAfterLoss: false) == [SoundUnit(bytes: [1, 2, 3, 4], timestamp: 9, ticks: 2)])
        #expect(assembly.take([], timestamp: 9, isAfterLoss: false) == [])
    }

    @Test func unitsOfAAC() {
        var assembly = AudioAssembly(coding: .aac)
        let units = assembly.take([0, 32, 0, 2 << 3, 0, 1 << 3, 7, 8, 9], timestamp: 100, isAfterLoss: false)
        #expect(
            units == [SoundUnit(bytes: [7, 8], timestamp: 100, ticks: 1024), SoundUnit(bytes: [9], timestamp: 1124, ticks: 1024)])
    }

    @Test func aUnitOfAACInPieces() {
        var assembly = AudioAssembly(coding: .aac)
        #expect(assembly.take([0, 16, 0, 5 << 3, 1, 2], timestamp: 100, isAfterLoss: false) == [])
        let whole = assembly.take([0, 16, 0, 5 << 3, 3, 4, 5], timestamp: 100, isAfterLoss: false)
        #expect(whole == [SoundUnit(bytes: [1, 2, 3, 4, 5], timestamp: 100, ticks: 1024)])
        // A piece is missing.
        #expect(assembly.take([0, 16, 0, 5 << 3, 1, 2], timestamp: 200, isAfterLoss: false) == [])
        #expect(assembly.take([0, 16, 0, 5 << 3, 5], timestamp: 200, isAfterLoss: true) == [])
        #expect(assembly.take([0, 16, 0, 1 << 3, 6], timestamp: 300, isAfterLoss: false).map(\.bytes) == [[6]])
    }

    @Test(arguments: [[], [0], [0, 0, 1, 2, 3], [0, 16, 0, 0, 1], [255, 255, 1, 2, 3, 4], [0, 48, 0, 8, 0, 8, 1]] as [[UInt8]])
    func nonsenseIsPassedOver(payload: [UInt8]) {
        var assembly = AudioAssembly(coding: .aac)
        #expect(assembly.take(payload[...], timestamp: 1, isAfterLoss: false) == [])
    }
}
