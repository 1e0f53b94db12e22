"""The Debian package under systemd itself: its unit starts the box, in a container over this machine's files; the program under test is in it."""

import glob
import json
import os
import shutil
import subprocess
import tempfile

from box import beside, binary, launcher, updater
from client import repository
from container import Container, run
from vendor import VendorCase
from waiting import wait_for

# Quicker than in the field, so that a test can wait for it.
QUICK = "[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\nRestartSec=100ms\nStandardOutput=file:/var/log/box\nStandardError=file:/var/log/box\n"
SETTINGS = "servers:\n  allow-local: true\nfirmware:\n  source: http://127.0.0.1:8000\n"
CONFIGURATION = "etc/gatehouse/gatehouse.yaml"
RELEASES = "var/lib/gatehouse-releases"
DUE = "usr/lib/gatehouse/updater-due"
UNITS = ("gatehouse.service", "gatehouse-updater.service", "gatehouse-updater.timer")


class Systemd(VendorCase):
    """One container, in which the package is installed, used, upgraded and removed, in this order."""

    @classmethod
    def setUpClass(cls):
        cls.container = Container()
        cls.addClassCleanup(cls.container.close)
        cls.inside = cls.container.inside
        cls.folder = tempfile.mkdtemp(prefix="gatehouse-systemd-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        for place in ("var/lib/gatehouse", RELEASES):
            shutil.rmtree(cls.container.at(place), ignore_errors=True)
        # What a machine that is a container itself may have, so that packages start nothing.
        if os.path.exists(cls.container.at("usr/sbin/policy-rc.d")):
            os.unlink(cls.container.at("usr/sbin/policy-rc.d"))
        for version in ("0.1.0", "10.0.0"):
            cls.build(version)
        cls.container.start()
        cls.container.write("etc/systemd/system/gatehouse.service.d/quick.conf", QUICK)
        cls.install("0.1.0")
        wait_for(lambda: cls.shown("ActiveState") == "active", 60, lambda: "the box: " + cls.told())

    @classmethod
    def build(cls, version):
        """A package of the programs under test."""
        programs = os.path.join(cls.folder, "programs")
        if not os.path.exists(programs):
            os.makedirs(programs)
            for program in (binary(), launcher(), updater(), *glob.glob(os.path.join(glob.escape(os.path.dirname(beside("gatehouse"))), "gatehouse_*.resources"))):
                os.symlink(os.path.realpath(program), os.path.join(programs, os.path.basename(program)))
        cls.must(run(os.path.join(repository(), "Firmware/build-deb"), "--programs", programs, "--output", cls.container.at("opt/packages"), "--version", version, "--fast",
                     seconds=200, env={**os.environ, "TMPDIR": cls.folder}))

    @classmethod
    def install(cls, version):
        """What dpkg said of that package."""
        package, = glob.glob(cls.container.at(f"opt/packages/gatehouse_{version}_*.deb"))
        # What is not written at once is not lost here.
        return cls.must(cls.inside("dpkg", "--force-unsafe-io", "--install", f"/opt/packages/{os.path.basename(package)}", seconds=100))

    @classmethod
    def must(cls, done):
        """What a command said that went well."""
        if done.returncode:
            raise AssertionError(f"{done.args}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return done.stdout + done.stderr

    @classmethod
    def told(cls):
        """What the box said, and what systemd thinks of it."""
        try:
            with open(cls.container.at("var/log/box"), errors="replace") as file:
                text = file.read()
        except FileNotFoundError:
            text = ""
        return text[-3000:] + cls.inside("systemctl", "status", "--no-pager", "gatehouse.service").stdout + cls.container.console()[-1000:]

    @classmethod
    def shown(cls, name, unit="gatehouse.service"):
        """A property of a unit."""
        return cls.inside("systemctl", "show", unit, f"--property={name}", "--value").stdout.strip()

    def test_a_what_the_package_brings(self):
        """Units that begin with the system, a user that nobody can be, folders that only it may look into, a command, a configuration with which the box runs."""
        self.assertEqual(self.inside("systemctl", "is-enabled", *UNITS).stdout.split(), ["enabled", "static", "enabled"])
        self.assertEqual(self.shown("ActiveState", "gatehouse-updater.timer"), "active")
        user = self.inside("getent", "passwd", "gatehouse").stdout.strip().split(":")
        self.assertEqual(user[5:], ["/var/lib/gatehouse", "/usr/sbin/nologin"])
        for place in ("var/lib/gatehouse", RELEASES):
            state = os.stat(self.container.at(place))
            self.assertEqual((state.st_mode & 0o777, state.st_uid), (0o700, int(user[2])))
        self.assertIn("0.1.0", self.inside("gatehouse", "--version").stdout)
        self.assertRegex(self.launched(), r"^current: 0\.1\.0-[0-9a-f]{12}\nprevious: none\n$")

    def test_a_removal_that_is_undone(self):
        """Another package may want this one gone and not come after all: the box runs again."""
        scripts = "/var/lib/dpkg/info/gatehouse"
        self.must(self.inside(f"{scripts}.prerm", "remove", "in-favour", "other", "1.0"))
        self.assertEqual([self.shown("ActiveState", unit) for unit in UNITS], ["inactive"] * 3)
        self.must(self.inside(f"{scripts}.postinst", "abort-remove", "in-favour", "other", "1.0"))
        self.restarted("0")
        self.assertEqual(self.shown("ActiveState", "gatehouse-updater.timer"), "active")

    def test_it_works_behind_its_walls(self):
        """It answers, keeps its state where only it may look, and its workers can encode: what the unit forbids is nothing that the box needs."""
        found = self.inside("/usr/bin/python3", "-c", "import ssl, urllib.request as r; print(r.urlopen('https://127.0.0.1:8443/api/v1/setup', "
                            "context=ssl._create_unverified_context()).read().decode())")
        self.assertEqual(found.returncode, 0, found.stderr[-500:] + self.told())
        self.assertIn("claimed", json.loads(found.stdout))
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
            file.write(f'#!/bin/sh\n# {version}\nexec /usr/lib/gatehouse/release/bin/gatehouse "$@"\n')
        os.chmod(os.path.join(place, "bin", "gatehouse"), 0o755)
        return place

    def offer(self, version):
        """A newer release, in the container's server."""
        self.built(version, "--architecture", run("dpkg", "--print-architecture").stdout.strip())
        self.publish("snapshot", "timestamp")
        shutil.copytree(self.repository, self.container.at("opt/releases"), dirs_exist_ok=True)

    def serve_releases(self):
        """In the container, by the address that is the box's server of releases."""
        self.begun()
        self.release("sign", self.repository, "--key", self.at("root0"))
        self.offer("9.0.0")
        trusted = self.container.at(f"{RELEASES}/trusted")
        os.makedirs(trusted, exist_ok=True)
        shutil.copy(os.path.join(self.repository, "metadata/1.root.json"), os.path.join(trusted, "root.json"))
        self.inside("chown", "-R", "gatehouse:gatehouse", f"/{RELEASES}/trusted")
        server = self.container.begin("/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "/opt/releases", "8000")
        # nsenter has it as a child, in the container's processes.
        self.addCleanup(lambda: (self.inside("pkill", "-f", "http.server"), server.wait()))

    def launched(self):
        """What the launcher says that it starts."""
        return self.inside("/usr/lib/gatehouse/gatehouse-launcher", f"/{RELEASES}", "status").stdout

    def updater_said(self):
        """What a look of the updater's came to."""
        mark = self.inside("date", "+%s.%N").stdout.strip()
        done = self.inside("systemctl", "start", "gatehouse-updater.service")
        said = self.inside("journalctl", "--no-pager", "-o", "cat", f"--since=@{mark}", "-u", "gatehouse-updater.service").stdout
        self.assertEqual(done.returncode, 0, done.stderr + said)
        return said

    def age(self):
        """As though the box had lived an hour earlier."""
        place = self.container.at(f"{RELEASES}/updater.json")
        with open(place) as file:
            brief = json.load(file)
        brief["lived"]["seconds"] -= 3600
        with open(place, "w") as file:
            json.dump(brief, file)

    def test_z_the_updater(self):
        """The box's release does not start any more, or stands still: behind its walls the updater brings the next, and systemd starts it. One that somebody stopped or just started is left alone."""
        with open(self.container.at(CONFIGURATION), "a") as file:
            file.write(SETTINGS)
        self.inside("systemctl", "restart", "gatehouse.service")
        self.serve_releases()
        # As whoever is root and copies something there makes it: the box cannot take it away.
        self.container.write(f"{RELEASES}/slots/0.0.1-0123456789ab/bin/gatehouse", "#!/bin/sh\n", 0o755)
        place = self.container.at(f"{RELEASES}/updater.json")
        wait_for(lambda: os.path.exists(place), 30, lambda: "what the updater is told: " + self.told())
        self.age()
        self.assertNotIn("9.0.0", self.updater_said(), "it was started a moment ago")
        self.container.write("etc/systemd/system/gatehouse-updater.service.d/at-once.conf", f"[Service]\nExecCondition=\nExecCondition=+/{DUE} 0\n")
        self.inside("systemctl", "stop", "gatehouse.service")
        self.inside("systemctl", "daemon-reload")
        self.age()
        self.assertNotIn("9.0.0", self.updater_said(), "somebody stopped it")
        self.assertIn("current: 0.1.0-", self.launched())

        with open(self.container.at(f"{RELEASES}/current/bin/gatehouse"), "w") as file:
            file.write("#!/bin/sh\nexit 1\n")
        self.inside("systemctl", "start", "--no-block", "gatehouse.service")
        wait_for(lambda: int(self.shown("NRestarts")) > 2, 30, "a box that crashes")
        self.assertIn("9.0.0 next, on trial", self.updater_said())
        self.assertNotIn("0.0.1-", self.launched(), "it is none any more")
        process = self.restarted("0")
        self.assertIn("current: 9.0.0-", self.launched())

        self.inside("runuser", "-u", "gatehouse", "--", "/usr/lib/gatehouse/gatehouse-launcher", f"/{RELEASES}", "confirm")
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

    def test_zz_the_package_is_upgraded_and_removed(self):
        """A newer one ends an updater at work and is on trial, with what was set and without what was disabled; what the box knows stays when it is removed, is there when it comes again, and goes when it is purged."""
        with open(self.container.at(CONFIGURATION), "a") as file:
            file.write("# This box is Anna's.\n")
        # It holds the folder for longer than anybody waits, as one does that fetches on a narrow line.
        self.container.write("etc/systemd/system/gatehouse-updater.service.d/slow.conf",
                             f"[Service]\nExecCondition=\nExecStart=\nExecStart=/usr/bin/flock --no-fork /{RELEASES}/lock /usr/bin/sleep infinity\n")
        self.inside("systemctl", "daemon-reload")
        self.inside("systemctl", "start", "--no-block", "gatehouse-updater.service")
        wait_for(lambda: self.inside("pgrep", "-u", "gatehouse", "-x", "sleep").returncode == 0, 20, "the updater at work")
        self.inside("systemctl", "disable", "--now", "gatehouse-updater.timer")
        process = self.shown("MainPID")
        said = self.install("10.0.0")
        self.assertNotIn("waits for it", said)
        self.assertEqual(self.shown("ActiveState", "gatehouse-updater.service"), "inactive")
        process = self.restarted(process)
        for _ in range(4):
            self.assertRegex(self.launched(), r"^current: 10\.0\.0-[0-9a-f]{12}\nprevious: .*\non trial, to be started 2 times more", "a restart that somebody wants is no bad start")
            self.inside("systemctl", "restart", "gatehouse.service")
            process = self.restarted(process)
        self.assertEqual(self.inside("systemctl", "is-enabled", *UNITS).stdout.split(), ["enabled", "static", "disabled"])
        self.assertEqual(self.shown("ActiveState", "gatehouse-updater.timer"), "inactive")
        with open(self.container.at(CONFIGURATION)) as file:
            self.assertIn("# This box is Anna's.", file.read())

        self.must(self.inside("dpkg", "--remove", "gatehouse"))
        self.assertEqual(self.inside("pgrep", "-u", "gatehouse").stdout, "")
        self.assertEqual([self.shown("LoadState", unit) for unit in UNITS], ["not-found"] * 3)
        self.assertTrue(os.path.exists(self.container.at("var/lib/gatehouse/box.sqlite")))
        self.assertTrue(os.path.exists(self.container.at(CONFIGURATION)))
        self.install("10.0.0")
        self.restarted("0")
        self.assertEqual(self.inside("systemctl", "is-enabled", *UNITS).stdout.split(), ["enabled", "static", "disabled"])
        # What the box knows is often on a disk of its own, which stays where it is.
        self.must(self.inside("mount", "--bind", "/var/lib/gatehouse", "/var/lib/gatehouse"))
        self.must(self.inside("dpkg", "--purge", "gatehouse"))
        self.assertEqual(self.inside("pgrep", "-u", "gatehouse").stdout, "")
        # The user stays, as Debian's users do, and so do the test's own settings of units.
        left = self.inside("find", "/etc", "/usr", "/var/lib", "-name", "*gatehouse*", "-not", "-name", "*.service.d").stdout
        self.assertEqual((left, os.listdir(self.container.at("var/lib/gatehouse"))), ("/var/lib/gatehouse\n", []))
