"""Finding devices: 64 of them in a network namespace, by every way, with one that moves, one far away and one that speaks only RTSP."""

import contextlib
import ctypes
import json
import os
import subprocess
import threading
import time
import unittest

from box import binary
from devices import DeviceBox, DeviceCase, DeviceSimulator
from streams import Streams
from waiting import shorten, wait_for

COUNT, NEWNET = 64, 0x40000000
FIRST, FAR, MOVED, SILENT = "10.77.0.10", "10.78.0.2", "10.77.0.150", "10.77.0.200"


class Networks:
    """Network namespaces with a cable between them: one for the box, one for the devices, and behind that one for a device far away."""

    def __init__(self):
        self.all = self.devices, self.box, self.far = [f"gatehouse-{os.getpid()}-{name}" for name in ("devices", "box", "far")]
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def run(*command):
        """A command that must work."""
        subprocess.run(command, check=True, capture_output=True, timeout=20)

    def build(self):
        """Make them."""
        for name in self.all:
            self.run("ip", "netns", "add", name)
            self.run("ip", "-n", name, "link", "set", "lo", "up")
        self.run("ip", "-n", self.devices, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.box)
        addresses = [f"10.77.0.{number}/24" for number in (1, *range(10, 10 + COUNT))] + [f"{MOVED}/24", f"{SILENT}/24"]
        for address in addresses:
            self.run("ip", "-n", self.devices, "address", "add", address, "dev", "cable")
        self.run("ip", "-n", self.devices, "link", "add", "behind", "type", "veth", "peer", "name", "cable", "netns", self.far)
        self.run("ip", "-n", self.devices, "address", "add", "10.78.0.1/24", "dev", "behind")
        self.run("ip", "-n", self.devices, "link", "set", "behind", "up")
        self.run("ip", "-n", self.far, "address", "add", f"{FAR}/24", "dev", "cable")
        self.run("ip", "-n", self.box, "address", "add", "10.77.0.2/24", "dev", "cable")
        for name in self.all:
            self.run("ip", "-n", name, "link", "set", "cable", "up")
        self.run("ip", "netns", "exec", self.devices, "sysctl", "-q", "net.ipv4.ip_forward=1")
        self.run("ip", "-n", self.far, "route", "add", "default", "via", "10.78.0.1")
        self.run("ip", "-n", self.box, "route", "add", "10.78.0.0/24", "via", "10.77.0.1")

    def enter(self, descriptor):
        """Put this thread, and what it starts, into a namespace."""
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def stay(self, name):
        """In the namespace from now on, until close."""
        there = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self.enter(there)
        os.close(there)

    @contextlib.contextmanager
    def inside(self, name):
        """In the namespace for the length of a block."""
        before = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{name}", os.O_RDONLY)
        try:
            self.enter(there)
            yield
        finally:
            self.enter(before)
            os.close(there)
            os.close(before)

    def close(self):
        """Go home and remove them."""
        self.enter(self.home)
        os.close(self.home)
        for name in self.all:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


class Discovery(DeviceCase):
    """64 devices on one network."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid():
            cls.skip("needs root, to make network namespaces")
        try:
            cls.networks = Networks()
        except (OSError, subprocess.CalledProcessError) as error:
            cls.skip(f"network namespaces cannot be made here: {getattr(error, 'stderr', error)}")
        cls.addClassCleanup(cls.networks.close)
        with cls.networks.inside(cls.networks.devices):
            streams = Streams(554)
            cls.addClassCleanup(streams.close)
            cls.simulator = DeviceSimulator(
                "--device", "nvr:4,name=recorder", "--device", "doorbell,name=door", "--device", "onvif,name=onvif,dialect=axis",
                "--device", "camera,name=new,quirk=not-activated", "--device", "camera,name=mover", "--count", COUNT - 5,
                addresses=FIRST, streams=streams, discovery=True)
            cls.addClassCleanup(cls.simulator.close)
        with cls.networks.inside(cls.networks.far):
            cls.far = DeviceSimulator("--device", "camera,name=far", addresses=FAR, streams=streams, discovery=True)
            cls.addClassCleanup(cls.far.close)
        cls.networks.stay(cls.networks.box)
        cls.box_under_test = box = DeviceBox(start=False, **{"devices.capture-seconds": 1, "log.level": "info"})
        cls.addClassCleanup(box.clean)
        box.start().claim()

    @classmethod
    def skip(cls, reason):
        """Skip the class."""
        raise unittest.SkipTest(reason)

    def search(self, seconds=3, **more):
        """Search to the end; what was found."""
        box = self.box_under_test
        box.call("POST", "/discovery", {"seconds": seconds, **more})
        return wait_for(lambda: (lambda now: None if now["running"] else now["items"])(box.get("/discovery")), 120, "the search's end")

    def control(self, device, path, **parameters):
        """A control request to the simulator, in its namespace."""
        with self.networks.inside(self.networks.devices):
            return device.post(path, **parameters)

    def test_all_are_found(self):
        """All 64 are found once each, live, by both protocols, with make, model, serial, MAC and whether they are activated."""
        box, stream = self.box_under_test, self.kept(self.box_under_test.client.stream())
        began = time.monotonic()
        box.call("POST", "/discovery", {"seconds": 4})
        near = {device.address: device for device in self.simulator.devices}
        there = lambda: [item for item in box.get("/discovery")["items"] if item["address"] in near]
        wait_for(lambda: len(there()) >= COUNT, 20, lambda: f"{COUNT} devices; there are {len(there())}", every=0.02)
        print(f"{COUNT} devices found after {time.monotonic() - began:.2f} s", flush=True)
        items = wait_for(lambda: (lambda now: None if now["running"] else now["items"])(box.get("/discovery")), 30, "the search's end")
        found = {item["address"]: item for item in items}
        self.assertEqual(len(found), len(items), "each once")
        self.assertLessEqual(set(near), set(found))
        for address, device in near.items():
            item = found[address]
            with self.subTest(device=device.name):
                self.assertEqual(item["activated"] is not False, device.name != "new", item)
                self.assertEqual(item["identity"]["model"], device.model)
                self.assertEqual(item["httpPort"], device.http)
                if device.kind == "onvif":
                    self.assertEqual(item["ways"], ["ws-discovery"])
                else:
                    self.assertIn("sadp", item["ways"])
                    self.assertEqual((item["identity"]["macAddress"], item["identity"]["serialNumber"]), (device.mac, device.serial))
                    self.assertIn(device.firmware.split(" ")[0], item["identity"]["firmware"])
                self.assertIsNone(item["addedAs"])
        wait_for(lambda: {one["address"] for one in stream.of("discovered")} >= set(near), 5, "all devices on the page's stream")
        wait_for(lambda: any(not one["running"] for one in stream.of("discovery")), 5, "the end on the page's stream")

    def test_far_device_is_asked(self):
        """A device in another network is found when its address is asked, and not otherwise."""
        self.assertNotIn(FAR, [item["address"] for item in self.search(2)])
        item = next((item for item in self.search(3, addresses=[FAR]) if item["address"] == FAR), None)
        self.assertIsNotNone(item, "asked by its address")
        self.assertEqual(item["identity"]["model"], self.far.device.model)

    def test_sweep_finds_what_speaks_rtsp_only(self):
        """A sweep of the attached network finds a device that answers nothing but RTSP, with its share of progress."""
        items = self.search(2, sweep=True)
        item = next((item for item in items if item["address"] == SILENT), None)
        self.assertIsNotNone(item, shorten([one["address"] for one in items]))
        self.assertEqual((item["ways"], item["rtspPort"]), (["sweep"], 554))
        self.assertEqual(self.box_under_test.get("/discovery")["sweep"], 1)
        addresses = [address for one in items for address in (one["address"], *one["otherAddresses"])]
        self.assertEqual(len(addresses), len(set(addresses)), "each once")

    def test_added_and_followed(self):
        """What is added is shown as such; when it gets another address, it is found there by its identity and works on."""
        box, mover = self.box_under_test, self.simulator["mover"]
        device = box.onboard(mover, port=554)[0]
        self.addCleanup(self.control, mover, "/move", address=mover.address)
        self.addCleanup(box.call, "DELETE", f"/devices/{device['id']}")
        box.await_events(device)
        item = next(item for item in self.search(2) if mover.address in (item["address"], *item["otherAddresses"]))
        self.assertEqual(item["addedAs"], {"deviceId": device["id"], "name": device["name"]})
        self.control(mover, "/move", address=MOVED)
        began = time.monotonic()
        wait_for(lambda: box.device(device)["address"] == MOVED, 90, lambda: f"the device to be followed: {box.device(device)['state']}")
        wait_for(lambda: (box.device(device)["eventsState"] or {}).get("code") == "ok", 30, lambda: f"its events: {box.device(device)['eventsState']}")
        print(f"followed to another address after {time.monotonic() - began:.1f} s", flush=True)
        self.assertIn(MOVED, box.channel(device["channelIds"][0]) and box.device(device)["url"])
        line = next((line for line in box.log().splitlines() if MOVED in line), None)
        self.assertIsNotNone(line, "a log line that names the new address")
        box.await_picture(device["channelIds"][0])

    def test_command_line(self):
        """`gatehouse discover --json` lists them all, a JSON object a line."""
        done = subprocess.run([binary(), "discover", "--json", "--seconds", "3"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr[-500:])
        found = {one["address"]: one for one in map(json.loads, done.stdout.splitlines())}
        wanted = {device.address for device in self.simulator.devices if device.name != "mover"}
        self.assertLessEqual(wanted, set(found))
        self.assertEqual(found[self.simulator["new"].address]["activated"], False)
        text = subprocess.run([binary(), "discover", "--seconds", "2"], capture_output=True, text=True, timeout=60).stdout
        self.assertIn(self.simulator["recorder"].model, text)
