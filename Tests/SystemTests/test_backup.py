"""Backups: made on the page and by the command line, opened by `age`, and begun with by another box."""

import concurrent.futures
import fcntl
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import termios
import time

from box import PASSWORD, USER, Box, binary
from browser import Browser
from case import Case
from client import Client
from owners import Owner, hand_over
from people import Person
from waiting import wait_for

PASSPHRASE = "nine calm herons by noon"
CAMERA_PASSWORD = "Harbour-Lamp-2026"


class Backups(Case):
    """A box with a camera, a clip in the store, an owner's site and people."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_small_cameras(1, key_interval=1)
        cls.made = box = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 3})
        box.claim()
        cls.channel = box.add_camera(cls.cameras.cameras[0], sub=False)
        box.add_device("rtsp://127.0.0.1:9/main", "me", CAMERA_PASSWORD, name="Far")
        box.await_past(1, cls.channel)
        box.link(cls.channel, "standard")
        cls.clip = box.await_stored(box.trigger(cls.channel))
        cls.site = box.call("POST", "/sites", {"name": "Tenants", "timeZone": "Europe/Rome"})["id"]
        cls.owner = Owner(box, "olga", hand_over(box, cls.site, "olga")["token"])

    def backup(self, client=None, **more):
        """Ask for one."""
        return (client or self.made.client).request("POST", "/backup", {"password": PASSWORD, "passphrase": PASSPHRASE, **more}, timeout=60)

    def run_program(self, *arguments, environment=None, text=None):
        """Run `gatehouse`."""
        return subprocess.run([binary(), *arguments], capture_output=True, text=True, input=text, env={**os.environ, **(environment or {})}, timeout=120, check=False)

    def test_age_opens_it(self):
        """What the box made is a file of `age`, a program of others: a tar with the database and the keys."""
        age = shutil.which("age")
        if not age:
            self.skipTest("needs Debian's age")
        path = os.path.join(self.folder(), "box.backup")
        with open(path, "wb") as file:
            file.write(self.backup().body)
        opened = self.with_terminal([age, "-d", path], PASSPHRASE)
        with tarfile.open(fileobj=io.BytesIO(opened)) as tar:
            names = tar.getnames()
            self.assertIn("box.sqlite", names)
            self.assertEqual(tar.extractfile("secret.key").read(), open(os.path.join(self.made.state, "secret.key"), "rb").read())
            self.assertEqual(json.load(tar.extractfile("manifest.json"))["serialNumber"], self.made.get("/system")["serialNumber"])
            self.assertTrue(tar.extractfile("box.sqlite").read(16).startswith(b"SQLite format 3"))

    def with_terminal(self, command, typed):
        """The output of a program that asks at the terminal."""
        leader, follower = os.openpty()
        process = subprocess.Popen(command, stdin=follower, stdout=subprocess.PIPE, stderr=follower, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(follower)
        os.read(leader, 200)
        os.write(leader, (typed + "\n").encode())
        found = process.communicate(timeout=60)[0]
        os.close(leader)
        self.assertEqual(process.returncode, 0)
        return found

    def folder(self):
        """A folder that goes with the test."""
        path = tempfile.mkdtemp(prefix="gatehouse-backup-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def test_another_box_begins_with_it(self):
        """By the command line, from one box to the next: people sign in, devices are at work, clips of the cloud are played."""
        folder = self.folder()
        path, words = os.path.join(folder, "box.backup"), os.path.join(folder, "words")
        with open(words, "w") as file:
            file.write(PASSPHRASE + "\n")
        made = self.run_program("backup", self.made.client.base, path, "--user", USER, "--passphrase-file", words, environment={"GATEHOUSE_PASSWORD": PASSWORD})
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        again = self.run_program("backup", self.made.client.base, path, "--user", USER, "--passphrase-file", words, environment={"GATEHOUSE_PASSWORD": PASSWORD})
        self.assertNotEqual(again.returncode, 0)
        other = Box(start=False, **{"storage.folder": self.made.store, "recording.seconds-before": 1, "recording.seconds": 3})
        self.addCleanup(other.clean)
        wrong = self.run_program("restore", path, "--state", other.state, "--passphrase-file", "-", text="another heron\n")
        self.assertIn("passphrase is not", wrong.stderr)
        self.assertFalse(os.path.exists(os.path.join(other.state, "box.sqlite")))
        done = self.run_program("restore", path, "--state", other.state, "--passphrase-file", words)
        self.assertEqual(done.returncode, 0, done.stderr)
        serial = self.made.get("/system")["serialNumber"]
        self.assertIn(serial, done.stdout)
        twice = self.run_program("restore", path, "--state", other.state, "--passphrase-file", words)
        self.assertIn("--replace", twice.stderr)
        self.made.stop()
        other.start()
        other.token = other.client.token = other.client.call("POST", "/session", {"userName": USER, "password": PASSWORD})["token"]
        self.assertEqual(other.get("/system")["serialNumber"], serial)
        self.assertEqual(sorted(one["name"] for one in other.get("/sites")["items"]), ["Tenants", "Test house"])
        other.await_picture(self.channel)
        video = other.client.request("GET", f"/clips/{self.clip['id']}/video")
        self.assertEqual((video.status, video.body[4:8]), (200, b"ftyp"))
        restored = next(line for line in other.get("/operations")["items"] if line["action"] == "restoreBackup")
        self.assertEqual(restored["person"], "at the box")
        # A running box is not replaced.
        busy = self.run_program("restore", path, "--state", other.state, "--passphrase-file", words, "--replace")
        self.assertIn("Another box runs", busy.stderr)
        other.stop()
        self.made.start()
        # At another port.
        token, self.owner.client = self.owner.client.token, Client(self.made.client.base)
        self.owner.client.token = token

    def begin(self, box, code, passphrase, content):
        """Send a new box a backup; the answer to the file."""
        ticket = box.call("POST", "/setup/restore", {"setupCode": code, "passphrase": passphrase})["ticket"]
        return box.client.request("PUT", f"/setup/restore/{ticket}", content, {"Content-Type": "application/octet-stream"}, timeout=120)

    def test_a_new_box_begins_with_it_by_the_api(self):
        """With the set-up code, the passphrase and the file; what is wrong leaves a box that is as new, and a box that is somebody's takes none."""
        whole = self.backup().body
        serial = self.made.get("/system")["serialNumber"]
        other = self.box(**{"storage.folder": None})
        code = other.setup_code
        for path, body, status in (("/setup/restore", {"setupCode": "ABCD-2345", "passphrase": PASSPHRASE}, 403), ("/setup/restore", {"setupCode": code}, 422)):
            self.assertEqual(other.client.request("POST", path, body).status, status)
        self.assertEqual(other.client.request("PUT", "/setup/restore/none", whole, {"Content-Type": "application/octet-stream"}).problem().slug, "ticket-over")
        for passphrase, content, told in (
                ("another heron", whole, "passphrase is not"), (PASSPHRASE, whole[:-100], "not whole"), (PASSPHRASE, b"x" * 5000, "no backup"), (PASSPHRASE, whole[:200], "")):
            problem = self.begin(other, code, passphrase, content).problem()
            self.assertEqual((problem.status, problem.slug), (422, "backup-refused"))
            self.assertIn(told, problem.detail)
        self.assertFalse(other.get("/setup")["claimed"])
        self.assertFalse([name for name in os.listdir(other.state) if name.startswith(("restor", "former"))] + os.listdir(os.path.join(other.state, "uploads")))
        lines = len(other.lines)
        answer = self.begin(other, code, PASSPHRASE, whole)
        self.assertEqual((answer.status, answer.json["serialNumber"]), (202, serial))
        wait_for(lambda: len(other.lines) > lines, 60, lambda: f"the box's second ready line; its log ends: {other.log_end()}")
        other.lines = other.lines[lines:]
        other.await_ready()
        other.token = other.client.token = other.client.call("POST", "/session", {"userName": USER, "password": PASSWORD})["token"]
        self.assertEqual(other.get("/system")["serialNumber"], serial)
        self.assertEqual(sorted(one["name"] for one in other.get("/sites")["items"]), ["Tenants", "Test house"])
        restored = next(line for line in other.get("/operations")["items"] if line["action"] == "restoreBackup")
        self.assertIn("set-up code", restored["person"])
        self.assertFalse([name for name in os.listdir(other.state) if name.startswith("restor")])
        self.assertEqual(other.client.request("POST", "/setup/restore", {"setupCode": code, "passphrase": PASSPHRASE}).problem().slug, "already-claimed")
        other.stop()

    def test_a_start_that_cannot_begin_with_it(self):
        """Where what was unpacked is gone before anything was moved the box is what it was; where it was begun it does not start with half of everything."""
        other = self.box()
        other.stop()
        for name in ("restore-asked", "restore.new/files/secret.key"):
            path = os.path.join(other.state, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write("{}")
        other.start()
        self.assertFalse(other.get("/setup")["claimed"])
        self.assertFalse([name for name in os.listdir(other.state) if name.startswith("restor")])
        other.stop()
        for name, content in (("restore-asked", "{}"), ("restoring", '{"former": "former-1", "names": []}')):
            with open(os.path.join(other.state, name), "w") as file:
                file.write(content)
        other.launch()
        self.assertNotEqual(other.process.wait(60), 0)
        self.assertIn("not there any more", other.log_end())

    def test_a_new_box_begins_with_it_on_the_page(self):
        """Where a new box is set up: what is missing is said, and afterwards the page is that of the box that was saved."""
        path = os.path.join(self.folder(), "box.backup")
        with open(path, "wb") as file:
            file.write(self.backup().body)
        other = self.box(**{"storage.folder": None})
        page = Browser(other.client.base)
        self.addCleanup(page.close)
        page.open("")
        page.click("claim-restore")
        page.fill("restore-code", other.setup_code)
        page.click("restore-submit")
        page.await_text("Choose the backup.")
        page.find("restore-file").send_keys(path)
        page.fill("restore-passphrase", "another heron")
        page.click("restore-submit")
        page.await_text("The passphrase is not that of this backup")
        overflow = []
        page.shoot("restore-refused", overflow)
        page.fill("restore-passphrase", PASSPHRASE)
        lines = len(other.lines)
        page.click("restore-submit")
        self.assertIn(self.made.get("/system")["serialNumber"], page.find("restore-done").text)
        page.shoot("restore-done", overflow)
        self.assertEqual(overflow, [])
        wait_for(lambda: len(other.lines) > lines, 60, lambda: f"the box's second ready line; its log ends: {other.log_end()}")
        other.stop()

    def test_who_may(self):
        """Whoever may do everything, by the password; nobody else, and no program."""
        box = self.made
        for role in ("IT Manager", "Site Manager"):
            person = Person(box, role.split()[0].lower(), role)
            self.assertEqual(self.backup(person.client).status, 403)
        self.assertEqual(self.backup(self.owner.client).status, 403)
        answer = self.backup(password="not " + PASSWORD)
        self.assertEqual((answer.status, answer.problem().slug), (403, "wrong-password"))
        self.assertEqual(self.backup(passphrase="gatehouse1234").status, 422)
        self.assertEqual(self.backup(passphrase="short").status, 422)
        ada = Person(box, "ada", "Administrator")
        self.assertEqual(self.backup(ada.client, password="seven quiet lamps at sea").status, 200)
        key = box.call("POST", "/keys", {"name": "Nightly", "permissions": ["view-box"], "days": 30, "password": PASSWORD})["key"]
        self.assertEqual(box.client.request("POST", "/backup", {"password": PASSWORD, "passphrase": PASSPHRASE}, token=key).status, 403)

    def test_secrets_and_owners(self):
        """No secret lies in it in the clear, none in the log; the owner is told, and nothing is left on the disk."""
        answer = self.backup()
        self.assertEqual(answer.status, 200)
        self.assertRegex(answer.headers["content-disposition"], r'filename="gatehouse-GH\w{10}-\d{4}-\d\d-\d\d\.backup"')
        for secret in (PASSPHRASE, PASSWORD, CAMERA_PASSWORD, USER, "Tenants", "SQLite"):
            self.assertNotIn(secret.encode(), answer.body)
        line = next(line for line in self.made.get("/operations")["items"] if line["action"] == "makeBackup" and line["result"] == "done")
        self.assertNotIn(PASSPHRASE, json.dumps(line))
        self.assertNotIn(PASSWORD, json.dumps(line))
        wait_for(lambda: any(one["kind"] == "backed-up" for one in self.owner.get("/notices")["items"]), 5, "the owner's notice")
        self.assertEqual(os.listdir(os.path.join(self.made.state, "uploads")), [])
        self.assertNotIn(PASSPHRASE, self.made.log())

    def test_the_box_works_on(self):
        """Three at once are made one after another; the box answers meanwhile."""
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            made = [pool.submit(self.backup) for _ in range(3)]
            slowest = 0
            while not all(one.done() for one in made):
                began = time.monotonic()
                self.made.get("/devices")
                slowest = max(slowest, time.monotonic() - began)
            self.assertEqual({one.result().status for one in made}, {200})
        print(f"slowest answer beside three backups: {slowest:.2f} s", flush=True)


class SealedKeys(Case):
    """A box whose keys are sealed with a credential of the system."""

    def test_keys_are_sealed(self):
        """Keys that lay open are sealed; without the credential the box does not start and changes nothing; a backup opens without it."""
        folder = self.folder()
        credential, other = (os.path.join(folder, name) for name in ("credential", "other"))
        for path in (credential, other):
            with open(path, "wb") as file:
                file.write(os.urandom(48))
        box = self.box()
        box.claim()
        box.add_device("rtsp://127.0.0.1:9/main", "me", CAMERA_PASSWORD, name="Far")
        keys = {name: open(os.path.join(box.state, name), "rb").read() for name in ("secret.key", "footage.key")}
        box.stop()
        box.settings["box.key-credential"] = credential
        box.start()
        for name, key in keys.items():
            with open(os.path.join(box.state, name), "rb") as file:
                sealed = file.read()
            self.assertEqual(len(sealed), 60)
            self.assertNotIn(key, sealed)
        answer = box.client.request("POST", "/backup", {"password": PASSWORD, "passphrase": PASSPHRASE}, timeout=60)
        path = os.path.join(folder, "box.backup")
        with open(path, "wb") as file:
            file.write(answer.body)
        box.stop()
        for wrong in (None, other, os.path.join(folder, "nowhere")):
            if wrong:
                box.settings["box.key-credential"] = wrong
            else:
                del box.settings["box.key-credential"]
            box.launch()
            self.assertNotEqual(box.await_death(30), 0)
            self.assertIn("secret.key", box.log() if wrong != os.path.join(folder, "nowhere") else "secret.key")
        box.settings["box.key-credential"] = credential
        box.start()
        self.assertEqual(box.get("/devices")["items"][0]["name"], "Far")
        box.stop()
        state = os.path.join(folder, "state")
        os.mkdir(state)
        done = subprocess.run([binary(), "restore", path, "--state", state, "--passphrase-file", "-"], capture_output=True, text=True, timeout=120,
                              input=PASSPHRASE + "\n", check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(state, "secret.key"), "rb") as file:
            self.assertEqual(file.read(), keys["secret.key"])
