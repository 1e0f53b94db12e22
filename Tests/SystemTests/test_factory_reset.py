"""A box that is made as it left the factory: what it knew is gone, its keys first, and it begins anew by itself."""

import os
import subprocess

from box import PASSWORD, binary
from case import Case
from client import Problem
from waiting import wait_for

PLANTED = ("Tiller-Plum-8842", "Bakery of the twelve herons", "rtsp://127.0.0.1:9/herons")


class FactoryReset(Case):
    """A box with people, a site and a device whose password it keeps."""

    def used(self):
        """A claimed box that knows some things."""
        box = self.box()
        box.claim()
        box.add_device(f"{PLANTED[2]}/main", "admin", PLANTED[0], "Yard")
        box.call("POST", "/sites", {"name": PLANTED[1], "timeZone": "Europe/Rome"})
        return box

    @staticmethod
    def contents(folder):
        """Every byte that lies there, by name."""
        found = {}
        for place, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(place, name)
                try:
                    with open(path, "rb") as file:
                        found[os.path.relpath(path, folder)] = file.read()
                except FileNotFoundError:
                    pass
        return found

    def is_new(self, box, before, code):
        """It knows nothing, and is the same box."""
        self.assertEqual(box.setup_code, code)
        after = self.contents(box.state)
        self.assertEqual(after["identity.json"], before["identity.json"])
        self.assertNotEqual(after["secret.key"], before["secret.key"])
        for secret in PLANTED:
            self.assertFalse([name for name, content in after.items() if secret.encode() in content], secret)
        self.assertFalse([name for name, content in after.items() if before["secret.key"] in content])
        self.assertFalse(box.get("/setup")["claimed"])

    def test_by_the_api(self):
        """Only by the installer admin's password and the serial number; then the box begins anew, unclaimed."""
        box = self.used()
        code = box.setup_code
        before = self.contents(box.state)
        serial = box.get("/system")["serialNumber"]
        for body, status in (({"password": "not " + PASSWORD, "serialNumber": serial}, 403), ({"password": PASSWORD, "serialNumber": "GH0"}, 422)):
            with self.assertRaises(Problem) as found:
                box.call("POST", "/system/factory-reset", body)
            self.assertEqual(found.exception.status, status)
        lines = len(box.lines)
        box.call("POST", "/system/factory-reset", {"password": PASSWORD, "serialNumber": serial})
        wait_for(lambda: len(box.lines) > lines, 60, lambda: f"the box's second ready line; its log ends: {box.log_end()}")
        box.lines = box.lines[lines:]
        box.await_ready()  # with the token of before
        self.assertTrue(box.is_running())
        with self.assertRaises(Problem) as found:
            box.get("/system")
        self.assertEqual(found.exception.status, 401)
        box.client.token = None
        self.is_new(box, before, code)
        box.claim()
        self.assertEqual(box.get("/devices")["items"], [])
        box.stop()

    def test_on_the_command_line(self):
        """A stopped box, by whoever has its shell; a running one is left alone, and so is one whose reset is not meant."""
        box = self.used()
        code, before = box.setup_code, self.contents(box.state)
        command = [binary(), "factory-reset", "--state", box.state]
        running = subprocess.run([*command, "--everything"], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(running.returncode, 0)
        self.assertIn("Stop it first", running.stderr)
        box.stop()
        unsure = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(unsure.returncode, 0)
        self.assertEqual(self.contents(box.state)["secret.key"], before["secret.key"])
        done = subprocess.run([*command, "--everything"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual(set(os.listdir(box.state)), {"lock", "identity.json", "setup-code"})
        box.start()
        box.client.token = None
        self.is_new(box, before, code)

    def test_cut_off(self):
        """A power cut in the middle: the next start does the rest."""
        box = self.used()
        code = box.setup_code
        box.kill()
        before = self.contents(box.state)
        open(os.path.join(box.state, "factory-reset"), "w").close()
        os.remove(os.path.join(box.state, "secret.key"))
        box.start()
        box.client.token = None
        self.is_new(box, before, code)
        self.assertNotIn("factory-reset", os.listdir(box.state))
