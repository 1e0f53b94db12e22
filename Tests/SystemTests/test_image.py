"""The whole system's image: RAUC's configuration, bundles and who signed them, and which root file system U-Boot starts."""

import datetime
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from client import repository

IMAGE = os.path.join(repository(), "Firmware/image")
YEAR = datetime.timedelta(days=365)

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


def run(*arguments, **more):
    """A finished command and what it said."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, **more)


class Image(unittest.TestCase):
    """A vendor with an authority of its own, and a small root file system."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("rauc") is None:
            raise unittest.SkipTest("RAUC is not installed: apt-get install rauc")
        cls.folder = tempfile.mkdtemp(prefix="gatehouse-image-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.authority("vendor")
        cls.authority("stranger")
        cls.certificate("signer", "vendor", "codeSigning")
        cls.certificate("forger", "stranger", "codeSigning")
        cls.certificate("web", "vendor", "serverAuth")
        tree = os.path.join(cls.folder, "tree")
        os.makedirs(tree)
        with open(os.path.join(tree, "content"), "wb") as file:
            file.write(os.urandom(200_000))
        cls.root = cls.path("root.ext4")
        cls.must("mkfs.ext4", "-q", "-d", tree, cls.root, "8M")
        cls.bundle = cls.path("good.raucb")
        made = cls.build(cls.bundle, "signer")
        if made.returncode:
            raise AssertionError(made.stdout + made.stderr)

    @classmethod
    def path(cls, name):
        """A file of the test's."""
        return os.path.join(cls.folder, name)

    @classmethod
    def must(cls, *arguments):
        """A command that succeeds."""
        done = run(*arguments)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.stdout} {done.stderr}")

    @classmethod
    def authority(cls, name):
        """A key that vouches for others."""
        cls.must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", f"/CN={name}", "-keyout", cls.path(f"{name}.key"),
                 "-out", cls.path(f"{name}.pem"), "-addext", "keyUsage=critical,keyCertSign")

    @classmethod
    def certificate(cls, name, authority, purpose):
        """A certificate for one purpose."""
        extensions = cls.path(f"{name}.extensions")
        with open(extensions, "w") as file:
            file.write(f"basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,{purpose}\n")
        cls.must("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", cls.path(f"{name}.key"), "-out", cls.path(f"{name}.csr"))
        cls.must("openssl", "x509", "-req", "-in", cls.path(f"{name}.csr"), "-CA", cls.path(f"{authority}.pem"), "-CAkey", cls.path(f"{authority}.key"), "-CAcreateserial", "-days", "90",
                 "-extfile", extensions, "-out", cls.path(f"{name}.pem"))

    @classmethod
    def build(cls, output, signer, keyring="vendor", **more):
        """A bundle that this one signs for boxes that trust that authority."""
        parts = {"--root": cls.root, **more.pop("parts", {})}
        return run(os.path.join(IMAGE, "build-bundle"), "--version", "2026.11", "--cert", cls.path(f"{signer}.pem"), "--key", cls.path(f"{signer}.key"), "--keyring",
                   cls.path(f"{keyring}.pem"), "--output", output, *(text for part in parts.items() if part[1] for text in part))

    @classmethod
    def configuration(cls, keyring="vendor"):
        """A box's configuration, with the keyring here."""
        with open(os.path.join(IMAGE, "system.conf")) as file:
            text = file.read()
        made = cls.path(f"system-{keyring}.conf")
        with open(made, "w") as file:
            file.write(re.sub(r"(?m)^path=.*", f"path={cls.path(keyring + '.pem')}", re.sub(r"(?m)^statusfile=.*\n", "", text)))
        return made

    def info(self, bundle, keyring="vendor", **more):
        """What a box's RAUC says of a bundle."""
        return run("rauc", "--conf", self.configuration(keyring), "info", bundle, **more)

    def test_a_bundle_is_what_boxes_take(self):
        """Of the format verity, for this board, signed by the vendor."""
        told = self.info(self.bundle)
        self.assertEqual(told.returncode, 0, told.stderr)
        for text in ("gatehouse-cm4", "2026.11", "verity", "rootfs", "root.ext4"):
            self.assertIn(text, told.stdout)
        self.assertIn("signer", told.stdout + told.stderr)

    def test_what_another_signed_is_not_taken(self):
        """Neither is what the vendor's own certificate for another purpose signed; and nobody can make such a bundle without noticing."""
        refused = self.info(self.bundle, "stranger")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("signature verification failed", refused.stderr)
        for signer in ("forger", "web"):
            output = self.path(f"{signer}.raucb")
            self.assertNotEqual(self.build(output, signer).returncode, 0, signer)
            self.assertFalse(os.path.exists(output))

    def changed(self, at):
        """The bundle with another byte there."""
        with open(self.bundle, "rb") as file:
            content = bytearray(file.read())
        content[at] ^= 1
        made = self.path("changed.raucb")
        with open(made, "wb") as file:
            file.write(content)
        return made

    def test_no_byte_can_be_another(self):
        """Neither of the signature nor of what is signed: RAUC reads no file out of it."""
        size = os.path.getsize(self.bundle)
        output = self.path("extracted")
        for at in (0, 5000, size // 2, size - 2000, size - 9):
            with self.subTest(at=at):
                shutil.rmtree(output, ignore_errors=True)
                done = run("rauc", "--conf", self.configuration(), "extract", self.changed(at), output)
                self.assertNotEqual(done.returncode, 0)
                self.assertFalse(os.path.exists(os.path.join(output, "root.ext4")))
        done = run("rauc", "--conf", self.configuration(), "extract", self.bundle, output)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.root, "rb") as one, open(os.path.join(output, "root.ext4"), "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_plain_bundles_are_not_taken(self):
        """One of the old format, though well signed, is refused by the box's configuration."""
        content = self.path("plain")
        os.makedirs(content)
        shutil.copy(self.root, os.path.join(content, "root.ext4"))
        with open(os.path.join(content, "manifest.raucm"), "w") as file:
            file.write("[update]\ncompatible=gatehouse-cm4\nversion=1\n\n[image.rootfs]\nfilename=root.ext4\n")
        bundle = self.path("plain.raucb")
        with open(self.configuration()) as file:
            lenient = file.read().replace("bundle-formats=-plain\n", "")
        with open(self.path("lenient.conf"), "w") as file:
            file.write(lenient)
        self.must("rauc", "bundle", "--conf", self.path("lenient.conf"), "--cert", self.path("signer.pem"), "--key", self.path("signer.key"), content, bundle)
        self.must("rauc", "--conf", self.path("lenient.conf"), "info", bundle)
        told = self.info(bundle)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("not allowed", told.stderr)

    def test_an_artifact_needs_a_newer_rauc(self):
        """Whoever has none is told so, and no bundle is made."""
        output = self.path("program.raucb")
        told = self.build(output, "signer", parts={"--program": IMAGE})
        version = run("rauc", "--version").stdout.split()[-1]
        if tuple(int(part) for part in version.split(".")[:2]) >= (1, 13):
            self.assertEqual(told.returncode, 0, told.stderr)
        else:
            self.assertEqual((told.returncode, os.path.exists(output)), (69, False))
            self.assertIn("knows no artifacts", told.stderr)

    def test_the_partitions_are_those_of_the_configuration(self):
        """What sfdisk makes of the layout has the two slots where RAUC writes them, and both of U-Boot's environments before it."""
        disk = self.path("disk")
        with open(disk, "wb") as file:
            file.truncate(16 << 30)
        with open(os.path.join(IMAGE, "partitions.sfdisk")) as layout:
            self.must_with(layout, "sfdisk", "--quiet", disk)
        listed = run("sfdisk", "--dump", disk).stdout
        found = {name: (int(number), int(start)) for number, start, name in re.findall(r'disk(\d+) : start= *(\d+),.* name="([^"]+)"', listed)}
        self.assertEqual({name: number for name, (number, _) in found.items()}, {"firmware": 1, "root-a": 2, "root-b": 3, "data": 4})
        with open(os.path.join(IMAGE, "system.conf")) as file:
            devices = re.findall(r"(?m)^device=/dev/mmcblk0p(\d)\n.*\nbootname=(.)", file.read())
        self.assertEqual(devices, [("2", "A"), ("3", "B")])
        with open(os.path.join(IMAGE, "fw_env.config")) as file:
            places = [(int(at, 16), int(size, 16)) for at, size in re.findall(r"(?m)^/dev/mmcblk0 (\S+) (\S+)", file.read())]
        with open(os.path.join(IMAGE, "u-boot.config")) as file:
            settings = dict(re.findall(r"(?m)^(CONFIG_\w+)=(.*)", file.read()))
        self.assertEqual(places, [(int(settings[name], 16), int(settings["CONFIG_ENV_SIZE"], 16)) for name in ("CONFIG_ENV_OFFSET", "CONFIG_ENV_OFFSET_REDUND")])
        self.assertLessEqual(places[0][0] + places[0][1], places[1][0])
        self.assertLessEqual(places[1][0] + places[1][1], found["firmware"][1] * 512)
        self.assertGreaterEqual(places[0][0], 34 * 512, "behind the table of the partitions")

    def must_with(self, source, *arguments):
        """A command that reads `source` and succeeds."""
        done = subprocess.run(arguments, stdin=source, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)


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
        self.write("findmnt", f"#!/bin/sh\necho '{root}'\n")
        self.write("rauc", f'#!/bin/sh\necho "$@" >>{self.path("told")}\n[ {rauc} = 0 ] || exit {rauc}\n. {self.environment}\neval "BOOT_{root[:1]}_LEFT=3"\n' + BOARD.split("\n")[3] + "\nsaveenv\n")
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
        """As soon as the box runs, and once in a life; the quarter of an hour is still counted."""
        self.asked()
        self.power_goes()
        self.assertEqual(self.asked(uptime=70, active="activating"), self.NOT_YET)
        self.assertEqual(self.asked(uptime=70, trial="on trial, to be started 2 times more\\n"), (["status mark-good"], 75), "a release on trial says nothing of the root")
        self.assertEqual(self.asked(uptime=100), self.NOT_YET, "its tries are there")
        self.assertEqual(self.asked(uptime=1000), ([], 0))
        self.assertEqual(self.taken("proved"), ["A 1d3a 0"])

    def test_another_root_proves_itself_anew(self):
        """One that was written in its place, one in the other place, one without a number, and one of which nothing whole is known."""
        self.asked()
        self.power_goes()
        for root in ("A 77f0", "B 1d3a", "A ", ""):
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
        self.assertEqual(self.asked(), self.GOOD, "after a quarter of an hour it is")
        self.assertIn("It is not known from now on that this root file system proved itself.", self.said)
