"""The box under measurement: with the settings that it has by default, and with simulated cameras."""

import contextlib
import tempfile

from box import Box
from simulator import Simulator

# What the tests change for their own ends goes back to the program's defaults.
PRODUCT = dict.fromkeys((
    "http__tls", "http__requests_per_second", "storage__allow_http", "servers__allow_local", "recording__seconds_before", "recording__seconds", "session__timeout_seconds",
    "session__longest_wait_seconds", "upload__longest_wait_seconds", "spool__free_megabytes", "log__level"))


@contextlib.contextmanager
def box(**settings):
    """A claimed box in a folder of its own; it ends with the body."""
    made = Box(tempfile.mkdtemp(prefix="gatehouse-bench-"), start=False, **{**PRODUCT, **settings})
    try:
        made.start()
        made.claim()
        yield made
    finally:
        made.clean()


@contextlib.contextmanager
def cameras(count):
    """So many cameras of 2 megapixels at 25 frames/s and 4 Mbit/s, without sub streams; they end with the body."""
    simulator = Simulator(cameras=count, no_sub=True, size="1920x1080", rate=25, bitrate=4000)
    try:
        yield simulator.cameras
    finally:
        simulator.close()


def link_all(made, some):
    """Add cameras, link them in high definition and arm them; their channels once all have their picture."""
    channels = [made.add_camera(camera, sub=False) for camera in some]
    for channel in channels:
        made.link(channel, "high")
        made.call("PATCH", f"/channels/{channel['id']}", {"armed": True})
    made.await_picture(*channels, seconds=60)
    return channels
