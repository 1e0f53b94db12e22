"""After a long outage: how a spool full of small clips drains within the bound that is set, as a figure and as a plot."""

import time

from spooled import fill
from waiting import wait_for

from . import plot
from .boxes import box
from .far import PLAIN
from .impaired import stored
from .line import IMPAIRED
from .report import at_least

CAP = 500_000  # bits a second
CLIP = 150_000  # bytes
EVERY = 1.0  # seconds between samples
SMOOTHED = 5  # samples over which a rate is shown


def drained(made, line, began):
    """Samples until nothing waits: seconds, bytes that wait, bytes of footage in the store, bytes that the line took, headers included."""
    samples = []

    def look():
        due = began + len(samples) * EVERY
        if time.monotonic() < due:
            return False
        storage = made.call("GET", "/storage")
        samples.append((time.monotonic() - began, storage["backlog"]["bytes"], storage["stored"]["bytes"], line.counters()["up"]["bytes"]))
        return not storage["backlog"]["clips"]
    wait_for(look, 900, lambda: f"an empty spool: {samples[-1:]}", every=0.05)
    return samples


def rows(samples):
    """What a plot shows of samples: the rate is that of the line over the last few, for the store tells of whole clips only."""
    made = []
    for number, (seconds, backlog, _, carried) in enumerate(samples):
        earlier = samples[max(0, number - SMOOTHED)]
        span = seconds - earlier[0]
        made.append(plot.Row(seconds, backlog, (carried - earlier[3]) * 8 / span if span else 0.0, CAP))
    return made


def measure(report, line, store, quick):
    """Drain the spool, draw it where that was asked for."""
    line.become(IMPAIRED)
    clips = 16 if quick else 96
    with box(storage__folder=None, **PLAIN) as made:
        store.use(made, line)
        made.call("PUT", "/storage/line", {"cap": {"kind": "bits-per-second", "value": CAP}})
        made.stop()
        fill(made, clips, CLIP)
        began = time.monotonic()
        made.start()
        samples = drained(made, line, began)
        if stored(made) != clips:
            raise AssertionError(f"{stored(made)} of {clips} clips are in the store")
    seconds, sent = samples[-1][0] - samples[0][0], samples[-1][2] - samples[0][2]
    fraction = sent * 8 / seconds / CAP
    report.add("uplink.drain_fraction", fraction, "", **at_least(fraction, 0.9))
    report.note(f"uplink: {clips} clips of {CLIP // 1000} KB drain into {store.name} over {IMPAIRED}, held to {CAP // 1000} kbit/s: "
                f"{sent / 1e6:.1f} MB of footage in {seconds:.0f} s, pictures and descriptions on top")
    if report.plot:
        plot.draw(rows(samples), report.plot, since="the drain began")
        report.note(f"uplink: the drain is drawn in {report.plot}")
