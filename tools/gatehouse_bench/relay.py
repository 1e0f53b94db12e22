"""Live view: how soon the first picture is there, and what viewers cost."""

import os
import statistics
import time

from people import Person
from simulator import Simulator
from waiting import wait_for

from . import browsing, playback, restreaming
from .boxes import box
from .report import at_least, at_most
from .viewers import Crowd, first_picture
from .whep import added_latency

VIEWERS, RATE = 200, 4000


def processor_seconds(pid):
    """What a process has taken so far."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_kilobytes(pid):
    """Memory of a process that is its own."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        sizes = dict(line.split(":") for line in file.read().splitlines()[1:])
    return sum(int(sizes[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))


def watched(made, clients, channel, count, seconds):
    """So many viewers for so long: processor seconds a second, memory while they watch, the live views at the end, and bytes of each.

    They are spread over `clients`: nobody may have all the views that a box serves."""
    sessions = [clients[number % len(clients)].call("POST", f"/channels/{channel['id']}/live", {"stream": "main"}) for number in range(count)]
    with Crowd(made.client.base, [session["mp4Url"] for session in sessions]) as crowd:
        wait_for(lambda: sum(one["bytes"] > 100_000 for one in made.get("/live")["items"]) >= count, 60, "all viewers to watch", 0.5)
        began, taken = time.monotonic(), processor_seconds(made.pid)
        time.sleep(seconds)
        load = (processor_seconds(made.pid) - taken) / (time.monotonic() - began)
        memory = private_kilobytes(made.pid)
        ended = made.get("/live")["items"]
    for session in sessions:
        made.call("DELETE", f"/live/{session['id']}")
    return load, memory, ended, crowd.bytes


def run(report, _, quick):
    """One camera of 4 Mbit/s with a key frame every four seconds, over TLS."""
    simulator = Simulator(size="1920x1080", rate=25, bitrate=RATE, key_interval=4, sub="640x360", no_auth=True)
    try:
        with box(http__tls=True) as made:
            channel = made.add_camera(simulator.cameras[0])
            made.await_past(4, channel)
            with Crowd(made.client.base, [made.call("POST", f"/channels/{channel['id']}/live", {})["mp4Url"]]):
                warm = [first_picture(made.client, channel, "main") for _ in range(10 if quick else 40)]
            warm = statistics.median(warm) * 1000
            report.add("relay.first_picture_ms", warm, "ms", **at_most(warm, 300))
            cold = []
            for _ in range(1 if quick else 3):
                # Nobody has wanted the sub stream for a while: it is closed.
                wait_for(lambda: simulator.state()["cameras"][0]["clients"] == 1, 90, "the sub stream to be closed", 0.5)
                cold.append(first_picture(made.client, channel, "sub"))
            cold = statistics.median(cold) * 1000
            report.add("relay.first_picture_cold_ms", cold, "ms", **at_most(cold, 1000))
            added, most = added_latency(made, channel, simulator.cameras[0], 250 if quick else 1500)
            report.add("relay.added_latency_whep_ms", added, "ms", **at_most(added, 5))
            report.note(f"relay: by WebRTC 95 % of the pictures came at most {most:.1f} ms after the camera's packets, of which aiortc takes its part")
            clients = [made.client, Person(made, "neighbour", "Administrator").client]
            one, little, _, _ = watched(made, clients, channel, 1, 5 if quick else 15)
            many, much, sessions, counts = watched(made, clients, channel, VIEWERS, 15 if quick else 60)
            smooth = min(VIEWERS, sum(session["missedPictures"] == 0 for session in sessions))
            cost = (many - one) / (VIEWERS - 1)
            report.add("relay.core_per_viewer", cost, "cores", **at_most(cost, 0.0035, 2))
            report.add("relay.viewers_without_drop", smooth, "", **at_least(smooth, VIEWERS))
            memory = (much - little) / (VIEWERS - 1)
            report.add("relay.memory_kb_per_viewer", memory, "KB", **at_most(memory, 300))
            report.note(f"relay: {VIEWERS} viewers of {RATE / 1000:g} Mbit/s over TLS, read by two processes of Python on the same machine, took {many:.2f} cores of the "
                        f"box; each got {min(counts) / 1e6:.1f} to {max(counts) / 1e6:.1f} MB")
            restreaming.run(report, made, channel, simulator.cameras[0], quick)
            playback.seek(report, made, channel)
    finally:
        simulator.close()
    browsing.run(report, quick)

