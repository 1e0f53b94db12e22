import CameraProtocols
import Foundation
import Testing
import XML

@Suite struct SADPTests {
    private static let answer = """
        <?xml version="1.0" encoding="UTF-8"?>
        <ProbeMatch><Uuid>A</Uuid><Types>inquiry_v32</Types><DeviceDescription>DS-1</DeviceDescription><DeviceSN>DS-120250101AAWR1</DeviceSN>
        <MAC>44-47-CC-37-CE-81</MAC><IPv4Address>192.168.1.64</IPv4Address><IPv6Address>::</IPv6Address><HttpPort>8080</HttpPort>
        <DHCP>false</DHCP><DigitalChannelNum>16</DigitalChannelNum><BootTime>2024-09-18 09:21:28</BootTime><Activated>false</Activated></ProbeMatch>
        """

    private func refusal(_ text: String) -> SADPRefusal? {
        do throws(SADPRefusal) {
            _ = try SADPDevice(parsing: Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func asksInBothWays() throws {
        let uuid = try #require(UUID(uuidString: "13A888A9-F1B1-4020-AE9F-05607682D23B"))
        #expect(
            String(decoding: SADPMessage.inquiry(uuid: uuid), as: UTF8.self)
                == "<?xml version=\"1.0\" encoding=\"utf-8\"?><Probe><Uuid>13A888A9-F1B1-4020-AE9F-05607682D23B</Uuid><Types>inquiry</Types></Probe>"
        )
        #expect(String(decoding: SADPMessage.inquiry(.inquiryV32, uuid: uuid), as: UTF8.self).contains("<Types>inquiry_v32</Types>"))
    }

    @Test func readsAnAnswer() throws {
        let device = try SADPDevice(parsing: Array(Self.answer.utf8))
        #expect(device.uuid == "A")
        #expect(device.model == "DS-1")
        #expect(device.serialNumber == "DS-120250101AAWR1")
        #expect(device.macAddress == "44:47:cc:37:ce:81")
        #expect(device.ipv4Address == "192.168.1.64")
        #expect(device.ipv6Address == nil)
        #expect(device.httpPort == 8080)
        #expect(device.usesDHCP == false)
        #expect(device.digitalChannels == 16)
        #expect(device.bootTime == DeviceTime("2024-09-18 09:21:28"))
        #expect(!device.isActivated && !device.isTruncated)
    }

    @Test func oldFirmwareThatDoesNotSayIsActivated() throws {
        let device = try SADPDevice(
            parsing: Array("<ProbeMatch><Types>inquiry</Types><IPv4Address>10.1.1.251</IPv4Address></ProbeMatch>".utf8))
        #expect(device.isActivated)
    }

    /// Wherever it is cut, an answer is read as far as it is whole, or refused, but never read wrongly.
    @Test func readsWhatIsThereOfAnAnswerCutShort() throws {
        let whole = try SADPDevice(parsing: Array(Self.answer.utf8))
        var read = 0
        for length in 0..<Self.answer.utf8.count {
            guard let device = try? SADPDevice(parsing: Self.answer.utf8.prefix(length)) else { continue }
            read += 1
            // With the first letters of the last end tag all that it says is there.
            #expect(device.isTruncated || length > Self.answer.utf8.count - "/ProbeMatch>".utf8.count)
            #expect(device.serialNumber == whole.serialNumber)
            #expect(device.macAddress == nil || device.macAddress == whole.macAddress)
            #expect(device.httpPort == nil || device.httpPort == 8080)
            #expect(device.bootTime == nil || device.bootTime == whole.bootTime)
        }
        #expect(read > 250)
    }

    @Test func refusesOtherMessages() {
        #expect(refusal("<Probe><Uuid>A</Uuid><Types>inquiry</Types></Probe>") == .notAnAnswer("Probe"))
        #expect(refusal("<ProbeMatch><Types>update</Types><MAC>44-47-CC-37-CE-81</MAC></ProbeMatch>") == .notAnAnswer("update"))
        #expect(refusal("<ProbeMatch><Types>inquiry</Types></ProbeMatch>") == .incomplete)
        #expect(refusal("<ProbeMatch>") == .xml(.malformed("line 1, column 13")))
    }
}

@Suite struct MACAddressTests {
    @Test func areWrittenInOneWay() {
        for text in ["44-47-cc-37-ce-81", "44:47:CC:37:CE:81", "4447cc37ce81", "4447.cc37.ce81"] {
            #expect(MACAddress.normalized(text) == "44:47:cc:37:ce:81")
        }
        for text in ["", "44-47-cc-37-ce", "44-47-cc-37-ce-8x", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "٤٤-47-cc-37-ce-81"] {
            #expect(MACAddress.normalized(text) == nil)
        }
    }

    @Test func areFoundInLinkLocalAddresses() {
        #expect(MACAddress.ofLinkLocal("fe80::b6a3:82ff:fe0f:d92d%eth0") == "b4:a3:82:0f:d9:2d")
        for text in ["fe80::1", "2001:db8::b6a3:82ff:fe0f:d92d", "fe80::b6a3:8200:fe0f:d92d", "fe80::b6a3:82ff:000f:d92d"] {
            #expect(MACAddress.ofLinkLocal(text) == nil)
        }
    }
}

@Suite struct WSDiscoveryTests {
    private static func answer(_ inside: String) -> [UInt8] {
        Array(
            "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope' xmlns:d='http://schemas.xmlsoap.org/ws/2005/04/discovery' xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'><e:Header><a:RelatesTo>uuid:7</a:RelatesTo></e:Header><e:Body>\(inside)</e:Body></e:Envelope>"
                .utf8)
    }

    private static let match = """
        <a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>
        <d:Scopes>onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/Profile/T ONVIF://www.onvif.org/Name/Front%20door
         onvif://www.onvif.org/hardware/X1 onvif://www.onvif.org/location/ onvif://www.onvif.org/MAC/44:47:cc:37:ce:81</d:Scopes>
        <d:XAddrs>http://192.168.0.218/onvif/device_service http://[fe80::b6a3:82ff:fe0f:d92d]/onvif/device_service</d:XAddrs>
        """

    @Test func asks() throws {
        let id = UUID()
        for kind in WSDiscoveryMessage.Kind.allCases {
            let tree = try XMLTree(parsing: WSDiscoveryMessage.probe(kind, messageID: id))
            #expect(tree["Header", "MessageID"]?.text == "uuid:" + id.uuidString.lowercased())
            #expect(tree["Header", "Action"]?.text == "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe")
            #expect(tree["Body", "Probe", "Types"]?.text == (kind == .any ? nil : kind.rawValue))
        }
    }

    @Test func readsAnAnswer() throws {
        let matches = try WSDiscoveryMatch.parse(
            Self.answer("<d:ProbeMatches><d:ProbeMatch>\(Self.match)</d:ProbeMatch><d:ProbeMatch/></d:ProbeMatches>"))
        let match = try #require(matches.first)
        #expect(matches.count == 2)
        #expect(match.endpointReference == "urn:uuid:1")
        #expect(match.relatesTo == "uuid:7")
        #expect(match.types == ["dn:NetworkVideoTransmitter", "tds:Device"])
        #expect(
            match.addresses == ["http://192.168.0.218/onvif/device_service", "http://[fe80::b6a3:82ff:fe0f:d92d]/onvif/device_service"])
        #expect(match.name == "Front door")
        #expect(match.hardware == "X1")
        #expect(match.location == nil)
        #expect(match.profiles == ["Streaming", "T"])
        #expect(match.macAddress == "44:47:cc:37:ce:81")
        var bare = match
        bare.scopes = []
        #expect(bare.macAddress == "b4:a3:82:0f:d9:2d")
    }

    @Test func readsAGreeting() throws {
        #expect(try WSDiscoveryMatch.parse(Self.answer("<d:Hello>\(Self.match)</d:Hello>")).first?.name == "Front door")
    }

    @Test func refusesOtherMessages() {
        #expect(throws: WSDiscoveryRefusal.notAnAnswer("Probe")) {
            try WSDiscoveryMatch.parse(WSDiscoveryMessage.probe(messageID: UUID()))
        }
        #expect(throws: WSDiscoveryRefusal.notAnAnswer("Bye")) { try WSDiscoveryMatch.parse(Self.answer("<d:Bye/>")) }
        #expect(throws: WSDiscoveryRefusal.notAnAnswer("a")) { try WSDiscoveryMatch.parse(Array("<a/>".utf8)) }
    }
}
