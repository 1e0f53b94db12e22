import CameraProtocols
import Core
import Foundation
import Testing
import XML

@Suite struct ONVIFRequestTests {
    private func names(_ tree: XMLTree) -> [String] { tree.children.map(\.name) }

    @Test func setsTheClock() throws {
        let zone = try #require(POSIXTimeZone("CET-1CEST,M3.5.0,M10.5.0/3"))
        let manual = ONVIFRequest.setSystemDateAndTime(try #require(DeviceTime("2024-02-29T23:05:09Z")).date, zone: zone).body
        #expect(names(manual) == ["tds:DateTimeType", "tds:DaylightSavings", "tds:TimeZone", "tds:UTCDateTime"])
        #expect(manual["tds:DaylightSavings"]?.text == "true")
        #expect(manual["tds:TimeZone", "tt:TZ"]?.text == "STD-1:00:00DAY,M3.5.0/02:00:00,M10.5.0/03:00:00")
        let time = try #require(manual["tds:UTCDateTime"])
        #expect(time.children.map { $0.children.map(\.text) } == [["23", "5", "9"], ["2024", "2", "29"]])
        #expect(names(ONVIFRequest.setSystemDateAndTime(nil, zone: nil).body) == ["tds:DateTimeType", "tds:DaylightSavings"])
    }

    @Test(arguments: [
        ("10.0.0.1", "IPv4", "tt:IPv4Address"), ("fe80::1", "IPv6", "tt:IPv6Address"), ("1.pool.ntp.org", "DNS", "tt:DNSname"),
    ])
    func setsATimeServer(server: String, type: String, element: String) {
        let body = ONVIFRequest.setNTP(server: server).body
        #expect(body["tds:FromDHCP"]?.text == "false")
        #expect(body["tds:NTPManual", "tt:Type"]?.text == type)
        #expect(body["tds:NTPManual"]?.children.last == XMLTree(element, text: server))
        #expect(names(ONVIFRequest.setNTP(server: nil).body) == ["tds:FromDHCP"])
    }

    @Test func movesWithinBounds() {
        let move = ONVIFRequest.continuousMove(profile: "p", pan: 7, tilt: -.infinity, zoom: 0, timeout: .seconds(2)).body
        #expect(names(move) == ["tptz:ProfileToken", "tptz:Velocity", "tptz:Timeout"])
        #expect(move["tptz:Velocity"]?.children == [XMLTree("tt:PanTilt", attributes: ["x": "1.0", "y": "0.0"])])
        let zoom = ONVIFRequest.continuousMove(profile: "p", pan: 0, tilt: 0, zoom: -0.25, timeout: nil).body
        #expect(zoom["tptz:Velocity"]?.children == [XMLTree("tt:Zoom", attributes: ["x": "-0.25"])])
    }

    @Test func keepsTheOrderOfTheSchemas() {
        #expect(
            names(ONVIFRequest.setPreset(profile: "p", name: "n", token: "t").body) == [
                "tptz:ProfileToken", "tptz:PresetName", "tptz:PresetToken",
            ])
        #expect(
            names(ONVIFRequest.findEvents(from: Date(), to: Date(), recordings: ["r"], keepAlive: .seconds(9)).body)
                == ["tse:StartPoint", "tse:EndPoint", "tse:Scope", "tse:SearchFilter", "tse:IncludeStartState", "tse:KeepAliveTime"])
        #expect(
            names(ONVIFRequest.eventSearchResults(token: "t", atMost: 5, wait: .seconds(1)).body)
                == ["tse:SearchToken", "tse:MinResults", "tse:MaxResults", "tse:WaitTime"])
        #expect(names(ONVIFRequest.streamURI(profile: "p", .two).body) == ["tr2:Protocol", "tr2:ProfileToken"])
        #expect(
            ONVIFRequest.renew(lasting: .seconds(60)).body
                == XMLTree("wsnt:Renew", children: [XMLTree("wsnt:TerminationTime", text: "PT60S")]))
        #expect(ONVIFRequest.renew(lasting: .seconds(60)).action == "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest")
        #expect(ONVIFRequest.unsubscribe.body.name == "wsnt:Unsubscribe")
    }
}

@Suite struct ONVIFAnswerTests {
    private func tree(_ text: String) throws -> XMLTree { try XMLTree(parsing: Array(text.utf8)) }

    private static func clock(_ hour: Int, _ name: String) -> String {
        "<\(name)><Time><Hour>\(hour)</Hour><Minute>5</Minute><Second>9</Second></Time><Date><Year>2024</Year><Month>7</Month><Day>1</Day></Date></\(name)>"
    }

    @Test func readsTheClock() throws {
        let text =
            "<R><SystemDateAndTime><DateTimeType>NTP</DateTimeType><TimeZone><TZ>CST-8:00:00</TZ></TimeZone>\(Self.clock(4, "UTCDateTime"))\(Self.clock(12, "LocalDateTime"))</SystemDateAndTime></R>"
        let clock = ONVIFClock(try tree(text))
        #expect(clock.utc == DeviceTime("2024-07-01T04:05:09Z")?.date)
        #expect(clock.local == DeviceTime("2024-07-01T12:05:09Z")?.date)
        #expect(clock.usesNTP == true)
        #expect(!clock.saysLocalForUTC)
        let wrong = ONVIFClock(try tree(text.replacing(Self.clock(4, "UTCDateTime"), with: Self.clock(12, "UTCDateTime"))))
        #expect(wrong.saysLocalForUTC)
        #expect(ONVIFClock(try tree(text.replacing("<Year>2024", with: "<Year>1970"))).utc == nil)
        #expect(ONVIFClock(XMLTree("R")).utc == nil)
    }

    @Test func findsTheServices() throws {
        let new = try tree(
            "<R><Service><Namespace>http://www.onvif.org/ver20/media/wsdl</Namespace><XAddr>http://a/m2</XAddr></Service><Service><Namespace>http://www.onvif.org/ver10/events/wsdl/</Namespace><XAddr>http://a/e</XAddr></Service><Service><Namespace>urn:x</Namespace><XAddr>http://a/x</XAddr></Service></R>"
        )
        #expect(ONVIFServices(new).addresses == [.media2: "http://a/m2", .events: "http://a/e"])
        let old = try tree(
            "<R><Capabilities><Media><XAddr>http://a/m</XAddr></Media><PTZ><XAddr>http://a/p</XAddr></PTZ><Extension><Replay><XAddr>http://a/r</XAddr></Replay></Extension></Capabilities></R>"
        )
        #expect(ONVIFServices(old).addresses == [.media: "http://a/m", .ptz: "http://a/p", .replay: "http://a/r"])
    }

    @Test func readsWhatTheDeviceIs() throws {
        let information = ONVIFDeviceInformation(
            try tree("<R><Manufacturer>HIKVISION</Manufacturer><Model>X</Model><FirmwareVersion/><SerialNumber> S </SerialNumber></R>"))
        #expect(information.manufacturer == "HIKVISION")
        #expect(information.firmware == nil)
        #expect(information.serialNumber == "S")
        let interfaces = ONVIFNetworkInterface.all(
            try tree(
                "<R><NetworkInterfaces token=\"eth0\"><Info><Name>eth0</Name><HwAddress>44-47-CC-37-CE-81</HwAddress></Info><IPv4><Config><Manual><Address>10.0.0.2</Address></Manual><DHCP>false</DHCP></Config></IPv4></NetworkInterfaces></R>"
            ))
        let interface = try #require(interfaces.first)
        #expect(interface.token == "eth0" && interface.name == "eth0" && interface.usesDHCP == false)
        #expect(interface.macAddress == "44:47:cc:37:ce:81" && interface.ipv4Address == "10.0.0.2")
        let servers = ONVIFTimeServers(
            try tree(
                "<R><NTPInformation><FromDHCP>false</FromDHCP><NTPManual><Type>DNS</Type><DNSname>pool.ntp.org</DNSname></NTPManual></NTPInformation></R>"
            ))
        #expect(servers.servers == ["pool.ntp.org"])
        #expect(servers.isFromDHCP == false)
        #expect(
            ONVIFUser.all(try tree("<R><User><Username>a</Username><UserLevel>Operator</UserLevel></User></R>")).map(\.level) == [.operator]
        )
    }

    private static let first = """
        <R xmlns:tt="http://www.onvif.org/ver10/schema"><Profiles token="Profile_1" fixed="true"><tt:Name>main</tt:Name>
        <tt:VideoSourceConfiguration token="VSC"><tt:SourceToken>VideoSource_1</tt:SourceToken></tt:VideoSourceConfiguration>
        <tt:VideoEncoderConfiguration token="VE1"><tt:Name>n</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>
        <tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution><tt:Quality>3.0</tt:Quality>
        <tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>
        <tt:H264><tt:GovLength>50</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264><tt:SessionTimeout>PT5S</tt:SessionTimeout></tt:VideoEncoderConfiguration>
        <tt:AudioEncoderConfiguration token="A"><tt:Encoding>G711</tt:Encoding></tt:AudioEncoderConfiguration><tt:PTZConfiguration token="PTZ"/></Profiles><Profiles/></R>
        """
    private static let second = """
        <R xmlns:tt="http://www.onvif.org/ver10/schema"><Profiles token="P"><Name>main</Name><Configurations><VideoSource token="VSC"><tt:SourceToken>VS</tt:SourceToken></VideoSource>
        <VideoEncoder token="VE1" GovLength="50" Profile="Main"><tt:Name>n</tt:Name><tt:Encoding>H265</tt:Encoding><tt:Resolution><tt:Width>3840</tt:Width><tt:Height>2160</tt:Height></tt:Resolution>
        <tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>12.5</tt:FrameRateLimit><tt:BitrateLimit>8192</tt:BitrateLimit></tt:RateControl><tt:Quality>4</tt:Quality></VideoEncoder></Configurations></Profiles></R>
        """

    @Test func readsTheProfilesOfBothServices() throws {
        let old = try #require(ONVIFProfile.all(try tree(Self.first)).first)
        #expect(ONVIFProfile.all(try tree(Self.first)).count == 1)
        #expect(old.token == "Profile_1")
        #expect(old.sourceToken == "VideoSource_1")
        #expect(old.sourceConfigurationToken == "VSC")
        #expect(old.audioCodec == "G711")
        #expect(old.ptzConfigurationToken == "PTZ")
        let encoder = try #require(old.encoder)
        #expect(encoder.codec == "H264" && encoder.width == 1920 && encoder.height == 1080)
        #expect(encoder.frameRate == 25 && encoder.bitRate == 4096 && encoder.keyFrameInterval == 50 && encoder.profile == "Main")
        let new = try #require(ONVIFProfile.all(try tree(Self.second)).first)
        #expect(new.sourceToken == "VS")
        #expect(new.audioCodec == nil)
        #expect(new.encoder?.codec == "H265")
        #expect(new.encoder?.frameRate == 12.5)
        #expect(new.encoder?.keyFrameInterval == 50)
    }

    @Test func changesAnEncoderAndKeepsTheRest() throws {
        var old = try #require(ONVIFProfile.all(try tree(Self.first)).first?.encoder)
        (old.width, old.height, old.bitRate, old.keyFrameInterval) = (1280, 720, 2048, 40)
        let configuration = try #require(ONVIFRequest.setVideoEncoderConfiguration(old).body["trt:Configuration"])
        #expect(configuration.attributes == ["token": "VE1"])
        #expect(
            configuration.children.map(\.name)
                == ["Name", "UseCount", "Encoding", "Resolution", "Quality", "RateControl", "H264", "SessionTimeout"].map { "tt:" + $0 })
        #expect(configuration["tt:Resolution"]?.children.map(\.text) == ["1280", "720"])
        #expect(configuration["tt:RateControl"]?.children.map(\.text) == ["25", "1", "2048"])
        #expect(configuration["tt:H264", "tt:GovLength"]?.text == "40")
        #expect(configuration["tt:SessionTimeout"]?.text == "PT5S")
        var new = try #require(ONVIFProfile.all(try tree(Self.second)).first?.encoder)
        new.codec = "H264"
        new.keyFrameInterval = 25
        let second = try #require(ONVIFRequest.setVideoEncoderConfiguration(new, .two).body["tr2:Configuration"])
        #expect(second.attributes == ["token": "VE1", "GovLength": "25", "Profile": "Main"])
        #expect(second["tt:Encoding"]?.text == "H264")
        #expect(second["tt:RateControl", "tt:FrameRateLimit"]?.text == "12.5")
        #expect(second["tt:RateControl"]?.attributes == ["ConstantBitRate": "false"])
    }

    @Test func readsWhatAnEncoderCan() throws {
        let old = ONVIFEncoderOptions.all(
            try tree(
                "<R><Options><QualityRange><Min>0</Min><Max>5</Max></QualityRange><H264><ResolutionsAvailable><Width>1920</Width><Height>1080</Height></ResolutionsAvailable><GovLengthRange><Min>1</Min><Max>400</Max></GovLengthRange><FrameRateRange><Min>1</Min><Max>25</Max></FrameRateRange><H264ProfilesSupported>Main</H264ProfilesSupported></H264><Extension><H264><BitrateRange><Min>32</Min><Max>8192</Max></BitrateRange></H264></Extension></Options></R>"
            ))
        #expect(old.map(\.codec) == ["H264"])
        #expect(old[0].resolutions == [.init(width: 1920, height: 1080)])
        #expect(old[0].frameRates == [1, 25])
        #expect(old[0].bitRates == 32...8192)
        #expect(old[0].keyFrameIntervals == 1...400)
        #expect(old[0].qualities == 0...5)
        #expect(old[0].profiles == ["Main"])
        let new = ONVIFEncoderOptions.all(
            try tree(
                "<R><Options GovLengthRange=\"1 60\" FrameRatesSupported=\"25 12.5 1\" ProfilesSupported=\"Main High\"><Encoding>H265</Encoding><QualityRange><Min>9</Min><Max>1</Max></QualityRange><BitrateRange><Min>32</Min><Max>99</Max></BitrateRange></Options></R>"
            ))
        #expect(new.map(\.codec) == ["H265"])
        #expect(new[0].frameRates == [1, 12.5, 25])
        #expect(new[0].keyFrameIntervals == 1...60)
        #expect(new[0].qualities == nil)
        #expect(new[0].profiles == ["Main", "High"])
    }

    @Test func readsAddresses() throws {
        #expect(ONVIFAddress.read(try tree("<R><MediaUri><Uri>rtsp://a/1</Uri></MediaUri></R>")) == "rtsp://a/1")
        #expect(ONVIFAddress.read(try tree("<R><Uri>rtsp://a/2</Uri></R>")) == "rtsp://a/2")
        #expect(ONVIFAddress.read(try tree("<R><MediaUri><Uri></Uri></MediaUri></R>")) == nil)
    }

    @Test func readsWhatMoves() throws {
        let node = ONVIFNode.all(
            try tree(
                "<R><PTZNode token=\"N\"><Name>n</Name><SupportedPTZSpaces><ContinuousPanTiltVelocitySpace/></SupportedPTZSpaces><MaximumNumberOfPresets>300</MaximumNumberOfPresets><HomeSupported>TRUE</HomeSupported><AuxiliaryCommands>tt:Wiper|On</AuxiliaryCommands><Extension><SupportedPresetTour><MaximumNumberOfPresetTours>8</MaximumNumberOfPresetTours></SupportedPresetTour></Extension></PTZNode></R>"
            ))
        #expect(node.map(\.token) == ["N"])
        #expect(node[0].canPanAndTilt && !node[0].canZoom && node[0].hasHome)
        #expect(node[0].presetLimit == 300 && node[0].tourLimit == 8)
        #expect(node[0].auxiliaryCommands == ["tt:Wiper|On"])
        let presets = ONVIFPreset.all(try tree("<R><Preset token=\"1\"><Name>Gate</Name></Preset><Preset/></R>"))
        #expect(presets.map(\.token) == ["1"] && presets.map(\.name) == ["Gate"])
        #expect(ONVIFPreset.made(try tree("<R><PresetToken>4</PresetToken></R>")) == "4")
    }

    @Test func readsRecordings() throws {
        let summary = ONVIFRecordingSummary(
            try tree(
                "<R><Summary><DataFrom>1970-01-01T00:00:00Z</DataFrom><DataUntil>2024-05-01T00:00:00Z</DataUntil><NumberRecordings>2</NumberRecordings></Summary></R>"
            ))
        #expect(summary.from == nil)
        #expect(summary.until == DeviceTime("2024-05-01T00:00:00Z"))
        #expect(summary.recordings == 2)
        let results = ONVIFSearchResults(
            try tree(
                "<R><ResultList><SearchState>Searching</SearchState><RecordingInformation><RecordingToken>r</RecordingToken><Source><Name>Cam</Name></Source><EarliestRecording>2024-05-01T00:00:00Z</EarliestRecording></RecordingInformation><Result><RecordingToken>r</RecordingToken><Time>2024-05-01T00:00:01Z</Time><Event><Topic>tns1:VideoSource/MotionAlarm</Topic><Message><Message UtcTime=\"2024-05-01T00:00:01Z\" PropertyOperation=\"Changed\"><Data><SimpleItem Name=\"State\" Value=\"true\"/></Data></Message></Message></Event></Result></ResultList></R>"
            ))
        #expect(!results.isComplete)
        #expect(results.recordings.map(\.source) == ["Cam"])
        #expect(results.events.first?.notifications.map(\.category) == [.motion])
        #expect(ONVIFSearchResults(try tree("<R><ResultList><SearchState>Completed</SearchState></ResultList></R>")).isComplete)
        #expect(ONVIFSearchResults.token(try tree("<R><SearchToken>s</SearchToken></R>")) == "s")
    }
}
