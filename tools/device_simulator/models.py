"""What the built-in devices answer: ISAPI documents with plausible values, made for each device."""

from xml.sax.saxutils import escape

from .markup import parse

XMLNS = 'version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"'
# type -> (what the trigger is called, whether it belongs to a channel)
TRIGGERS = {"VMD": ("VMD", True), "shelteralarm": ("tamper", True), "videoloss": ("videoloss", True), "linedetection": ("linedetection", True),
            "fielddetection": ("fielddetection", True), "regionEntrance": ("regionEntrance", True), "regionExiting": ("regionExiting", True),
            "facedetection": ("facedetection", True), "PIR": ("PIR", True), "IO": ("IO", True), "diskfull": ("diskfull", False),
            "diskerror": ("diskerror", False), "illAccess": ("illaccess", False), "nicbroken": ("nicbroken", False)}
FULL_GRID = "fffffc" * 18


def device_info(device):
    """System/deviceInfo."""
    return f"""<DeviceInfo {XMLNS}><deviceName>{escape(device.name)}</deviceName><deviceID>{device.uuid}</deviceID>
<deviceDescription>{device.type}</deviceDescription><deviceLocation>test bench</deviceLocation><systemContact>simulator</systemContact>
<model>{device.model}</model><serialNumber>{device.serial}</serialNumber><macAddress>{device.mac}</macAddress>
<firmwareVersion>{device.firmware}</firmwareVersion><firmwareReleasedDate>{device.build}</firmwareReleasedDate>
<encoderVersion>V7.3</encoderVersion><encoderReleasedDate>{device.build}</encoderReleasedDate><bootVersion>V1.3.4</bootVersion>
<bootReleasedDate>100316</bootReleasedDate><hardwareVersion>0x0</hardwareVersion><deviceType>{device.type}</deviceType>
<telecontrolID>88</telecontrolID><supportBeep>false</supportBeep><supportVideoLoss>{str(device.kind == "nvr").lower()}</supportVideoLoss>
<manufacturer>simulated</manufacturer><OEMCode>1</OEMCode></DeviceInfo>"""


def capabilities(device):
    """System/capabilities."""
    nvr, ptz, door = device.kind == "nvr", device.kind == "ptz", device.kind == "doorbell"

    def yes(value):
        return str(bool(value)).lower()

    return f"""<DeviceCap {XMLNS}><SysCap><isSupportDst>true</isSupportDst><NetworkCap><isSupportNtp>true</isSupportNtp>
<isSupportHttps>{yes(device.options.https_port)}</isSupportHttps></NetworkCap><IOCap><IOInputPortNums>1</IOInputPortNums>
<IOOutputPortNums>1</IOOutputPortNums></IOCap><VideoCap><videoInputPortNums>{0 if nvr else device.channels}</videoInputPortNums></VideoCap>
<AudioCap><audioInputNums>1</audioInputNums><audioOutputNums>1</audioOutputNums></AudioCap>
<isSupportSubscribeEvent>true</isSupportSubscribeEvent></SysCap><voicetalkNums>1</voicetalkNums><isSupportSnapshot>true</isSupportSnapshot>
<SecurityCap><supportUserNums>32</supportUserNums><issupIllegalLoginLock>true</issupIllegalLoginLock><securityVersion opt="1"/>
<keyIterateNum>100</keyIterateNum><WebCertificateCap><CertificateType opt="digest"/><SecurityAlgorithm>
<algorithmType opt="MD5,SHA256"/></SecurityAlgorithm></WebCertificateCap></SecurityCap>
<EventCap><isSupportHDFull>true</isSupportHDFull><isSupportHDError>true</isSupportHDError><isSupportIllAccess>true</isSupportIllAccess>
<isSupportMotionDetection>{yes(not door)}</isSupportMotionDetection><isSupportTamperDetection>true</isSupportTamperDetection></EventCap>
<RacmCap><inputProxyNums>{device.channels if nvr else 0}</inputProxyNums><isSupportMixedChannel>true</isSupportMixedChannel>
<isSupportSearchTypesByCam>true</isSupportSearchTypesByCam></RacmCap><PTZCtrlCap><isSupportPatrols>{yes(ptz)}</isSupportPatrols>
<isSupportPtz>{yes(ptz)}</isSupportPtz></PTZCtrlCap><SmartCap><isSupportLineDetection>{yes(not door)}</isSupportLineDetection>
<isSupportFieldDetection>{yes(not door)}</isSupportFieldDetection><isSupportRegionEntrance>{yes(not door)}</isSupportRegionEntrance>
<isSupportRegionExiting>{yes(not door)}</isSupportRegionExiting></SmartCap><isSupportAccessControl>{yes(door)}</isSupportAccessControl>
</DeviceCap>"""


def streaming_channel(device, number, stream):
    """One of a channel's streams: 1 main, 2 sub."""
    main = stream == 1
    width, height = (2688, 1520) if main else (640, 360)
    return f"""<StreamingChannel {XMLNS}><id>{number}0{stream}</id><channelName>{escape(channel_name(device, number))}</channelName>
<enabled>true</enabled><Transport><maxPacketSize>1000</maxPacketSize><ControlProtocolList>
<ControlProtocol><streamingTransport>RTSP</streamingTransport></ControlProtocol>
<ControlProtocol><streamingTransport>HTTP</streamingTransport></ControlProtocol></ControlProtocolList>
<Unicast><enabled>true</enabled><rtpTransportType>RTP/TCP</rtpTransportType></Unicast>
<Security><enabled>true</enabled><certificateType>digest</certificateType></Security></Transport>
<Video><enabled>true</enabled><videoInputChannelID>{number}</videoInputChannelID><videoCodecType>{"H.265" if main else "H.264"}</videoCodecType>
<videoScanType>progressive</videoScanType><videoResolutionWidth>{width}</videoResolutionWidth><videoResolutionHeight>{height}</videoResolutionHeight>
<videoQualityControlType>VBR</videoQualityControlType><constantBitRate>{6144 if main else 512}</constantBitRate><fixedQuality>60</fixedQuality>
<vbrUpperCap>{6144 if main else 512}</vbrUpperCap><vbrLowerCap>32</vbrLowerCap><maxFrameRate>{2500 if main else 1500}</maxFrameRate>
<keyFrameInterval>2000</keyFrameInterval><snapShotImageType>JPEG</snapShotImageType><H264Profile>Main</H264Profile>
<GovLength>{50 if main else 30}</GovLength><SVC><enabled>false</enabled></SVC><smoothing>50</smoothing><H265Profile>Main</H265Profile>
<SmartCodec><enabled>{str(main).lower()}</enabled></SmartCodec></Video>
<Audio><enabled>true</enabled><audioInputChannelID>1</audioInputChannelID><audioCompressionType>AAC</audioCompressionType></Audio>
</StreamingChannel>"""


def streaming_capabilities(identifier):
    """Streaming/channels/ID/capabilities: as the channel, with what is allowed."""
    main = identifier.endswith("1")
    sizes = ("2688*1520,1920*1080,1280*720" if main else "640*480,640*360,352*288").split(",")
    widths, heights = (",".join(size.split("*")[at] for size in sizes) for at in (0, 1))
    return f"""<StreamingChannel {XMLNS}><id opt="{identifier}">{identifier}</id><channelName min="0" max="32">Camera</channelName>
<enabled opt="true,false">true</enabled><Video><enabled opt="true">true</enabled><videoInputChannelID opt="1">1</videoInputChannelID>
<videoCodecType opt="H.264,H.265{"" if main else ",MJPEG"}">H.264</videoCodecType><videoResolutionWidth opt="{widths}"/>
<videoResolutionHeight opt="{heights}"/><videoQualityControlType opt="CBR,VBR">VBR</videoQualityControlType>
<constantBitRate min="32" max="16384">4096</constantBitRate><vbrUpperCap min="32" max="16384">4096</vbrUpperCap>
<maxFrameRate opt="2500,2200,2000,1800,1600,1500,1200,1000,800,600,400,200,100">2500</maxFrameRate>
<GovLength min="1" max="400">50</GovLength><H264Profile opt="Baseline,Main,High">Main</H264Profile>
<SmartCodec><enabled opt="true,false">false</enabled></SmartCodec></Video>
<Audio><enabled opt="true,false">true</enabled><audioCompressionType opt="AAC,G.711alaw,G.711ulaw">AAC</audioCompressionType></Audio>
</StreamingChannel>"""


def channel_name(device, number):
    """What a channel is called."""
    return f"{device.name} {number:02}"


def motion_detection():
    """System/Video/inputs/channels/N/motionDetection."""
    return f"""<MotionDetection {XMLNS}><enabled>true</enabled><enableHighlight>false</enableHighlight><samplingInterval>2</samplingInterval>
<startTriggerTime>500</startTriggerTime><endTriggerTime>500</endTriggerTime><regionType>grid</regionType>
<Grid><rowGranularity>18</rowGranularity><columnGranularity>22</columnGranularity></Grid>
<MotionDetectionLayout {XMLNS}><sensitivityLevel>60</sensitivityLevel><layout><gridMap>{FULL_GRID}</gridMap></layout>
<targetType>human,vehicle</targetType></MotionDetectionLayout></MotionDetection>"""


def points(outer, inner, corners):
    """Coordinates on a screen of 1000 by 1000."""
    return f"<{outer}>" + "".join(f"<{inner}><positionX>{x}</positionX><positionY>{y}</positionY></{inner}>" for x, y in corners) + f"</{outer}>"


SCREEN = "<normalizedScreenSize><normalizedScreenWidth>1000</normalizedScreenWidth><normalizedScreenHeight>1000</normalizedScreenHeight></normalizedScreenSize>"
SQUARE = [(100, 100), (900, 100), (900, 900), (100, 900)]


def smart(channel):
    """The smart detections of a channel: path -> document."""
    lines = "".join(f"<LineItem><id>{n}</id><enabled>{str(n == 1).lower()}</enabled><sensitivityLevel>50</sensitivityLevel>"
                    f"<directionSensitivity>any</directionSensitivity>{points('CoordinatesList', 'Coordinates', [(200 + n, 500), (800, 500)])}"
                    "<detectionTarget>human,vehicle</detectionTarget></LineItem>" for n in range(1, 5))
    found = {f"Smart/LineDetection/{channel}":
             f'<LineDetection {XMLNS}><id>{channel}</id><enabled>true</enabled>{SCREEN}<LineItemList size="4">{lines}</LineItemList></LineDetection>'}
    for path, root, prefix in (("Smart/FieldDetection", "FieldDetection", "FieldDetection"), ("Smart/regionEntrance", "RegionEntrance", "RegionEntrance"),
                               ("Smart/regionExiting", "RegionExiting", "RegionExiting")):
        regions = "".join(f"<{prefix}Region><id>{n}</id><enabled>{str(n == 1).lower()}</enabled><sensitivityLevel>50</sensitivityLevel>"
                          + ("<timeThreshold>5</timeThreshold>" if root == "FieldDetection" else "")
                          + points("RegionCoordinatesList", "RegionCoordinates", SQUARE if n == 1 else [])
                          + f"<detectionTarget>human,vehicle</detectionTarget></{prefix}Region>" for n in range(1, 5))
        found[f"{path}/{channel}"] = (f'<{root} {XMLNS}><id>{channel}</id><enabled>true</enabled>{SCREEN}<{prefix}RegionList size="4">'
                                      f"{regions}</{prefix}RegionList></{root}>")
    return found


def schedule(identifier):
    """An arming schedule: the whole week."""
    blocks = "".join(f"<TimeBlock><dayOfWeek>{day}</dayOfWeek><TimeRange><beginTime>00:00</beginTime><endTime>24:00</endTime></TimeRange></TimeBlock>"
                     for day in range(1, 8))
    return f'<Schedule {XMLNS}><id>{identifier}</id><eventType>VMD</eventType><TimeBlockList size="8">{blocks}</TimeBlockList></Schedule>'


def trigger(kind, name, channel):
    """One event trigger; the surveillance centre is notified."""
    identifier = name if channel is None else f"{name}-{channel}"
    of = "" if channel is None else f"<videoInputChannelID>{channel}</videoInputChannelID><dynVideoInputChannelID>{channel}</dynVideoInputChannelID>"
    if kind == "IO":
        of = f"<inputIOPortID>{channel}</inputIOPortID>" + of
    return (f"<EventTrigger><id>{identifier}</id><eventType>{kind}</eventType><eventDescription>{kind} Event trigger Information</eventDescription>{of}"
            "<EventTriggerNotificationList><EventTriggerNotification><id>center</id><notificationMethod>center</notificationMethod>"
            "<notificationRecurrence>beginning</notificationRecurrence></EventTriggerNotification></EventTriggerNotificationList></EventTrigger>")


def storage(device):
    """ContentMgmt/Storage: one disk in cameras (a card), two in recorders."""
    disks = [(1, "SATA", 3815447, 51200), (2, "SATA", 3815447, 1907712)] if device.kind == "nvr" else [(1, "SD", 121942, 10240)]
    if device.settings.get("recordings") == "none":
        disks = []
    listed = "".join(f"<hdd><id>{n}</id><hddName>hdd{n}</hddName><hddPath></hddPath><hddType>{kind}</hddType><status>ok</status>"
                     f"<capacity>{size}</capacity><freeSpace>{free}</freeSpace><property>RW</property><group>1</group></hdd>"
                     for n, kind, size, free in disks)
    return (f'<storage {XMLNS}><hddList size="8">{listed}</hddList><nasList size="0"></nasList>'
            '<workMode opt="group,quota">quota</workMode></storage>')


def documents(device):
    """All documents of a built-in device: path below /ISAPI/ -> root node."""
    texts = {"System/deviceInfo": device_info(device), "System/capabilities": capabilities(device), "ContentMgmt/Storage": storage(device)}
    texts["System/time/ntpServers"] = f"""<NTPServerList {XMLNS}><NTPServer><id>1</id><addressingFormatType>hostname</addressingFormatType>
<hostName>time.example.net</hostName><portNo>123</portNo><synchronizeInterval>1440</synchronizeInterval></NTPServer></NTPServerList>"""
    texts["Security/users"] = f"""<UserList {XMLNS}><User><id>1</id><userName>{escape(device.user)}</userName><userLevel>Administrator</userLevel>
</User></UserList>"""
    texts["Security/adminAccesses"] = f"<AdminAccessProtocolList {XMLNS}>" + "".join(
        f"<AdminAccessProtocol><id>{n}</id><enabled>{str(bool(port)).lower()}</enabled><protocol>{name}</protocol><portNo>{port or 443}</portNo></AdminAccessProtocol>"
        for n, name, port in ((1, "HTTP", device.http), (2, "HTTPS", device.https), (3, "DEV_MANAGE", 8000), (4, "RTSP", device.rtsp_port or 554))) \
        + "</AdminAccessProtocolList>"
    texts["System/Network/interfaces/1/ipAddress"] = f"""<IPAddress {XMLNS}><ipVersion>v4</ipVersion><addressingType>dynamic</addressingType>
<ipAddress>{device.address}</ipAddress><subnetMask>255.255.255.0</subnetMask></IPAddress>"""
    nvr = device.kind == "nvr"
    inputs, proxies, statuses, triggers = "", "", "", ""
    for number in range(1, device.channels + 1):
        name = escape(channel_name(device, number))
        inputs += f"<VideoInputChannel {XMLNS}><id>{number}</id><inputPort>{number}</inputPort><name>{name}</name><videoFormat>PAL</videoFormat></VideoInputChannel>"
        proxies += (f"<InputProxyChannel><id>{number}</id><name>{name}</name><sourceInputPortDescriptor><proxyProtocol>HIKVISION</proxyProtocol>"
                    f"<addressingFormatType>ipaddress</addressingFormatType><ipAddress>192.168.254.{number + 1}</ipAddress><managePortNo>8000</managePortNo>"
                    "<srcInputPort>1</srcInputPort><userName>admin</userName><streamType>auto</streamType><model>DS-2CD9946G9-IS</model>"
                    f"<serialNumber>DS-2CD9946G9-IS{number:09}</serialNumber><firmwareVersion>V5.7.12 build 230416</firmwareVersion></sourceInputPortDescriptor>"
                    "<enableAnr>false</enableAnr></InputProxyChannel>")
        statuses += (f"<InputProxyChannelStatus><id>{number}</id><sourceInputPortDescriptor><proxyProtocol>HIKVISION</proxyProtocol>"
                     f"<ipAddress>192.168.254.{number + 1}</ipAddress><managePortNo>8000</managePortNo></sourceInputPortDescriptor><online>true</online>"
                     f"<streamingProxyChannelIdList><streamingProxyChannelId>{number}01</streamingProxyChannelId><streamingProxyChannelId>{number}02"
                     "</streamingProxyChannelId></streamingProxyChannelIdList><chanDetectResult>connect</chanDetectResult></InputProxyChannelStatus>")
        detection = f"ContentMgmt/InputProxy/channels/{number}/video" if nvr else f"System/Video/inputs/channels/{number}"
        texts[f"{detection}/motionDetection"] = motion_detection()
        texts[f"Event/schedules/motionDetections/VMD_video{number}"] = schedule(f"VMD_video{number}")
        texts.update(smart(number))
        for stream in (1, 2):
            texts[f"Streaming/channels/{number}0{stream}"] = streaming_channel(device, number, stream)
        triggers += "".join(trigger(kind, short, number) for kind, (short, of) in TRIGGERS.items() if of)
    triggers += "".join(trigger(kind, short, None) for kind, (short, of) in TRIGGERS.items() if not of)
    texts["Event/triggers"] = f"<EventTriggerList {XMLNS}>{triggers}</EventTriggerList>"
    if nvr:
        texts["ContentMgmt/InputProxy/channels"] = f'<InputProxyChannelList {XMLNS} size="{device.channels}">{proxies}</InputProxyChannelList>'
        texts["ContentMgmt/InputProxy/channels/status"] = f"<InputProxyChannelStatusList {XMLNS}>{statuses}</InputProxyChannelStatusList>"
    else:
        texts["System/Video/inputs/channels"] = f"<VideoInputChannelList {XMLNS}>{inputs}</VideoInputChannelList>"
    texts["System/IO/inputs/1/status"] = f"<IOPortStatus {XMLNS}><ioPortID>1</ioPortID><ioPortType>input</ioPortType><ioState>inactive</ioState></IOPortStatus>"
    texts["Event/notification/httpHosts"] = f"""<HttpHostNotificationList {XMLNS}><HttpHostNotification><id>1</id><url>/</url>
<protocolType>HTTP</protocolType><parameterFormatType>XML</parameterFormatType><addressingFormatType>ipaddress</addressingFormatType>
<ipAddress>0.0.0.0</ipAddress><portNo>80</portNo><httpAuthenticationMethod>none</httpAuthenticationMethod></HttpHostNotification></HttpHostNotificationList>"""
    if device.kind == "doorbell":
        texts["AccessControl/Door/param/1"] = f"""<DoorParam {XMLNS}><doorName>Front door</doorName><magneticType>alwaysClose</magneticType>
<openButtonType>alwaysOpen</openButtonType><openDuration>5</openDuration><disabledOpenDuration>15</disabledOpenDuration></DoorParam>"""
    nodes = {path: parse(text) for path, text in texts.items()}
    streams = parse(f"<StreamingChannelList {XMLNS}></StreamingChannelList>")
    streams.children = [node for path, node in nodes.items() if path.startswith("Streaming/channels/")]
    nodes["Streaming/channels"] = streams
    return nodes
