"""A box under test: starts `gatehouse serve` with a state folder of its own, kills it, starts it again, and speaks to it."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from client import Client, Problem, repository
from waiting import command_line, descendants, is_alive, shorten, wait_for

USER, PASSWORD = "installer", "correct harbour battery staple"
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT)  # none that a test sends
READY = re.compile(r"^Gatehouse is ready: (https?://\S+?)/?(?: set-up code: (\S+))?$")
DEFAULTS = {
    "http.address": "127.0.0.1", "http.port": 0, "http.tls": False, "http.requests-per-second": 10_000, "devices.allow-local": True, "storage.allow-http": True, "servers.allow-local": True,
    "recording.seconds-before": 2, "recording.seconds": 6, "session.timeout-seconds": 4, "session.longest-wait-seconds": 2,
    "upload.longest-wait-seconds": 2, "spool.free-megabytes": 16, "log.level": "debug",
}


def binary():
    """The program under test; waits for it while somebody is linking it anew."""
    path = os.environ.get("GATEHOUSE_BINARY") or os.path.join(repository(), ".build/debug/gatehouse")
    wait_for(lambda: os.access(path, os.X_OK), 120, f"the program {path}", every=1)
    return path


def beside(name):
    """A program that lies beside the program under test."""
    place = os.path.join(os.path.dirname(binary()), name)
    return place if os.path.exists(place) else os.path.join(os.path.dirname(os.path.realpath(binary())), name)


def launcher():
    """The program that starts releases."""
    return beside("gatehouse-launcher")


def updater():
    """The program that upgrades a box that cannot do it itself any more."""
    return beside("gatehouse-updater")


def yaml(settings):
    """Dotted keys as YAML."""
    tree = {}
    for key, value in settings.items():
        *parents, leaf = key.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    def lines(node, indent):
        for key, value in node.items():
            if isinstance(value, dict):
                yield f"{indent}{key}:"
                yield from lines(value, indent + "  ")
            else:
                yield f"{indent}{key}: {json.dumps(value)}"
    return "\n".join(lines(tree, "")) + "\n"


class Box:
    """A box with its state. `settings` are configuration keys that differ from DEFAULTS; None leaves a key out. `program` gives what is started instead of the program under test."""

    def __init__(self, folder=None, state=None, start=True, program=None, **settings):
        self.folder = folder or tempfile.mkdtemp(prefix="gatehouse-test-")
        self.state = state or os.path.join(self.folder, "state")
        self.store = os.path.join(self.folder, "store")
        os.makedirs(self.state, exist_ok=True)
        named = {key.replace("__", ".").replace("_", "-"): value for key, value in settings.items()}
        self.settings = {"state": self.state, "storage.folder": self.store, **DEFAULTS, **named}
        self.settings = {key: value for key, value in self.settings.items() if value is not None}
        self.process = self.client = self.setup_code = None
        self.program = program or (lambda: [binary()])
        self.starts, self.lines, self.ready_seconds = 0, [], None
        self.token = None
        if start:
            self.start()

    # Life and death

    def start(self, environment=None, timeout=60):
        """Start it and wait until it says that it is ready."""
        self.launch(environment)
        self.await_ready(timeout)
        return self

    def launch(self, environment=None):
        """Start it without waiting."""
        if self.is_running():
            raise AssertionError("the box runs already")
        configuration = os.path.join(self.folder, "gatehouse.yaml")
        with open(configuration, "w") as file:
            file.write(yaml(self.settings))
        self.starts += 1
        self.lines, self.launched = [], time.monotonic()
        def begin():
            try:
                with open(self.log_path, "ab") as log:
                    return subprocess.Popen(
                        [*self.program(), "serve", "--config", configuration], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                        env={**os.environ, **(environment or {})}, start_new_session=True)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOEXEC, errno.ETXTBSY, errno.EACCES):  # it is just being linked anew
                    raise
                return None
        self.process = wait_for(begin, 120, f"the program {binary()}", every=1)
        self.reader = threading.Thread(target=self.read_output, args=(self.process,), daemon=True)
        self.reader.start()

    def read_output(self, process):
        """Collect what it prints."""
        for line in process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def await_ready(self, timeout=60):
        """Wait for the ready line and read address and set-up code from it."""
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"the box ended with {self.process.returncode} at its start: {self.log_end()}")
            return self.lines
        line = wait_for(look, timeout, lambda: f"the box's ready line; its log ends: {self.log_end()}", every=0.02)[0]
        self.ready_seconds = time.monotonic() - self.launched
        match = READY.match(line)
        if not match:
            raise AssertionError(f"the first line printed is no ready line: {line!r}")
        self.setup_code = match.group(2)
        self.client = Client(match.group(1))
        self.client.token = self.token

    @property
    def log_path(self):
        """The file of the present (or last) life's log."""
        return os.path.join(self.folder, f"log-{self.starts}.txt")

    def log(self):
        """The log of the present life."""
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def log_end(self, length=2500):
        """The end of the log, for messages; where the program crashed, that place."""
        log = self.log()
        crash = max(log.rfind("Fatal error"), log.rfind("Crash"), log.rfind("crashed"))
        return log[max(0, crash - 300):][:length * 2] if crash >= 0 else log[-length:]

    @property
    def pid(self):
        """Its process number."""
        return self.process.pid

    def is_running(self):
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    def workers(self):
        """Its child processes."""
        return descendants(self.pid)

    def kill(self):
        """kill -9 of the box alone."""
        below = self.workers()
        self.process.kill()
        self.process.wait()
        self.workers_must_end(below)

    def workers_must_end(self, workers):
        """Workers end by themselves when the box is gone."""
        try:
            wait_for(lambda: not any(map(is_alive, workers)), 10, lambda: "the end of the dead box's workers: "
                     + "; ".join(command_line(pid) for pid in workers if is_alive(pid)))
        finally:
            for pid in filter(is_alive, workers):
                os.kill(pid, signal.SIGKILL)

    def await_death(self, seconds, what="the box's end"):
        """Wait until it has ended by itself; the exit status."""
        below = self.workers()
        wait_for(lambda: self.process.poll() is not None, seconds, lambda: f"{what}; its log ends: {self.log_end()}", every=0.02)
        self.workers_must_end(below)
        return self.process.returncode

    def stop(self, seconds=30):
        """End it in order, with SIGTERM; AssertionError when it does not leave with 0."""
        below = self.workers()
        self.process.terminate()
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the box did not end within {seconds} s of SIGTERM: {self.log_end()}") from None
        self.workers_must_end(below)
        if status:
            raise AssertionError(f"the box ended with {status} after SIGTERM: {self.log_end()}")

    def restart(self, environment=None):
        """End it if it runs, and start it on the same state."""
        if self.is_running():
            self.stop()
        return self.start(environment)

    def clean(self):
        """Kill what runs and remove the folder (kept when GATEHOUSE_KEEP is set). A box that crashed fails the test, whatever the test saw of it."""
        if self.is_running():
            for pid in [self.pid, *self.workers()]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        if self.process:
            self.reader.join(5)
            self.process.stdout.close()
        crash = f"the box crashed with {self.process.returncode}: {self.log_end()}" if self.process and -self.process.returncode in CRASHES else None
        if os.environ.get("GATEHOUSE_KEEP"):
            print(f"kept: {self.folder}", flush=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if crash:
            raise AssertionError(crash)

    # The API

    def get(self, path, **more):
        """GET's JSON."""
        return self.client.get(path, **more)

    def call(self, method, path, body=None, **more):
        """A request's JSON; raises Problem."""
        return self.client.call(method, path, body, **more)

    def claim(self, code=None):
        """Make the first administrator."""
        answer = self.call("POST", "/setup/claim", {
            "setupCode": code or self.setup_code, "userName": USER, "password": PASSWORD, "siteName": "Test house",
            "timeZone": "Europe/Berlin"})
        self.token = self.client.token = answer["token"]
        return answer

    def add_device(self, url, user=None, password=None, name="Camera", **more):
        """Add a device by its RTSP URL."""
        body = {"name": name, "url": url, "userName": user, "password": password, **more}
        return self.call("POST", "/devices", {key: value for key, value in body.items() if value is not None})

    def add_camera(self, camera, name=None, sub=True, **more):
        """Add a simulated camera; its channel."""
        if sub and camera.sub:
            more.setdefault("subUrl", camera.sub)
        device = self.add_device(camera.rtsp, camera.user, camera.password, name or camera.name, **more)
        return self.channel(device["channelIds"][0])

    def link(self, channel, kind="high", **more):
        """Link a channel to the cloud; `resolution` and `bitRate` for custom definitions, `retentionDays`."""
        retention = {key: more.pop(key) for key in ("retentionDays",) if key in more}
        return self.call("PUT", f"/channels/{channel['id']}/link", {"definition": {"kind": kind, **more}, **retention})

    def channel(self, channel):
        """A channel as it is now."""
        return self.get(f"/channels/{channel if isinstance(channel, str) else channel['id']}")

    def await_picture(self, *channels, seconds=30):
        """Wait until these channels have their picture; the channels."""
        good = ("ok", "attention")
        def look():
            found = [self.channel(channel) for channel in channels]
            return found if all(one["state"]["severity"] in good and one["streams"] for one in found) else None
        return wait_for(look, seconds, lambda: "pictures: " + shorten([self.channel(one)["state"] for one in channels]))

    def await_past(self, seconds, *channels):
        """Wait until the box has received that much, and a key frame more, of these channels after their picture came."""
        self.await_picture(*channels)
        enough = time.monotonic() + seconds + 2.5
        wait_for(lambda: time.monotonic() > enough, seconds + 5, f"{seconds} s of the past")

    def await_state(self, channel, codes, seconds=30):
        """Wait until the channel's state has one of these codes; the state."""
        codes = (codes,) if isinstance(codes, str) else tuple(codes)
        def look():
            state = self.channel(channel)["state"]
            return state if state["code"] in codes else None
        return wait_for(look, seconds, lambda: f"channel state {'/'.join(codes)}; it is {self.channel(channel)['state']}")

    def trigger(self, channel, category=None):
        """Make an event; the event."""
        return self.call("POST", f"/channels/{channel['id']}/trigger", {"type": category} if category else {})

    def event(self, event):
        """An event as it is now."""
        return self.get(f"/events/{event['id']}")

    def clip(self, clip):
        """A clip as it is now."""
        return self.get(f"/clips/{clip if isinstance(clip, str) else clip['id']}")

    def await_stored(self, event, seconds=60):
        """Wait until an event's clip is in the store; the clip."""
        def look():
            state = self.event(event)["state"]
            if state == "dropped":
                raise AssertionError(f"the clip was dropped: {self.event(event)}")
            return state == "stored"
        wait_for(look, seconds, lambda: f"event {event['id']} to be stored: {shorten(self.event(event))} {self.clip_of(event)}", 0.2)
        return self.clip(self.event(event)["clipId"])

    def clip_of(self, event):
        """The event's clip as it is now, shortened, for messages."""
        try:
            clip = self.event(event)["clipId"]
            return shorten(self.clip(clip)) if clip else "no clip"
        except Problem as problem:
            return str(problem)

    def everything(self, path, limit=200):
        """All items of a list that comes in pages."""
        items, before = [], None
        while True:
            page = self.get(path + ("&" if "?" in path else "?") + f"limit={limit}" + (f"&before={before}" if before else ""))
            items += page["items"]
            before = page["next"]
            if not before:
                return items

    def await_drained(self, seconds=60):
        """Wait until nothing is recorded, transcoded or waiting, and the spool is empty."""
        def look():
            storage = self.get("/storage")
            return not storage["spool"]["clips"] and not storage["backlog"]["clips"] and not os.listdir(self.spool)
        wait_for(look, seconds, lambda: f"an empty spool: {self.get('/storage')} {shorten(os.listdir(self.spool))}", 0.25)

    # Its folders

    @property
    def spool(self):
        """The spool's folder."""
        return os.path.join(self.state, "spool")
