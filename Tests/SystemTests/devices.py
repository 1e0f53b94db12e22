"""Simulated devices (tools/device-simulator) and a box that adds them."""

import itertools
import json
import os
import select
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from datetime import timezone

from box import Box
from case import Case
from client import repository
from streams import Streams
from waiting import shorten, wait_for

ROUND = itertools.count(1)
QUICK = {"devices.capture-seconds": 3, "devices.clock-is-right": True}


def fixtures():
    """The folder of recorded answers; skips where it is absent."""
    folder = os.environ.get("GATEHOUSE_FIXTURES") or os.path.join(os.path.dirname(repository()), "shared/fixtures")
    if not os.path.isdir(os.path.join(folder, "isapi/devices")):
        raise unittest.SkipTest("GATEHOUSE_FIXTURES names no folder with recorded devices")
    return folder


class Device:
    """One simulated device."""

    def __init__(self, simulator, line):
        self.simulator, self.line = simulator, line
        for name in ("name", "kind", "address", "http", "https", "rtsp", "user", "password", "model", "serial", "mac", "channels", "firmware"):
            setattr(self, name, line[name])

    def entry(self, **more):
        """As an onboarding's request has it."""
        body = {"address": self.address, "httpPort": self.http, "port": self.rtsp, "userName": self.user, "password": self.password, **more}
        return {key: value for key, value in body.items() if value is not None}

    def stream(self, path="/Streaming/Channels/101"):
        """An RTSP URL."""
        return f"rtsp://{self.address}:{self.rtsp}{path}"

    def post(self, path, **parameters):
        """A control request about this device."""
        return self.simulator.post(path, device=self.name, **parameters)

    def event(self, **parameters):
        """Let the device tell of an event; what became of it."""
        return self.post("/event", **parameters)

    def fault(self, kind, **parameters):
        """Switch a fault on, or with none back to those of the start."""
        return self.post("/fault", kind=kind, **parameters)

    def state(self):
        """Counters and settings."""
        return self.simulator.get("/state", device=self.name)


class Watcher:
    """Somebody else who watches a device's main stream and holds a session of it."""

    def __init__(self, device):
        url = device.stream().replace("rtsp://", f"rtsp://{device.user}:{device.password}@")
        self.process = subprocess.Popen(["ffmpeg", "-v", "quiet", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-f", "null", "-progress", "pipe:1", "-"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.process.stdout.readline()  # the stream runs

    def close(self):
        """Leave."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class DeviceSimulator:
    """A device-simulator process: `arguments` as on its command line, at addresses of its own; its pictures come from `streams` if given."""

    def __init__(self, *arguments, prefix=(), addresses=None, streams=None, discovery=False, size="640x360"):
        number = next(ROUND)
        self.first = addresses or f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 200 + number}.1"
        self.command = [
            *prefix, os.path.join(repository(), "tools/device-simulator"), "--addresses", self.first, "--size", size,
            *([] if discovery else ["--no-discovery"]), *(["--rtsp", streams.url] if streams else []), *map(str, arguments)]
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 300)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.close()
            raise AssertionError(f"{' '.join(self.command)} did not become ready")
        told = json.loads(line)
        self.control = told["control"]
        self.devices = [Device(self, one) for one in told["devices"]]
        self.device = self.devices[0]
        self.named = {device.name: device for device in self.devices}

    def __getitem__(self, name):
        return self.named[name]

    def ask(self, request):
        """The answer of a control request."""
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"device simulator: {request.full_url}: {error.read()!r}") from None

    def post(self, path, **parameters):
        """A control request that changes something."""
        return self.ask(urllib.request.Request(f"{self.control}{path}?{urllib.parse.urlencode(parameters)}", method="POST", data=b""))

    def get(self, path, **parameters):
        """A control request that looks."""
        return self.ask(urllib.request.Request(f"{self.control}{path}?{urllib.parse.urlencode(parameters)}"))

    def close(self):
        """End it; its cameras end with it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class DeviceCase(Case):
    """Tests with simulated devices and a box."""

    @classmethod
    def class_devices(cls, *arguments, **more):
        """Devices for all tests of the class."""
        simulator = DeviceSimulator(*arguments, **more)
        cls.addClassCleanup(simulator.close)
        return simulator

    def devices(self, *arguments, **more):
        """Devices for this test."""
        return self.kept(DeviceSimulator(*arguments, **more))

    def many_devices(self, *arguments):
        """Devices for this test, however many, with small plain streams."""
        return self.devices(*arguments, streams=self.kept(Streams()))

    @classmethod
    def class_device_box(cls, **settings):
        """A claimed box for all tests of the class that watches streams but briefly when it adds devices."""
        box = DeviceBox(start=False, **{**QUICK, **settings})
        cls.addClassCleanup(box.clean)
        box.start().claim()
        return box

    def device_box(self, **settings):
        """Such a box for this test."""
        box = DeviceBox(start=False, **{**QUICK, **settings})
        self.addCleanup(box.clean)
        box.start().claim()
        return box


class DeviceBox(Box):
    """A box that adds devices."""

    def begin(self, *entries, **more):
        """Begin an onboarding; it."""
        return self.call("POST", "/onboardings", {"devices": list(entries), **more})

    def await_job(self, job, seconds=90):
        """Wait until an onboarding is done; its items."""
        path = f"/onboardings/{job['id']}"
        return wait_for(lambda: (lambda now: now["items"] if now["done"] else None)(self.get(path)), seconds,
                        lambda: f"the end of an onboarding: {[self.steps(one) for one in self.get(path)['items']]}")

    @staticmethod
    def steps(item):
        """An item's steps, for messages."""
        told = ", ".join(f"{step['name']} {step['state']}" for step in item["report"]["steps"])
        return f"{item['address']} {item['state']}: {told}; {item['failure']}"

    def try_devices(self, *entries, seconds=90, **more):
        """Onboard and wait; the items."""
        return self.await_job(self.begin(*entries, **more), seconds)

    def onboard(self, *devices, seconds=90, **more):
        """Onboard simulated devices, which must work; their DeviceAnswers in order."""
        items = self.try_devices(*(device.entry(**more) for device in devices), seconds=seconds)
        for item in items:
            if item["state"] != "added":
                raise AssertionError(f"a device was not added: {self.steps(item)} {shorten(item['report'], 2000)}")
        return [self.get(f"/devices/{item['deviceId']}") for item in items]

    def retry(self, item, **changes):
        """Try a failed device of an onboarding again; the item at its end."""
        self.call("POST", f"/onboardings/{item['onboardingId']}/devices/{item['index']}/retry", changes)
        return self.await_item(item)

    def await_item(self, item, seconds=60):
        """Wait until one device of an onboarding is done."""
        def look():
            now = self.get(f"/onboardings/{item['onboardingId']}")["items"][item["index"]]
            return now if now["state"] in ("added", "failed") else None
        return wait_for(look, seconds, f"the end of a trial of {item['address']}")

    def without_pictures(self, *devices):
        """Stop receiving the devices' streams, so that only their events are left."""
        for channel in (channel for device in devices for channel in device["channelIds"]):
            self.call("PATCH", f"/channels/{channel}", {"proxied": False})

    def device(self, device):
        """A device as it is now."""
        return self.get(f"/devices/{device if isinstance(device, str) else device['id']}")

    def await_events(self, device, seconds=30):
        """Wait until the device's events come."""
        def look():
            state = self.device(device)["eventsState"]
            return state and state["code"] == "ok"
        wait_for(look, seconds, lambda: f"events of {device['name']} to come: {self.device(device)['eventsState']}")

    def channels_of(self, device):
        """A device's channels, by number."""
        found = [self.channel(one) for one in device["channelIds"]]
        return {one["number"]: one for one in found}

    def events_of(self, channel, **query):
        """Events of a channel, the newest first."""
        more = "".join(f"&{key}={value}" for key, value in query.items())
        return self.everything(f"/events?channel={channel if isinstance(channel, str) else channel['id']}{more}")


class ControlCase(DeviceCase):
    """One box and some devices for all tests of a class."""

    KINDS = ()

    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.class_devices(*(part for kind in cls.KINDS for part in ("--device", kind)))
        cls.box_under_test = box = cls.class_device_box()
        cls.added = dict(zip((device.name for device in cls.simulator.devices), box.onboard(*cls.simulator.devices)))

    def call(self, method, path, body=None):
        """A request about a device or one of its channels; its JSON."""
        return self.box_under_test.call(method, path, body)

    def channel(self, name, number=1):
        """A channel's path."""
        return f"/channels/{self.box_under_test.channels_of(self.added[name])[number]['id']}"

    def device(self, name):
        """A device's path."""
        return f"/devices/{self.added[name]['id']}"

    def problem(self, method, path, body=None):
        """The problem that a request must give."""
        return self.box_under_test.client.request(method, path, body).problem()


def text_of(when):
    """A time as the API wants it."""
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
