"""Where programs of a release run: here, in an ARM64 root whose calls are emulated, or in an emulated ARM64 machine with a kernel of its own."""

import glob
import os
import re
import shlex
import shutil
import subprocess
import threading
import time

BINARY_FORMATS = "/proc/sys/fs/binfmt_misc"
EMULATOR = "qemu-aarch64"
# In the order in which they need one another.
MODULES = ("failover", "net_failover", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_net", "netfs", "fscache", "9pnet", "9pnet_virtio", "9p")
READY = "the machine is ready"
START = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mkdir -p /dev/shm {folder}
/bin/busybox mount -t tmpfs shm /dev/shm
/bin/busybox mount -t tmpfs -o size=2g box /run
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
/bin/busybox ip link set lo up
/bin/busybox ip address add 10.0.2.15/24 dev eth0
/bin/busybox ip link set eth0 up
/bin/busybox ip route add default via 10.0.2.2
/bin/busybox mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 shared {folder}
/bin/busybox stty -echo
echo {ready}
PS1= exec /bin/bash --noediting --norc --noprofile
"""


def register_emulator():
    """Let the kernel start ARM64 programs by qemu-user; what undoes it, if it was not so before."""
    if not os.path.exists(os.path.join(BINARY_FORMATS, "register")):
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINARY_FORMATS], check=True)
    entry = os.path.join(BINARY_FORMATS, EMULATOR)
    if os.path.exists(entry):
        return lambda: None
    with open(f"/usr/lib/binfmt.d/{EMULATOR}.conf") as file, open(os.path.join(BINARY_FORMATS, "register"), "w") as register:
        register.write(file.read())

    def undo():
        with open(entry, "w") as file:
            file.write("-1")
    return undo


class Here:
    """This machine."""

    name, host, address = "x86-64, native", "127.0.0.1", "127.0.0.1"
    is_native, has_workers = True, True

    def told(self):
        """What it is."""
        return f"{self.name}: {' '.join(self.run('uname', '-sm')[1].split())}"

    def own(self, folder):
        """Where a box of that folder keeps what it knows."""
        return folder

    def kept(self, folder):
        """Where it has the files of that folder near."""
        return folder

    def words(self, *words):
        """A command line as it is begun here."""
        return list(words)

    def run(self, *words, timeout=300):
        """A command's status and what it printed."""
        done = subprocess.run(self.words(*words), capture_output=True, text=True, timeout=timeout, check=False)
        return done.returncode, done.stdout + done.stderr

    def begin(self, words, log, environment):
        """Begin a command that runs on; what ends it."""
        with open(log, "ab") as file:
            process = subprocess.Popen(self.words(*words), stdin=subprocess.DEVNULL, stdout=file, stderr=file, env={**os.environ, **environment}, start_new_session=True)
        return lambda: end(process)

    def close(self):
        """Nothing is left."""


def end(process):
    """End it in order, or else by force; its status."""
    process.terminate()
    try:
        return process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Emulated(Here):
    """A Debian root for ARM64 in which qemu-user carries out each program, and this machine's kernel its calls. Paths in `folder` are the same there and here."""

    name = "arm64, qemu-user"
    is_native, has_workers = False, False

    def __init__(self, root, folder):
        self.root = root
        for place in ("/proc", "/dev", folder):
            os.makedirs(root + place, exist_ok=True)
            # They go with this process's own mount namespace.
            subprocess.run(["mount", "--rbind", place, root + place], check=True)

    def words(self, *words):
        """The same within the root."""
        return ["chroot", self.root, *words]


class Machine:
    """An ARM64 machine under qemu-system: Debian's kernel, the root in its memory, `folder` shared, a shell on its serial line."""

    name, host, address = "arm64, qemu-system", "10.0.2.2", "0.0.0.0"
    is_native, has_workers = False, True

    def __init__(self, root, kernel, folder, ports):
        self.folder, self.ports, self.count = folder, ports, 0
        # Two archives one after the other are one to the kernel.
        image = os.path.join(folder, "machine.cpio")
        extra = os.path.join(folder, "machine")
        for place in ("modules", "usr/bin"):
            os.makedirs(os.path.join(extra, place))
        with open(os.path.join(extra, "init"), "w") as file:
            file.write(START.format(folder=folder, modules=" ".join(MODULES), ready=READY))
        os.chmod(os.path.join(extra, "init"), 0o755)
        shutil.copy(os.path.join(kernel, "usr/bin/busybox"), os.path.join(extra, "usr", "bin"))
        for module in MODULES:
            found, = glob.glob(f"{kernel}/lib/modules/*/**/{module}.ko", recursive=True)
            shutil.copy(found, os.path.join(extra, "modules"))
        archive = "find . -xdev -path ./usr/share/doc -prune -o -path .%s -prune -o -print | cpio --quiet -o -H newc" % folder
        pack = f"(cd {shlex.quote(root)} && {archive}) >{image}; (cd {shlex.quote(extra)} && {archive}) >>{image}"
        subprocess.run(["bash", "-euc", pack], check=True)
        shutil.rmtree(extra)
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{port}-:{port}" for port in ports)
        began = time.monotonic()
        self.process = subprocess.Popen(
            ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "4096", "-accel", "tcg,thread=multi", "-nographic", "-no-reboot", "-nodefaults",
             "-serial", "stdio", "-kernel", *glob.glob(f"{kernel}/boot/vmlinuz-*"), "-initrd", image, "-append", "console=ttyAMA0 rdinit=/init quiet panic=-1",
             "-netdev", f"user,id=net{forwards}", "-device", "virtio-net-pci,netdev=net,romfile=",
             "-fsdev", f"local,id=shared,path={folder},security_model=none", "-device", "virtio-9p-pci,fsdev=shared,mount_tag=shared"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.said, self.heard = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()
        # What is said to it before is lost.
        with self.heard:
            if not self.heard.wait_for(lambda: READY in self.said or None in self.said, 300) or None in self.said:
                raise AssertionError(f"the machine did not start: {self.said[-20:]}")
            self.said.clear()
        self.start_seconds = time.monotonic() - began
        os.remove(image)

    def told(self):
        """What it is, and how long that took."""
        return f"{self.name}: {self.run('uname', '-srm')[1].splitlines()[-1]}, up after {self.start_seconds:.0f} s"

    def own(self, folder):
        """In its memory: a shared folder has no locks that a database trusts."""
        return f"/run{folder}"

    def kept(self, folder):
        """In its memory: what it maps of a shared folder is slow to come."""
        status, told = self.run("sh", "-c", f"mkdir -p /run{folder} && cp -r {folder}/. /run{folder}/")
        assert status == 0, told
        return f"/run{folder}"

    def listen(self):
        """Take down what comes over the serial line."""
        for line in self.process.stdout:
            with self.heard:
                self.said.append(line.decode(errors="replace").rstrip("\r\n"))
                self.heard.notify_all()
        with self.heard:
            self.said.append(None)
            self.heard.notify_all()

    def run(self, *words, timeout=300):
        """A command's status and what it printed."""
        return self.shell(" ".join(map(shlex.quote, words)), timeout)

    def shell(self, line, timeout=300):
        """A line of its shell; its status and what it printed."""
        self.count += 1
        mark = f"end-of-command-{self.count}"
        self.process.stdin.write(f"{line}; echo \"{mark}\"=$?\n".encode())
        self.process.stdin.flush()
        deadline, printed = time.monotonic() + timeout, []
        with self.heard:
            while True:
                while self.said:
                    text = self.said.pop(0)
                    if text is None:
                        raise AssertionError(f"the machine ended: {printed[-20:]}")
                    if found := re.search(f"{mark}=([0-9]+)", text):
                        return int(found.group(1)), "\n".join(printed)
                    printed.append(text)
                if not self.heard.wait(max(0, deadline - time.monotonic())):
                    raise AssertionError(f"{line} did not end within {timeout} s: {printed[-20:]}")

    def begin(self, words, log, environment):
        """Begin a command that runs on; what ends it."""
        told = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
        self.shell(f"{told} {' '.join(map(shlex.quote, words))} >>{shlex.quote(log)} 2>&1 </dev/null & process=$!")
        return lambda: self.shell("kill $process; wait $process", 180)[0]

    def close(self):
        """Switch it off."""
        self.process.kill()
        self.process.wait()
