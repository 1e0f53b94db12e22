"""The unit that starts the box, run by systemd itself: in a container over this machine's files, with nothing else in it."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from box import binary, launcher, updater
from client import repository
from vendor import VendorCase
from waiting import wait_for

FIRMWARE = os.path.join(repository(), "Firmware")
RELEASE = "0.1.0-0123456789ab"
# Where the program under test lies in the container, whose /tmp and /root are its own.
PROGRAMS = "/opt/gatehouse-under-test"
# Quicker than in the field, so that a test can wait for it.
QUICK = "[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\nRestartSec=100ms\nStandardOutput=file:/var/log/box\nStandardError=file:/var/log/box\n"
CONFIGURATION = "state: /var/lib/gatehouse\nservers:\n  allow-local: true\nfirmware:\n  source: http://127.0.0.1:8000\n"
DUE = "usr/lib/gatehouse/updater-due"
TARGET = "[Unit]\nRequires=basic.target\nAfter=basic.target\nWants=gatehouse.service\nAllowIsolate=yes\n"


def run(*arguments):
    """A finished command."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)


class Systemd(VendorCase):
    """One container, whose systemd starts the box and nothing else."""

    @classmethod
    def setUpClass(cls):
        if shutil.which("systemd-nspawn") is None:
            raise unittest.SkipTest("systemd-nspawn is not installed: apt-get install systemd-container")
        if os.geteuid() != 0:
            raise unittest.SkipTest("a container needs root")
        cls.folder = tempfile.mkdtemp(prefix="gatehouse-systemd-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.root = os.path.join(cls.folder, "root")
        for name in ("root", "upper", "work"):
            os.makedirs(os.path.join(cls.folder, name))
        mounted = run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={cls.folder}/upper,workdir={cls.folder}/work", cls.root)
        if mounted.returncode:
            raise unittest.SkipTest(f"no overlay here: {mounted.stderr.strip()}")
        cls.addClassCleanup(run, "umount", "--lazy", cls.root)
        tried = run("systemd-nspawn", *cls.container(), "/bin/true")
        if tried.returncode:
            raise unittest.SkipTest(f"no container here: {tried.stderr.strip()[-300:]}")
        cls.install()
        cls.start()

    @classmethod
    def container(cls):
        """How systemd-nspawn is called."""
        return ["--quiet", "--register=no", "--keep-unit", "--private-network", "--link-journal=no", f"--directory={cls.root}",
                f"--bind-ro={os.path.dirname(os.path.realpath(binary()))}:{PROGRAMS}",
                f"--bind-ro={repository()}/Profiles:{os.path.dirname(PROGRAMS)}/share/gatehouse/Profiles"]

    @classmethod
    def write(cls, path, text, mode=0o644):
        """A file in the container."""
        path = os.path.join(cls.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)

    @classmethod
    def install(cls):
        """What the package does, with the program under test as its release."""
        systemd = os.path.join(FIRMWARE, "systemd")
        for folder in ("etc/systemd/system", "var/lib/gatehouse", "var/lib/gatehouse-releases"):
            shutil.rmtree(os.path.join(cls.root, folder), ignore_errors=True)
        units = [(f"{systemd}/{unit}", f"usr/lib/systemd/system/{unit}") for unit in ("gatehouse.service", "gatehouse-updater.service", "gatehouse-updater.timer")]
        for source, to in (*units, (f"{systemd}/gatehouse.sysusers", "usr/lib/sysusers.d/gatehouse.conf"), (f"{systemd}/gatehouse.tmpfiles", "usr/lib/tmpfiles.d/gatehouse.conf"),
                           (launcher(), "usr/lib/gatehouse/gatehouse-launcher"), (updater(), "usr/lib/gatehouse/gatehouse-updater"), (f"{FIRMWARE}/debian/updater-due", DUE)):
            os.makedirs(os.path.dirname(os.path.join(cls.root, to)), exist_ok=True)
            shutil.copy(source, os.path.join(cls.root, to))
        cls.write("etc/gatehouse/gatehouse.yaml", CONFIGURATION)
        cls.write("etc/systemd/system/gatehouse.service.d/quick.conf", QUICK)
        cls.write("etc/systemd/system/box.target", TARGET)
        os.symlink("box.target", os.path.join(cls.root, "etc/systemd/system/default.target"))
        cls.write("etc/fstab", "")
        releases = "var/lib/gatehouse-releases"
        cls.write(f"{releases}/slots/{RELEASE}/bin/gatehouse", f'#!/bin/sh\nexec {PROGRAMS}/gatehouse "$@"\n', 0o755)
        for command in (["systemd-sysusers", f"--root={cls.root}"], ["systemd-tmpfiles", f"--root={cls.root}", "--create", "gatehouse.conf"],
                        [launcher(), f"{cls.root}/{releases}", "try", RELEASE], [launcher(), f"{cls.root}/{releases}", "confirm"],
                        ["chroot", cls.root, "chown", "-R", "gatehouse:gatehouse", f"/{releases}"]):
            done = run(*command)
            if done.returncode:
                raise AssertionError(f"{command}: {done.stdout} {done.stderr}")

    @classmethod
    def start(cls):
        """The container boots; its systemd has the process number 1 there."""
        with open(os.path.join(cls.folder, "console"), "w") as console:
            cls.process = subprocess.Popen(["systemd-nspawn", *cls.container(), "--boot"], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        cls.addClassCleanup(cls.stop)

        def first():
            if cls.process.poll() is not None:
                raise AssertionError(cls.console())
            found = run("pgrep", "-P", str(cls.process.pid)).stdout.split()
            return found[0] if found else None
        cls.first = wait_for(first, 20, "the container's first process")
        wait_for(lambda: cls.shown("ActiveState") == "active", 60, lambda: "the box: " + cls.told())

    @classmethod
    def stop(cls):
        """Power the container off."""
        cls.process.terminate()
        try:
            cls.process.wait(20)
        except subprocess.TimeoutExpired:
            cls.process.kill()
            cls.process.wait()

    @classmethod
    def console(cls):
        """What the container's systemd said."""
        with open(os.path.join(cls.folder, "console"), errors="replace") as file:
            return file.read()

    @classmethod
    def told(cls):
        """What the box said, and what systemd thinks of it."""
        try:
            with open(os.path.join(cls.root, "var/log/box"), errors="replace") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        return text[-3000:] + cls.inside("systemctl", "status", "--no-pager", "gatehouse.service").stdout + cls.console()[-1000:]

    @classmethod
    def inside(cls, *command):
        """A command in the container."""
        return run("nsenter", "--target", cls.first, "--all", *command)

    @classmethod
    def shown(cls, name):
        """A property of the unit."""
        return cls.inside("systemctl", "show", "gatehouse.service", f"--property={name}", "--value").stdout.strip()

    def test_it_works_behind_its_walls(self):
        """It answers, keeps its state where only it may look, and its workers can encode: what the unit forbids is nothing that the box needs."""
        found = self.inside("/usr/bin/python3", "-c", "import ssl, urllib.request as r; print(r.urlopen('https://127.0.0.1:8443/api/v1/setup', "
                            "context=ssl._create_unverified_context()).read().decode())")
        self.assertEqual(found.returncode, 0, found.stderr[-500:] + self.told())
        self.assertIn("claimed", json.loads(found.stdout))
        state = os.stat(os.path.join(self.root, "var/lib/gatehouse"))
        self.assertEqual(state.st_mode & 0o777, 0o700)
        self.assertNotEqual(state.st_uid, 0)
        wait_for(lambda: "encoder=libx264 proven=" in self.told(), 30, lambda: "the trial of the encoder: " + self.told())
        self.assertIn("encoder=libx264 proven=true", self.told())

    def restarted(self, after):
        """Another process, as the unit wants it to be."""
        def look():
            process = self.shown("MainPID")
            return process if process not in ("0", after) and self.shown("ActiveState") == "active" else None
        return wait_for(look, 60, lambda: "the box's next start: " + self.told())

    def test_one_that_is_killed_or_hangs_is_started_again(self):
        """After a kill at once; one that hangs is ended by the watchdog first."""
        process = self.shown("MainPID")
        before = int(self.shown("NRestarts"))
        self.inside("kill", "-KILL", process)
        process = self.restarted(process)
        self.inside("kill", "-STOP", process)
        self.restarted(process)
        self.assertEqual(int(self.shown("NRestarts")), before + 2)

    def test_stop(self):
        """It ends in order, and nothing of it is left."""
        done = self.inside("systemctl", "stop", "gatehouse.service")
        self.addCleanup(lambda: (self.inside("systemctl", "start", "gatehouse.service"), self.restarted("0")))
        self.assertEqual((done.returncode, self.shown("Result"), self.shown("ActiveState")), (0, "success", "inactive"), self.told())
        self.assertEqual(self.inside("pgrep", "-u", "gatehouse").stdout, "")

    def files(self, version):
        """A release that is the program under test."""
        place = self.at(f"files-{version}")
        os.makedirs(os.path.join(place, "bin"))
        with open(os.path.join(place, "bin", "gatehouse"), "w") as file:
            file.write(f'#!/bin/sh\n# {version}\nexec {PROGRAMS}/gatehouse "$@"\n')
        os.chmod(os.path.join(place, "bin", "gatehouse"), 0o755)
        return place

    def offer(self, version):
        """A newer release, in the container's server."""
        self.built(version, "--architecture", run("dpkg", "--print-architecture").stdout.strip())
        self.publish("snapshot", "timestamp")
        shutil.copytree(self.repository, os.path.join(self.root, "opt/releases"), dirs_exist_ok=True)

    def serve_releases(self):
        """In the container, by the address that is the box's server of releases."""
        self.begun()
        self.release("sign", self.repository, "--key", self.at("root0"))
        self.offer("9.0.0")
        trusted = os.path.join(self.root, "var/lib/gatehouse-releases/trusted")
        os.makedirs(trusted)
        shutil.copy(os.path.join(self.repository, "metadata/1.root.json"), os.path.join(trusted, "root.json"))
        self.inside("chown", "-R", "gatehouse:gatehouse", "/var/lib/gatehouse-releases/trusted")
        server = subprocess.Popen(
            ["nsenter", "--target", self.first, "--all", "/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/opt/releases", "8000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # nsenter has it as a child, in the container's processes.
        self.addCleanup(lambda: (self.inside("pkill", "-f", "http.server"), server.wait()))

    def launched(self):
        """What the launcher says that it starts."""
        return self.inside("/usr/lib/gatehouse/gatehouse-launcher", "/var/lib/gatehouse-releases", "status").stdout

    def updater_said(self):
        """What a look of the updater's came to."""
        mark = self.inside("date", "+%s.%N").stdout.strip()
        done = self.inside("systemctl", "start", "gatehouse-updater.service")
        said = self.inside("journalctl", "--no-pager", "-o", "cat", f"--since=@{mark}", "-u", "gatehouse-updater.service").stdout
        self.assertEqual(done.returncode, 0, done.stderr + said)
        return said

    def age(self):
        """As though the box had lived an hour earlier."""
        place = os.path.join(self.root, "var/lib/gatehouse-releases/updater.json")
        with open(place) as file:
            brief = json.load(file)
        brief["lived"]["seconds"] -= 3600
        with open(place, "w") as file:
            json.dump(brief, file)

    def test_z_the_updater(self):
        """The box's release does not start any more, or stands still: behind its walls the updater brings the next, and systemd starts it. One that somebody stopped or just started is left alone."""
        self.serve_releases()
        place = os.path.join(self.root, "var/lib/gatehouse-releases/updater.json")
        wait_for(lambda: os.path.exists(place), 30, lambda: "what the updater is told: " + self.told())
        self.age()
        self.assertNotIn("9.0.0", self.updater_said(), "it was started a moment ago")
        self.write("etc/systemd/system/gatehouse-updater.service.d/at-once.conf", f"[Service]\nExecCondition=\nExecCondition=+/{DUE} 0\n")
        self.inside("systemctl", "stop", "gatehouse.service")
        self.inside("systemctl", "daemon-reload")
        self.age()
        self.assertNotIn("9.0.0", self.updater_said(), "somebody stopped it")
        self.assertIn(f"current: {RELEASE}", self.launched())

        with open(os.path.join(self.root, f"var/lib/gatehouse-releases/slots/{RELEASE}/bin/gatehouse"), "w") as file:
            file.write("#!/bin/sh\nexit 1\n")
        self.inside("systemctl", "start", "--no-block", "gatehouse.service")
        wait_for(lambda: int(self.shown("NRestarts")) > 2, 30, "a box that crashes")
        self.assertIn("9.0.0 next, on trial", self.updater_said())
        process = self.restarted("0")
        self.assertIn("current: 9.0.0-", self.launched())

        self.inside("runuser", "-u", "gatehouse", "--", "/usr/lib/gatehouse/gatehouse-launcher", "/var/lib/gatehouse-releases", "confirm")
        with open(place) as file:
            before = json.load(file)["process"]
        wait_for(lambda: self.brief_of(place)["process"] != before or str(before["number"]) == process, 30, "what the updater is told of the process of now")
        self.offer("9.1.0")
        self.age()
        self.assertIn("9.1.0 next, on trial", self.updater_said())
        self.restarted(process)
        self.assertIn("current: 9.1.0-", self.launched())

    @staticmethod
    def brief_of(place):
        """What the box told the updater."""
        with open(place) as file:
            return json.load(file)
