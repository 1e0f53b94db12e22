import CameraProtocols
import Testing

@Suite struct SessionDescriptionTests {
    private func description(_ lines: String..., lineBreak: String = "\r\n") throws -> SessionDescription {
        try SessionDescription(parsing: Array(lines.joined(separator: lineBreak).utf8))
    }

    @Test(arguments: ["\r\n", "\n", "\n\n"]) func readsWhatIsNeeded(lineBreak: String) throws {
        let description = try description(
            "v=0", "o=Jeffery Zhang Inno 0 0 IN IP4 127.0.0.1", "s=Media Server", "a=control:*", "m=video 0 RTP/AVP 96",
            "a=control:trackID=1",
            "a=rtpmap:96 H264/90000 ", "a=framerate:0S", "a=framerate:25.0",
            "a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z00AKZpkA8ARPyzUBAQFAAADA+gAAOpgBA==,aO48gA==",
            "a=recvonly", "a=ssrc:1733091158 label:100", "m=audio 0 RTP/AVP 8\t ", "a=sendonly", "m=audio 0 RTP/AVP 97",
            "a=rtpmap:97 mpeg4-generic/48000/2", "a=fmtp:97 streamtype=5;config=1190;", lineBreak: lineBreak)
        #expect(description.name == "Media Server")
        #expect(description.control == "*")
        #expect(description.media.map(\.kind) == ["video", "audio", "audio"])
        let video = description.media[0]
        #expect(video.control == "trackID=1")
        #expect(video.direction == .receiveOnly)
        #expect(video.frameRate == 25)
        #expect(video.transport == "RTP/AVP")
        #expect(video.attributes == ["ssrc:1733091158 label:100"])
        #expect(video.formats.map(\.encoding) == ["H264"])
        #expect(video.formats[0].clockRate == 90_000)
        #expect(video.formats[0].parameters["packetization-mode"] == "1")
        #expect(video.formats[0].parameters["sprop-parameter-sets"] == "Z00AKZpkA8ARPyzUBAQFAAADA+gAAOpgBA==,aO48gA==")
        // A static payload type needs no map.
        #expect(description.media[1].formats.map(\.encoding) == ["PCMA"])
        #expect(description.media[1].formats[0].clockRate == 8000)
        #expect(description.media[1].direction == .sendOnly)
        #expect(description.media[2].formats[0].encoding == "MPEG4-GENERIC")
        #expect(description.media[2].formats[0].channels == 2)
        #expect(description.media[2].formats[0].parameters == ["streamtype": "5", "config": "1190"])
    }

    @Test func doesNotMissWhatTheStandardDemands() throws {
        let description = try description("m=application/TP-LINK 0 RTP/AVP smart/1/90000", "a=control:track3", "m=video 8048/2 MP2T/AVP 33")
        #expect(description.name == nil)
        #expect(description.media[0].formats[0].payloadType == "smart/1/90000")
        #expect(description.media[1].port == 8048)
        #expect(description.media[1].formats[0].encoding == "MP2T")
    }

    @Test func refusesWhatDescribesNothing() {
        #expect(throws: SDPRefusal.noMedia) { try description("v=0", "s=x", "t=0 0") }
        #expect(throws: SDPRefusal.noMedia) { try description("m=video") }
        #expect(throws: SDPRefusal.notADescription) { try description("<html>404</html>") }
        #expect(throws: SDPRefusal.notADescription) { try description("") }
        #expect(throws: SDPRefusal.tooLarge) { try SessionDescription(parsing: repeatElement(UInt8(ascii: "a"), count: 300_000)) }
    }

    @Test func boundsWhatItHolds() throws {
        let many = try SessionDescription(
            parsing: Array((String(repeating: "m=video 0 RTP/AVP " + String(repeating: "96 ", count: 300) + "\n", count: 200)).utf8))
        #expect(many.media.count == 64)
        #expect(many.media[0].formats.count == 256)
    }

    @Test(
        arguments: [
            ("trackID=1", "rtsp://h:554/live/", "rtsp://h:554/live/trackID=1"), ("trackID=1", "rtsp://h/live", "rtsp://h/live/trackID=1"),
            ("track1", "rtsp://h/cam?channel=1&subtype=0", "rtsp://h/cam?channel=1&subtype=0/track1"),
            (nil, "rtsp://h/live", "rtsp://h/live"),
            ("*", "rtsp://h/live", "rtsp://h/live"), ("rtsp://admin:p@ss@10.0.0.2/a/trackID=1", "rtsp://h/", "rtsp://10.0.0.2/a/trackID=1"),
            ("RTSP://10.0.0.2/x@y", "rtsp://h/", "RTSP://10.0.0.2/x@y"), ("a", "rtsp://u:p@h/live", "rtsp://h/live/a"),
            ("a", "192.168.1.10:554/stream0/", "rtsp://asked/1/a"),
        ] as [(String?, String, String)]) func findsTheAddressForSetup(control: String?, base: String, address: String)
    {
        #expect(SessionDescription.address(control: control, base: base, requested: "rtsp://asked/1") == address)
    }
}

@Suite struct RTSPMessageTests {
    private func message(_ text: String) throws -> RTSPMessage { try RTSPMessage(parsing: Array(text.utf8)) }

    @Test func readsAnAnswerWithABody() throws {
        let message = try message("\r\nRTSP/1.0 200 OK\r\ncseq:  3\r\nPublic: OPTIONS,\r\n DESCRIBE\r\nContent-Length: 4\r\n\r\nabcdRTSP")
        #expect(message.status == 200)
        #expect(message.reason == "OK")
        #expect(message["CSeq"] == "3")
        #expect(message["Public"] == "OPTIONS, DESCRIBE")
        #expect(message.body == Array("abcd".utf8))
        #expect(try self.message("RTSP/1.0 200 OK\n\nrest").body == Array("rest".utf8))
        #expect(try self.message("RTSP/1.0 200 OK\nContent-Length: 400\n\nrest").body == Array("rest".utf8))
        #expect(try self.message("RTSP/1.0 200 OK\nContent-Length: -1\n\nrest").body == Array("rest".utf8))
    }

    @Test(arguments: [
        ("-1409562", "-1409562", 60), ("  708345999;timeout=30", "708345999", 30), ("9a90de54; Timeout = 120", "9a90de54", 120),
        ("abc;timeout=0", "abc", 60), ("abc;timeout=99999999999999999999", "abc", 60),
    ]) func readsTheSession(header: String, id: String, timeout: Int) throws {
        let session = try #require(try message("RTSP/1.0 200 OK\r\nSession: \(header)\r\n\r\n").session)
        #expect(session.id == id)
        #expect(session.timeout == timeout)
    }

    @Test func readsTheTransport() throws {
        let transport = try message(
            "RTSP/1.0 200 OK\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc= 4CACC3D1;mode=\"play\"\r\n\r\n"
        )
        .transport
        #expect(transport == ["rtp/avp/tcp": "", "unicast": "", "interleaved": "0-1", "ssrc": "4CACC3D1", "mode": "play"])
    }

    @Test func keepsSeveralHeadersOfAName() throws {
        let message = try message(
            "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest nonce=1\r\nWWW-Authenticate: Basic realm=x\r\n\r\n")
        #expect(message.all("www-authenticate") == ["Digest nonce=1", "Basic realm=x"])
        #expect(message.session == nil)
    }

    @Test func refusesOtherProtocolsAndFloods() {
        for text in ["", "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "RTSP/1.0 OK", "RTSP/1.0 99999999999999999999 x", "$\u{0}\u{1}"] {
            #expect(throws: RTSPRefusal.notAnAnswer) { try message(text) }
        }
        #expect(throws: RTSPRefusal.tooLarge) { try message("RTSP/1.0 200 OK\r\nX: " + String(repeating: "a", count: 70_000)) }
        #expect(throws: RTSPRefusal.tooLarge) { try message("RTSP/1.0 200 OK\r\n" + String(repeating: "X: y\r\n", count: 20_000)) }
        #expect(throws: RTSPRefusal.tooLarge) { try message("RTSP/1.0 200 OK\r\n\r\n" + String(repeating: "a", count: 1_100_000)) }
    }
}
