"""What somebody needs who helps with a box: more of its log for a while, and all that it says of itself in one file."""

import io
import json
import os
import signal
import subprocess
import tarfile

from box import PASSWORD, USER, binary
from case import Case
from client import Problem
from waiting import wait_for


# Whether a network time service sets the clock: anything but TIME_ERROR (5), of a call that changes nothing.
ADJTIMEX = "import ctypes; print(ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512)) not in (-1, 5))"


class Support(Case):
    """One box with a camera that is nowhere."""

    @classmethod
    def setUpClass(cls):
        cls.helped = box = cls.class_box(**{"log.level": "notice"})
        box.claim()
        box.add_device("rtsp://127.0.0.1:9/main", "me", "Harbour-Lamp-2031", name="Door")

    def bundle(self):
        """The file, by the names in it."""
        answer = self.helped.client.request("GET", "/support/bundle", timeout=60)
        self.assertEqual(answer.status, 200, answer.body[:300])
        self.assertRegex(answer.headers["content-disposition"], r'^attachment; filename="gatehouse-GH\w+-[0-9-]+\.support\.tar"$')
        with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
            return {member.name.removeprefix("gatehouse-support/"): tar.extractfile(member).read() for member in tar.getmembers()}

    def test_the_file(self):
        """Answers of the API as JSON, the log, and no password."""
        found = self.bundle()
        self.assertGreaterEqual(set(found), {"README.txt", "log.txt", "system.json", "health.json", "storage.json", "firmware.json", "devices.json", "channels.json"})
        self.assertEqual(json.loads(found["system.json"])["serialNumber"], self.helped.get("/system")["serialNumber"])
        self.assertIn(b"Door", found["devices.json"])
        self.assertNotIn(b"Harbour-Lamp", b"".join(found.values()))

    def test_more_of_the_log(self):
        """While it is collected the log says more, over a restart too; then as before."""
        box = self.helped
        self.assertFalse(box.get("/support")["collectsLog"])
        on = box.call("PUT", "/support", {"collectsLog": True})
        self.assertTrue(on["collectsLog"])
        self.assertEqual(box.get("/system")["logLevel"], "debug")
        box.restart()
        wait_for(lambda: box.get("/support")["collectsLog"], 10, "the collecting to go on")
        self.assertEqual(box.get("/system")["logLevel"], "debug")
        wait_for(lambda: b" debug " in self.bundle()["log.txt"], 20, "a line that is said to nobody else")
        off = box.call("PUT", "/support", {"collectsLog": False})
        self.assertEqual((off["collectsLog"], off["until"]), (False, None))
        self.assertEqual(box.get("/system")["logLevel"], "notice")
        with self.assertRaises(Problem):
            box.call("PUT", "/support", {"collectsLog": True, "hours": 1000})

    def test_by_the_command(self):
        """It is saved into a new file that nobody else may read."""
        path = os.path.join(self.folder(), "box.tar")
        ask = [binary(), "support-bundle", self.helped.client.base, "--user", USER]
        environment = {**os.environ, "GATEHOUSE_PASSWORD": PASSWORD}
        done = subprocess.run([*ask, path], capture_output=True, text=True, timeout=60, env=environment, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with tarfile.open(path) as tar:
            self.assertIn("gatehouse-support/log.txt", tar.getnames())
        self.assertNotEqual(subprocess.run([*ask, path], capture_output=True, timeout=60, env=environment, check=False).returncode, 0)


class Crashes(Case):
    """A box that crashes, as nobody ought to see it."""

    # The toolchain's own look at a crash, which no installed box has, takes long and thinks that what was sent comes again.
    QUIET = {"SWIFT_BACKTRACE": "enable=no"}

    def crash(self, box, number):
        """End it as a fault does, or a watchdog."""
        os.kill(box.pid, number)
        self.assertEqual(box.process.wait(20), -number)

    def support(self, box):
        """The reports' texts in the file for support."""
        answer = box.client.request("GET", "/support/bundle", timeout=60)
        with tarfile.open(fileobj=io.BytesIO(answer.body)) as tar:
            return [tar.extractfile(member).read().decode() for member in tar.getmembers() if "/crashes/" in member.name]

    def test_what_is_left_of_it(self):
        """The next life tells of each, with the place; what ended in order is none."""
        box = self.box()
        box.claim()
        box.stop()
        box.start(self.QUIET)
        self.assertEqual((box.get("/support")["crashes"], self.support(box)), ([], []))
        version = box.get("/system")["version"]
        for count, (number, name) in enumerate(((signal.SIGSEGV, "SIGSEGV"), (signal.SIGABRT, "SIGABRT")), start=1):
            self.crash(box, number)
            box.start(self.QUIET)
            crashes = box.get("/support")["crashes"]
            self.assertEqual(len(crashes), count)
            self.assertEqual((crashes[0]["signal"], crashes[0]["version"], crashes[0]["wasSent"]), (name, version, True))
            texts = self.support(box)
            self.assertEqual(len(texts), count)
            self.assertRegex(texts[-1], r"build: [0-9a-f]{8,}\n")
            self.assertRegex(texts[-1], r"thread: \S+\n\n(?s:.*)gatehouse\S*\(\S*\+0x[0-9a-f]+\)", "where it was, in the program itself")
            self.assertIn("crashed in its last life", box.log_end())
        box.restart()
        self.assertEqual(len(box.get("/support")["crashes"]), 2, "they stay")


class Clock(Case):
    """How far the box's time is to be believed."""

    def test_it_is_said(self):
        """As the kernel says it (adjtimex), or as the configuration does."""
        set_by_network = subprocess.run(["/usr/bin/python3", "-c", ADJTIMEX], capture_output=True, text=True, timeout=10, check=True).stdout.strip() == "True"
        box = self.box()
        box.claim()
        self.assertEqual(box.get("/system")["timeKnown"], set_by_network)
        right = self.box(**{"devices.clock-is-right": True})
        right.claim()
        self.assertTrue(right.get("/system")["timeKnown"])
