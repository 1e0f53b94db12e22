"""ONVIF's media services (1 and 2): profiles, encoder settings, where streams and pictures are."""

from xml.sax.saxutils import escape

from .soap import Fault

SIZES = {"main": ((2688, 1520), (1920, 1080), (1280, 720)), "sub": ((640, 480), (640, 360), (352, 288))}
CODECS = ("H264", "H265", "JPEG")


class Encoder:
    """The settings of one stream."""

    def __init__(self, main):
        self.kind = "main" if main else "sub"
        self.codec, (self.width, self.height) = "H264", SIZES[self.kind][1]
        self.rate, self.bitrate, self.gov, self.quality, self.profile = (25, 4096, 50, 5, "Main") if main else (15, 512, 30, 3, "Main")


class MediaService:
    """Profiles of one device: Profile_N01 and Profile_N02 for each channel."""

    def __init__(self, onvif):
        self.onvif, self.device = onvif, onvif.device
        self.encoders = {f"{number}0{stream}": Encoder(stream == 1) for number in range(1, self.device.channels + 1) for stream in (1, 2)}

    def state(self):
        """For GET /state."""
        return {token: dict(vars(encoder)) for token, encoder in self.encoders.items()}

    def operations(self):
        """What this service answers."""
        found = {("trt", name): getattr(self, name) for name in (
            "GetProfiles", "GetProfile", "GetVideoSources", "GetVideoSourceConfigurations", "GetVideoEncoderConfigurations", "GetVideoEncoderConfiguration",
            "GetVideoEncoderConfigurationOptions", "SetVideoEncoderConfiguration", "GetStreamUri", "GetSnapshotUri", "GetAudioSources", "GetAudioOutputs")}
        found.update({("tr2", name): getattr(self, name + "2") for name in (
            "GetProfiles", "GetVideoEncoderConfigurations", "GetVideoEncoderConfigurationOptions", "SetVideoEncoderConfiguration", "GetStreamUri", "GetSnapshotUri")})
        return found

    def known(self, token, prefix="Profile_"):
        """The stream of a token."""
        stream = (token or "").removeprefix(prefix)
        if stream not in self.encoders:
            raise Fault("No such token", "ter:InvalidArgVal", "ter:NoProfile" if prefix == "Profile_" else "ter:NoConfig")
        return stream

    def path(self, stream):
        """Where a stream is on the RTSP server."""
        if self.device.kind == "onvif":
            return f"/onvif/profile{stream[-1]}"
        return f"/Streaming/Channels/{stream}"

    def uri(self, stream):
        """A stream's RTSP address."""
        wrong = self.device.quirk("xaddr-wrong-host")
        host = wrong["host"].partition(":")[0] if wrong else self.device.address
        before = self.device.parts.get("backchannel")
        return f"rtsp://{host}:{before.port if before else self.device.rtsp_port or 554}{self.path(stream)}"

    @staticmethod
    def multicast():
        """A multicast that is not used."""
        return ("<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>0</tt:TTL>"
                "<tt:AutoStart>false</tt:AutoStart></tt:Multicast>")

    def encoder(self, stream, element):
        """A VideoEncoderConfiguration of media 1, which knows no H.265."""
        encoder = self.encoders[stream]
        codec = "JPEG" if encoder.codec == "JPEG" else "H264"
        h264 = f"<tt:H264><tt:GovLength>{encoder.gov}</tt:GovLength><tt:H264Profile>{encoder.profile}</tt:H264Profile></tt:H264>" if codec == "H264" else ""
        return (f'<{element} token="Encoder_{stream}"><tt:Name>Encoder {stream}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>{codec}</tt:Encoding>'
                f"<tt:Resolution><tt:Width>{encoder.width}</tt:Width><tt:Height>{encoder.height}</tt:Height></tt:Resolution><tt:Quality>{encoder.quality}</tt:Quality>"
                f"<tt:RateControl><tt:FrameRateLimit>{encoder.rate}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
                f"<tt:BitrateLimit>{encoder.bitrate}</tt:BitrateLimit></tt:RateControl>{h264}{self.multicast()}<tt:SessionTimeout>PT60S</tt:SessionTimeout></{element}>")

    def encoder2(self, stream, element):
        """A VideoEncoder2Configuration."""
        encoder = self.encoders[stream]
        return (f'<{element} token="Encoder_{stream}" GovLength="{encoder.gov}" Profile="{encoder.profile}"><tt:Name>Encoder {stream}</tt:Name><tt:UseCount>1</tt:UseCount>'
                f"<tt:Encoding>{encoder.codec}</tt:Encoding><tt:Resolution><tt:Width>{encoder.width}</tt:Width><tt:Height>{encoder.height}</tt:Height></tt:Resolution>"
                f'<tt:RateControl ConstantBitRate="false"><tt:FrameRateLimit>{encoder.rate}</tt:FrameRateLimit><tt:BitrateLimit>{encoder.bitrate}</tt:BitrateLimit>'
                f"</tt:RateControl>{self.multicast()}<tt:Quality>{encoder.quality}</tt:Quality></{element}>")

    def source(self, stream, element):
        """A VideoSourceConfiguration."""
        number = stream[:-2]
        return (f'<{element} token="SourceConfig_{number}"><tt:Name>Source {number}</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>VideoSource_{number}</tt:SourceToken>'
                f'<tt:Bounds x="0" y="0" width="2688" height="1520"/></{element}>')

    def metadata(self, stream, element):
        """The configuration of the metadata track, where the device has one, which is in its main stream."""
        if "metadata" not in self.device.settings or not stream.endswith("1"):
            return ""
        return (f'<{element} token="Metadata_{stream}"><tt:Name>Metadata</tt:Name><tt:UseCount>1</tt:UseCount><tt:Events/>{self.multicast()}'
                f"<tt:SessionTimeout>PT60S</tt:SessionTimeout></{element}>")

    def output(self, element):
        """The configuration of a loudspeaker, of devices that tell of it in profiles."""
        if not self.device.has("outputs-in-profiles"):
            return ""
        return (f'<{element} token="Output_1"><tt:Name>Output</tt:Name><tt:UseCount>1</tt:UseCount><tt:OutputToken>AudioOutput_1</tt:OutputToken>'
                f"<tt:OutputLevel>50</tt:OutputLevel></{element}>")

    def profile(self, stream, element):
        """A profile of media 1."""
        ptz = self.onvif.movement.configuration("tt:PTZConfiguration") if self.onvif.ptz else ""
        ptz += self.metadata(stream, "tt:MetadataConfiguration")
        output = self.output("tt:AudioOutputConfiguration")
        ptz += f"<tt:Extension>{output}</tt:Extension>" if output else ""
        return (f'<{element} token="Profile_{stream}" fixed="true"><tt:Name>{"main" if stream.endswith("1") else "sub"}Stream {stream}</tt:Name>'
                f"{self.source(stream, 'tt:VideoSourceConfiguration')}{self.encoder(stream, 'tt:VideoEncoderConfiguration')}{ptz}</{element}>")

    def GetProfiles(self, _call):
        return f"<trt:GetProfilesResponse>{''.join(self.profile(stream, 'trt:Profiles') for stream in self.encoders)}</trt:GetProfilesResponse>"

    def GetProfile(self, call):
        return f"<trt:GetProfileResponse>{self.profile(self.known(call.node.value('ProfileToken')), 'trt:Profile')}</trt:GetProfileResponse>"

    def GetVideoSources(self, _call):
        listed = "".join(f'<trt:VideoSources token="VideoSource_{number}"><tt:Framerate>25</tt:Framerate><tt:Resolution><tt:Width>2688</tt:Width><tt:Height>1520</tt:Height>'
                         "</tt:Resolution></trt:VideoSources>" for number in range(1, self.device.channels + 1))
        return f"<trt:GetVideoSourcesResponse>{listed}</trt:GetVideoSourcesResponse>"

    def GetVideoSourceConfigurations(self, _call):
        listed = "".join(self.source(f"{number}01", "trt:Configurations") for number in range(1, self.device.channels + 1))
        return f"<trt:GetVideoSourceConfigurationsResponse>{listed}</trt:GetVideoSourceConfigurationsResponse>"

    @staticmethod
    def GetAudioSources(_call):
        return '<trt:GetAudioSourcesResponse><trt:AudioSources token="AudioSource_1"><tt:Channels>1</tt:Channels></trt:AudioSources></trt:GetAudioSourcesResponse>'

    def GetAudioOutputs(self, _call):
        listed = '<trt:AudioOutputs token="AudioOutput_1"/>' if "backchannel" in self.device.parts else ""
        return f"<trt:GetAudioOutputsResponse>{listed}</trt:GetAudioOutputsResponse>"

    def GetVideoEncoderConfigurations(self, _call):
        listed = "".join(self.encoder(stream, "trt:Configurations") for stream in self.encoders)
        return f"<trt:GetVideoEncoderConfigurationsResponse>{listed}</trt:GetVideoEncoderConfigurationsResponse>"

    def GetVideoEncoderConfiguration(self, call):
        stream = self.known(call.node.value("ConfigurationToken"), "Encoder_")
        return f"<trt:GetVideoEncoderConfigurationResponse>{self.encoder(stream, 'trt:Configuration')}</trt:GetVideoEncoderConfigurationResponse>"

    def asked(self, call):
        """The stream that options are asked for."""
        token = call.node.value("ConfigurationToken")
        if token:
            return self.known(token, "Encoder_")
        profile = call.node.value("ProfileToken")
        return self.known(profile) if profile else next(iter(self.encoders))

    def sizes(self, stream):
        """The resolutions a stream may have."""
        return "".join(f"<tt:ResolutionsAvailable><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:ResolutionsAvailable>"
                       for width, height in SIZES[self.encoders[stream].kind])

    def GetVideoEncoderConfigurationOptions(self, call):
        stream = self.asked(call)
        return ("<trt:GetVideoEncoderConfigurationOptionsResponse><trt:Options><tt:QualityRange><tt:Min>1</tt:Min><tt:Max>6</tt:Max></tt:QualityRange>"
                f"<tt:H264>{self.sizes(stream)}<tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>400</tt:Max></tt:GovLengthRange><tt:FrameRateRange><tt:Min>1</tt:Min>"
                "<tt:Max>25</tt:Max></tt:FrameRateRange><tt:EncodingIntervalRange><tt:Min>1</tt:Min><tt:Max>1</tt:Max></tt:EncodingIntervalRange>"
                "<tt:H264ProfilesSupported>Baseline</tt:H264ProfilesSupported><tt:H264ProfilesSupported>Main</tt:H264ProfilesSupported>"
                "<tt:H264ProfilesSupported>High</tt:H264ProfilesSupported></tt:H264></trt:Options></trt:GetVideoEncoderConfigurationOptionsResponse>")

    def GetVideoEncoderConfigurationOptions2(self, call):
        stream = self.asked(call)
        listed = "".join(f'<tr2:Options GovLengthRange="1 400" FrameRatesSupported="25 20 15 12.5 10 8 6 4 2 1" ProfilesSupported="Main High"><tt:Encoding>{codec}</tt:Encoding>'
                         f"<tt:QualityRange><tt:Min>1</tt:Min><tt:Max>6</tt:Max></tt:QualityRange>{self.sizes(stream)}<tt:BitrateRange><tt:Min>32</tt:Min><tt:Max>16384</tt:Max>"
                         "</tt:BitrateRange></tr2:Options>" for codec in ("H264", "H265"))
        return f"<tr2:GetVideoEncoderConfigurationOptionsResponse>{listed}</tr2:GetVideoEncoderConfigurationOptionsResponse>"

    def change(self, call, gov, profile):
        """Take over a configuration."""
        given = call.node.find("Configuration")
        encoder = self.encoders[self.known(given.attributes.get("token"), "Encoder_")]
        width, height = int(given.value("Resolution/Width", encoder.width)), int(given.value("Resolution/Height", encoder.height))
        rate, codec = float(given.value("RateControl/FrameRateLimit", encoder.rate)), given.value("Encoding", encoder.codec)
        if (width, height) not in SIZES[encoder.kind] or not 1 <= rate <= 25 or codec not in CODECS or not 1 <= int(gov or encoder.gov) <= 400:
            raise Fault("The parameters cannot be set", "ter:InvalidArgVal", "ter:ConfigModify")
        encoder.width, encoder.height, encoder.rate, encoder.codec = width, height, rate if rate % 1 else int(rate), codec
        encoder.bitrate = int(given.value("RateControl/BitrateLimit", encoder.bitrate))
        encoder.quality = round(float(given.value("Quality", encoder.quality)))
        encoder.gov, encoder.profile = int(gov or encoder.gov), profile or encoder.profile

    def SetVideoEncoderConfiguration(self, call):
        given = call.node.find("Configuration")
        self.change(call, given.value("H264/GovLength"), given.value("H264/H264Profile"))
        return "<trt:SetVideoEncoderConfigurationResponse/>"

    def SetVideoEncoderConfiguration2(self, call):
        attributes = call.node.find("Configuration").attributes
        self.change(call, attributes.get("GovLength"), attributes.get("Profile"))
        return "<tr2:SetVideoEncoderConfigurationResponse/>"

    def GetStreamUri(self, call):
        stream = self.known(call.node.value("ProfileToken"))
        uri = "" if self.device.has("no-stream-uri") else f"<tt:Uri>{escape(self.uri(stream))}</tt:Uri>"
        return (f"<trt:GetStreamUriResponse><trt:MediaUri>{uri}<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
                "<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>")

    def GetStreamUri2(self, call):
        stream = self.known(call.node.value("ProfileToken"))
        uri = "" if self.device.has("no-stream-uri") else f"<tr2:Uri>{escape(self.uri(stream))}</tr2:Uri>"
        return f"<tr2:GetStreamUriResponse>{uri}</tr2:GetStreamUriResponse>"

    def GetSnapshotUri(self, call):
        self.known(call.node.value("ProfileToken"))
        return (f"<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>{self.onvif.base}/onvif/snapshot</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
                "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetSnapshotUriResponse>")

    def GetSnapshotUri2(self, call):
        self.known(call.node.value("ProfileToken"))
        return f"<tr2:GetSnapshotUriResponse><tr2:Uri>{self.onvif.base}/onvif/snapshot</tr2:Uri></tr2:GetSnapshotUriResponse>"

    def GetProfiles2(self, call):
        wanted = {node.text.strip() for node in call.node.all("Type")}

        def configurations(stream):
            shown = ""
            if wanted & {"All", "VideoSource"}:
                shown += self.source(stream, "tr2:VideoSource")
            if wanted & {"All", "VideoEncoder"}:
                shown += self.encoder2(stream, "tr2:VideoEncoder")
            if self.onvif.ptz and wanted & {"All", "PTZ"}:
                shown += self.onvif.movement.configuration("tr2:PTZ")
            if wanted & {"All", "Metadata"}:
                shown += self.metadata(stream, "tr2:Metadata")
            if wanted & {"All", "AudioOutput"}:
                shown += self.output("tr2:AudioOutput")
            return f"<tr2:Configurations>{shown}</tr2:Configurations>" if shown else ""

        listed = "".join(f'<tr2:Profiles token="Profile_{stream}" fixed="true"><tr2:Name>Profile {stream}</tr2:Name>{configurations(stream)}</tr2:Profiles>'
                         for stream in self.encoders)
        return f"<tr2:GetProfilesResponse>{listed}</tr2:GetProfilesResponse>"

    def GetVideoEncoderConfigurations2(self, _call):
        listed = "".join(self.encoder2(stream, "tr2:Configurations") for stream in self.encoders)
        return f"<tr2:GetVideoEncoderConfigurationsResponse>{listed}</tr2:GetVideoEncoderConfigurationsResponse>"
