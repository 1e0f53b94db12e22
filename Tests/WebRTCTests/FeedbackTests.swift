import Testing
@testable import WebRTC

@Suite struct FeedbackTests {
    private static func read(_ bytes: [UInt8]) -> [Feedback] { bytes.withUnsafeBytes { Feedback.read($0) } }

    private static let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 9]

    @Test func lostPackets() {
        let bytes = Self.report + [0x81, 205, 0, 4, 0, 0, 0, 9, 0, 0, 0, 7, 0xFF, 0xFE, 0x00, 0x05, 0x00, 0x10, 0x00, 0x00]
        #expect(Self.read(bytes) == [.lost(source: 7, sequences: [0xFFFE, 0xFFFF, 1, 0x10])])
    }

    @Test func lostPictures() {
        let pli: [UInt8] = [0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 7]
        let fir: [UInt8] = [0x84, 206, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0]
        #expect(Self.read(Self.report + pli + fir) == [.pictureLost(source: 7), .pictureLost(source: 8)])
    }

    @Test func goodbye() { #expect(Self.read(Self.report + [0x81, 203, 0, 1, 0, 0, 0, 9]) == [.goodbye]) }

    @Test func bandwidthAndTransportFeedbackSayNothing() {
        let remb: [UInt8] = [0x8F, 206, 0, 5, 0, 0, 0, 9, 0, 0, 0, 0] + Array("REMB".utf8) + [1, 2, 3, 4, 0, 0, 0, 7]
        let transport: [UInt8] = [0x8F, 205, 0, 4, 0, 0, 0, 9, 0, 0, 0, 7, 0, 1, 0, 2, 0, 0, 0, 1]
        #expect(Self.read(remb + transport).isEmpty)
    }

    @Test func hostileLengthsAreNoHarm() {
        #expect(Self.read([]).isEmpty)
        #expect(Self.read([0x81, 205]).isEmpty)
        #expect(Self.read([0x81, 205, 0xFF, 0xFF, 0, 0, 0, 9]).isEmpty)
        #expect(Self.read([0x81, 205, 0, 1, 0, 0, 0, 9]).isEmpty)
        #expect(Self.read([0x81, 206, 0, 0]).isEmpty)
        #expect(Self.read([0x84, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 7]).isEmpty)
        // No more is believed than a viewer can have lost.
        let many = [UInt8](repeating: 0xFF, count: 40_000)
        let words = (many.count + 8) / 4
        let bytes: [UInt8] = [0x81, 205, UInt8(words >> 8), UInt8(words & 0xFF), 0, 0, 0, 9, 0, 0, 0, 7] + many
        guard case .lost(_, let sequences)? = Self.read(bytes).first else { return #expect(Bool(false), "nothing read") }
        #expect(sequences.count == 1024)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var junk = (0..<Int.random(in: 0...200)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if junk.count > 2 { (junk[0], junk[1]) = (0x80 | junk[0] & 0x1F, [203, 205, 206][Int(junk[1]) % 3]) }
            _ = Self.read(junk)
        }
    }
}
