"""What an RTSP reader costs: of the box, and in the same run of those that do the same: GStreamer's RTSP server, and ffmpeg that copies (Debian's VLC has no
RTSP client)."""

import contextlib
import multiprocessing
import os
import selectors
import signal
import statistics
import subprocess
import sys
import time

from ports import free_port
from rtsp_client import RTSPClient
from waiting import wait_for

from .processes import processor_seconds
from .report import at_most

READERS, COPIES, ROUNDS = 50, 4, 5
SECRET = "Bench-Harbour-2026"
PIECE = 1 << 18
GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1"); server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( rtspsrc location={sys.argv[2]} protocols=tcp latency=0 ! rtph264depay ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )")
factory.set_shared(True)
server.get_mount_points().add_factory("/main", factory)
server.attach(None)
GLib.MainLoop().run()
"""


def read(url, password, count, ready, stop, results):
    """So many readers within their connections, which look at nothing."""
    clients = [RTSPClient(url, "viewer", password) for _ in range(count)]
    selector, taken = selectors.DefaultSelector(), [0] * count
    for number, client in enumerate(clients):
        described = client.ask("DESCRIBE", Accept="application/sdp")
        video = described.body[described.body.index("m=video"):]
        control = next(line.partition(":")[2] for line in video.splitlines() if line.startswith("a=control:"))
        base = described["Content-Base"] or url + "/"
        made = client.ask("SETUP", control if control.startswith("rtsp:") else base + control, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        client.session = made["Session"].partition(";")[0]
        if client.ask("PLAY", base, Range="npt=now-").status != 200:
            raise AssertionError("a reader was refused")
        client.socket.setblocking(False)
        selector.register(client.socket, selectors.EVENT_READ, number)
    ready.release()
    buffer = memoryview(bytearray(PIECE))
    while not stop.is_set():
        for key, _ in selector.select(0.2):
            with contextlib.suppress(BlockingIOError):
                taken[key.data] += key.fileobj.recv_into(buffer)
    results.put(taken)


def cost(pid, url, password, count, seconds):
    """Cores that a process (with those below it) takes while so many read, and the fewest bytes that one of them got."""
    context = multiprocessing.get_context("fork")
    ready, stop, results = context.Semaphore(0), context.Event(), context.Queue()
    process = context.Process(target=read, args=(url, password, count, ready, stop, results), daemon=True)
    process.start()
    try:
        if not ready.acquire(timeout=60):
            raise AssertionError(f"{count} readers did not come to {url}")
        time.sleep(2)  # what was buffered is sent
        began, before = time.monotonic(), processor_seconds(pid)
        time.sleep(seconds)
        load = (processor_seconds(pid) - before) / (time.monotonic() - began)
    finally:
        stop.set()
    taken = results.get(timeout=30)
    process.join(10)
    return load, min(taken)


def turn(pid, url, password, seconds):
    """Cores for one reader and for many, and the fewest bytes that one of these got."""
    one, _ = cost(pid, url, password, 1, seconds)
    return one, *cost(pid, url, password, READERS, seconds)


def per_reader(turns):
    """Cores for each reader more than one, in each turn. What a server does besides is the same in all of them: its median is taken off, for a
    reader costs a hundredth of it."""
    alone = statistics.median(one for one, _, _ in turns)
    return [(many - alone) / (READERS - 1) for _, many, _ in turns]


@contextlib.contextmanager
def program(command, port):
    """A program that listens at a port; it is ended with the body."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: process.poll() is not None or answers(port), 30, f"{command[0]} to listen")
        if process.poll() is not None:
            raise AssertionError(f"{command[0]} ended with {process.returncode}")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port):
    """Whether somebody answers RTSP there."""
    try:
        return RTSPClient(f"rtsp://127.0.0.1:{port}/main").ask("OPTIONS").status == 200
    except (OSError, EOFError):
        return False


def copies(camera, seconds):
    """Cores that ffmpeg takes for each reader where one process copies the camera's stream for each."""
    command = ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", camera.rtsp, "-map", "0:v", "-c", "copy", "-f", "rtp_mpegts",
               f"rtp://127.0.0.1:{free_port() & ~1}"]
    processes = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(COPIES)]
    try:
        time.sleep(3)  # they have opened the stream
        before = sum(processor_seconds(process.pid) for process in processes)
        began = time.monotonic()
        time.sleep(seconds)
        if any(process.poll() is not None for process in processes):
            raise AssertionError("ffmpeg ended")
        return (sum(processor_seconds(process.pid) for process in processes) - before) / (time.monotonic() - began) / COPIES
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(report, made, channel, camera, quick):
    """One camera of 4 Mbit/s, read over TCP by many."""
    seconds = 5 if quick else 15
    port = free_port()
    on = made.call("PUT", "/relay/rtsp", {"enabled": True, "port": port, "userName": "viewer", "password": SECRET})
    if on["state"]["code"] != "ready":
        raise AssertionError(f"RTSP out of the box: {on['state']}")
    # GStreamer's server looks at no pictures either.
    made.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": False}})
    theirs = free_port()
    turns = []
    with program([sys.executable, "-c", GSTREAMER, str(theirs), camera.rtsp], theirs) as process:
        for _ in range(ROUNDS):  # in turns: the machine is not the same from minute to minute
            turns.append((turn(made.pid, f"rtsp://127.0.0.1:{port}/{channel['id']}/main", SECRET, seconds),
                          turn(process.pid, f"rtsp://127.0.0.1:{theirs}/main", None, seconds)))
    made.call("PUT", "/relay/rtsp", {"enabled": False})
    made.call("PATCH", f"/channels/{channel['id']}", {"motion": {"enabled": True}})
    pairs = list(zip(*(per_reader(side) for side in zip(*turns)), strict=True))
    ratio = statistics.median(own / other for own, other in pairs)
    report.add("relay.rtsp_vs_gstreamer", ratio, "", **at_most(ratio, 1))
    costs = ", ".join(f"{own * 100:.3f} and {other * 100:.3f}" for own, other in pairs)
    fewest, least = (min(one[side][2] for one in turns) for side in (0, 1))
    report.note(f"relay: an RTSP reader over TCP more costs the box and GStreamer's RTSP server in turns {costs} % of a core "
                f"({READERS} readers of each; the least of them got {fewest / 1e6:.1f} and {least / 1e6:.1f} MB)")
    report.note(f"relay: an ffmpeg that copies for each reader takes {copies(camera, seconds) * 100:.2f} % of a core")
