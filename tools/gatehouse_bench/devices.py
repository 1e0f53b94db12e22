"""Devices: finding 64, adding 16 at once, the way of an event to the recorder, and 200 events a second from 32 devices."""

import contextlib
import itertools
import json
import os
import re
import select
import subprocess
import time
import urllib.parse
import urllib.request
from datetime import datetime, timezone

from client import repository

from .boxes import box
from .processes import processor_seconds
from .report import at_most

PORTS = itertools.count(18080, 1000)  # new ones each time: what served the last ones may still be ending
CREDENTIALS = {"userName": "admin", "password": "camera2026"}


class Devices:
    """Simulated devices; `options` are the simulator's."""

    def __init__(self, *options):
        port = next(PORTS)
        ports = ["--http-port", str(port), "--rtsp-port", str(port + 474)]
        command = [os.path.join(repository(), "tools/device-simulator"), *ports, *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 300)  # it may have to render a scene
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.close()
            raise AssertionError("the device simulator did not start")
        self.ready = json.loads(line)
        self.devices = self.ready["devices"]

    def control(self, path, **query):
        """A control request."""
        request = urllib.request.Request(f"{self.ready['control']}{path}?{urllib.parse.urlencode(query)}", method="POST", data=b"")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def get(self, path):
        """A control question."""
        with urllib.request.urlopen(self.ready["control"] + path, timeout=60) as answer:
            return json.load(answer)

    def close(self):
        """End them."""
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def devices(*options):
    """Simulated devices that end with the body."""
    made = Devices(*options)
    try:
        yield made
    finally:
        made.close()


def add_all(made, some):
    """Add devices; seconds until the last is done."""
    began = time.monotonic()
    entries = [{"address": device["address"], "httpPort": device["http"], "port": device["rtsp"]} for device in some.devices]
    job = made.call("POST", "/onboardings", {"devices": entries, **CREDENTIALS})
    while not job["done"]:
        if time.monotonic() - began > 180:
            raise AssertionError("devices were not added within 180 s")
        time.sleep(0.1)
        job = made.call("GET", f"/onboardings/{job['id']}")
    failed = [item["failure"] for item in job["items"] if item["state"] != "added"]
    if failed:
        raise AssertionError(f"{len(failed)} devices were not added: {failed[0]}")
    return time.monotonic() - began


def find(report, count):
    """Seconds until all devices are in the list."""
    with devices("--count", str(count), "--no-rtsp") as some, box(devices__allow_local=True) as made:
        began = time.monotonic()
        made.call("POST", "/discovery", {"seconds": 10})
        wanted = {device["address"] for device in some.devices}
        while True:
            found = {item["address"] for item in made.call("GET", "/discovery")["items"]}
            if wanted <= found:
                break
            if time.monotonic() - began > 10:
                raise AssertionError(f"only {len(wanted & found)} of {count} devices were found")
            time.sleep(0.02)
        seconds = time.monotonic() - began
    report.add("devices.discovery_seconds", seconds, "s", **at_most(seconds, 3))


def recorded_at(made, after):
    """When the recorder had an event, by the log's clock, of the lines after a place."""
    for line in made.log().splitlines()[after:]:
        if "event at the recorder" in line:
            stamp = re.match(r"\S+", line).group(0)
            return datetime.fromisoformat(stamp.replace("Z", "+00:00")).replace(tzinfo=timezone.utc).timestamp()
    return None


def latency(report, made, some, rounds):
    """Milliseconds from before the simulator is told to send until the recorder has the event."""
    channel = made.call("GET", "/channels")["items"][0]
    device = made.call("GET", f"/devices/{channel['deviceId']}")
    made.link(channel, "high")
    made.await_picture(channel, seconds=30)
    name = next(one["name"] for one in some.devices if one["address"] == device["address"])
    times = []
    for number in range(rounds):
        lines = len(made.log().splitlines())
        sent = time.time()
        some.control("/event", device=name, type="linedetection", seconds=0, region=number + 1, force=1)
        deadline = time.monotonic() + 5
        while (at := recorded_at(made, lines)) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the event did not reach the recorder: {made.log_end()}")
            time.sleep(0.02)
        times.append((at - sent) * 1000)
        time.sleep(0.3)
    times.sort()
    report.add("devices.event_latency_ms", times[-1], "ms", **at_most(times[-1], 50))
    report.note(f"devices: an event reaches the recorder after {times[len(times) // 2]:.1f} ms (median), {times[-1]:.1f} ms at most, of {rounds}, "
                "measured from before the simulator is told to send it")


def burst(report, made, some, seconds):
    """Cores that 200 events a second take, above those of the same devices at rest, and the events that were lost."""
    for channel in made.call("GET", "/channels")["items"]:
        made.call("PATCH", f"/channels/{channel['id']}", {"proxied": False})
    wait_until(lambda: all(device["eventsState"] and device["eventsState"]["code"] == "ok" for device in made.call("GET", "/devices")["items"]))
    time.sleep(5)
    before = processor_seconds(made.pid)
    time.sleep(seconds)
    rest = (processor_seconds(made.pid) - before) / seconds
    heard = notifications(made)
    before = processor_seconds(made.pid)
    some.control("/burst", rate=200, seconds=seconds)
    time.sleep(seconds)
    cores = (processor_seconds(made.pid) - before) / seconds
    wait_until(lambda: some.get("/bursts")["bursts"][-1]["ended"])
    sent = some.get("/bursts")["bursts"][-1]
    wait_until(lambda: notifications(made) - heard >= sent["delivered"], 5, fails=False)
    lost = sent["delivered"] - (notifications(made) - heard)
    report.add("devices.burst_core", cores - rest, "cores", **at_most(cores - rest, 0.1))
    report.add("devices.burst_lost", lost, "events", **at_most(lost, 0))
    report.note(f"devices: {sent['delivered']} events in {seconds} s from {len(some.devices)} devices took {cores:.3f} of a core, the devices at rest {rest:.3f}")


def notifications(made):
    """Messages that the box heard of all devices."""
    return sum(device["notifications"] for device in made.call("GET", "/devices")["items"])


def wait_until(condition, seconds=30, fails=True):
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            if fails:
                raise AssertionError("the condition did not come to hold")
            return
        time.sleep(0.1)


def run(report, program, quick):
    """All of it."""
    find(report, 64)
    with devices("--count", "16") as some, box(devices__allow_local=True, log__level="debug") as made:
        seconds = add_all(made, some)
        report.add("devices.onboarding_16_seconds", seconds, "s", **at_most(seconds, 60))
        state = some.get("/state")["devices"]
        most = max(device["most_concurrent_requests"] for device in state)
        report.add("devices.requests_at_once", most, "", **at_most(most, 4))
        latency(report, made, some, 5 if quick else 20)
    with devices("--count", "32") as some, box(devices__allow_local=True, devices__capture_seconds=1) as made:
        add_all(made, some)
        burst(report, made, some, 10 if quick else 30)
