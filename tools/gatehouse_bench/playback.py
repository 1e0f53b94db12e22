"""Playback: how soon after a seek the first picture is there, out of the cloud storage."""

import datetime
import random
import statistics
import struct
import time
import urllib.parse

from footage import moment

from .report import at_most

CLIPS, SEEKS = 3, 20


def first_fragment(client, path):
    """Seconds from the request to the last byte of the first fragment (a moof with its mdat)."""
    connection = client.connect(timeout=30)
    try:
        connection.connect()
        began = time.monotonic()
        connection.request("GET", path)
        response = connection.getresponse()
        if response.status != 200:
            raise AssertionError(f"a seek was answered with {response.status}: {response.read(300)!r}")
        data = b""
        while True:
            data += response.read1(1 << 16)
            at = 0
            while at + 8 <= len(data):
                size, kind = struct.unpack_from(">I4s", data, at)
                if at + size > len(data):
                    break
                if kind == b"mdat":
                    return time.monotonic() - began
                at += size
    finally:
        connection.close()


def seek(report, made, channel):
    """Random moments of some clips in the store, of standard definition; the median."""
    made.link(channel, "standard")
    clips = []
    for _ in range(CLIPS):
        clip = made.await_stored(made.trigger(channel, "manual"), 180)
        clips.append((moment(clip["startsAt"]), clip["durationSeconds"]))
    session = made.call("POST", f"/channels/{channel['id']}/playback", {"from": text(clips[0][0])})
    chance, times = random.Random(1), []
    for _ in range(SEEKS):
        start, length = chance.choice(clips)
        at = text(start + chance.uniform(0, length - 1))
        times.append(first_fragment(made.client, f"{session['mp4Url']}&from={urllib.parse.quote(at)}"))
    made.call("DELETE", f"/live/{session['id']}")
    median = statistics.median(times) * 1000
    report.add("playback.seek_ms", median, "ms", **at_most(median, 500))
    report.note(f"playback: {SEEKS} seeks into {CLIPS} clips of standard definition, over TLS; the slowest took {max(times) * 1000:.0f} ms")


def text(seconds):
    """Seconds since 1970 as the API takes them."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
