"""A line between two TUN devices: each packet waits its turn at the line's rate, may be lost on the way, and arrives late. A process of its own.

Runs as `forwarder.py DEVICES SEED`. A line of JSON on its input makes the line so from then on, each is answered by the counters since the start;
the end of its input ends it.
"""

import collections
import json
import os
import random
import selectors
import sys
import time

LONGEST_PACKET = 1500
PATIENCE = 1.0  # seconds to sleep where nothing is on its way


class Direction:
    """One way over the line: a queue like a router's, a wire of some rate, loss on the wire, and its length in seconds."""

    def __init__(self, source, sink, seed):
        self.source, self.sink, self.random = source, sink, random.Random(seed)
        self.become(1_000_000, 0.0, 0.0, 0.0)
        self.free_at, self.flying = 0.0, collections.deque()
        self.counters = {"packets": 0, "bytes": 0, "lost": 0, "refused": 0, "oversized": 0, "latest": 0.0}

    def become(self, rate, delay, loss, queue_seconds):
        """Be so from now on."""
        self.rate, self.delay, self.loss, self.queue_seconds = rate, delay, loss, queue_seconds

    def take(self, now):
        """Take the packets that wait at the source."""
        while True:
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            self.send(packet, now)

    def send(self, packet, now):
        """Put a packet on the wire, behind those before it; a full queue refuses it."""
        self.counters["oversized"] += len(packet) > LONGEST_PACKET
        begins = max(now, self.free_at)
        if begins - now > self.queue_seconds:
            self.counters["refused"] += 1
            return
        self.free_at = begins + len(packet) * 8 / self.rate
        self.counters["packets"] += 1
        self.counters["bytes"] += len(packet)
        if self.random.random() < self.loss:  # it has taken its time on the wire
            self.counters["lost"] += 1
        else:
            self.flying.append((self.free_at + self.delay, packet))

    def deliver(self, now):
        """Hand over what has arrived."""
        while self.flying and self.flying[0][0] <= now:
            due, packet = self.flying.popleft()
            self.counters["latest"] = max(self.counters["latest"], now - due)
            try:
                os.write(self.sink, packet)
            except OSError:
                pass  # the device is down: as good as lost

    def wait(self, now):
        """Seconds until the next packet arrives."""
        return max(0.0, self.flying[0][0] - now) if self.flying else PATIENCE


def obey(line, up, down):
    """What the next line of the input asks for."""
    asked = json.loads(line)
    if asked:
        each = asked["delay"] / 2, asked["loss"], asked["queue_seconds"]
        up.become(asked["up"], *each)
        down.become(asked["down"], *each)
    print(json.dumps({"up": up.counters, "down": down.counters}), flush=True)


def run(near, far, seed):
    """Carry packets until the input ends."""
    up, down = Direction(near, far, f"{seed} up"), Direction(far, near, f"{seed} down")
    selector = selectors.DefaultSelector()
    for way in (up, down):
        os.set_blocking(way.source, False)
        selector.register(way.source, selectors.EVENT_READ, way.take)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    while True:
        now = time.monotonic()
        ready = selector.select(min(up.wait(now), down.wait(now)))
        now = time.monotonic()
        for key, _ in ready:
            if key.data:
                key.data(now)
                continue
            line = os.read(key.fd, 4096)  # the other side sends one and waits for its answer
            if not line:
                return
            obey(line, up, down)
        up.deliver(now)
        down.deliver(now)


if __name__ == "__main__":
    run(*map(int, sys.argv[1:]))
