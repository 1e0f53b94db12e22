"""A box in the field: it learns of a release, fetches it, begins with it, and keeps it or goes back; whatever the release is and whatever happens meanwhile."""

import json
import os
import socket
import subprocess
import tempfile
import threading
import time

from box import PASSWORD, USER, binary, launcher
from client import Problem
from field_case import GOOD, NEVER, FieldCase
from ports import free_port
from waiting import wait_for


class Manager:
    """Hears what systemd hears (sd_notify(3))."""

    def __init__(self, path):
        self.path, self.heard, self.last = path, set(), time.monotonic()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        """Take every word down, until closed."""
        while word := self.socket.recv(200).decode():
            self.heard.add(word)
            self.last = time.monotonic()

    def begin(self):
        """Patience begins anew."""
        self.last = time.monotonic()

    def silence(self):
        """For how many seconds nothing was said."""
        return time.monotonic() - self.last

    def close(self):
        """Hear nothing any more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.path)
        self.thread.join()
        self.socket.close()


class FieldUpgrade(FieldCase):
    """Upgrades by the API and by the command."""

    def test_a_good_release_stays(self):
        """Found, fetched in part, begun with, on trial, confirmed; people, cameras and what they recorded are there as before; a second check finds nothing."""
        box = self.begin()
        before = self.firmware()
        self.assertEqual((before["version"], before["phase"], before["isManaged"], before["hasSource"]), ("1.0.0", "idle", True, True))
        self.offer("1.1.0")
        available = self.upgrade("1.1.0")
        self.assertEqual(available["notes"], "What is new in 1.1.0.")
        self.assertLess(available["missingBytes"], available["bytes"] * 0.05, "only what is new is fetched")
        with self.assertRaises(Problem) as refused:
            box.call("POST", "/firmware/upgrade", {"version": "1.1.0"})
        self.assertEqual(refused.exception.status, 409)
        pid = box.pid
        held = self.kept(socket.create_connection((box.client.host, box.client.port), timeout=30))
        held.sendall(b"GET /api/v1/setup HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # and says no more
        self.await_version("1.1.0", phases=("trial",))
        self.assertEqual(held.recv(1), b"", "whoever was connected to the box of before is not left waiting")
        self.assertEqual(box.pid, pid, "the launcher takes the process over: whoever looks after it sees no end")
        self.assertEqual(len(box.get("/channels")["items"]), 1)
        self.await_version("1.1.0", phases=("idle",))
        last = self.last()
        self.assertEqual((last["from"], last["to"], last["state"], last["reason"]), ("1.0.0", "1.1.0", "confirmed", None))
        self.assertEqual((last["origin"], last["by"]), ("person", USER))
        self.assertIsNone(box.call("POST", "/firmware/check")["available"])
        told = subprocess.run([launcher(), self.releases, "status"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("trial", told)
        self.assertFalse(os.listdir(os.path.join(self.releases, "before")), "the database of before is not needed any more")
        box.stop()
        box.start(self.environment)
        self.assertEqual(self.firmware()["version"], "1.1.0")

    def test_bad_releases_go_back(self):
        """One that crashes at once, one that crashes after it began, one whose cameras have no picture, one that spoils the database: the old one runs, says why, and works."""
        box = self.begin()
        # It is started anew without what this release adds.
        again = self.at("relaunch")
        with open(again, "w") as file:
            file.write(f'#!/bin/sh\nexec {launcher()} {self.releases} start serve --config {os.path.join(box.folder, "gatehouse.yaml")}\n')
        os.chmod(again, 0o755)
        blind = f'GATEHOUSE_LAUNCHER={again} ' + GOOD + " --devices-allow-local false"
        spoil = f'printf spoiled > {box.state}/box.sqlite; rm -f {box.state}/box.sqlite-*; exit 1'
        bad = (
            ("1.1.0", "exit 1", "never ran well"), ("1.2.0", '{binary} "$@" & sleep 3; kill -9 $!; exit 1', "never ran well"),
            ("1.3.0", blind, "0 of 1 cameras had a picture."), ("1.4.0", spoil, "never ran well"),
            ("1.5.0", "exec /nonexistent", "never ran well"))
        for version, script, reason in bad:
            with self.subTest(script=script):
                self.offer(version, script)
                self.upgrade(version)
                wait_for(lambda: (self.firmware() or {}).get("phase") != "fetching", 30, "the end of the fetching")
                self.await_version("1.0.0", phases=("idle",))
                wait_for(lambda: self.last()["state"] != "running", 10, "what became of it")
                last = self.last()
                self.assertEqual((last["to"], last["state"]), (version, "rolled-back"), last)
                self.assertIn(reason, last["reason"])
                offered = box.call("POST", "/firmware/check")["available"]
                self.assertFalse(offered["canUpgrade"], "what was bad is not taken again")
                self.assertEqual(len(box.get("/channels")["items"]), 1, "nothing was lost")
                box.await_picture(box.get("/channels")["items"][0]["id"])
        self.offer("1.6.0")
        self.upgrade("1.6.0")
        self.await_version("1.6.0", phases=("idle",))

    test_bad_releases_go_back.limit = 400

    def test_killed_meanwhile(self):
        """The box is killed while it fetches, in the moment in which it begins with the release, and while that is on trial: it runs one of the two, whole."""
        self.environment = NEVER
        box = self.begin()
        self.offer("1.1.0")
        self.upgrade("1.1.0")
        wait_for(lambda: box.get("/firmware/history")["items"], 10, "the beginning of the upgrade", every=0.01)
        box.kill()
        found = self.await_version("1.0.0", phases=("idle",)) if not self.is_switched() else self.await_version("1.1.0")
        if found["version"] == "1.0.0":
            self.assertEqual(self.last()["state"], "failed")
            self.upgrade("1.1.0")
        self.await_version("1.1.0", phases=("trial",))
        for _ in range(2):
            box.kill()
            self.await_version("1.1.0", phases=("trial",))
        box.kill()
        # It had its three starts.
        self.await_version("1.0.0", phases=("idle",))
        self.assertEqual(self.last()["state"], "rolled-back")
        self.assertEqual(len(box.get("/channels")["items"]), 1)

    def test_one_that_hangs(self):
        """The box tells whoever looks after it that it is ready and lives; a release that says nothing is ended and started anew, three times, and then the old one runs."""
        manager = self.kept(Manager(self.at("notify")))
        self.environment = {**NEVER, "NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "3000000"}
        box = self.begin()
        wait_for(lambda: {"READY=1", "WATCHDOG=1"} <= manager.heard, 10, lambda: f"both words: {manager.heard}")
        self.offer("1.1.0", "exec sleep 1000")
        self.upgrade("1.1.0")

        def look():
            if box.is_running() and manager.silence() > 3:
                box.kill()
                manager.begin()
            elif not box.is_running():
                box.launch(self.environment)
                manager.begin()
            found = self.firmware()
            return found and (found["version"], found["phase"]) == ("1.0.0", "idle") and self.last()["state"] == "rolled-back"
        wait_for(look, 60, "the old release")
        self.assertIn("never ran well", self.last()["reason"])

    def is_switched(self):
        """Whether the launcher starts the new release."""
        return "1.1.0" in os.readlink(os.path.join(self.releases, "current"))

    def test_from_a_file(self):
        """A box that reaches no server takes a release out of a file; other files are refused with a sentence, and the box goes on."""
        self.upgraded.settings["firmware.source"] = f"http://127.0.0.1:{free_port()}"
        box = self.begin()
        self.offer("1.1.0")
        whole = self.at("1.1.0.gatehouse")
        self.release("export", self.repository, self.path("1.1.0"), whole, "--root", self.root)
        self.assertIn("there already", self.release("export", self.repository, self.path("1.1.0"), whole, "--root", self.root, expect=64))
        with open(whole, "rb") as file:
            data = file.read()
        for name, content, words in (
                ("noise", os.urandom(30_000), "no release of Gatehouse"), ("cut", data[: len(data) // 2], "not whole"), ("a camera's", b"SWKH" + bytes(9000), "Hikvision"),
                ("a backup", b"age-encryption.org/v1\n" + bytes(900), "backup of a box")):
            with self.subTest(name), self.assertRaises(Problem) as refused:
                box.call("PUT", "/firmware/file", content, headers={"Content-Type": "application/octet-stream"})
            self.assertEqual((refused.exception.status, refused.exception.slug), (422, "release-refused"), name)
            self.assertIn(words, refused.exception.detail)
        command = subprocess.run(
            [binary(), "upgrade", box.client.base, "--user", USER, "--file", whole], capture_output=True, text=True, timeout=60, env={**os.environ, "GATEHOUSE_PASSWORD": PASSWORD})
        self.assertEqual(command.returncode, 0, command.stderr)
        self.assertIn("fetching", command.stdout)
        self.await_version("1.1.0", phases=("idle",))
        told = subprocess.run(
            [binary(), "upgrade", box.client.base, "--user", USER, "--history"], capture_output=True, text=True, timeout=60, env={**os.environ, "GATEHOUSE_PASSWORD": PASSWORD}, check=True)
        self.assertIn(f"1.0.0 -> 1.1.0 stayed, by {USER}", told.stdout)

    def test_an_older_one_by_hand(self):
        """Who puts an older release there than the one that is started is told so."""
        self.offer("0.9.0")
        self.assertIn("It is older than 1.0.0, ", self.release("install", self.repository, self.path("0.9.0"), self.releases, "--root", self.root))
        self.offer("1.1.0")
        self.assertNotIn("older", self.release("install", self.repository, self.path("1.1.0"), self.releases, "--root", self.root))

    def test_what_the_box_says(self):
        """A server that is away, one with other metadata, a policy that is not right: sentences; a box without a launcher says that it is upgraded as it was installed."""
        box = self.begin()
        timestamp = self.at("releases", "metadata", "timestamp.json")
        with open(timestamp) as file:
            good = file.read()
        forged = json.loads(good)
        forged["signed"]["version"] += 1
        with open(timestamp, "w") as file:
            json.dump(forged, file)
        self.assertIn("not signed", box.call("POST", "/firmware/check")["trouble"])
        command = self.command(box.client.base, what=())
        self.assertEqual(command.returncode, 1, "what could not be found out is not nothing newer")
        self.assertIn("not signed", command.stdout)
        trusted = os.path.join(self.releases, "trusted/root.json")
        os.rename(trusted, trusted + ".aside")
        self.assertIn("firmware.root in its configuration", box.call("POST", "/firmware/check")["trouble"])
        os.rename(trusted + ".aside", trusted)
        with open(timestamp, "w") as file:
            file.write(good)
        self.assertIsNone(box.call("POST", "/firmware/check")["trouble"])
        set_to = box.call("PATCH", "/firmware", {"automatic": False, "windowFrom": "23:30", "windowTo": "01:15", "channel": "candidate"})
        self.assertEqual((set_to["automatic"], set_to["windowFrom"], set_to["windowTo"], set_to["channel"]), (False, "23:30", "01:15", "candidate"))
        for wrong in ({"windowFrom": "24:00"}, {"windowTo": "7:000"}, {"channel": "nightly"}, {"automatic": "yes"}):
            with self.subTest(wrong), self.assertRaises(Problem) as refused:
                box.call("PATCH", "/firmware", wrong)
            self.assertEqual(refused.exception.status, 422)
        with self.assertRaises(Problem) as refused:
            box.call("POST", "/firmware/upgrade", {"version": "9.9.9"})
        self.assertEqual(refused.exception.status, 409)
        plain = self.box()
        plain.claim()
        found = plain.get("/firmware")
        self.assertEqual((found["isManaged"], found["phase"]), (False, "idle"))
        with self.assertRaises(Problem) as refused:
            plain.call("POST", "/firmware/check")
        self.assertIn("launcher", refused.exception.detail)
        command = self.command(plain.client.base)
        self.assertEqual(command.returncode, 1)
        self.assertIn("upgraded as it was installed", command.stdout)
        self.assertIn("No upgrade was begun.", command.stderr)

    def test_root_brings_no_release_into_the_box_s_folder(self):
        """The box could not change any more what root made there."""
        if os.geteuid():
            self.skipTest("needs root, to be another than whose folder it is")
        before = sorted(os.listdir(self.releases))
        os.chown(self.releases, 65534, 65534)
        told = self.release("install", self.repository, self.path("1.0.0"), self.releases, "--root", self.root, expect=1)
        self.assertIn("is somebody else's. Let its own user do it: runuser -u gatehouse -- gatehouse release install", told)
        self.assertEqual(sorted(os.listdir(self.releases)), before)

    def test_a_file_that_is_refused_before_it_is_there(self):
        """Nobody waits for who has read enough: the reason is told at once."""
        for tls in (False, True):
            with self.subTest(tls=tls), tempfile.NamedTemporaryFile(prefix="gatehouse-release-") as file:
                box = self.box(**{"http.tls": tls})
                box.claim()
                file.truncate(64 << 20)
                self.assertSays(self.command(box.client.base, what=("--file", file.name, "--insecure")), "upgraded as it was installed")

    @staticmethod
    def command(base, *begin, what=("--now",)):
        """What `gatehouse upgrade --now`, or another wish, says of the box at an address; `begin` is what stands before the command."""
        return subprocess.run(
            [*begin, binary(), "upgrade", base, "--user", USER, *what], capture_output=True, text=True, timeout=60, env={**os.environ, "GATEHOUSE_PASSWORD": PASSWORD}, check=False)

    def test_what_is_said_of_a_box_that_is_away(self):
        """Nobody there, and somebody who ends each connection: one sentence each, and nothing of what only programmers read."""
        listener = self.enterContext(socket.create_server(("127.0.0.1", 0)))

        def hang_up():
            """Takes connections and ends them at once."""
            while True:
                try:
                    listener.accept()[0].close()
                except OSError:
                    return
        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        rude = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for base, sentence in {f"http://127.0.0.1:{free_port()}": "Nothing answers at {}. ", rude: "{} breaks off. "}.items():
            with self.subTest(base):
                self.assertSays(self.command(base), sentence.format(base))

    def test_what_is_said_of_a_name_that_nobody_knows(self):
        """By a system that asks no name server."""
        with tempfile.NamedTemporaryFile("w", prefix="gatehouse-nsswitch-") as names:
            names.write("hosts: files\n")
            names.flush()
            told = self.command("http://box.example:8443", *self.covering(names.name, "/etc/nsswitch.conf"))
        self.assertSays(told, "No address is known for http://box.example:8443.")

    def assertSays(self, told, sentence):
        """One sentence, and the end."""
        self.assertEqual(told.returncode, 1)
        self.assertIn(sentence, told.stderr)
        self.assertNotRegex(told.stderr, "NIO|HTTPClient|Error\\(")
