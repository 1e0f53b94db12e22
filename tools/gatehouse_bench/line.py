"""A line of some rate, delay and loss between two network namespaces: the box stands at one end, the store at the other."""

import contextlib
import ctypes
import fcntl
import json
import os
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass

NEWNET = 0x40000000
TUNSETIFF, TUN, NO_PACKET_INFORMATION = 0x400454CA, 0x0001, 0x1000
HERE, THERE = "10.79.0.2", "10.79.0.1"
HEADERS, PACKET = 52, 1500  # bytes of IP and TCP with time stamps, and of a full packet


@dataclass(frozen=True)
class Quality:
    """What a line is like. Rates are in bits a second of IP packets, the delay is that of a round trip, loss holds for each way."""

    up: int = 1_000_000
    down: int = 8_000_000
    delay: float = 0.0
    loss: float = 0.0
    queue_seconds: float = 0.3  # a packet that would wait longer is refused, as a router does

    @property
    def payload(self):
        """Bits a second that TCP can carry up at the very most: the rate without headers and without what is lost."""
        return self.up * (1 - HEADERS / PACKET) * (1 - self.loss)

    def __str__(self):
        more = f", {self.delay * 1000:.0f} ms, {self.loss:.0%} loss" if self.delay or self.loss else ""
        return f"{self.up / 1000:g} kbit/s up{more}"


GOOD = Quality()
IMPAIRED = Quality(delay=0.15, loss=0.02)
SLOW = Quality(up=256_000, delay=0.15, loss=0.02)


class Line:
    """Two namespaces with a TUN device each, and a process that carries packets between them. Needs root.

    The kernel's own qdiscs for delay and loss (netem) are missing in many kernels. TUN devices have no offload: packets are as long as on a wire.
    """

    def __init__(self, quality, seed=1, congestion="cubic"):
        self.process, self.devices = None, []
        self.here, self.there = [f"gatehouse-bench-{os.getpid()}-{name}" for name in ("box", "store")]
        try:
            for name, address, other in ((self.here, HERE, THERE), (self.there, THERE, HERE)):
                self.end(name, address, other)
            with allowed(congestion):
                for name in (self.here, self.there):
                    with self.inside(name):
                        control(congestion)
            program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "forwarder.py")
            command = [sys.executable, "-B", program, *map(str, self.devices), str(seed)]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=self.devices)
            self.become(quality)
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.process.pid, -10)  # the line must not wait for what is measured
        except BaseException:
            self.close()
            raise

    def end(self, name, address, other):
        """One end of it."""
        run("ip", "netns", "add", name)
        with self.inside(name):
            device = os.open("/dev/net/tun", os.O_RDWR)
            self.devices.append(device)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"line", TUN | NO_PACKET_INFORMATION))
        run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", name, "address", "add", address, "peer", other, "dev", "line")
        run("ip", "-n", name, "link", "set", "line", "up", "mtu", str(PACKET))

    @contextlib.contextmanager
    def inside(self, name):
        """This thread, and what it starts, stands in a namespace for the body."""
        before, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(f"/run/netns/{name}", os.O_RDONLY)
        try:
            enter(there)
            yield
        finally:
            enter(before)
            os.close(before)
            os.close(there)

    def become(self, quality):
        """Be of this quality from now on."""
        self.quality = quality
        self.ask(asdict(quality))

    def counters(self):
        """What the line carried, lost and refused so far, each way."""
        return self.ask(None)

    def ask(self, what):
        """Tell the process something; its counters."""
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        counters = json.loads(self.process.stdout.readline())
        if counters["up"]["oversized"] or counters["down"]["oversized"]:
            raise AssertionError(f"packets on the line are longer than {PACKET} bytes: {counters}")
        return counters

    def close(self):
        """End the process and remove the namespaces."""
        if self.process:
            self.process.communicate()
        for device in self.devices:
            os.close(device)
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def enter(descriptor):
    """Put this thread, and what it starts, into a namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def control(congestion):
    """Let TCP in the present namespace control congestion so, whatever this machine does elsewhere."""
    with open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as file:
        file.write(congestion)


@contextlib.contextmanager
def allowed(congestion):
    """Namespaces may use nothing but what the machine allows to all: for the body, this as well."""
    path = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
    with open(path) as file:
        before = file.read()
    with open(path, "w") as file:
        file.write(f"{before.strip()} {congestion}")
    try:
        yield
    finally:
        with open(path, "w") as file:
            file.write(before)


def run(*command):
    """A command that must work."""
    subprocess.run(command, check=True, capture_output=True, timeout=20)
