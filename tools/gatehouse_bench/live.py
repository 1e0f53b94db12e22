"""A new event's clip on a line of its own, and the same beside a backlog."""

import datetime
import json
import statistics
import time

from simulator import Simulator
from spooled import fill
from stores import FaultyS3
from waiting import wait_for

from .boxes import box
from .far import PLAIN, store_on
from .line import GOOD, THERE
from .report import at_least, at_most

PICTURE = 30_000  # bytes, as the pictures of cameras have


def event_seconds(made, channel):
    """From the end of an event's recording to its clip in the store."""
    event = made.trigger(channel)
    clip = made.await_stored(event, seconds=240)
    stored = datetime.datetime.fromisoformat(clip["storedAt"].replace("Z", "+00:00"))
    began = datetime.datetime.fromisoformat(clip["startsAt"].replace("Z", "+00:00"))
    return (stored - began).total_seconds() - clip["durationSeconds"]


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


class Site:
    """A box with one camera whose stream goes up as it comes, and a store that keeps account."""

    def __init__(self, made, store, camera):
        self.made, self.store = made, store
        made.call("PUT", "/storage/target", store.target())
        self.channel = made.add_camera(camera, sub=False)
        made.link(self.channel, "custom", resolution="720P", bitRate=2_000_000)
        made.await_picture(self.channel)

    def events(self, count):
        """So many events, one after the other: how long each took to the store."""
        return [event_seconds(self.made, self.channel) for _ in range(count)]

    def amplified_events(self, count):
        """The same, and what was written to the disk for them, by what had to be."""
        written, known = written_bytes(self.made.pid), self.store.keys(".json")
        seconds = self.events(count)
        return seconds, (written_bytes(self.made.pid) - written) / needed_bytes(self.store, known)

    def drain(self, clips, size, events):
        """A backlog and events in the middle of it: how long each event took, bytes that went up, and seconds of it all."""
        self.made.stop()
        fill(self.made, clips, size, picture_size=PICTURE)
        known, before = len(self.store.keys(".mp4")), stored_bytes(self.store)
        self.made.start()
        began = time.monotonic()
        self.made.await_picture(self.channel)
        beside = self.events(events)
        if len(self.store.keys(".mp4")) >= known + clips + events:
            raise AssertionError("the backlog was gone before the last event: it must be larger for this line")
        wait_for(lambda: len(self.store.keys(".mp4")) >= known + clips + events, 600, "the end of the backlog", every=0.2)
        return beside, stored_bytes(self.store) - before, time.monotonic() - began


def measure(report, line, quick):
    """Events alone, beside a backlog, and alone again."""
    line.become(GOOD)
    count, clips, size = (6, 48, 200_000) if quick else (12, 96, 200_000)
    simulator = Simulator(size="640x360", bitrate=700, no_sub=True)
    try:
        with store_on(line, lambda: FaultyS3(address=THERE)) as store, \
                box(storage__folder=None, recording__seconds_before=2, recording__seconds=4, **PLAIN) as made:
            site = Site(made, store, simulator.cameras[0])
            alone, amplification = site.amplified_events(count // 2)
            beside, sent, seconds = site.drain(clips, size, count)
            alone += site.events(count - count // 2)
    finally:
        simulator.close()
    slowdown, fraction = statistics.mean(beside) / statistics.mean(alone), sent * 8 / seconds / GOOD.up
    report.add("uplink.live_slowdown", slowdown, "", **at_most(slowdown, 1.5))
    if amplification:
        report.add("uplink.write_amplification", amplification, "", **at_most(amplification, 1.3))
    else:
        report.note("uplink.write_amplification was left out: the folder for temporary files is on no disk")
    report.add("uplink.line_fraction", fraction, "", **at_least(fraction, 0.85))
    report.note(f"uplink: on a line of {GOOD} an event's clip is in the store {spread(alone)} after its end alone, {spread(beside)} beside a "
                f"backlog ({count} events each, half of those alone before the others and half after); {sent / 1e6:.1f} MB went up in {seconds:.0f} s")


def spread(seconds):
    """A mean with what it is a mean of."""
    return f"{statistics.mean(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f}, median {statistics.median(seconds):.1f})"
