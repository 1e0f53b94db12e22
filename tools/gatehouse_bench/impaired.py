"""A line with delay and loss: how much of what it gives the box uses, beside rclone; and a line that is slow as well."""

import os
import shutil
import subprocess
import tempfile
import time

from simulator import Simulator
from spooled import fill
from stores import ACCESS_KEY, BUCKET, SECRET_KEY
from waiting import wait_for

from .boxes import box
from .far import PLAIN
from .line import IMPAIRED, SLOW
from .line_check import check, raw
from .report import at_least

CLIP = 300_000  # bytes


def stored(made):
    """How many clips are in the store, by the box's word: each was looked at there."""
    return made.call("GET", "/storage")["stored"]["clips"]


def ours(line, store, clips, copy):
    """Bytes of so many clips that waited, and the seconds from the box's start until they are in the store. `copy` gets the same files."""
    with box(storage__folder=None, **PLAIN) as made:
        store.use(made, line)
        made.stop()
        total = fill(made, clips, CLIP)
        shutil.copytree(made.spool, copy)
        began = time.monotonic()
        made.start()
        wait_for(lambda: stored(made) >= clips, 60 + total * 8 / IMPAIRED.up * 4, lambda: f"clips in the store: {made.get('/storage')}", every=0.1)
        return total, time.monotonic() - began


def rclone(store, folder):
    """The seconds that rclone takes for a folder, as a careful user calls it."""
    settings = {"TYPE": "s3", "PROVIDER": "Ceph" if store.is_ceph else "Other", "ACCESS_KEY_ID": ACCESS_KEY, "SECRET_ACCESS_KEY": SECRET_KEY,
                "ENDPOINT": store.endpoint, "REGION": store.region}
    named = {f"RCLONE_CONFIG_STORE_{name}": value for name, value in settings.items()}
    began = time.monotonic()
    done = subprocess.run(["rclone", "copy", "--config", "/dev/null", "--s3-no-check-bucket", folder, f"store:{BUCKET}/{os.path.basename(folder)}"],
                          env={"PATH": os.environ["PATH"], **named}, capture_output=True, text=True, timeout=1200)
    if done.returncode:
        raise AssertionError(f"rclone ended with {done.returncode}: {done.stderr[-500:]}")
    return time.monotonic() - began


def throughput(report, line, store, quick):
    """The same bytes by the box and by rclone, and what the line gives to plain connections, in one run."""
    line.become(IMPAIRED)
    found = check(line)
    plain = raw(line, 8 if quick else 30)
    gives = max(plain, IMPAIRED.payload)
    clips, rounds = (16, 1) if quick else (40, 2)
    rates, peers = [], []
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        for number in range(rounds):
            copy = os.path.join(folder, f"copy-{number}")
            total, seconds = ours(line, store, clips, copy)
            rates.append(total * 8 / seconds)
            if shutil.which("rclone"):
                peers.append(total * 8 / rclone(store, copy))
    rate = sum(rates) / rounds
    report.add("uplink.impaired_fraction", rate / gives, "", **at_least(rate / gives, 0.85))
    report.note(f"uplink: a line of {IMPAIRED} (found: {found}) gives eight plain TCP connections {plain / 1000:.0f} kbit/s and at most "
                f"{IMPAIRED.payload / 1000:.0f}; {clips} clips of {CLIP // 1000} KB into {store.name}: {kilobits(rates)}")
    if not peers:
        report.note("uplink.vs_rclone was left out: rclone is not installed (apt-get install rclone)")
        return
    peer = sum(peers) / rounds
    report.add("uplink.vs_rclone", rate / peer, "", peer="rclone copy", peer_value=peer / 1000, peer_unit="kbit/s", **at_least(rate / peer, 1))
    report.note(f"uplink: rclone brought the same files into the same store with {kilobits(peers)}, four transfers at a time")


def kilobits(rates):
    """Rates for people."""
    return " and ".join(f"{rate / 1000:.0f}" for rate in rates) + " kbit/s"


def slow(report, line, store):
    """A few clips and an event on a line that is slow, far and poor: all get through, none begins anew."""
    line.become(SLOW)
    found, clips, size = check(line), 6, 120_000
    simulator = Simulator(size="640x360", bitrate=200, no_sub=True)
    try:
        with box(storage__folder=None, recording__seconds_before=2, recording__seconds=8, **PLAIN) as made:
            store.use(made, line)
            channel = made.add_camera(simulator.cameras[0], sub=False)
            made.link(channel, "custom", resolution="CIF", bitRate=200_000)
            made.stop()
            total = fill(made, clips, size)
            carried, began = line.counters()["up"]["bytes"], time.monotonic()
            made.start()
            made.await_picture(channel)
            event = made.trigger(channel)
            wait_for(lambda: stored(made) > clips, 180, lambda: f"clips in the store: {made.get('/storage')}", every=0.1)
            seconds, carried = time.monotonic() - began, line.counters()["up"]["bytes"] - carried
            found_clips = made.everything("/clips")
            total += made.await_stored(event)["sizeBytes"]
    finally:
        simulator.close()
    again = [clip["id"] for clip in found_clips if clip["attempts"]]
    if again:
        raise AssertionError(f"on the slow line {len(again)} of {clips + 1} clips began anew")
    fraction = total * 8 / seconds / SLOW.payload
    report.add("uplink.slow_line_fraction", fraction, "", target="none begins anew", met=True)
    report.note(f"uplink: {SLOW} (found: {found}): {clips} clips of {size // 1000} KB and an event, {total / 1000:.0f} KB, were in the store after "
                f"{seconds:.0f} s, each at its first attempt, with {carried / 1000:.0f} KB of packets")
