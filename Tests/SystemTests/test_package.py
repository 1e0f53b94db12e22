"""The Debian package: built the same twice, as Debian wants it, installed, upgraded and removed in a root of its own; and the unit that starts the box."""

import concurrent.futures
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from box import binary, launcher
from client import repository
from waiting import wait_for

FIRMWARE = os.path.join(repository(), "Firmware")
MOST_EXPOSURE = 2.0
# Whom the box trusts first; the package only carries it.
ROOT = '{"signed": {"_type": "root"}}\n'
# The program under test lies where its build did.
SUPPRESSED = "custom-library-search-path"


class Package(unittest.TestCase):
    """Packages with the launcher, and in place of the box's program one that is small."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="gatehouse-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.programs = os.path.join(cls.folder, "programs")
        os.makedirs(os.path.join(cls.programs, "web.resources"))
        for name in ("gatehouse", "gatehouse-launcher", "gatehouse-updater"):
            shutil.copy(launcher(), os.path.join(cls.programs, name))
        with open(os.path.join(cls.folder, "root.json"), "w") as file:
            file.write(ROOT)
        cls.first = cls.build("0.1.0")

    @classmethod
    def build(cls, version, name="out", programs=None):
        """A package of that version, by somebody who stands elsewhere and names what lies there; its path."""
        output = os.path.join(cls.folder, f"{name}-{version}")
        done = subprocess.run(
            [os.path.join(FIRMWARE, "build-deb"), "--programs", os.path.relpath(programs or cls.programs, cls.folder), "--output", f"{name}-{version}", "--root", "root.json", "--version", version, "--fast"], capture_output=True, text=True, timeout=300, cwd=cls.folder,
            env={**os.environ, "GATEHOUSE": binary(), "SOURCE_DATE_EPOCH": "1800000000"}, check=False)
        if done.returncode:
            raise AssertionError(f"build-deb: {done.stdout[-500:]} {done.stderr[-2000:]}")
        architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
        return os.path.join(output, f"gatehouse_{version}_{architecture}.deb")

    def test_the_same_twice(self):
        """Two builds, one hash: of the package, its symbols and its bill of materials."""
        again = self.build("0.1.0", "again")
        names = sorted(os.listdir(os.path.dirname(self.first)))
        self.assertEqual(len(names), 3)
        for name in names:
            hashes = []
            for path in (self.first, again):
                with open(os.path.join(os.path.dirname(path), name), "rb") as file:
                    hashes.append(hashlib.sha256(file.read()).hexdigest())
            self.assertEqual(*hashes, name)

    def test_lintian(self):
        """No error and no warning."""
        told = subprocess.run(
            ["lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", SUPPRESSED, self.first], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(told.returncode, 0, told.stdout)

    def dpkg(self, root, *arguments):
        """Let dpkg work in a root of its own; what it says. Its scripts run outside of it and know it by DPKG_ROOT."""
        done = subprocess.run(
            ["dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless", "--force-architecture", *arguments], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, f"dpkg {arguments}: {done.stdout[-1000:]} {done.stderr[-2000:]}")
        return done.stdout + done.stderr

    def status(self, root):
        """What the launcher says that it installed."""
        told = subprocess.run([launcher(), os.path.join(root, "var/lib/gatehouse-releases"), "status"], capture_output=True, text=True, check=True).stdout
        return told

    def test_installed_upgraded_removed(self):
        """The first is started at once, a newer one is on trial, an older one changes nothing; what the box knows stays until it is purged."""
        root = os.path.join(self.folder, "root")
        os.makedirs(os.path.join(root, "var/lib/dpkg"))
        open(os.path.join(root, "var/lib/dpkg/status"), "w").close()
        self.dpkg(root, "-i", self.first)
        told = self.status(root)
        self.assertRegex(told, r"current: 0\.1\.0-[0-9a-f]{12}\n")
        self.assertNotIn("trial", told)
        self.assertTrue(os.access(os.path.join(root, "usr/bin/gatehouse"), os.X_OK))
        configuration = os.path.join(root, "etc/gatehouse/gatehouse.yaml")
        with open(configuration, "a") as file:
            file.write("log:\n  level: debug\n")
        trusted = os.path.join(root, "var/lib/gatehouse-releases/trusted")
        with open(os.path.join(trusted, "root.json")) as file:
            self.assertEqual(file.read(), ROOT)
        # As a copy whose power went leaves it.
        os.truncate(os.path.join(trusted, "root.json"), 0)
        newer = os.path.join(self.folder, "newer")
        shutil.copytree(self.programs, newer)
        with open(os.path.join(newer, "web.resources", "new"), "w") as file:
            file.write("new")
        self.dpkg(root, "--force-confold", "-i", self.build("0.2.0", programs=newer))
        told = self.status(root)
        self.assertRegex(told, r"current: 0\.2\.0-[0-9a-f]{12}\nprevious: 0\.1\.0-[0-9a-f]{12}\non trial, to be started 3 times more")
        with open(configuration) as file:
            self.assertIn("debug", file.read(), "what was set stays")
        self.assertEqual(os.listdir(trusted), ["root.json"])
        with open(os.path.join(trusted, "root.json")) as file:
            self.assertEqual(file.read(), ROOT, "whom it trusts is whole again")
        self.dpkg(root, "--force-downgrade", "--force-confold", "-i", self.build("0.1.5"))
        self.assertIn("current: 0.2.0-", self.status(root), "an older package does not bring the box back")
        known = os.path.join(root, "var/lib/gatehouse", "box.sqlite")
        os.makedirs(os.path.dirname(known), exist_ok=True)
        open(known, "w").close()
        self.dpkg(root, "-r", "gatehouse")
        self.assertFalse(os.path.exists(os.path.join(root, "var/lib/gatehouse-releases")))
        self.assertTrue(os.path.exists(known))
        self.dpkg(root, "-P", "gatehouse")
        self.assertFalse(os.path.exists(known))

    def test_it_waits_for_whoever_brings_a_release(self):
        """While the box or the updater has the folder's lock, the package changes nothing; then it brings its own."""
        root = os.path.join(self.folder, "locked")
        os.makedirs(os.path.join(root, "var/lib/dpkg"))
        open(os.path.join(root, "var/lib/dpkg/status"), "w").close()
        self.dpkg(root, "-i", self.first)
        before, newer = self.status(root), self.build("0.3.0")
        with open(os.path.join(root, "var/lib/gatehouse-releases", "lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            inode = os.fstat(lock.fileno()).st_ino

            def is_waited_for():
                """Whether somebody wants the lock (proc(5))."""
                with open("/proc/locks") as file:
                    return any("-> FLOCK" in line and f":{inode} " in line for line in file)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                try:
                    installing = pool.submit(self.dpkg, root, "-i", newer)
                    wait_for(is_waited_for, 60, "the package to wait for the lock")
                    self.assertEqual(self.status(root), before)
                finally:
                    fcntl.flock(lock, fcntl.LOCK_UN)
                self.assertIn("this waits for it", installing.result())
        self.assertRegex(self.status(root), r"current: 0\.3\.0-[0-9a-f]{12}\n")

    def test_the_unit(self):
        """systemd gives the box, and the updater, an exposure of 2.0 or less."""
        for unit in ("gatehouse", "gatehouse-updater"):
            with self.subTest(unit=unit):
                told = subprocess.run(
                    ["systemd-analyze", "security", "--offline=true", "--no-pager", os.path.join(FIRMWARE, f"systemd/{unit}.service")], capture_output=True, text=True, timeout=60, check=False)
                found = re.search(rf"Overall exposure level for {unit}\.service: ([0-9.]+)", told.stdout)
                self.assertIsNotNone(found, told.stdout[-500:] + told.stderr)
                self.assertLessEqual(float(found.group(1)), MOST_EXPOSURE)
