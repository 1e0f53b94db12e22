"""A box in the field that cannot upgrade itself any more, and the updater, which is apart from it."""

import json
import os
import random
import subprocess

from box import launcher, updater
from field_case import FieldCase
from waiting import wait_for

HOUR = 3600
KILLS = int(os.environ.get("GATEHOUSE_KILLS", "12"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "0")) or random.randrange(1, 1 << 30)
# Seconds in which the updater, left alone, has brought the release.
LONGEST = 0.3


class FieldUpdater(FieldCase):
    """Its release was confirmed long ago, and fails now."""

    settings = {"servers__allow_local": True}

    def look(self, *options, expect=0):
        """What the updater says to its look."""
        done = subprocess.run([updater(), self.releases, *options], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def brief(self):
        """What the box told the updater; None before."""
        try:
            with open(os.path.join(self.releases, "updater.json")) as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def age(self, seconds):
        """As though the box had said so much earlier when it lived."""
        told = self.brief()
        told["lived"]["seconds"] -= seconds
        with open(os.path.join(self.releases, "updater.json"), "w") as file:
            json.dump(told, file)

    def begin_with_a_flaw(self):
        """A box whose confirmed release does not start any more once a file is there; the file's path."""
        flaw = self.at("flaw")
        program = os.path.join(self.releases, "current", "bin", "gatehouse")
        with open(program) as file:
            script = file.read()
        with open(program, "w") as file:
            file.write(script.replace("exec ", f"[ ! -e {flaw} ] || exit 1\nexec ", 1))
        return flaw

    def test_one_that_crashes_whenever_it_starts(self):
        """It is left alone while it lives; when it has said nothing for an hour it is started with what is newer, proves itself, and has all that it had."""
        flaw = self.begin_with_a_flaw()
        box = self.begin()
        wait_for(self.brief, 10, "what the updater is told")
        self.offer("1.1.0")
        self.assertIn("left alone", self.look())
        open(flaw, "w").close()
        box.kill()
        box.launch(self.environment)
        wait_for(lambda: not box.is_running(), 10, "the box's end")
        self.assertIn("left alone", self.look(), "it has an hour")
        self.age(HOUR)
        self.assertIn("1.1.0 next, on trial", self.look())
        self.assertIn("on trial already", self.look())
        self.await_version("1.1.0", phases=("idle",))
        last = self.last()
        self.assertEqual((last["from"], last["to"], last["state"], last["origin"], last["by"]), ("1.0.0", "1.1.0", "confirmed", "updater", None))
        self.assertEqual(len(box.get("/channels")["items"]), 1)
        box.await_picture(box.get("/channels")["items"][0]["id"])
        self.assertIn("left alone", self.look(), "what runs again is left alone")

    def test_one_that_runs_and_is_upgraded_by_whoever_stands_before_it(self):
        """With --now it is ended in order and started with what is newer; what is bad goes back, and is not brought again."""
        box = self.begin()
        wait_for(self.brief, 10, "what the updater is told")
        self.offer("1.1.0", "exit 1")
        process = box.process
        self.assertIn("1.1.0 next", self.look("--now"))
        self.assertEqual(process.wait(30), 0, "it ended in order")
        self.await_version("1.0.0", phases=("idle",))
        wait_for(lambda: self.last()["state"] == "rolled-back", 10, lambda: f"what became of it: {self.last()}")
        self.assertIn("nothing newer for the box than 1.0.0", self.look("--now"))
        self.assertTrue(box.is_running())

    def test_one_that_is_told_nothing(self):
        """A server that is away, and a box that never had one: a sentence, and nothing changes."""
        self.assertIn("never run", self.look("--now", expect=75))
        box = self.begin()
        wait_for(self.brief, 10, "what the updater is told")
        told = self.brief()
        told["server"]["place"]["url"] += "/elsewhere"
        with open(os.path.join(self.releases, "updater.json"), "w") as file:
            json.dump(told, file)
        self.assertIn("timestamp.json", self.look("--now", expect=75))
        self.assertTrue(box.is_running())
        self.assertEqual(self.firmware()["version"], "1.0.0")

    def test_killed_meanwhile(self):
        """The updater is killed at whatever moment: the box starts the old release or the new one, whole, and the next look brings it to its end."""
        print(f"seed {SEED}", flush=True)
        dice = random.Random(SEED)
        box = self.begin()
        wait_for(self.brief, 10, "what the updater is told")
        self.offer("1.1.0")
        box.stop()
        moments = []
        for _ in range(KILLS):
            process = subprocess.Popen([updater(), self.releases, "--now"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            moments.append(dice.uniform(0, LONGEST))
            try:
                process.wait(moments[-1])
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            told = subprocess.run([launcher(), self.releases, "status"], capture_output=True, text=True, check=True).stdout
            self.assertRegex(told, r"^current: 1\.[01]\.0-")
            if "1.1.0" in told.splitlines()[0]:
                break
        self.look("--now")
        self.await_version("1.1.0", phases=("idle",))
        self.assertEqual((self.last()["state"], self.last()["origin"]), ("confirmed", "updater"))
        self.assertEqual(len(box.get("/channels")["items"]), 1)
        print(f"killed after {', '.join(f'{moment:.3f}' for moment in moments)} s", flush=True)
