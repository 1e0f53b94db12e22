"""Whether a line is as it should be, measured before anything is measured on it; and what TCP carries there."""

import select
import socket
import statistics
import struct
import threading
import time

from .line import HERE, THERE

PROBES, PROBE_BYTES = 1000, 64
HEADER = 28  # of IP and UDP
FULL = 1472  # bytes of a datagram that fills a packet


def check(line):
    """Compare delay, loss and rate with what was asked for; AssertionError where the line is another. A sentence of what was measured."""
    quality = line.quality
    with line.inside(line.there):
        far = datagrams(THERE)
    with line.inside(line.here):
        near = datagrams(HERE)
    with far, near:
        up, down, delay = probe(near, far, quality.up)
        rate = flood(near, far, quality.up)
    sure = 3.3 * (quality.loss * (1 - quality.loss) / PROBES) ** 0.5  # one run in a thousand is further off
    for name, loss in (("up", up), ("down", down)):
        if abs(loss - quality.loss) > sure + 0.001:
            raise AssertionError(f"the line loses {loss:.2%} on the way {name} where {quality.loss:.0%} was asked for")
    if not quality.delay <= delay <= quality.delay + 0.015:
        raise AssertionError(f"a round trip over the line takes {delay * 1000:.1f} ms where {quality.delay * 1000:.0f} was asked for")
    if abs(rate / quality.up - 1) > 0.04:
        raise AssertionError(f"the line carries {rate / 1000:.0f} kbit/s where {quality.up / 1000:.0f} was asked for")
    return f"{rate / 1000:.0f} kbit/s, {delay * 1000:.0f} ms, loss {up:.1%} up and {down:.1%} down"


def datagrams(address):
    """A socket for datagrams in the present namespace."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    made.bind((address, 7))
    return made


def probe(near, far, rate):
    """Send small datagrams at half the rate and have each sent back: the shares lost up and down, and the median round trip."""
    pause = (PROBE_BYTES + HEADER) * 8 / rate * 2
    sent, returned, trips = 0, 0, []
    arrived, following, silent_at = 0, time.monotonic(), 0.0
    while sent < PROBES or time.monotonic() < silent_at:
        if sent < PROBES and time.monotonic() >= following:
            near.sendto(struct.pack("d", time.monotonic()).ljust(PROBE_BYTES), (THERE, 7))
            sent, following, silent_at = sent + 1, following + pause, time.monotonic() + 1
        ready, _, _ = select.select([near, far], [], [], max(0.0, min(following, silent_at) - time.monotonic()) if sent < PROBES else 0.1)
        if far in ready:
            arrived += 1
            far.sendto(far.recv(2048), (HERE, 7))
        if near in ready:
            returned += 1
            trips.append(time.monotonic() - struct.unpack("d", near.recv(2048)[:8])[0])
    if not returned:
        raise AssertionError("nothing comes back over the line")
    return 1 - arrived / sent, 1 - returned / arrived, statistics.median(trips)


def flood(near, far, rate, seconds=3):
    """Send twice what the line should carry: the bits a second of packets that left its wire, those lost on the way included."""
    ends, following, arrivals = time.monotonic() + seconds, time.monotonic(), []
    while time.monotonic() < ends + 1:
        if following < min(ends, time.monotonic()):
            near.sendto(bytes(FULL), (THERE, 7))
            following += (FULL + HEADER) * 8 / rate / 2
        if select.select([far], [], [], 0.002)[0]:
            far.recv(2048)
            arrivals.append(time.monotonic())
    gaps = [late - early for early, late in zip(arrivals, arrivals[1:])]
    return (FULL + HEADER) * 8 / statistics.median(gaps)


def raw(line, seconds, connections=8):
    """Bits a second of payload that so many TCP connections bring over the line, with nothing but bytes in them."""
    with line.inside(line.there):
        listener = socket.create_server((THERE, 0), backlog=connections)
    taken, ends = [0] * connections, threading.Event()

    def take(number, peer):
        with peer:
            while data := peer.recv(65536):
                taken[number] += len(data)

    def give(peer):
        with peer:
            try:
                while not ends.is_set():
                    peer.send(bytes(16384))
            except OSError:
                pass

    with listener, line.inside(line.here):
        threads = []
        for number in range(connections):
            near = socket.create_connection((THERE, listener.getsockname()[1]), timeout=30)
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
            threads += [threading.Thread(target=take, args=(number, listener.accept()[0])), threading.Thread(target=give, args=(near,))]
        for thread in threads:
            thread.start()
        time.sleep(3)  # until all have found their pace
        before, began = sum(taken), time.monotonic()
        time.sleep(seconds)
        rate = (sum(taken) - before) * 8 / (time.monotonic() - began)
        ends.set()
        for thread in threads:
            thread.join(60)
    return rate
