"""The uplink: a hundred thousand clips at the start, a backlog on a line of 1 Mbit/s, and what is new beside it."""

import contextlib
import ctypes
import datetime
import json
import os
import subprocess
import time

from simulator import Simulator
from spooled import fill
from stores import FaultyS3
from waiting import resident_megabytes, wait_for

from .boxes import box
from .report import at_least, at_most

NEWNET = 0x40000000
RATE = 1_000_000  # bits a second
THERE = "10.79.0.1"


class Line:
    """Two network namespaces with a cable of RATE between them: the box's and the store's. Needs root."""

    def __init__(self):
        self.here, self.there = [f"gatehouse-bench-{os.getpid()}-{name}" for name in ("box", "store")]
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        for name in (self.here, self.there):
            self.run("ip", "netns", "add", name)
            self.run("ip", "-n", name, "link", "set", "lo", "up")
        self.run("ip", "-n", self.here, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", self.there)
        for name, address in ((self.here, "10.79.0.2"), (self.there, THERE)):
            self.run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
            self.run("ip", "-n", name, "link", "set", "cable", "up")
        self.run("tc", "-n", self.here, "qdisc", "add", "dev", "cable", "root", "tbf", "rate", str(RATE), "burst", "4000", "latency", "300ms")

    @staticmethod
    def run(*command):
        """A command that must work."""
        subprocess.run(command, check=True, capture_output=True, timeout=20)

    @staticmethod
    def enter(descriptor):
        """Put this thread, and what it starts, into a namespace."""
        if ctypes.CDLL(None, use_errno=True).setns(descriptor, NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def stay(self, name):
        """In the namespace from now on."""
        there = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self.enter(there)
        os.close(there)

    def close(self):
        """Go home and remove them."""
        self.enter(self.home)
        os.close(self.home)
        for name in (self.here, self.there):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def recovery(report, count):
    """From the start of the program to its first word, with so many clips that wait."""
    with box(storage__folder=None) as made:
        made.stop()
        fill(made, count, 200)
        made.start()
        seconds, memory = made.ready_seconds, resident_megabytes(made.pid)
        waiting = made.call("GET", "/storage")["backlog"]["clips"]
        if waiting != count:
            raise AssertionError(f"{waiting} of {count} clips were taken up")
    report.add("uplink.recovery_100k_seconds", seconds, "s", **at_most(seconds, 5))
    report.note(f"uplink: {count} waiting clips are taken up {seconds:.2f} s after the program's start; {memory:.0f} MB resident then")


def event_seconds(made, channel):
    """From the end of an event's recording to its clip in the store."""
    event = made.trigger(channel)
    clip = made.await_stored(event, seconds=240)
    stored = datetime.datetime.fromisoformat(clip["storedAt"].replace("Z", "+00:00"))
    began = datetime.datetime.fromisoformat(clip["startsAt"].replace("Z", "+00:00"))
    return (stored - began).total_seconds() - clip["durationSeconds"]


@contextlib.contextmanager
def far_store():
    """A line with a store at its end; this thread stands at the box's end of it."""
    line = Line()
    store = None
    try:
        line.stay(line.there)
        store = FaultyS3(address=THERE)
        line.stay(line.here)
        yield store
    finally:
        if store:
            store.close()
        line.close()


def stored_bytes(store):
    """What the store has."""
    return sum(len(store.read(key)) for key in store.keys(""))


def written_bytes(pid):
    """What a process has given to the disk."""
    with open(f"/proc/{pid}/io") as file:
        return int(dict(line.split(": ") for line in file.read().splitlines())["write_bytes"])


def needed_bytes(store, before):
    """What of the clips that were stored since has to be on the disk once: what the camera sent, and the cloud copy."""
    manifests = [json.loads(store.read(key)) for key in store.keys(".json") if key not in before and "/chain/" not in key]
    return sum(manifest["clip"]["bytes"] + manifest["source"]["bytes"] for manifest in manifests if "clip" in manifest)


def drain(report, quick):
    """A backlog on the line, and an event in the middle of it."""
    with far_store() as store, contextlib.closing(Simulator(size="640x360", bitrate=700, no_sub=True)) as simulator, \
            box(recording__seconds_before=2, recording__seconds=8, storage__allow_http=True, http__tls=False) as made:
        made.call("PUT", "/storage/target", store.target())
        channel = made.add_camera(simulator.cameras[0], sub=False)
        made.link(channel, "custom", resolution="720P", bitRate=2_000_000)
        made.await_picture(channel)
        written, known = written_bytes(made.pid), store.keys(".json")
        alone = [event_seconds(made, channel) for _ in range(2 if quick else 4)]
        amplification = (written_bytes(made.pid) - written) / needed_bytes(store, known)
        made.stop()
        clips = 24 if quick else 60
        fill(made, clips, 300_000)
        known, before = len(store.keys(".mp4")), stored_bytes(store)
        made.start()
        began = time.monotonic()
        made.await_picture(channel)
        beside = [event_seconds(made, channel) for _ in range(2 if quick else 4)]
        wait_for(lambda: len(store.keys(".mp4")) >= known + clips + len(beside), 600, "the end of the backlog", every=0.2)
        seconds = time.monotonic() - began
        sent = stored_bytes(store) - before
    slowdown = (sum(beside) / len(beside)) / (sum(alone) / len(alone))
    fraction = sent * 8 / seconds / RATE
    report.add("uplink.live_slowdown", slowdown, "", **at_most(slowdown, 1.5))
    report.add("uplink.write_amplification", amplification, "", **at_most(amplification, 1.3))
    report.add("uplink.line_fraction", fraction, "", **at_least(fraction, 0.85))
    report.note(f"uplink: on a line of 1 Mbit/s an event's clip is in the store {sum(alone) / len(alone):.1f} s after its end alone, "
                f"{sum(beside) / len(beside):.1f} s beside a backlog; {sent / 1e6:.1f} MB went up in {seconds:.0f} s")


def verify(report, program, quick):
    """How fast a box's footage is compared with its signed record, against the time that it shows."""
    clips = 150 if quick else 600
    with box(storage__folder=None, storage__checkpoint_seconds=1) as made:
        made.stop()
        fill(made, clips, 1_900_000)  # half a minute at 500 kbit/s
        made.start()
        made.call("PUT", "/storage/target", {"kind": "folder", "path": made.store})

        def told():
            chains = made.call("GET", "/storage/chain")["chains"]
            return sum(chain["links"] - chain["waiting"] for chain in chains) == clips
        wait_for(told, 300, "a record of all clips", every=0.5)
        made.stop()
        before = os.times()
        done = subprocess.run([program, "footage", "verify", "--folder", made.store, "--json"], capture_output=True, text=True, timeout=600)
        after = os.times()
        found = json.loads(done.stdout)
        if done.returncode or found["clips"] != clips:
            raise AssertionError(f"verify ended with {done.returncode}: {found['findings'][:3]}")
    cores = after.children_user + after.children_system - before.children_user - before.children_system
    ratio = found["seconds"] / cores
    report.add("footage.verify_vs_realtime", ratio, "", **at_least(ratio, 100))
    report.note(f"footage: {clips} clips of {found['seconds'] / 3600:.1f} h and {found['bytes'] / 1e6:.0f} MB compared with {cores:.2f} s of a core")


def run(report, program, quick):
    """All of it."""
    recovery(report, 100_000)
    verify(report, program, quick)
    if os.geteuid():
        report.note("uplink: a line needs root, to make network namespaces")
        return
    drain(report, quick)
