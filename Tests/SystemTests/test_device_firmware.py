"""Firmware of devices: found in the vendor's signed catalogue, brought to one device after the other, by the API, the command and the page."""

import os
import subprocess

from box import PASSWORD, USER, binary
from browser import Browser
from client import Problem
from devices import QUICK, DeviceSimulator, DeviceBox
from page_case import PageCase
from vendor import VendorCase
from waiting import wait_for

NEWER = "V9.1.0"


class CatalogueCase(VendorCase):
    """Cameras, a recorder, and a catalogue with firmware for them."""

    KINDS = ("camera,name=door", "camera,name=yard", "nvr:2,name=shop")

    def setUp(self):
        super().setUp()
        self.simulator = DeviceSimulator(*(word for kind in self.KINDS for word in ("--device", kind)))
        self.addCleanup(self.simulator.close)
        self.begun()
        self.release("sign", self.repository, "--key", self.at("root0"))
        self.server = self.enterContext(self.served())
        self.made = DeviceBox(start=False, **{**QUICK, "http.tls": True, "firmware.source": self.server, "firmware.root": self.at("root.json")})
        self.addCleanup(self.made.clean)
        self.file = self.at("digicap.dav")
        with open(self.file, "wb") as file:
            file.write(f"SIMULATED FIRMWARE {NEWER} ".encode() + os.urandom(2_500_000))
        self.models = sorted({self.simulator[name].model for name in ("door", "yard", "shop")})
        # Publishing needs a release; a camera's firmware is one.
        self.add(NEWER)
        self.release("verify", self.repository, "--root", self.at("releases", "metadata", "1.root.json"))
        with open(self.at("releases", "metadata", "1.root.json"), "rb") as source, open(self.at("root.json"), "wb") as target:
            target.write(source.read())
        self.made.start().claim()
        self.devices = dict(zip(("door", "yard", "shop"), self.made.onboard(*(self.simulator[name] for name in ("door", "yard", "shop")))))
        for name in ("door", "yard"):
            self.made.await_picture(self.devices[name]["channelIds"][0])

    def add(self, version):
        """Firmware in the catalogue."""
        with open(self.at("notes"), "w") as file:
            file.write("Closes a hole.")
        models = [word for model in self.models for word in ("--model", model)]
        told = self.release("device", self.repository, self.file, "--make", self.make(), *models, "--version", version, "--notes", self.at("notes"), "--page", "https://example.com/firmware")
        self.release("sign", self.repository, "--key", self.at("targets"))
        self.publish("snapshot", "timestamp")
        return told.splitlines()[0]

    @staticmethod
    def make():
        """As the simulated devices say it."""
        return "Simulated"

    def items(self, answer=None):
        """The devices' firmware, by name."""
        answer = answer or self.made.get("/device-firmware")
        return {one["deviceName"]: one for one in answer["items"]}

    def name(self, device):
        """What the box calls a simulated device."""
        return self.devices[device]["name"]

    def await_end(self, device, seconds=120):
        """Its upgrade's end."""
        def look():
            upgrade = self.items()[self.name(device)]["upgrade"]
            return upgrade if upgrade["state"] in ("done", "failed") else None
        return wait_for(look, seconds, lambda: f"the upgrade's end: {self.items()[self.name(device)]}")


class DeviceFirmware(CatalogueCase):
    """By the API and the command."""

    def order(self, *devices):
        """Ask for upgrades."""
        return self.made.call("POST", "/device-firmware/upgrades", {"deviceIds": [self.devices[device]["id"] for device in devices]})

    def test_one_after_the_other(self):
        """What is newer is found; two cameras get it, never both at once; each says its new version, and has its picture."""
        found = self.items(self.made.call("POST", "/device-firmware/check"))
        self.assertEqual((found[self.name("door")]["available"]["version"], found[self.name("door")]["available"]["notes"]), (NEWER, "Closes a hole."))
        self.assertIn("Several cameras", found[self.name("shop")]["obstacle"])
        with self.assertRaises(Problem) as refused:
            self.order("door", "shop")
        self.assertEqual(refused.exception.status, 409)
        answer = self.items(self.order("door", "yard"))
        self.assertEqual({answer[self.name(name)]["upgrade"]["state"] for name in ("door", "yard")} - {"waiting", "running"}, set())
        steps, together = {"door": [], "yard": []}, 0

        def look():
            nonlocal together
            now = self.items()
            running = [name for name in steps if now[self.name(name)]["upgrade"]["state"] == "running"]
            together = max(together, len(running))
            for name in running:
                steps[name].append((now[self.name(name)]["upgrade"]["progress"] or {}).get("step"))
            return all(now[self.name(name)]["upgrade"]["state"] in ("done", "failed") for name in steps)
        wait_for(look, 180, lambda: f"both upgrades: {self.items()}; {steps}")
        for name in steps:
            item = self.items()[self.name(name)]
            self.assertEqual((item["upgrade"]["state"], item["upgrade"]["reason"], item["available"]), ("done", None, None), item)
            self.assertIn(NEWER, item["installed"])
            self.made.await_picture(self.devices[name]["channelIds"][0])
        self.assertEqual(together, 1)
        self.assertLessEqual({"installing", "restarting"}, set(steps["door"]) | set(steps["yard"]))

    def test_the_line(self):
        """What waits can be left out, what has begun cannot be stopped; meanwhile nobody upgrades another by hand; the file can be saved."""
        self.made.call("POST", "/device-firmware/check")
        self.order("yard", "door")
        places = {name: f"/device-firmware/upgrades/{self.devices[name]['id']}" for name in ("yard", "door")}
        wait_for(lambda: self.items()[self.name("yard")]["upgrade"]["state"] == "running", 20, "its turn")
        self.assertEqual(self.made.client.request("DELETE", places["door"]).status, 204)
        self.assertIsNone(self.items()[self.name("door")]["upgrade"])
        self.assertEqual(self.made.client.request("DELETE", places["yard"]).problem().slug, "conflict")
        wait_for(lambda: (self.items()[self.name("yard")]["upgrade"]["progress"] or {}).get("step") == "installing", 60, lambda: f"the device: {self.items()}")
        by_hand = self.made.client.request("POST", f"/devices/{self.devices['door']['id']}/firmware", b"SIMULATED FIRMWARE V9.9.9", {"Content-Type": "application/octet-stream"}).problem()
        self.assertEqual((by_hand.status, by_hand.slug), (409, "conflict"))
        saved = self.made.client.request("GET", places["yard"] + "/file")
        with open(self.file, "rb") as file:
            self.assertEqual((saved.status, saved.body), (200, file.read()))
        self.assertEqual(saved.headers["content-disposition"], 'attachment; filename="digicap.dav"')
        self.assertEqual(self.await_end("yard")["state"], "done")
        # What is on the device needs no room on the box.
        self.assertEqual(self.made.client.request("GET", places["yard"] + "/file").status, 404)

    def test_the_command(self):
        """It says what there is, and lets a device be upgraded by its name."""
        certificate = os.path.join(self.made.state, "tls", "certificate.pem")

        def ask(*more, expect=0):
            done = subprocess.run([binary(), "device-firmware", self.made.client.base, "--user", USER, "--certificate", certificate, *more], env={**os.environ, "GATEHOUSE_PASSWORD": PASSWORD},
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
            return done.stdout + done.stderr
        told = ask()
        self.assertIn(f"newer: {NEWER}  https://example.com/firmware", told)
        self.assertIn("Several cameras would not be recorded meanwhile.", told)
        self.assertIn("no device nowhere", ask("--upgrade", "nowhere", expect=64))
        ask("--upgrade", self.name("door"))
        self.assertEqual(self.await_end("door")["state"], "done")
        self.assertIn(f"{NEWER}: done", ask("--status"))


class PageDeviceFirmware(CatalogueCase, PageCase):
    """On the page."""

    KINDS = CatalogueCase.KINDS
    browser, overflow, failed = None, [], None

    def setUp(self):
        super().setUp()
        type(self).box_under_test = self.made
        type(self).browser = self.kept(Browser(self.made.client.base))
        self.sign_in()
        self.browser.find("watch-live")
        self.browser.open("#/box")
        self.browser.find("device-firmware-check")
        self.quiet()

    def test_an_upgrade(self):
        """It finds what is newer, asks, shows how far it is, and says at the end what the camera has."""
        page = self.browser
        page.click("device-firmware-check")
        page.await_text("Closes a hole.")
        page.await_text("Several cameras would not be recorded meanwhile.")
        page.find("device-firmware-upgrade")
        page.shoot("device-firmware-found", self.overflow, at="device-firmware")
        tick = page.all('[data-testid="device-firmware-tick"]')[1]
        tick.click()
        page.click("device-firmware-upgrade")
        page.await_text("One after the other")
        page.click("ask-confirm")
        page.await_text("Do not unplug the device.", 60)
        page.shoot("device-firmware-goes-on", self.overflow, at="device-firmware")
        page.await_text(f"It has {NEWER} since", 120)
        page.shoot("device-firmware-done", self.overflow, at="device-firmware")
        self.assertEqual(sum(one["upgrade"] is not None for one in self.items().values()), 1)
        self.done()
