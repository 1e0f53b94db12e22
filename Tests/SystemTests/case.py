"""What the test classes have in common."""

import fcntl
import os
import struct
import subprocess
import tempfile
import unittest

from box import Box
from mounts import covering
from simulator import SMALL, Simulator
from waiting import wait_for


# ext4's shutdown (fs/ext4/ext4.h), without its log.
SHUTDOWN, WITHOUT_LOG_FLUSH = 0x8004587D, struct.pack("I", 2)


class Case(unittest.TestCase):
    """A test with boxes and cameras that are cleaned away whatever happens."""

    @classmethod
    def class_box(cls, **settings):
        """A running box for all tests of the class."""
        box = Box(start=False, **settings)
        cls.addClassCleanup(box.clean)
        return box.start()

    @classmethod
    def class_simulator(cls, **options):
        """Cameras for all tests of the class."""
        simulator = Simulator(**options)
        cls.addClassCleanup(simulator.close)
        return simulator

    @classmethod
    def class_small_cameras(cls, count=1, **options):
        """Small cameras, cheap to receive and to transcode."""
        return cls.class_simulator(cameras=count, **{**SMALL, **options})

    def box(self, start=True, **settings):
        """A box for this test."""
        box = Box(start=False, **settings)
        self.addCleanup(box.clean)
        return box.start() if start else box

    def simulator(self, **options):
        """Cameras for this test."""
        simulator = Simulator(**options)
        self.addCleanup(simulator.close)
        return simulator

    def kept(self, thing):
        """Something with close(), closed at the end."""
        self.addCleanup(thing.close)
        return thing

    def folder(self):
        """A folder that goes with the test."""
        folder = tempfile.TemporaryDirectory(prefix="gatehouse-test-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def covering(self, file, place, keep=""):
        """The beginning of a command line whose program finds `file` at `place`, and of the tests' disks that at `keep`. Skips the test where that is not allowed."""
        return covering(file, place, keep) or self.skipTest("needs root, and mount namespaces")

    def file_system(self, megabytes):
        """An ext4 file system in a file, mounted; its DiskImage. Skips the test where that is not allowed."""
        if os.geteuid():
            self.skipTest("needs root, to mount a file system image")
        image = DiskImage(self.folder(), megabytes)
        try:
            image.mount()
        except subprocess.CalledProcessError as error:
            self.skipTest(f"a file system image cannot be mounted here: {error.stderr.decode().strip()}")
        self.addCleanup(image.unmount, lazy=True)
        return image


class DiskImage:
    """An ext4 file system in a file."""

    def __init__(self, folder, megabytes):
        self.file, self.path = os.path.join(folder, "disk.img"), os.path.join(folder, "mounted")
        os.makedirs(self.path)
        with open(self.file, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.file], check=True, capture_output=True)

    def mount(self):
        """Mount it."""
        subprocess.run(["mount", "-o", "loop", self.file, self.path], check=True, capture_output=True)

    def unmount(self, lazy=False):
        """Unmount it, if it is mounted."""
        if os.path.ismount(self.path):
            subprocess.run(["umount", *(["-l"] if lazy else []), self.path], check=True, capture_output=True)
        if not lazy:
            # A container that is just being made has all that is mounted for a moment: until it lets go it is the file system of before.
            wait_for(lambda: not self.devices(), 30, lambda: f"the end of {self.devices()}")

    def devices(self):
        """The loop devices that have the file."""
        return subprocess.run(["losetup", "--associated", self.file], check=True, capture_output=True, text=True).stdout

    def lose_power(self):
        """From now on nothing comes onto the disk, and what was not made durable is gone with the next `mount`."""
        descriptor = os.open(self.path, os.O_RDONLY)
        fcntl.ioctl(descriptor, SHUTDOWN, WITHOUT_LOG_FLUSH)
        os.close(descriptor)

    @property
    def free(self):
        """Free bytes."""
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize
