"""The uplink: a hundred thousand clips at the start, and lines that are narrow, far and poor, with a backlog and what is new beside it."""

import json
import os
import subprocess

from spooled import fill
from waiting import resident_megabytes, wait_for

from . import impaired, live, outage
from .boxes import box
from .far import line_of, store_on
from .line import GOOD
from .report import at_least, at_most


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
    with line_of(GOOD) as line:
        live.measure(report, line, quick)
        with store_on(line) as store:
            impaired.throughput(report, line, store, quick)
            impaired.slow(report, line, store)
            outage.measure(report, line, store, quick)
