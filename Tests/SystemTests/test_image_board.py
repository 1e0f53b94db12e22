"""The board of the whole system's image: which root file system U-Boot starts, and when one is called good."""

import os
import re
import shutil
import tempfile
import unittest

from client import repository
from container import run

IMAGE = os.path.join(repository(), "Firmware/image")

# U-Boot's commands for its script, of which the environment is a file: a start is one run of the script.
BOARD = r"""
setenv() { name=$1; shift; eval "$name=\$*"; }
setexpr() { eval "$1=$(( $2 $3 $4 ))"; }
saveenv() { printf 'BOOT_ORDER="%s"\nBOOT_A_LEFT=%s\nBOOT_B_LEFT=%s\n' "$BOOT_ORDER" "$BOOT_A_LEFT" "$BOOT_B_LEFT" >"$ENVIRONMENT"; }
load() { echo "load $*"; }
booti() { echo "started $slot with $bootargs"; exit 0; }
reset() { echo reset; exit 0; }
[ ! -e "$ENVIRONMENT" ] || . "$ENVIRONMENT"
"""


class BoardCase(unittest.TestCase):
    """A board: U-Boot's script, run by a shell that has its commands (the words are the same, the shell is not U-Boot's), and who says that a root is good."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-board-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = self.path("environment")

    def path(self, name):
        """A file of the board's."""
        return os.path.join(self.folder, name)

    def starts(self):
        """What is started; None where the board starts over."""
        with open(os.path.join(IMAGE, "boot.cmd")) as file:
            script = BOARD + file.read()
        done = run("sh", "-u", "-c", script, env={"PATH": os.environ["PATH"], "ENVIRONMENT": self.environment, **{
            name: "" for name in ("BOOT_ORDER", "BOOT_A_LEFT", "BOOT_B_LEFT", "kernel_addr_r", "ramdisk_addr_r", "filesize", "fdt_addr")}})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = re.search(r"started (.) with root=/dev/mmcblk0p(\d).* rauc\.slot=(.)", done.stdout)
        if not found:
            self.assertTrue(done.stdout.endswith("reset\n"), done.stdout)
            return None
        self.assertEqual((found[1], found[2]), (found[3], {"A": "2", "B": "3"}[found[1]]))
        return found[1]

    def rauc_says(self, **values):
        """What RAUC sets."""
        with open(self.environment, "w") as file:
            file.writelines(f'{name}="{value}"\n' for name, value in values.items())

    def write(self, name, text, mode=0o755):
        """A program, or another file."""
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def asked(self, root="A 1d3a", active="active", since=60_000_000, uptime=1000, trial="", fails=0, rauc=0):
        """What RAUC is told where somebody looks whether the root is good, a line each, and the exit status."""
        self.write("systemctl", f'#!/bin/sh\ncase $1 in show) echo {since} ;; is-active) echo {active} ;; --no-block) echo "$@" >>{self.path("ended")} ;; esac\n')
        place, _, number = root.partition(" ")
        self.write("findmnt", f"#!/bin/sh\necho '{place}'\n")
        if number == "real":
            shutil.copy(shutil.which("blkid"), self.path("blkid"))
        else:
            self.write("blkid", f'#!/bin/sh\n[ "$*" != "--probe --output value --match-tag UUID {place}" ] || echo "{number}"\n')
        slot = root[:1] if root[:1] in ("A", "B") else "A"
        self.write("rauc", f'#!/bin/sh\necho "$@" >>{self.path("told")}\n[ {rauc} = 0 ] || exit {rauc}\n{BOARD}BOOT_{slot}_LEFT=3\nsaveenv\n')
        launcher = self.write("launcher", f'#!/bin/sh\nprintf "current: 1.0.0-0123456789ab\\n{trial}"\nexit {fails}\n')
        with open(os.path.join(IMAGE, "gatehouse-good")) as file:
            script = file.read().replace("/usr/lib/gatehouse/gatehouse-launcher", launcher)
        done = run("sh", "-c", script, env={"PATH": self.folder + ":" + os.environ["PATH"], "ENVIRONMENT": self.environment, "GATEHOUSE_GOOD": self.path("good"),
                                            "GATEHOUSE_PROVED": self.path("proved"), "GATEHOUSE_UPTIME": self.write("uptime", f"{uptime}.25 1.0\n", 0o644)})
        self.said = done.stderr
        return self.taken("told"), done.returncode

    def taken(self, name):
        """The lines of a file, which is gone then."""
        if not os.path.exists(self.path(name)):
            return []
        with open(self.path(name)) as file:
            lines = file.read().splitlines()
        os.unlink(self.path(name))
        return lines

    def power_goes(self):
        """What lies in memory is gone."""
        for name in ("good", "good-counted", "good-again"):
            self.taken(name)


class Boot(BoardCase):
    """Which root U-Boot starts."""

    def test_one_that_never_becomes_good_is_tried_three_times(self):
        """Then the other is started, and again and again while it says that it is good."""
        self.rauc_says(BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3)
        self.assertEqual([self.starts() for _ in range(4)], ["B", "B", "B", "A"])
        with open(self.environment) as file:
            self.assertEqual(file.read(), 'BOOT_ORDER="B A"\nBOOT_A_LEFT=2\nBOOT_B_LEFT=0\n')

    def test_one_that_is_good_is_started_for_ever(self):
        """RAUC gives the tries back after each start."""
        self.rauc_says(BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3)
        for _ in range(5):
            self.assertEqual(self.starts(), "B")
            self.rauc_says(BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3)

    def test_neither_is_the_end(self):
        """Where none has a try left both get theirs again; a new board begins with A."""
        self.assertEqual([self.starts() for _ in range(8)], ["A"] * 3 + ["B"] * 3 + [None, "A"])

    def test_the_power_says_nothing_of_a_root_that_proved_itself(self):
        """Twenty lives in a row that were too short, and a quarter of an hour makes it twenty again; then its tries count."""
        self.rauc_says(BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3)

        def lives(count, uptime=100):
            """Which roots run in so many of them."""
            started = []
            for _ in range(count):
                self.power_goes()
                started.append(self.starts())
                self.asked(root=f"{started[-1]} 1d3a", uptime=uptime)
            return started
        self.assertEqual(lives(4), ["B"] * 3 + ["A"], "nobody knows them yet")
        self.rauc_says(BOOT_ORDER="B A", BOOT_A_LEFT=3, BOOT_B_LEFT=3)
        lives(1, uptime=1000)
        self.assertEqual(lives(15) + lives(1, uptime=1000) + lives(20), ["B"] * 36)
        self.assertEqual(lives(4), ["B"] * 3 + ["A"])


class Good(BoardCase):
    """When a root file system is called good."""

    GOOD = (["status mark-good"], 0)
    NOT_YET = ([], 75)

    def setUp(self):
        super().setUp()
        self.rauc_says(BOOT_ORDER="A B", BOOT_A_LEFT=2, BOOT_B_LEFT=3)

    def test_after_a_quarter_of_an_hour_and_not_before(self):
        """It runs, has run long enough, and has nothing on trial."""
        with open(os.path.join(IMAGE, "gatehouse-good")) as script, open(os.path.join(IMAGE, "gatehouse-good.service")) as unit:
            marker = re.search(r"good=\$\{GATEHOUSE_GOOD:-(.*)\}", script.read())[1]
            self.assertIn(f"ConditionPathExists=!{marker}\n", unit.read(), "once in each life")
        for name, case in {"too soon": {"uptime": 900}, "does not run": {"active": "activating"}, "never ran": {"since": 0},
                           "on trial": {"trial": "on trial, to be started 2 times more\\n"}}.items():
            with self.subTest(name):
                self.assertEqual(self.asked(**case), self.NOT_YET)
        told, status = self.asked(fails=1)
        self.assertEqual(told, [], "what could not be asked is not good")
        self.assertNotIn(status, (0, 75))
        self.assertFalse(os.path.exists(self.path("good")))
        self.assertEqual(self.asked(), self.GOOD)
        self.assertTrue(os.path.exists(self.path("good")), "once in each life")
        self.assertEqual(self.taken("ended"), ["--no-block stop gatehouse-good.timer"], "nobody asks any more")

    def test_at_once_where_it_proved_itself_before(self):
        """As soon as the system is up, whatever the box does, and once in a life; the quarter of an hour is still counted."""
        self.asked()
        self.power_goes()
        self.assertEqual(self.asked(uptime=5, since=0, active="activating"), (["status mark-good"], 75))
        self.assertEqual(self.asked(uptime=100), self.NOT_YET, "its tries are there")
        self.assertEqual(self.asked(uptime=1000), ([], 0))
        self.assertEqual(self.taken("proved"), ["A 1d3a 0"])

    def test_another_root_proves_itself_anew(self):
        """One that was written in its place, one in the other place, one without a number, and one of which nothing whole is known."""
        self.asked()
        self.power_goes()
        for root in ("A 77f0", "B 1d3a", "A ", " "):
            with self.subTest(root):
                self.assertEqual(self.asked(root=root, uptime=100), self.NOT_YET)
        for known in ("", "A 1d3a", "A 1d3a x", "A 1d3a -5", "A 1d3a 99999999999999999999999", "A 1d3a 20", "\0\0\0", "A 1d3a 1\nA 1d3a 1"):
            with self.subTest(known):
                self.write("proved", known, 0o644)
                self.assertEqual(self.asked(uptime=100), self.NOT_YET)

    def test_rauc_is_told_again_and_the_life_counted_once(self):
        """Where it could not be told at first."""
        self.asked()
        self.power_goes()
        for _ in range(3):
            self.assertEqual(self.asked(uptime=100, rauc=1), (["status mark-good"], 1))
        self.assertEqual(self.asked(uptime=100), (["status mark-good"], 75))
        self.assertEqual(self.taken("proved"), ["A 1d3a 1"])

    def test_both_are_remembered(self):
        """A root that went back to the one before finds it proved."""
        self.asked()
        self.power_goes()
        self.asked(root="B 77f0")
        self.power_goes()
        self.assertEqual(self.asked(uptime=100), (["status mark-good"], 75))
        self.assertEqual(self.taken("proved"), ["B 77f0 0", "A 1d3a 1"])

    def test_what_cannot_be_counted_is_not_good_at_once(self):
        """On a partition that takes nothing more it would have no end."""
        self.asked()
        self.power_goes()
        os.mkdir(self.path("proved.new"))
        self.assertEqual(self.asked(uptime=100), self.NOT_YET)
        self.assertEqual(self.asked(), (["status mark-good"], 75), "after a quarter of an hour it is")
        self.assertIn("It cannot be written down that this root file system proved itself.", self.said)
        self.assertFalse(os.path.exists(self.path("good")), "it is tried again")
        os.rmdir(self.path("proved.new"))
        self.assertEqual(self.asked(), ([], 0), "and RAUC is told once")
        self.assertEqual(self.taken("proved"), ["A 1d3a 0"])

    def test_what_cannot_be_read(self):
        """Neither what is remembered nor who it is keeps a root from being good."""
        os.mkdir(self.path("proved"))
        self.assertEqual(self.asked(uptime=100), self.NOT_YET)
        self.assertEqual(self.asked()[0], ["status mark-good"])
        os.rmdir(self.path("proved"))
        self.power_goes()
        self.assertEqual(self.asked(root="A "), self.GOOD)
        self.assertIn("has no number", self.said)
        self.assertFalse(os.path.exists(self.path("proved")))

    def test_the_number_is_the_file_system_s(self):
        """Another image in its place has another."""
        device = self.path("device")

        def written():
            """An image is on the device now."""
            if os.path.exists(device):
                os.unlink(device)
            self.assertEqual(run("mkfs.ext4", "-q", device, "2M").returncode, 0)
            self.power_goes()
        written()
        self.asked(root=f"{device} real")
        self.power_goes()
        self.assertEqual(self.asked(root=f"{device} real", uptime=100), (["status mark-good"], 75))
        written()
        self.assertEqual(self.asked(root=f"{device} real", uptime=100), self.NOT_YET)
