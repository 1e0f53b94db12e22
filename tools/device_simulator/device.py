"""One simulated device: who it is, its clock, its faults, its counters. Protocols work on it."""

import datetime
import hashlib
import re
import time

from . import quirks

MODELS = {
    "camera": ("DS-2CD9946G9-IS", "IPCamera", "V5.7.12", "build 230416", 1),
    "old-camera": ("DS-2CD9032F-I", "IPCamera", "V5.2.5", "build 141201", 1),
    "ptz": ("DS-2DE9425IW-DE", "IPDome", "V5.7.1", "build 220304", 1),
    "thermal": ("DS-2TD9628-3", "IPCamera", "V5.5.40", "build 210716", 2),
    "nvr": ("DS-9616NI-S2", "NVR", "V4.62.210", "build 230721", 8),
    "doorbell": ("DS-KV9113-WME", "DoorStation", "V2.2.53", "build 230308", 1),
    "onvif": ("SIM-4000", "NetworkVideoTransmitter", "1.4.2", "build 2301", 1),
    "rtsp": ("", "", "", "", 1),
}
STANDARD_QUIRKS = {"old-camera": "repeats+psia-namespace+protocol-type", "thermal": "two-channels", "nvr": "dynamic-channel+no-inactive"}
RECORDING_CLOCK = "%Y-%m-%dT%H:%M:%SZ"


class Device:
    """A device. Its protocols keep their state in `parts`, each under its own name."""

    def __init__(self, number, kind, address, options, channels=None, settings=None):
        model, self.type, self.firmware, self.build, usual = MODELS[kind]
        self.settings = settings or {}
        self.number, self.kind, self.address, self.options = number, kind, address, options
        self.name = self.settings.get("name") or f"{kind}{number}"
        self.channels = int(channels or usual)
        self.user = self.settings.get("user", options.user)
        self.password = self.first_password = self.settings.get("password", options.password)
        self.model = self.settings.get("model", model)
        digest = hashlib.sha256(f"{self.name} {number}".encode()).hexdigest()
        self.serial = self.settings.get("serial", f"{self.model}2023{int(digest[:4], 16) % 1200:04}AAWR{int(digest[4:12], 16) % 10**9:09}")
        self.mac = self.settings.get("mac", "02:" + ":".join(digest[at:at + 2] for at in range(12, 22, 2)))
        self.uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{self.mac.replace(':', '')}"
        self.zone = datetime.timedelta(hours=float(self.settings.get("zone", 1)))
        self.fixture = None
        self.http = self.https = None
        self.rtsp_port = None
        self.parts, self.tasks = {}, set()
        self.clock_offset = 0.0
        self.lasting = quirks.from_text("+".join(filter(None, [STANDARD_QUIRKS.get(kind, ""), self.settings.get("quirk", "")])))
        self.faults = {name: dict(parameters) for name, parameters in self.lasting.items()}
        self.away_until = 0.0
        self.boots, self.booted = 1, time.time()
        self.counts = {"requests": 0, "isapi": 0, "onvif": 0, "alert_streams_opened": 0, "events_sent": 0, "events_delivered": 0,
                       "downloads": 0, "pictures": 0, "searches": 0}
        self.active = self.most_active = 0
        self.requests = {}  # "GET /path" -> how often
        self.connections = set()

    @property
    def protocols(self):
        """What the device speaks besides RTSP."""
        if self.kind == "rtsp":
            return ()
        if self.kind == "onvif":
            return ("onvif",)
        return ("isapi",) if self.fixture else ("isapi", "onvif")

    @property
    def base(self):
        """The device's HTTP address."""
        return f"http://{self.address}" + ("" if self.http == 80 else f":{self.http}")

    def quirk(self, name, path=None):
        """The parameters of a quirk or fault that is on, or None."""
        parameters = self.faults.get(name)
        if parameters is None or (path is not None and parameters.get("path", "") not in path):
            return None
        return parameters

    def has(self, name):
        """Whether a quirk or fault is on."""
        return name in self.faults

    def utc(self):
        """The device's clock, in UTC."""
        skew = self.faults.get("clock-skew", {}).get("seconds", 0)
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.clock_offset + skew)

    def offset(self):
        """The device's zone."""
        return datetime.timedelta(hours=-6) if self.has("six-digit-zone") else self.zone

    def local(self):
        """The device's clock on its wall."""
        return self.utc().astimezone(datetime.timezone(self.offset()))

    def stamp(self, moment=None):
        """A time as ISAPI writes it."""
        text = (moment or self.local()).isoformat(timespec="seconds")
        return re.sub(r"-0(\d:\d\d)$", r"-\1", text) if self.has("six-digit-zone") else text

    def posix_zone(self):
        """The zone as ISAPI's Time writes it: the sign is the other way round."""
        seconds = -int(self.zone.total_seconds())
        hours, rest = divmod(abs(seconds), 3600)
        return f"CST{'-' if seconds < 0 else '+'}{hours}:{rest // 60:02}:00"

    def set_clock(self, moment):
        """Set the device's clock."""
        self.clock_offset = (moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()

    def count(self, request):
        """Count a request that begins."""
        self.counts["requests"] += 1
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        if len(self.requests) < 2000:
            key = f"{request.method} {request.path}"
            self.requests[key] = self.requests.get(key, 0) + 1

    def description(self):
        """What the ready line says."""
        web = self.kind != "rtsp"
        return {"name": self.name, "kind": self.kind, "address": self.address, "http": self.http if web else None,
                "https": self.https if web else None, "rtsp": self.rtsp_port, "user": self.user, "password": self.password,
                "model": self.model, "serial": self.serial, "mac": self.mac, "channels": self.channels,
                "protocols": list(self.protocols), "uuid": self.uuid, "firmware": self.firmware}

    def state(self):
        """The device's part of GET /state."""
        shown = self.description()
        shown.update(counts=self.counts, active_requests=self.active, most_concurrent_requests=self.most_active,
                     connections=len(self.connections), faults=self.faults, boots=self.boots, booted=self.booted,
                     away=time.time() < self.away_until, time=self.utc().isoformat(), zone=self.posix_zone())
        for name, part in self.parts.items():
            if hasattr(part, "state"):
                shown[name] = part.state()
        return shown
