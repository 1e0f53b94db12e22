"""The launcher: which release a box starts, whatever moment the power goes."""

import os
import random
import shutil
import subprocess
import uuid

from box import launcher
from case import Case

POWER_CUTS = int(os.environ.get("GATEHOUSE_POWER_CUTS", "10"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "0")) or random.randrange(1, 1 << 30)
OLD, NEW = "1.0.0", "1.1.0"
# Each act, how many steps it has, and what the box may start after a cut in it.
ACTS = (("try", (NEW,), 6), ("start", (), 3), ("confirm", (), 1), ("back", ("It is bad.",), 6))


class Launcher(Case):
    """Releases that are scripts, on a file system of their own."""

    def setUp(self):
        self.image = self.file_system(16)
        self.folder = os.path.join(self.image.path, "firmware")
        self.add(OLD)
        self.run_launcher("try", OLD)
        self.run_launcher("confirm")
        self.add(NEW)
        os.sync()

    def add(self, version):
        """A release whose program says its version and its arguments."""
        place = os.path.join(self.folder, "slots", version, "bin")
        os.makedirs(place)
        with open(os.path.join(place, "gatehouse"), "w") as file:
            file.write(f"#!/bin/sh\necho {version} \"$@\"\n")
        os.chmod(os.path.join(place, "gatehouse"), 0o755)

    def run_launcher(self, *arguments, expect=0, machine=(), **environment):
        """What the launcher says, in this run of the machine or in the one that `machine` begins."""
        done = subprocess.run([*machine, launcher(), self.folder, *arguments], capture_output=True, text=True, timeout=20, env={**os.environ, **environment})
        self.assertEqual(done.returncode, expect, f"{arguments}: {done.stdout} {done.stderr}")
        return done.stdout.strip()

    def cut_power(self):
        """What was not made durable is gone."""
        self.image.lose_power()
        self.image.unmount()
        self.image.mount()

    def again(self):
        """As before an upgrade."""
        for name in os.listdir(self.folder):
            if name != "slots":
                place = os.path.join(self.folder, name)
                shutil.rmtree(place) if os.path.isdir(place) and not os.path.islink(place) else os.unlink(place)
        self.run_launcher("try", OLD)
        self.run_launcher("confirm")

    def stands(self, told):
        """From here on the box comes to rest at one release, which is whole; that."""
        found = [self.run_launcher("start").split()[0] for _ in range(5)]
        self.assertLessEqual(set(found), {OLD, NEW}, told)
        self.run_launcher("confirm")
        self.assertEqual([self.run_launcher("start").split()[0] for _ in range(4)], [found[-1]] * 4, told)
        return found[-1]

    def test_whole_life(self):
        """A release on trial is started three times, then the one before again; one that is confirmed stays; one that went back is not tried again."""
        self.assertEqual(self.run_launcher("start", "serve", "--config", "a b"), f"{OLD} serve --config a b")
        self.run_launcher("try", NEW)
        self.assertIn("to be started 3 times more", self.run_launcher("status"))
        self.assertEqual([self.run_launcher("start") for _ in range(5)], [NEW] * 3 + [OLD] * 2)
        self.assertIn("never ran well", self.run_launcher("status"))
        self.run_launcher("try", NEW, expect=78)
        self.again()
        self.run_launcher("try", NEW)
        self.run_launcher("start")
        self.run_launcher("confirm")
        self.assertEqual([self.run_launcher("start") for _ in range(5)], [NEW] * 5)
        self.assertEqual(self.run_launcher("back", "It forgot the cameras."), OLD)
        self.assertIn(f"{NEW}, bad: It forgot the cameras.", self.run_launcher("status"))
        self.run_launcher("start", expect=0)
        shutil.rmtree(os.path.join(self.folder, "slots"))
        self.run_launcher("start", expect=78)

    def test_each_step(self):
        """Killed before each step, and the power gone with it: the old or the new release, and it comes to rest."""
        for act, arguments, steps in ACTS:
            for step in range(steps):
                with self.subTest(act=act, step=step):
                    self.again()
                    if act != "try":
                        self.run_launcher("try", NEW)
                    self.run_launcher(act, *arguments, expect=-9, GATEHOUSE_CRASH_AT=str(step))
                    self.cut_power()
                    last = self.stands(f"{act}, step {step}")
                    # Nobody confirmed it: a release on trial ends with the old one.
                    self.assertEqual(last, OLD)
            self.again()
            if act != "try":
                self.run_launcher("try", NEW)
            self.run_launcher(act, *arguments, GATEHOUSE_CRASH_AT=str(steps))  # there is no step more

    test_each_step.limit = 120

    def test_what_was_done_is_done(self):
        """The power goes when the launcher has said that it is done: a trial is begun, each start is counted, a going back holds."""
        self.run_launcher("try", NEW)
        self.cut_power()
        for expected in (NEW, NEW, NEW, OLD, OLD):
            self.assertEqual(self.run_launcher("start"), expected)
            self.cut_power()
        self.assertIn("never ran well", self.run_launcher("status"))
        self.again()
        self.run_launcher("try", NEW)
        self.run_launcher("confirm")
        self.cut_power()
        self.assertEqual([self.run_launcher("start") for _ in range(4)], [NEW] * 4)
        self.run_launcher("back", "It forgot the cameras.")
        self.cut_power()
        self.assertEqual(self.run_launcher("start"), OLD)
        self.assertIn("It forgot the cameras.", self.run_launcher("status"))

    def test_starts_that_ended_with_the_machine(self):
        """The power goes after each start of a release on trial: five times it is started again, as though it had not been; then its starts count."""
        self.run_launcher("try", NEW)
        found = []
        for _ in range(9):
            boot = os.path.join(self.image.path, "boot_id")
            with open(boot, "w") as file:
                file.write(f"{uuid.uuid4()}\n")
            found.append(self.run_launcher("start", machine=self.covering(boot, "/proc/sys/kernel/random/boot_id", self.image.path)))
            self.cut_power()
        self.assertEqual(found, [NEW] * 8 + [OLD])
        self.assertIn("It was started 8 times, of which 5 ended with the machine or in order, and never ran well.", self.run_launcher("status"))

    def test_somebody_elses_folder(self):
        """What root made there the box could not change any more: root is told to be the box's user. Looking is for everybody."""
        os.chown(self.folder, 65534, 65534)
        before = sorted(os.listdir(self.folder))
        for act in (("try", NEW), ("confirm",), ("back", "It is bad."), ("start",)):
            with self.subTest(act):
                told = subprocess.run([launcher(), self.folder, *act], capture_output=True, text=True, timeout=20, check=False)
                self.assertEqual(told.returncode, os.EX_NOPERM)
                self.assertIn(f"is somebody else's. Let its own user do it: runuser -u gatehouse -- {launcher()} {self.folder} {act[0]}", told.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.assertIn(f"current: {OLD}", self.run_launcher("status"))

    def test_a_release_that_was_copied_a_moment_ago(self):
        """What somebody copied there and tried is on the disk before it counts."""
        self.add("1.2.0")
        self.run_launcher("try", "1.2.0")
        self.cut_power()
        self.assertEqual(self.run_launcher("start"), "1.2.0")

    def test_disk_that_takes_nothing(self):
        """The file system can only be read: what proved itself is started."""
        self.run_launcher("try", NEW)
        subprocess.run(["mount", "-o", "remount,ro", self.image.path], check=True, timeout=20)
        self.assertEqual(self.run_launcher("start"), OLD)

    def test_program_that_the_system_refuses(self):
        """A confirmed release whose program cannot be executed: the one before is started."""
        self.run_launcher("try", NEW)
        self.run_launcher("confirm")
        with open(os.path.join(self.folder, "slots", NEW, "bin", "gatehouse"), "wb") as file:
            file.write(b"\x7fELF of something else")
        self.assertEqual(self.run_launcher("start"), OLD)
        # It is not what a later release would go back to.
        told = self.run_launcher("status")
        self.assertIn(f"current: {OLD}", told)
        self.assertIn(f"{NEW}, bad: The system could not start its program", told)

    def test_at_random(self):
        """The power goes at a random moment of a random act; what was said to be done is done."""
        print(f"seed {SEED}, {POWER_CUTS} power cuts", flush=True)
        dice, found = random.Random(SEED), {OLD: 0, NEW: 0}
        for number in range(POWER_CUTS):
            self.again()
            act, arguments, _ = dice.choice(ACTS)
            if act != "try":
                self.run_launcher("try", NEW)
            process = subprocess.Popen([launcher(), self.folder, act, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                process.wait(dice.random() * 0.03)
            except subprocess.TimeoutExpired:
                pass
            is_done = process.poll() == 0
            self.image.lose_power()
            process.kill()
            process.wait()
            self.image.unmount()
            self.image.mount()
            if is_done and act in ("try", "confirm"):
                self.assertEqual(self.run_launcher("start"), NEW, f"cut {number}: {act} was done")
            if is_done and act == "back":
                self.assertEqual(self.run_launcher("start"), OLD, f"cut {number}: it had gone back")
            found[self.stands(f"cut {number} in {act}")] += 1
        print(f"{POWER_CUTS} power cuts: {found}, none that starts neither", flush=True)

    test_at_random.limit = 60 + POWER_CUTS
