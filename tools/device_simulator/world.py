"""All devices together: builds them, opens and closes them, and carries out what concerns more than one protocol."""

import asyncio
import functools
import ipaddress
import os
import ssl
import subprocess
import tempfile
import time

from . import models, quirks, replay
from .alertstream import AlertStreams
from .authentication import Gate
from .backchannel import TRACKS, BackchannelServer
from .device import MODELS, Device
from .events import Hub
from .isapi import Isapi, linked
from .isapi_answers import status
from .media import Cameras, Media
from .onvif import Onvif
from .ptz import Head
from .recordings import Recordings
from .replaying import ReplayServer
from .web import Response, Site


def settings_of(text):
    """"camera,name=front,quirk=a+b:5" or "nvr:4,..." as kind, channels, settings."""
    kind, *pairs = text.split(",")
    kind, _, channels = kind.partition(":")
    settings = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals and key in ("ptz", "metadata"):
            value = "1"
        elif not equals:
            raise ValueError(f"{pair!r} is not key=value")
        settings[key] = value
    known = {"name", "quirk", "user", "password", "zone", "dialect", "download", "ptz", "model", "serial", "mac", "metadata", "recordings", "speaker", "backchannel"}
    if settings.keys() - known:
        raise ValueError(f"unknown: {', '.join(sorted(settings.keys() - known))}; known: {', '.join(sorted(known))}")
    if settings.get("backchannel", "PCMU") not in TRACKS:
        raise ValueError(f"backchannel is one of {', '.join(TRACKS)}")
    return kind, channels, settings


class World:
    """The devices and what they share."""

    def __init__(self, options):
        self.options = options
        self.devices, self.sites, self.handlers, self.servers = [], {}, {}, {}
        self.media, self.cameras = Media(options.codec), Cameras(options)
        self.certificate = None
        self.discovery = None
        self.serving = asyncio.Event()
        self.build()

    def build(self):
        """Make all devices."""
        first = ipaddress.ip_address(self.options.addresses)
        wanted = [("device", text) for text in self.options.device] + [("fixture", text) for text in self.options.fixture]
        wanted += [("device", "camera")] * self.options.count
        for index, (source, text) in enumerate(wanted or [("device", "camera")]):
            number, address = index + 1, str(first + index)
            kind, channels, settings = settings_of(text)
            documents = statuses = None
            if source == "fixture":
                device, documents, statuses = replay.load(kind + (f":{channels}" if channels else ""), number, address, self.options, settings)
            elif kind in MODELS:
                device = Device(number, kind, address, self.options, channels, settings)
            else:
                raise ValueError(f"unknown kind {kind!r}; known: {', '.join(MODELS)}")
            device.http, device.https = self.options.http_port, self.options.https_port
            device.ready_documents, device.ready_statuses, device.cameras = documents, statuses, self.cameras
            self.devices.append(device)
        names = [device.name for device in self.devices]
        if len(set(names)) < len(names):
            raise ValueError("two devices have the same name")

    def named(self, name):
        """The device of a name (or address); ValueError when there is none."""
        for device in self.devices:
            if name in (device.name, device.address):
                return device
        raise ValueError(f"there is no device {name!r}; there are: {', '.join(device.name for device in self.devices)}")

    def start_media(self):
        """Have RTSP served."""
        if self.options.no_rtsp:
            return
        if self.options.rtsp:
            self.cameras.use(self.devices, self.options.rtsp)
        else:
            self.cameras.start(self.devices, self.options.rtsp_port)

    async def open(self):
        """Build the devices' protocols and listen."""
        if any("onvif" in device.protocols for device in self.devices):
            # Whoever plays a recording must not wait for the first encoding of it.
            await self.media.film()
        if self.options.https_port:
            self.certificate = self_signed()
        for device in self.devices:
            if device.protocols:
                self.handlers[device] = self.handler(device)
                self.sites[device] = Site(device, self.handlers[device], device.http, self.certificate, device.https)
        for device in self.devices:
            if device.has("stop"):
                self.cameras.tell_soon(device, "stop")
            elif device in self.sites:
                await self.listen(device)
            self.endpoint_limits(device)

    def handler(self, device):
        """What answers a device's requests."""
        gate, hub, head, recordings = Gate(device), Hub(device), Head(), Recordings(device)
        alerts = AlertStreams(device, hub, lambda channel: self.media.picture(device, channel))
        parts = (gate, hub, head, recordings, alerts, self.media)
        isapi = onvif = None
        if "isapi" in device.protocols:
            documents = device.ready_documents or linked(models.documents(device))
            isapi = Isapi(device, documents, parts, self)
            isapi.statuses = device.ready_statuses or {}
        if "onvif" in device.protocols:
            onvif = Onvif(device, parts, self)
            self.servers[device] = {"replay": ReplayServer(device, gate, recordings, self.media)}
            if "backchannel" in device.settings:
                self.servers[device]["backchannel"] = BackchannelServer(device, gate)
        device.parts = {"sign_ins": gate, "events": hub, "ptz": head, "recordings": recordings, "alert_streams": alerts}
        device.parts.update({name: part for name, part in (("isapi", isapi), ("onvif", onvif), *self.servers.get(device, {}).items()) if part})

        async def answer(request):
            """Answer a request of any protocol."""
            if device.quirk("busy", request.path) is not None:
                response = status(request.path, "deviceBusy")
                response.headers.append(("Retry-After", "5"))
                return response
            if onvif and request.path.startswith("/onvif/"):
                return await onvif.answer(request)
            if isapi and request.path.split("/")[1] in ("ISAPI", "PSIA", "SDK"):
                return await isapi.answer(request)
            if request.path.startswith(("/picture/", "/onvif-http/snapshot")):
                return gate.check(request) or Response(200, await self.media.picture(device, 1), kind="image/jpeg")
            return Response(404, b"<html><body>404 Not Found</body></html>\n", kind="text/html")

        return answer

    def later(self, seconds, function):
        """Call a function after some time."""
        asyncio.get_running_loop().call_later(seconds, function)

    async def go(self, device):
        """The device leaves the network."""
        device.parts["alert_streams"].end_all() if "alert_streams" in device.parts else None
        await asyncio.sleep(0.05)  # final boundaries get out
        if device in self.sites:
            self.sites[device].close()
        for server in self.servers.get(device, {}).values():
            server.close()

    async def listen(self, device):
        """A device's own servers take connections."""
        await self.sites[device].open()
        for server in self.servers.get(device, {}).values():
            await server.open()

    async def come(self, device):
        """The device is back."""
        if device in self.sites and not device.has("stop") and time.time() >= device.away_until:
            await self.listen(device)

    def reboot(self, device, seconds=None, before_return=None):
        """The device goes away for some seconds and forgets what is not kept."""
        async def run():
            seconds_away = float(seconds or self.options.reboot_seconds)
            device.away_until = time.time() + seconds_away
            self.cameras.tell_soon(device, "stop")
            await asyncio.sleep(0.2)  # the answer gets out
            for part in device.parts.values():
                for forget in ("forget", "stop"):
                    if hasattr(part, forget):
                        getattr(part, forget)()
            await self.go(device)
            await asyncio.sleep(seconds_away)
            device.away_until = 0.0
            device.boots, device.booted = device.boots + 1, time.time()
            if before_return:
                before_return()
            if not device.has("stop"):
                self.cameras.tell_soon(device, "open")
            await self.come(device)

        self.run(device, run())

    def run(self, device, coroutine):
        """Keep a task until it is done."""
        task = asyncio.get_running_loop().create_task(coroutine)
        device.tasks.add(task)
        task.add_done_callback(device.tasks.discard)
        return task

    def set_password(self, device, password):
        """The device has another password."""
        device.password = password
        tell = functools.partial(self.cameras.tell_soon, device, "password", user=device.user, value=password)
        late = device.quirk("late-streams")
        asyncio.get_running_loop().call_later(late["seconds"], tell) if late else tell()

    async def fault(self, device, kind, given):
        """Switch a fault on; "none" returns to the quirks the device began with (all=1: to none), or drops the one in `of`."""
        was_stopped = device.has("stop")
        if kind == "none":
            only, everything = given.pop("of", None), given.pop("all", None)
            if given:
                raise ValueError("none takes only: of, all")
            if only:
                device.faults.pop(only, None)
            else:
                device.faults = {} if everything else {name: dict(parameters) for name, parameters in device.lasting.items()}
        else:
            device.faults[kind] = quirks.checked(kind, given)
        if device.has("stop") and not was_stopped:
            self.cameras.tell_soon(device, "stop")
            await self.go(device)
        elif was_stopped and not device.has("stop"):
            self.cameras.tell_soon(device, "open")
            await self.come(device)
        self.endpoint_limits(device)

    def endpoint_limits(self, device):
        """Tell RTSP how many sessions the device takes, and whether its password is right."""
        limit = device.quirk("too-many-sessions")
        known = device.settings.get("rtsp-limit", "none")
        wanted = str(limit["most"]) if limit is not None else "none"
        if known != wanted:
            device.settings["rtsp-limit"] = wanted
            self.cameras.tell_soon(device, "sessions", most=limit["most"] if limit is not None else -1)

    async def move(self, device, address):
        """The device answers at another address from now on."""
        ipaddress.ip_address(address)
        if any(other is not device and other.address == address for other in self.devices):
            raise ValueError(f"{address} is taken")
        await self.go(device)
        self.cameras.tell(device, "remove") if self.cameras.control else None
        device.address = address
        if self.cameras.control:
            self.cameras.tell(device, "add", user=device.user, value=device.password)
        isapi = device.parts.get("isapi")
        node = isapi.documents.get("System/Network/interfaces/1/ipAddress") if isapi else None
        if node is not None:
            node.put("ipAddress", address)
        await self.come(device)


def self_signed():
    """A TLS context with a certificate made now."""
    with tempfile.TemporaryDirectory() as directory:
        key, certificate = os.path.join(directory, "key.pem"), os.path.join(directory, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "3650", "-subj", "/CN=device"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
