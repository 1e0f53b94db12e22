"""Power cuts while a box in the field is upgraded: it runs the old release or the new one, and no clip that it accepted is lost."""

import os
import random
import subprocess
import time

from accounts import Account
from box import launcher, updater
from client import Problem
from field_case import FieldCase
from stores import FaultyS3
from waiting import wait_for

POWER_CUTS = int(os.environ.get("GATEHOUSE_POWER_CUTS", "3"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "0")) or random.randrange(1, 1 << 30)
# An event's recording ends a second after it.
QUICK = {"recording.seconds-before": 1, "recording.seconds": 2, "recording.longest-seconds": 4}
# Seconds from when the upgrade is asked for, within which it is fetched, begun with and on trial.
LONGEST = 8
# Seconds in which the updater, left alone, has brought the release.
LONGEST_OF_UPDATER = 0.2


class FieldPower(FieldCase):
    """A box whose releases, state and spool lie on a disk that loses what was not made durable."""

    def setUp(self):
        self.image = self.file_system(256)
        self.store = self.kept(FaultyS3())
        type(self).settings = {"state": os.path.join(self.image.path, "state"), "storage.folder": None, **QUICK}
        super().setUp()

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

    def bring(self):
        """The updater, told to bring what is newer."""
        return subprocess.Popen([updater(), self.releases, "--now"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_power_cuts_under_the_updater(self):
        """At random moments of its work for a box that does not run: the launcher has the old release or the new one, whole, and the next look brings it to its end."""
        print(f"seed {SEED}, {POWER_CUTS} power cuts", flush=True)
        dice = random.Random(SEED)
        box = self.begin()
        wait_for(lambda: os.path.exists(os.path.join(self.releases, "updater.json")), 10, "what the updater is told")
        ended = {"old": 0, "new": 0}
        for number in range(1, POWER_CUTS + 1):
            before, version = self.firmware()["version"], f"1.{number}.0"
            self.offer(version)
            box.stop()
            os.sync()
            process = self.bring()
            try:
                process.wait(dice.uniform(0, LONGEST_OF_UPDATER))
            except subprocess.TimeoutExpired:
                pass  # the power goes in the midst of it
            self.image.lose_power()
            process.kill()
            process.communicate()
            self.image.unmount()
            self.image.mount()
            told = subprocess.run([launcher(), self.releases, "status"], capture_output=True, text=True, check=True).stdout
            found = next(name for name in (before, version) if told.startswith(f"current: {name}-"))
            ended["new" if found == version else "old"] += 1
            if found == before:
                process = self.bring()
                self.assertIn(f"{version} next, on trial", process.communicate(timeout=60)[0])
            self.assertEqual(self.comes_to_rest(), version)
            self.assertEqual((self.last()["state"], self.last()["origin"]), ("confirmed", "updater"))
            self.assertEqual(len(box.get("/channels")["items"]), 1)
        print(f"{POWER_CUTS} power cuts of the updater, {ended}", flush=True)

    test_power_cuts_under_the_updater.limit = 120 + POWER_CUTS * 60
