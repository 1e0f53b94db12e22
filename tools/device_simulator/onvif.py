"""ONVIF of a device: who may call, which service answers, and the device service itself."""

import datetime
import re
from xml.sax.saxutils import escape

from . import onvif_events, onvif_media, onvif_ptz, onvif_search
from .discovery import interface_of, scopes_of
from .soap import Call, Fault, envelope, fault
from .web import Response

SERVICES = {"tds": ("http://www.onvif.org/ver10/device/wsdl", "device_service", "2", "60"), "trt": ("http://www.onvif.org/ver10/media/wsdl", "Media", "2", "60"),
            "tr2": ("http://www.onvif.org/ver20/media/wsdl", "Media2", "2", "60"), "tev": ("http://www.onvif.org/ver10/events/wsdl", "Events", "2", "60"),
            "timg": ("http://www.onvif.org/ver20/imaging/wsdl", "Imaging", "2", "60"), "tptz": ("http://www.onvif.org/ver20/ptz/wsdl", "PTZ", "2", "60"),
            "tse": ("http://www.onvif.org/ver10/search/wsdl", "SearchRecording", "2", "60"), "trp": ("http://www.onvif.org/ver10/replay/wsdl", "Replay", "2", "60")}
OPEN = ("GetSystemDateAndTime", "GetCapabilities", "GetServices", "GetServiceCapabilities", "GetWsdlUrl", "GetHostname", "GetEndpointReference")
KIND = "application/soap+xml; charset=utf-8"


class Onvif:
    """The ONVIF services of one device."""

    def __init__(self, device, parts, world):
        self.device, self.world = device, world
        self.gate, self.hub, self.head, self.recordings, _, self.media_files = parts
        self.ptz = device.kind == "ptz" or bool(device.settings.get("ptz"))
        self.date_type = "NTP"
        self.ntp = "time.example.net"
        self.calls = {}
        self.media = onvif_media.MediaService(self)
        self.events = onvif_events.EventService(self)
        self.search = onvif_search.SearchService(self)
        self.movement = onvif_ptz.PtzService(self)
        self.operations = {**self.own(), **self.media.operations(), **self.events.operations(), **self.search.operations(), **self.movement.operations()}

    def state(self):
        """For GET /state."""
        return {"calls": self.calls, "subscriptions": self.events.state(), "encoders": self.media.state(), "ntp": self.ntp, "date_type": self.date_type}

    def stop(self):
        """The device loses its power."""
        self.events.subscriptions.clear()

    @property
    def base(self):
        """The address that the device believes to have."""
        wrong = self.device.quirk("xaddr-wrong-host")
        return f"http://{wrong['host']}" if wrong else self.device.base

    def address(self, service):
        """A service's XAddr."""
        return f"{self.base}/onvif/{SERVICES[service][1]}"

    async def answer(self, request):
        """Answer one request."""
        self.device.counts["onvif"] += 1
        if request.path == "/onvif/snapshot":
            return self.gate.check(request) or Response(200, await self.media_files.picture(self.device, 1), kind="image/jpeg")
        try:
            if request.method != "POST":
                return Response(405, b"")
            call = Call(request.body)
            call.request = request
            self.calls[call.name] = self.calls.get(call.name, 0) + 1
            self.admit(call)
            function = self.operations.get((call.service, call.name))
            if function is None and call.service == "wsnt":
                function = self.operations.get(("tev", call.name))
            unknown = self.device.quirk("unknown-operation")
            # Devices have what their profile asks for, and answer so to the rest (ONVIF Core, generic faults): the box must go on without it.
            if function is None or unknown and unknown["name"] == call.name:
                raise Fault(f"This device has no {call.name}", "ter:ActionNotSupported", code="Receiver", http=500)
            body = function(call)
            if hasattr(body, "__await__"):
                body = await body
            header, text = body if isinstance(body, tuple) else ("", body)
            return Response(200, envelope(text, header), kind=KIND)
        except Fault as problem:
            response = Response(problem.http, fault(problem), kind=KIND)
        except (ValueError, AttributeError, TypeError) as error:
            response = Response(400, fault(Fault(f"Invalid argument: {error}", "ter:InvalidArgVal")), kind=KIND)
        if response.status == 401:
            response.headers = self.gate.challenges()
        return response

    def admit(self, call):
        """Let the caller in, or raise a fault."""
        if call.name in OPEN and not (call.name == "GetSystemDateAndTime" and self.device.has("datetime-needs-auth")):
            return
        if self.device.has("not-activated"):
            raise Fault("Not activated", "ter:NotAuthorized", http=401)
        header = call.request.headers.get("authorization")
        if header and not self.gate.locked(call.request.peer):
            if self.gate.check(call.request) is None:
                return
            raise Fault("Sender not authorized", "ter:NotAuthorized", http=401)
        verdict = self.gate.token(call.request.peer, call.security)
        if verdict == "right":
            return
        raise Fault("Sender not authorized" + (": the time differs" if verdict == "skewed" else ""), "ter:NotAuthorized", http=401)

    def own(self):
        """The operations of the device service, and the capabilities of all services."""
        found = {("tds", name): getattr(self, name) for name in (
            "GetSystemDateAndTime", "SetSystemDateAndTime", "GetDeviceInformation", "GetCapabilities", "GetServices", "GetScopes", "GetNetworkInterfaces", "GetHostname",
            "GetNTP", "SetNTP", "SystemReboot", "GetUsers", "SetUser", "GetServiceCapabilities", "GetDNS", "GetDiscoveryMode", "SendAuxiliaryCommand")}
        inner = {"trt": '<trt:Capabilities SnapshotUri="true"><trt:ProfileCapabilities MaximumNumberOfProfiles="8"/><trt:StreamingCapabilities RTP_RTSP_TCP="true"/></trt:Capabilities>',
                 "tr2": '<tr2:Capabilities SnapshotUri="true"><tr2:ProfileCapabilities MaximumNumberOfProfiles="8"/><tr2:StreamingCapabilities RTSPStreaming="true" RTP_RTSP_TCP="true"/></tr2:Capabilities>',
                 "tev": '<tev:Capabilities WSPullPointSupport="true" WSSubscriptionPolicySupport="false" MaxPullPoints="8"/>', "timg": "<timg:Capabilities/>",
                 "tptz": "<tptz:Capabilities/>", "tse": '<tse:Capabilities MetadataSearch="false"/>', "trp": "<trp:Capabilities/>"}
        for service, text in inner.items():
            found[(service, "GetServiceCapabilities")] = lambda _call, of=service, what=text: f"<{of}:GetServiceCapabilitiesResponse>{what}</{of}:GetServiceCapabilitiesResponse>"
        return found

    def offered(self):
        """The services that this device has."""
        return [service for service in SERVICES if service != "tptz" or self.ptz]

    @staticmethod
    def GetServiceCapabilities(_call):
        return ('<tds:GetServiceCapabilitiesResponse><tds:Capabilities><tds:Network NTP="1"/><tds:Security UsernameToken="true" HttpDigest="true"/>'
                '<tds:System DiscoveryResolve="false"/></tds:Capabilities></tds:GetServiceCapabilitiesResponse>')

    def GetSystemDateAndTime(self, _call):
        utc, local = self.device.utc(), self.device.local()

        def moment(name, value):
            return (f"<tt:{name}><tt:Time><tt:Hour>{value.hour}</tt:Hour><tt:Minute>{value.minute}</tt:Minute><tt:Second>{value.second}</tt:Second></tt:Time>"
                    f"<tt:Date><tt:Year>{value.year}</tt:Year><tt:Month>{value.month}</tt:Month><tt:Day>{value.day}</tt:Day></tt:Date></tt:{name}>")

        return (f"<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>{self.date_type}</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
                f"<tt:TimeZone><tt:TZ>{self.device.posix_zone()}</tt:TZ></tt:TimeZone>{moment('UTCDateTime', local if self.device.has('utc-is-local') else utc)}"
                f"{moment('LocalDateTime', local)}</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>")

    def SetSystemDateAndTime(self, call):
        self.date_type = call.node.value("DateTimeType")
        given = call.node.find("UTCDateTime")
        self.device.faults.pop("clock-skew", None)
        if self.date_type == "NTP":
            self.device.clock_offset = 0.0
        elif given is not None:
            values = [int(given.value(path)) for path in ("Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second")]
            self.device.set_clock(datetime.datetime(*values, tzinfo=datetime.timezone.utc))
        zone = call.node.value("TimeZone/TZ")
        if zone:
            self.set_zone(zone)
        return "<tds:SetSystemDateAndTimeResponse/>"

    def set_zone(self, text):
        """Take over a POSIX zone; what follows its offset is passed over."""
        match = re.match(r"(?:<[^>]+>|[A-Za-z]+)([+-]?)(\d{1,2})(?::(\d\d))?(?::\d\d)?", text)
        if not match:
            raise Fault("Invalid time zone", "ter:InvalidArgVal", "ter:InvalidTimeZone")
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        self.device.zone = datetime.timedelta(minutes=minutes if match[1] == "-" else -minutes)

    def GetDeviceInformation(self, _call):
        device = self.device
        values = {"Manufacturer": {"axis": "AXIS", "dahua": "Dahua", "tapo": "tp-link", "reolink": "Reolink"}.get(self.events.dialect, "Simulated"), "Model": device.model,
                  "FirmwareVersion": f"{device.firmware} {device.build}", "SerialNumber": device.serial, "HardwareId": "1"}
        return ("<tds:GetDeviceInformationResponse>" + "".join(f"<tds:{key}>{escape(value)}</tds:{key}>" for key, value in values.items())
                + "</tds:GetDeviceInformationResponse>")

    def GetCapabilities(self, _call):
        def at(service):
            return f"<tt:XAddr>{self.address(service)}</tt:XAddr>"

        ptz = f"<tt:PTZ>{at('tptz')}</tt:PTZ>" if self.ptz else ""
        return (f"<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device>{at('tds')}</tt:Device><tt:Events>{at('tev')}"
                "<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
                "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>"
                f"<tt:Imaging>{at('timg')}</tt:Imaging><tt:Media>{at('trt')}<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>"
                f"<tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>{ptz}"
                f"<tt:Extension><tt:Search>{at('tse')}<tt:MetadataSearch>false</tt:MetadataSearch></tt:Search><tt:Replay>{at('trp')}</tt:Replay></tt:Extension>"
                "</tds:Capabilities></tds:GetCapabilitiesResponse>")

    def GetServices(self, _call):
        listed = "".join(f"<tds:Service><tds:Namespace>{SERVICES[service][0]}</tds:Namespace><tds:XAddr>{self.address(service)}</tds:XAddr>"
                         f"<tds:Version><tt:Major>{SERVICES[service][2]}</tt:Major><tt:Minor>{SERVICES[service][3]}</tt:Minor></tds:Version></tds:Service>"
                         for service in self.offered())
        return f"<tds:GetServicesResponse>{listed}</tds:GetServicesResponse>"

    def GetScopes(self, _call):
        listed = "".join(f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{scope}</tt:ScopeItem></tds:Scopes>" for scope in scopes_of(self.device))
        return f"<tds:GetScopesResponse>{listed}</tds:GetScopesResponse>"

    def GetNetworkInterfaces(self, _call):
        length = bin(int.from_bytes(bytes(int(part) for part in interface_of(self.device.address)[1].split(".")), "big")).count("1")
        return (f'<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>'
                f"<tt:HwAddress>{self.device.mac}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info><tt:IPv4><tt:Enabled>true</tt:Enabled><tt:Config><tt:FromDHCP>"
                f"<tt:Address>{self.device.address}</tt:Address><tt:PrefixLength>{length}</tt:PrefixLength></tt:FromDHCP><tt:DHCP>true</tt:DHCP></tt:Config></tt:IPv4>"
                "</tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>")

    def GetHostname(self, _call):
        return (f"<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>{self.device.name}</tt:Name></tds:HostnameInformation>"
                "</tds:GetHostnameResponse>")

    @staticmethod
    def GetDNS(_call):
        return "<tds:GetDNSResponse><tds:DNSInformation><tt:FromDHCP>true</tt:FromDHCP></tds:DNSInformation></tds:GetDNSResponse>"

    @staticmethod
    def GetDiscoveryMode(_call):
        return "<tds:GetDiscoveryModeResponse><tds:DiscoveryMode>Discoverable</tds:DiscoveryMode></tds:GetDiscoveryModeResponse>"

    def GetNTP(self, _call):
        digits = self.ntp.replace(".", "").isdigit()
        host = f"<tt:IPv4Address>{self.ntp}</tt:IPv4Address>" if digits else f"<tt:DNSname>{escape(self.ntp)}</tt:DNSname>"
        return (f"<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP><tt:NTPManual><tt:Type>{'IPv4' if digits else 'DNS'}</tt:Type>{host}</tt:NTPManual>"
                "</tds:NTPInformation></tds:GetNTPResponse>")

    def SetNTP(self, call):
        manual = call.node.find("NTPManual")
        if manual is not None:
            self.ntp = manual.value("IPv4Address") or manual.value("DNSname") or self.ntp
        return "<tds:SetNTPResponse/>"

    def SystemReboot(self, _call):
        self.world.reboot(self.device)
        return "<tds:SystemRebootResponse><tds:Message>Rebooting</tds:Message></tds:SystemRebootResponse>"

    def GetUsers(self, _call):
        return (f"<tds:GetUsersResponse><tds:User><tt:Username>{escape(self.device.user)}</tt:Username><tt:UserLevel>Administrator</tt:UserLevel></tds:User>"
                "</tds:GetUsersResponse>")

    def SetUser(self, call):
        for user in call.node.all("User"):
            if user.value("Username") != self.device.user:
                raise Fault("Username not recognized", "ter:InvalidArgVal", "ter:UsernameMissing")
            password = user.value("Password")
            if password is not None and len(password) < 8:
                raise Fault("Too weak", "ter:OperationProhibited", "ter:PasswordTooWeak")
            if password:
                self.world.set_password(self.device, password)
        return "<tds:SetUserResponse/>"

    def SendAuxiliaryCommand(self, call):
        self.head.last_command = call.node.value("AuxiliaryCommand")
        return "<tds:SendAuxiliaryCommandResponse/>"
