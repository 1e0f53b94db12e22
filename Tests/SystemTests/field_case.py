"""A box in the field and the vendor of its program: the launcher starts the box, and a server has releases for it."""

import os
import subprocess

from box import binary, launcher
from case import Case
from client import Problem
from ports import free_port
from vendor import VendorCase
from waiting import wait_for

FILLER = 3_000_000  # bytes of a release that stay the same
# A box that is busy with its start needs some seconds for its camera; the gate waits for it for five looks.
LOOK = {"GATEHOUSE_TRIAL_LOOK_MILLISECONDS": "1500"}
NEVER = {"GATEHOUSE_TRIAL_LOOK_MILLISECONDS": "600000"}
GOOD = 'exec {binary} "$@"'
# The program of the first release: that of an earlier commit, where somebody has one.
BEFORE = os.environ.get("GATEHOUSE_BINARY_BEFORE") or binary()


class FieldCase(VendorCase, Case):
    """One camera, one box that the launcher starts, and releases that are small scripts around the program under test."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cameras = cls.class_small_cameras()

    def setUp(self):
        super().setUp()
        self.script = GOOD
        self.begun()
        self.release("sign", self.repository, "--key", self.at("root0"))
        self.built("1.0.0", "--architecture", self.architecture())
        self.publish("snapshot", "timestamp")
        self.releases = self.place_of_releases()
        self.root = self.at("releases", "metadata", "1.root.json")
        self.release("install", self.repository, self.path("1.0.0"), self.releases, "--root", self.root)
        self.server = self.enterContext(self.served())
        self.upgraded = self.box(
            start=False, program=lambda: [launcher(), self.releases, "start"], http__port=free_port(), firmware__source=self.server, **self.settings)
        self.environment = LOOK

    def place_of_releases(self):
        """The launcher's folder."""
        return self.at("box")

    @staticmethod
    def architecture():
        """As Debian calls it."""
        return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()

    def path(self, version):
        """Of a release's manifest."""
        return f"gatehouse/{self.architecture()}/{version}.json"

    def files(self, version):
        """A script, and something that no release changes."""
        place = self.at(f"files-{version}")
        os.makedirs(os.path.join(place, "bin"))
        os.makedirs(os.path.join(place, "share"))
        with open(os.path.join(place, "bin", "gatehouse"), "w") as file:
            file.write(f"#!/bin/sh\n# {version}\n{self.script.replace('{binary}', BEFORE if version == '1.0.0' else binary())}\n")
        os.chmod(os.path.join(place, "bin", "gatehouse"), 0o755)
        with open(os.path.join(place, "share", "filler"), "wb") as file:
            file.write(bytes(range(250)) * (FILLER // 250))
        with open(os.path.join(place, "share", "version"), "w") as file:
            file.write(version)
        return place

    def offer(self, version, script=GOOD, *options):
        """A release for this box."""
        self.script = script
        notes = self.at(f"notes-{version}")
        with open(notes, "w") as file:
            file.write(f"What is new in {version}.")
        self.built(version, "--architecture", self.architecture(), "--notes", notes, *options)
        self.publish("snapshot", "timestamp")

    def begin(self):
        """The box with its camera's picture."""
        box = self.upgraded.start(self.environment)
        box.claim()
        camera = box.add_camera(self.cameras.cameras[0])
        box.await_picture(camera["id"])
        return box

    def firmware(self):
        """As the API has it; None while the box is away."""
        try:
            return self.upgraded.get("/firmware")
        except (Problem, OSError):
            return None

    def upgrade(self, version):
        """Let the box take a release, to the moment in which it ends."""
        wait_for(lambda: (self.firmware() or {}).get("phase") == "idle", 30, lambda: f"a box that can be upgraded: {self.upgraded.log_end()}")
        found = self.upgraded.call("POST", "/firmware/check")
        self.assertEqual((found["available"] or {}).get("version"), version, found)
        self.assertEqual(self.upgraded.call("POST", "/firmware/upgrade", {"version": version})["phase"], "fetching")
        return found["available"]

    def await_version(self, version, phases=("trial", "idle"), seconds=60):
        """Until the box runs it; as systemd does, whatever ends is started again."""
        ends = []

        def look():
            if not self.upgraded.is_running():
                ends.append(self.upgraded.process.returncode)
                self.upgraded.launch(self.environment)
            found = self.firmware()
            return found if found and found["version"] == version and found["phase"] in phases else None
        return wait_for(look, seconds, lambda: f"version {version}; {self.firmware()}; it ended with {ends}; the log ends: {self.upgraded.log_end()}", every=0.2)

    def last(self):
        """What became of the last upgrade."""
        return self.upgraded.get("/firmware/history")["items"][0]
