"""What somebody needs who helps with a box: more of its log for a while, and all that it says of itself in one file."""

import io
import json
import os
import subprocess
import tarfile

from box import PASSWORD, USER, binary
from case import Case
from client import Problem
from waiting import wait_for


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
