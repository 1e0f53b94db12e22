@testable import CameraProtocols
import Testing

@Suite struct BackchannelTests {
    private static func description(_ media: String) throws -> SessionDescription {
        try SessionDescription(parsing: Array("v=0\r\nm=video 0 RTP/AVP 96\r\na=recvonly\r\n\(media)".utf8))
    }

    @Test func theTrackBackIsTheOneTheClientSends() throws {
        let description = try Self.description(
            "m=audio 0 RTP/AVP 0\r\na=recvonly\r\nm=audio 0 RTP/AVP 97 8\r\na=rtpmap:97 G726-32/8000\r\na=sendonly\r\n")
        #expect(try description.backchannel() == Backchannel(place: 2, codec: .pcma, payloadType: 8))
        #expect(throws: BackchannelRefusal.foreign(["G726-32/8000", "PCMA/8000"])) { try description.backchannel(.pcmu) }
    }

    @Test func aNumberOfTheDevicesOwn() throws {
        let description = try Self.description("m=audio 0 RTP/AVP 110\r\na=rtpmap:110 pcmu/8000/1\r\na=sendonly\r\n")
        #expect(try description.backchannel() == Backchannel(place: 1, codec: .pcmu, payloadType: 110))
    }

    @Test(arguments: [
        "", "m=audio 0 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 0\r\na=sendrecv\r\n", "m=application 0 RTP/AVP 107\r\na=sendonly\r\n",
    ])
    func withoutOneThereIsNone(media: String) throws {
        let description = try Self.description(media)
        #expect(throws: BackchannelRefusal.none) { try description.backchannel() }
    }

    @Test func whatIsNotSpokenIsNamed() throws {
        let description = try Self.description(
            "m=audio 0 RTP/AVP 104 105 0\r\na=rtpmap:104 mpeg4-generic/16000/1\r\na=rtpmap:105 <b>x\u{1}/8000\r\na=rtpmap:0 PCMU/16000\r\na=sendonly\r\n"
        )
        let refusal = #expect(throws: BackchannelRefusal.self) { try description.backchannel() }
        guard case .foreign(let names)? = refusal else { return }
        #expect(names.count == 3 && names.first == "MPEG4-GENERIC/16000" && names.last == "PCMU/16000")
        // Nothing but letters, digits and dashes of what a device wrote is shown.
        #expect(names.joined().allSatisfy { $0.isLetter || $0.isNumber || "-/".contains($0) })
    }
}
