"""Being found: WS-Discovery (ONVIF) and SADP (Hikvision), one socket a port for all devices."""

import asyncio
import fcntl
import re
import socket
import struct
import time
import uuid
from xml.sax.saxutils import escape

from .markup import BadMarkup, parse

GROUP = "239.255.255.250"
SIOCGIFADDR, SIOCGIFNETMASK, IP_PKTINFO = 0x8915, 0x891B, 8


def interfaces():
    """(name, address, mask) of each IPv4 interface."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            def ask(request, of=name):
                return socket.inet_ntoa(fcntl.ioctl(probe, request, struct.pack("256s", of.encode()[:15]))[20:24])
            try:
                found.append((name, ask(SIOCGIFADDR), ask(SIOCGIFNETMASK)))
            except OSError:
                continue
    return found


def number(address):
    """An IPv4 address as a number."""
    return struct.unpack("!I", socket.inet_aton(address))[0]


def interface_of(address):
    """The address of the interface that a device's address is on, and its mask."""
    for _, own, mask in interfaces():
        if number(own) & number(mask) == number(address) & number(mask):
            return own, mask
    return "127.0.0.1", "255.0.0.0"


def open_socket(port, addresses):
    """A socket that hears multicast on the interfaces of these addresses, broadcast and unicast."""
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    heard.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    heard.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
    heard.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    heard.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    heard.bind(("", port))
    for own in {interface_of(address)[0] for address in addresses}:
        heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(own))
    heard.setblocking(False)
    return heard


class Discovery:
    """Answers probes for all devices."""

    def __init__(self, world, wsd_port, sadp_port):
        self.world, self.wsd_port, self.sadp_port = world, wsd_port, sadp_port
        self.counts = {"wsd_probes": 0, "wsd_answers": 0, "sadp_inquiries": 0, "sadp_answers": 0}
        self.sockets = {}
        self.instance = int(time.time())
        self.messages = 0

    async def open(self):
        """Listen on both ports."""
        loop = asyncio.get_running_loop()
        addresses = [device.address for device in self.world.devices]
        for port, take in ((self.wsd_port, self.take_wsd), (self.sadp_port, self.take_sadp)):
            heard = open_socket(port, addresses)
            self.sockets[port] = heard
            loop.add_reader(heard, self.receive, heard, take)

    def receive(self, heard, take):
        """Take a datagram, with the address that it was sent to."""
        try:
            data, ancillary, _, sender = heard.recvmsg(65536, 256)
        except OSError:
            return
        to = next((socket.inet_ntoa(value[8:12]) for level, kind, value in ancillary if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO)), GROUP)
        take(data, sender, to)

    def present(self, protocol, to):
        """The devices that are there, speak a protocol and are meant: by a unicast message only the one that has the address."""
        return [device for device in self.world.devices if protocol in device.protocols and not device.has("stop") and not device.has("hang")
                and time.time() >= device.away_until and (device.address == to or not any(other.address == to for other in self.world.devices))]

    def send(self, port, data, address, device):
        """Send from the device's own address where that is possible."""
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface_of(device.address)[0]))
                sender.bind((device.address, port))
                sender.sendto(data, address)
        except OSError:
            self.sockets[port].sendto(data, address)

    def take_wsd(self, data, sender, to):
        """A WS-Discovery message: a Probe is answered to who sent it."""
        try:
            root = parse(data)
        except BadMarkup:
            return
        body = root.find("Body/Probe")
        if body is None:
            return
        self.counts["wsd_probes"] += 1
        types = body.value("Types", "")
        scopes = body.value("Scopes", "").split()
        if types and not re.search(r"NetworkVideoTransmitter|Device", types):
            return
        for device in self.present("onvif", to):
            offered = scopes_of(device)
            if all(any(own.startswith(scope) for own in offered) for scope in scopes):
                self.counts["wsd_answers"] += 1
                self.send(self.wsd_port, self.match(device, root.value("Header/MessageID", "")).encode(), sender, device)

    def match(self, device, relates):
        """A ProbeMatches message."""
        self.messages += 1
        host = (device.quirk("xaddr-wrong-host") or {}).get("host")
        base = f"http://{host}" if host else device.base
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
                'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
                'xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">\n<s:Header>'
                f"<a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID><a:RelatesTo>{escape(relates)}</a:RelatesTo>"
                "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
                "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action>"
                f'<d:AppSequence InstanceId="{self.instance}" MessageNumber="{self.messages}"/></s:Header>\n<s:Body><d:ProbeMatches><d:ProbeMatch>'
                f"<a:EndpointReference><a:Address>urn:uuid:{device.uuid}</a:Address></a:EndpointReference>"
                f"<d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types><d:Scopes>{' '.join(scopes_of(device))}</d:Scopes>"
                f"<d:XAddrs>{base}/onvif/device_service</d:XAddrs><d:MetadataVersion>10</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>\n")

    def take_sadp(self, data, sender, to):
        """A SADP message: an inquiry is answered to all and to who sent it."""
        try:
            root = parse(data)
        except BadMarkup:
            return
        kind = root.value("Types", "")
        if root.local != "Probe" or kind not in ("inquiry", "inquiry_v32"):
            return
        self.counts["sadp_inquiries"] += 1
        asked = root.value("MAC", "").lower().replace("-", ":")
        for device in self.present("isapi", to):
            if asked and asked != device.mac.lower() and not asked.startswith("ff"):
                continue
            text = self.sadp(device, root.value("Uuid", ""), kind).encode()
            self.counts["sadp_answers"] += 1
            self.send(self.sadp_port, text, (GROUP, self.sadp_port), device)
            if sender[1] != self.sadp_port:
                self.send(self.sadp_port, text, sender, device)

    def sadp(self, device, identifier, kind):
        """A ProbeMatch."""
        _, mask = interface_of(device.address)
        bound = device.quirk("bound-elsewhere")
        digital = device.channels if device.kind == "nvr" else 1
        fields = [("Uuid", identifier), ("Types", kind), ("DeviceType", "142378" if device.kind != "nvr" else "44322"), ("DeviceDescription", device.model),
                  ("DeviceSN", device.serial), ("CommandPort", 8000), ("HttpPort", device.http), ("MAC", device.mac.replace(":", "-")),
                  ("IPv4Address", device.address), ("IPv4SubnetMask", mask), ("IPv4Gateway", "0.0.0.0"), ("IPv6Address", "::"), ("IPv6Gateway", "::"),
                  ("IPv6MaskLen", 64), ("DHCP", "true"), ("AnalogChannelNum", 0), ("DigitalChannelNum", digital),
                  ("SoftwareVersion", f"{device.firmware}{device.build}"), ("DSPVersion", f"V7.3 {device.build}"),
                  ("BootTime", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(device.booted))), ("Encrypt", "true"), ("ResetAbility", "false"), ("DiskNumber", 1)]
        if device.kind != "old-camera":
            fields += [("Activated", str(not device.has("not-activated")).lower()), ("PasswordResetAbility", "true"), ("SupportHCPlatform", "true"),
                       ("HCPlatformEnable", "true" if bound else "flase")]
            if bound:
                fields += [("EZVIZRegister", "true"), ("BindStatus", "bind")]
        inner = "\n".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<ProbeMatch>{inner}\n</ProbeMatch>\n'


def scopes_of(device):
    """A device's scopes."""
    name = re.sub(r"[^A-Za-z0-9._-]", "%20", f"{device.name} {device.model}".strip())
    scopes = ["type/video_encoder", "type/Network_Video_Transmitter", "Profile/Streaming", "Profile/G", "Profile/T", f"hardware/{device.model}", f"name/{name}",
              "location/country/test"]
    if device.kind == "ptz" or device.settings.get("ptz"):
        scopes.append("type/ptz")
    return [f"onvif://www.onvif.org/{scope}" for scope in scopes]
