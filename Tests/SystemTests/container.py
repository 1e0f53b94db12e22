"""A container over this machine's files, in which systemd runs and nothing of this machine's does."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from mounts import apart
from waiting import wait_for

TARGET = "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"


def run(*arguments, seconds=60, **more):
    """A finished command."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=seconds, check=False, **more)


class Container:
    """What is written in it, it alone sees."""

    def __init__(self):
        if shutil.which("systemd-nspawn") is None:
            raise unittest.SkipTest("systemd-nspawn is not installed: apt-get install systemd-container")
        if os.geteuid() != 0:
            raise unittest.SkipTest("a container needs root")
        if run("unshare", "--mount", "--pid", "--net", "--fork", "true").returncode:
            raise unittest.SkipTest("a container needs namespaces")
        self.folder = tempfile.mkdtemp(prefix="gatehouse-test-container-")
        self.root = os.path.join(self.folder, "root")
        self.process = None
        for name in ("root", "upper", "work"):
            os.makedirs(os.path.join(self.folder, name))
        self.command = [*apart(), "setpriv", "--pdeathsig", "KILL", "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--link-journal=no",
                        f"--directory={self.root}"]
        try:
            mounted = run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work", self.root)
            if mounted.returncode:
                raise unittest.SkipTest(f"no overlay here: {mounted.stderr.strip()}")
            tried = run(*self.command, "/bin/true")
            if tried.returncode:
                raise AssertionError(f"no container: {tried.stderr.strip()[-300:]}")
        except BaseException:
            self.close()
            raise

    def at(self, path):
        """Where a file of the container's lies."""
        return os.path.join(self.root, path.lstrip("/"))

    def write(self, path, text, mode=0o644):
        """A file in the container."""
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "w") as file:
            file.write(text)
        os.chmod(self.at(path), mode)

    def start(self):
        """Boot it: systemd has the process number 1 there, and starts no service of this machine's."""
        shutil.rmtree(self.at("etc/systemd/system"), ignore_errors=True)
        self.write("etc/systemd/system/quiet.target", TARGET)
        os.symlink("quiet.target", self.at("etc/systemd/system/default.target"))
        self.write("etc/fstab", "")
        with open(os.path.join(self.folder, "console"), "w") as console:
            self.process = subprocess.Popen([*self.command, "--boot"], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.first = wait_for(self.first_process, 20, "the container's first process")
        wait_for(lambda: self.inside("systemctl", "is-active", "quiet.target").stdout == "active\n", 60, lambda: "the container: " + self.console())

    def first_process(self):
        """Its number here; None as long as there is none."""
        if self.process.poll() is not None:
            raise AssertionError(self.console())
        for child in run("pgrep", "-P", str(self.process.pid)).stdout.split():
            try:
                with open(f"/proc/{child}/status") as file:
                    # The last is its number in its own namespace; what only helps to begin has none of its own.
                    if re.search(r"^NSpid:.*\s1$", file.read(), re.M):
                        return child
            except OSError:
                continue
        return None

    def inside(self, *command, seconds=60):
        """A command in the container."""
        return run("nsenter", "--target", self.first, "--all", *command, seconds=seconds)

    def begin(self, *command):
        """A program in the container, which runs on as a child of the process that this returns."""
        return subprocess.Popen(["nsenter", "--target", self.first, "--all", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def console(self):
        """What its systemd said."""
        with open(os.path.join(self.folder, "console"), errors="replace") as file:
            return file.read()

    def close(self):
        """Nothing of it is left: with its first process go all others."""
        if self.process is not None:
            first = self.first_process() if self.process.poll() is None else None
            if first:
                os.kill(int(first), signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait(20)
        if not os.path.ismount(self.root) or run("umount", "--lazy", self.root).returncode == 0:
            shutil.rmtree(self.folder, ignore_errors=True)
