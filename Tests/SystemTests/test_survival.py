"""What must survive: kill -9 at any moment, at each durable step, power cuts, a lost database."""

import os
import random
import signal
import time

from accounts import Account
from case import Case
from client import Problem
from stores import FaultyS3, Folder
from waiting import wait_for

KILLS = int(os.environ.get("GATEHOUSE_KILLS", "30"))
CRASHES = int(os.environ.get("GATEHOUSE_CRASHES", "1"))
POWER_CUTS = int(os.environ.get("GATEHOUSE_POWER_CUTS", "10"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "0")) or random.randrange(1, 1 << 30)
CRASH_POINTS = tuple(os.environ["GATEHOUSE_CRASH_POINTS"].split(",")) if "GATEHOUSE_CRASH_POINTS" in os.environ else (
    "durable-file.written", "durable-file.renamed", "capture.source-durable", "capture.manifest-durable", "ready.files-durable",
    "ready.manifest-durable", "upload.put", "upload.verified", "upload.row-stored")
# An event's recording ends a second after it; three seconds of it are before.
QUICK = {"recording.seconds-before": 3, "recording.seconds": 4, "recording.longest-seconds": 6, "worker.processes": 2}


class SurvivalCase(Case):
    """Small cameras of which some are copied and some transcoded, and a store that takes down every PUT."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(4).cameras

    def fitted(self, cameras, store=None, **settings):
        """A claimed box with these cameras linked: every second one is scaled down, so that a worker must encode it."""
        box = self.box(**{**QUICK, **settings})
        box.claim()
        if store:
            box.call("PUT", "/storage/target", store.target())
        box.channels = []
        for number, camera in enumerate(cameras):
            channel = box.add_camera(camera)
            if number % 2:
                box.link(channel, "custom", resolution="CIF", bitRate=160000)
            else:
                box.link(channel, "high")
            box.channels.append(channel)
        return box

    @staticmethod
    def trigger_some(box):
        """Make an event on each channel that has its picture; whether there was one."""
        made = 0
        for channel in box.channels:
            try:
                box.trigger(channel)
                made += 1
            except Problem as problem:
                if problem.status != 409:  # no picture yet
                    raise
        return made

    def play_until(self, box, store, dice):
        """Make events until a random moment, with a store that is slow, drops answers or is busy as the dice fall."""
        store.delay = dice.choice((0, 0.2, 0.6))
        store.fault(dice.choice((None, None, None, "commit-drop", "503")))
        moment = time.monotonic() + dice.choice((0.5, 2, 4)) * (0.3 + dice.random())
        while True:
            self.trigger_some(box)
            rest = moment - time.monotonic()
            if rest <= 0:
                return
            time.sleep(min(rest, 1.3))  # the pace of the events; nothing is proved by it

    def last_events(self, box, store):
        """The store is good again, and each channel has one more event."""
        store.delay = 0
        store.fault(None)
        wait_for(lambda: self.trigger_some(box) == len(box.channels), 30, "events on all channels after the last start")


class Kills(SurvivalCase):
    """kill -9."""

    def test_killed_at_random(self):
        """Every accepted clip ends up in the store exactly once, with its SHA-256, however often the box is killed and whenever."""
        print(f"seed {SEED}, {KILLS} kills", flush=True)
        dice, store = random.Random(SEED), self.kept(FaultyS3())
        box = self.fitted(self.cameras[:3], store)
        account = Account(box, store)
        box.await_picture(*box.channels)
        for _ in range(KILLS):
            self.play_until(box, store, dice)
            box.kill()
            account.sample()
            box.start()
        self.last_events(box, store)
        found = account.settle()
        print(f"{KILLS} kills, {account.told(found)}", flush=True)
        self.assertGreaterEqual(len(account.seen), KILLS // 4, "the kills met too few clips to prove anything")

    test_killed_at_random.limit = 60 + KILLS * 6

    def test_each_durable_step(self):
        """Killed at each named durable step the box goes on with the clip: it is stored once, or was never accepted."""
        for start in range(0, len(CRASH_POINTS), 3):
            batch = []
            for index, point in enumerate(CRASH_POINTS[start:start + 3]):
                box = self.fitted([self.cameras[index], self.cameras[index + 1]] if index % 2 else [self.cameras[index]])
                box.stop()
                batch.append((point, box, Account(box, Folder(box.store))))
            for turn in range(CRASHES):
                for point, box, _ in batch:
                    # A clip writes several files of that kind.
                    passing = 1 + turn % 4 if point.startswith("durable-file") else 1
                    box.launch({"GATEHOUSE_CRASH_AT": f"{point}:{passing}"})
                self.each(batch, self.lead_to_the_crash, self.crash)
            self.each(batch, self.recover)

    test_each_durable_step.limit = 60 + CRASHES * 60

    def each(self, batch, *steps):
        """Take steps with the boxes of a batch, all boxes at each step."""
        for step in steps:
            for point, box, account in batch:
                with self.subTest(point=point):
                    step(point, box, account)

    def lead_to_the_crash(self, _point, box, _account):
        """Make events on a box with a crash point."""
        try:
            box.await_ready()
            box.await_picture(*box.channels)
            self.trigger_some(box)
        except (AssertionError, OSError) as error:  # unless it just met its crash point
            wait_for(lambda: not box.is_running(), 2, f"the crash, or no {type(error).__name__}: {error}")

    def crash(self, point, box, account):
        """It ends by its own hand; take down what it had accepted."""
        status = box.await_death(40, f"the crash at {point}")
        self.assertEqual(status, -signal.SIGKILL, f"the box ended otherwise than by its crash point: {box.log_end()}")
        account.sample()

    def recover(self, point, box, account):
        """It goes on with what was accepted."""
        box.start()
        found = account.settle()
        if CRASHES > 1:
            print(f"{CRASHES} kills at {point}, {account.told(found)}", flush=True)
        if not point.startswith(("durable-file", "capture.source")):
            self.assertTrue(found, "a clip was to be accepted before this point")

    def test_database_deleted(self):
        """The clip directories are the truth: with the database gone, the accepted clips still reach the store once."""
        store = self.kept(FaultyS3())
        store.fault("refuse")
        box = self.fitted(self.cameras[:2], store, storage__folder=None)
        account = Account(box, store)
        box.await_picture(*box.channels)
        self.trigger_some(box)
        wait_for(lambda: account.sample() == 2, 30, "two accepted clips")
        wait_for(lambda: sum(one["stage"] == "ready" for one in account.seen.values()) or not account.sample(), 30, "a ready clip")
        box.kill()
        account.sample()
        for name in os.listdir(box.state):
            if name.startswith("box.sqlite"):
                os.remove(os.path.join(box.state, name))
        store.fault(None)
        box.start()
        self.assertFalse(box.get("/setup", token=None)["claimed"])
        box.claim()
        self.assertEqual(box.get("/storage")["spool"]["clips"], 2)
        box.call("PUT", "/storage/target", store.target())
        self.assertGreaterEqual(len(account.settle()), 2)


class PowerCuts(SurvivalCase):
    """The file system loses everything that was not made durable, as in a power cut."""

    def test_power_cuts(self):
        """What the box called captured, and every clip directory that survived as accepted, is stored exactly once."""
        image = self.file_system(256)
        print(f"seed {SEED}, {POWER_CUTS} power cuts", flush=True)
        dice, store = random.Random(SEED + 1), self.kept(FaultyS3())
        box = self.fitted(self.cameras[:3], store, state=os.path.join(image.path, "state"), storage__folder=None)
        account, promised = Account(box, store), set()
        box.await_picture(*box.channels)
        for _ in range(POWER_CUTS):
            self.play_until(box, store, dice)
            promised |= {clip["id"] for clip in box.everything("/clips") if clip["state"] not in ("recording", "dropped")}
            image.lose_power()
            box.kill()
            image.unmount()
            image.mount()
            account.sample()
            box.start()
        self.last_events(box, store)
        found = account.settle()
        print(f"{POWER_CUTS} power cuts, {account.told(found)}", flush=True)
        self.assertFalse(promised - set(found), "clips that the API had called captured are not in the store")
        self.assertGreaterEqual(len(account.seen), POWER_CUTS // 4, "the cuts met too few clips to prove anything")

    test_power_cuts.limit = 60 + POWER_CUTS * 6
