"""The command line for devices: `gatehouse device probe|events|ptz|time|recordings`."""

import os
import subprocess
import threading

from box import binary
from devices import DeviceCase
from footage import Footage
from ports import free_port
from waiting import wait_for


class Commands(DeviceCase):
    """Commands against simulated devices."""

    @classmethod
    def setUpClass(cls):
        cls.simulator = cls.class_devices("--device", "ptz,name=dome", "--device", "nvr:2,name=recorder", "--device", "onvif,name=onvif,dialect=axis")

    def command(self, name, device, *arguments, password=None, expect=0):
        """What a command prints."""
        done = subprocess.run([binary(), "device", name, f"{device.address}:{device.http}", "--rtsp-port", str(device.rtsp), *arguments], text=True,
                              capture_output=True, timeout=60, env={**os.environ, "GATEHOUSE_DEVICE_PASSWORD": password or device.password})
        self.assertEqual(done.returncode, expect, f"{name} {arguments}: {done.stdout[-400:]} {done.stderr[-800:]}")
        self.assertNotIn(device.password, done.stdout + done.stderr)
        return done.stdout if expect == 0 else done.stdout + done.stderr

    def test_probe(self):
        """`probe` shows identity, channels, streams and abilities."""
        for device in self.simulator.devices:
            with self.subTest(device=device.name):
                told = self.command("probe", device)
                for part in (device.model, device.serial, device.mac, device.firmware.split(" ")[0], "H264", "rtsp://"):
                    self.assertIn(part, told)
                self.assertEqual(told.count("\nchannel "), device.channels)
        self.assertIn("pan", self.command("probe", self.simulator["dome"]))
        self.assertIn("driver: onvif", self.command("probe", self.simulator["dome"], "--driver", "onvif"))
        self.assertIn("password", self.command("probe", self.simulator["onvif"], password="wrong-2026", expect=1).lower())

    def test_wrong_arguments(self):
        """Senseless arguments end with 64 and a sentence; an address without a device with 1."""
        device = self.simulator.device
        for arguments in (("probe", "--driver", "zebra"), ("ptz", "--pan", "2"), ("recordings", "--from", "yesterday"), ("ptz", "--channel", "77")):
            with self.subTest(arguments=arguments):
                done = subprocess.run([binary(), "device", arguments[0], f"{device.address}:{device.http}", *arguments[1:]], text=True, capture_output=True,
                                      timeout=60, env={**os.environ, "GATEHOUSE_DEVICE_PASSWORD": device.password})
                self.assertEqual(done.returncode, 64, done.stderr)
                self.assertNotIn("Fatal error", done.stderr)
        done = subprocess.run([binary(), "device", "probe", f"127.0.0.1:{free_port()}", "--password", "x", "--rtsp-port", str(free_port())],
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("Give the port behind the address", done.stdout + done.stderr)

    def test_events(self):
        """`events` prints events as they come: type, phase, channel, region, target."""
        for name, kind, word in (("dome", "linedetection", "line-crossing"), ("recorder", "linedetection", "line-crossing"), ("onvif", "VMD", "motion")):
            with self.subTest(device=name):
                device = self.simulator[name]
                process = subprocess.Popen([binary(), "device", "events", f"{device.address}:{device.http}", "--seconds", "30"], text=True,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "GATEHOUSE_DEVICE_PASSWORD": device.password})
                lines = []
                reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")), daemon=True)
                reader.start()
                try:
                    self.assertIn("Listening", process.stderr.readline())
                    device.event(type=kind, channel=2 if name == "recorder" else 1, region="3", target="vehicle", seconds=1)
                    wait_for(lambda: any(f" {word} active" in line for line in lines), 15, lambda: f"the event: {lines}")
                    if name == "recorder":
                        self.assertTrue(any("channel 2 region 3 vehicle" in line for line in lines), lines)
                    if name == "dome":
                        wait_for(lambda: any(f" {word} inactive" in line for line in lines), 15, lambda: f"its end: {lines}")
                finally:
                    process.kill()
                    process.wait()
                    reader.join(5)
                    process.stdout.close()
                    process.stderr.close()

    def test_lens(self):
        """`ptz` lists presets, moves for a moment and stops, and calls a preset."""
        device = self.simulator["dome"]
        self.assertRegex(self.command("ptz", device), r"(?m)^1  Gate$")
        before = device.state()["ptz"]
        self.command("ptz", device, "--pan", "0.5", "--seconds", "0.3")
        after = device.state()["ptz"]
        self.assertEqual((after["moving"], after["starts"]), (False, before["starts"] + 1))
        self.assertGreater(after["position"][0], before["position"][0])
        self.command("ptz", device, "--preset", "2")

    def test_time(self):
        """`time` shows how far the clock is off, and sets it."""
        for name in ("dome", "onvif"):
            with self.subTest(device=name):
                device = self.simulator[name]
                device.post("/clock", seconds=-7200)
                told = self.command("time", device)
                self.assertRegex(told, r"offset: -7[,.]?(201|200|199)", "whole seconds, cut off")
                told = self.command("time", device, "--set", "--zone", "Europe/Rome")
                self.assertRegex(told, r"offset: -?[01](\.\d+)? s")

    def test_recordings(self):
        """`recordings` lists footage and saves a piece of it."""
        device, path = self.simulator["recorder"], os.path.join(self.folder(), "piece.mp4")
        told = self.command("recordings", device, "--channel", "2", "--save", path)
        self.assertGreater(len(told.splitlines()), 20)
        self.assertRegex(told, r"(?m)^20\d\d-.*Z  20\d\d-.*Z  timed")
        footage = Footage(path)
        self.assertEqual(footage.errors(), "")
        self.assertGreater(footage.length(), 5)
