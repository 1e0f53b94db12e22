"""Power cuts while a box in the field is upgraded: it runs the old release or the new one, and no clip that it accepted is lost."""

import glob
import os
import random
import subprocess
import time
import uuid

from accounts import Account
from box import launcher, updater
from client import Problem
from field_case import LOOK, NEVER, FieldCase
from stores import FaultyS3
from waiting import wait_for

POWER_CUTS = int(os.environ.get("GATEHOUSE_POWER_CUTS", "3"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "0")) or random.randrange(1, 1 << 30)
# An event's recording ends a second after it.
QUICK = {"recording.seconds-before": 1, "recording.seconds": 2, "recording.longest-seconds": 4}
# Seconds from when the upgrade is asked for, within which it is fetched, begun with and on trial.
LONGEST = 8
# What is on the disk while the updater works, one after the other: the release's folder, a file in it, its manifest, all of it, and the trial.
MOMENTS = ("slots/.{}-*.part", "slots/.{}-*.part/share/*", "manifests/{}-*", "slots/{}-*", "trial-{}-*")


class FieldPower(FieldCase):
    """A box whose releases, state and spool lie on a disk that loses what was not made durable."""

    def setUp(self):
        self.image = self.file_system(256)
        self.store = self.kept(FaultyS3())
        type(self).settings = {"state": os.path.join(self.image.path, "state"), "storage.folder": None, **QUICK}
        super().setUp()
        self.boot = self.at("boot_id")
        self.machine_starts()
        # The kernel's name of this run of the machine is another after each cut.
        machine = self.covering(self.boot, "/proc/sys/kernel/random/boot_id", self.image.path)
        self.upgraded.program = lambda: [*machine, launcher(), self.releases, "start"]

    def machine_starts(self):
        """The kernel calls this run of the machine otherwise."""
        with open(self.boot, "w") as file:
            file.write(f"{uuid.uuid4()}\n")

    def place_of_releases(self):
        """On that disk."""
        return os.path.join(self.image.path, "releases")

    def cut_power(self):
        """What was not made durable is gone, and with it the box."""
        self.image.lose_power()
        if self.upgraded.is_running():
            self.upgraded.kill()
        self.image.unmount()
        self.image.mount()
        self.machine_starts()

    def trigger(self, channel):
        """An event, if the box is there and has a picture."""
        try:
            self.upgraded.trigger(channel)
        except (Problem, OSError):
            return

    def comes_to_rest(self):
        """The box runs a release for good; its version."""
        def look():
            if not self.upgraded.is_running():
                self.upgraded.launch(self.environment)
            found = self.firmware()
            return found["version"] if found and found["phase"] == "idle" else None
        return wait_for(look, 90, lambda: f"a release that stays: {self.firmware()}; the log ends: {self.upgraded.log_end()}", every=0.2)

    def test_power_cuts(self):
        """At random moments of upgrade after upgrade."""
        print(f"seed {SEED}, {POWER_CUTS} power cuts", flush=True)
        dice = random.Random(SEED)
        box = self.begin()
        box.call("PUT", "/storage/target", self.store.target())
        channel = box.get("/channels")["items"][0]
        box.link(channel, "high")
        account, ended = Account(box, self.store), {"old": 0, "new": 0}
        for number in range(1, POWER_CUTS + 1):
            before, version = self.firmware()["version"], f"1.{number}.0"
            self.offer(version)
            self.upgrade(version)
            until = time.monotonic() + dice.uniform(0, LONGEST)
            while time.monotonic() < until:
                self.trigger(channel)
                account.sample()
                time.sleep(min(0.7, max(0, until - time.monotonic())))  # the pace of the events; nothing is proved by it
            self.cut_power()
            account.sample()
            found = self.comes_to_rest()
            self.assertIn(found, (before, version))
            ended["new" if found == version else "old"] += 1
            self.assertEqual(len(box.get("/channels")["items"]), 1)
            box.await_picture(channel["id"])
        found = account.settle()
        self.assertGreaterEqual(len(account.seen), POWER_CUTS // 2, "the cuts met too few clips to prove anything")
        print(f"{POWER_CUTS} power cuts, {ended}, {account.told(found)}", flush=True)

    test_power_cuts.limit = 120 + POWER_CUTS * 90

    def test_more_power_cuts_than_starts(self):
        """The power goes five times while a release is on trial, each time as soon as it is started: it is on trial still, and stays when it has proved itself."""
        self.environment = NEVER
        self.begin()
        self.offer("1.1.0")
        self.upgrade("1.1.0")
        for _ in range(5):
            wait_for(self.is_started, 60, lambda: f"the new release's start: {self.upgraded.log_end()}", every=0.01)
            self.cut_power()
            self.upgraded.launch(self.environment)
        wait_for(self.is_started, 60, lambda: f"the new release's start: {self.upgraded.log_end()}", every=0.01)
        self.cut_power()
        self.environment = LOOK
        self.await_version("1.1.0", phases=("idle",))
        self.assertEqual(self.last()["state"], "confirmed")

    test_more_power_cuts_than_starts.limit = 300

    def is_started(self):
        """Whether the launcher has started the new release in this run of the machine."""
        try:
            with open(os.path.join(self.releases, "starts")) as file, open(self.boot) as boot:
                slot, run, _ = file.read().split(" ")
                return slot.startswith("1.1.0-") and run == boot.read().strip()
        except FileNotFoundError:
            return False

    def bring(self):
        """Let the updater bring what is newer."""
        return subprocess.run([updater(), self.releases, "--now"], capture_output=True, text=True, timeout=120, check=False).stdout

    def bring_until(self, moment):
        """Let the updater work until something of it is seen on the disk, and cut the power then; whether it was at work still."""
        process = subprocess.Popen([updater(), self.releases, "--now"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None and not glob.glob(os.path.join(self.releases, moment)):
                pass  # what is seen is gone in a moment
            met = process.poll() is None
            self.image.lose_power()
        finally:
            process.kill()
            process.wait()
        self.image.unmount()
        self.image.mount()
        self.machine_starts()
        return met

    def test_power_cuts_under_the_updater(self):
        """At one moment after the other of its work for a box that does not run: the launcher has the old release or the new one, whole, and the next look brings it to its end."""
        box = self.begin()
        wait_for(lambda: os.path.exists(os.path.join(self.releases, "updater.json")), 10, "what the updater is told")
        ended, met = {"old": 0, "new": 0}, 0
        for number in range(1, POWER_CUTS + 1):
            before, version = self.firmware()["version"], f"1.{number}.0"
            self.offer(version)
            box.stop()
            os.sync()
            met += self.bring_until(MOMENTS[(number - 1) % len(MOMENTS)].format(version))
            told = subprocess.run([launcher(), self.releases, "status"], capture_output=True, text=True, check=True).stdout
            found = next(name for name in (before, version) if told.startswith(f"current: {name}-"))
            ended["new" if found == version else "old"] += 1
            if found == before:
                self.assertIn(f"{version} next, on trial", self.bring())
            self.assertEqual(self.comes_to_rest(), version)
            self.assertEqual((self.last()["state"], self.last()["origin"]), ("confirmed", "updater"))
            self.assertEqual(len(box.get("/channels")["items"]), 1)
        self.assertGreater(met, 0, "no cut met the updater at work")
        print(f"{POWER_CUTS} power cuts of the updater, {met} of them at its work, {ended}", flush=True)

    test_power_cuts_under_the_updater.limit = 120 + POWER_CUTS * 60
