"""A container over this machine's files, in which systemd runs and nothing of this machine's does."""

import os
import shutil
import subprocess
import tempfile
import unittest

from waiting import wait_for

TARGET = "[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"


def run(*arguments, seconds=60):
    """A finished command."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=seconds, check=False)


class Container:
    """What is written in it, it alone sees."""

    def __init__(self):
        for program, package in {"systemd-nspawn": "systemd-container", "nsenter": "util-linux"}.items():
            if shutil.which(program) is None:
                raise unittest.SkipTest(f"{program} is not installed: apt-get install {package}")
        if os.geteuid() != 0:
            raise unittest.SkipTest("a container needs root")
        self.folder = tempfile.mkdtemp(prefix="gatehouse-container-")
        self.root = os.path.join(self.folder, "root")
        self.process = None
        for name in ("root", "upper", "work"):
            os.makedirs(os.path.join(self.folder, name))
        self.options = ["--quiet", "--register=no", "--keep-unit", "--private-network", "--link-journal=no", f"--directory={self.root}"]
        try:
            mounted = run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={self.folder}/upper,workdir={self.folder}/work", self.root)
            if mounted.returncode:
                raise unittest.SkipTest(f"no overlay here: {mounted.stderr.strip()}")
            tried = run("systemd-nspawn", *self.options, "/bin/true")
            if tried.returncode:
                raise unittest.SkipTest(f"no container here: {tried.stderr.strip()[-300:]}")
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
            self.process = subprocess.Popen(["systemd-nspawn", *self.options, "--boot"], stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.first = wait_for(self.first_process, 20, "the container's first process")
        wait_for(lambda: self.inside("systemctl", "is-active", "quiet.target").stdout == "active\n", 60, lambda: "the container: " + self.console())

    def first_process(self):
        """Its number here; None as long as there is none."""
        if self.process.poll() is not None:
            raise AssertionError(self.console())
        found = run("pgrep", "-P", str(self.process.pid)).stdout.split()
        return found[0] if found else None

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
        """Power it off; nothing of it is left."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        run("umount", "--lazy", self.root)
        shutil.rmtree(self.folder, ignore_errors=True)
