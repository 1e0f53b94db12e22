"""Simulated cameras, an odd camera that sends MJPEG, and a line between box and camera that counts and can be cut."""

import json
import os
import select
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

from client import repository

# Small cameras keep fault cycles short: key frames each second.
SMALL = {"size": "640x360", "rate": 15, "bitrate": 500, "key_interval": 1, "no_sub": True}


class Camera:
    """One camera of a simulator."""

    def __init__(self, simulator, number, line):
        self.simulator, self.number = simulator, number
        self.name, self.rtsp, self.sub, self.user, self.password = (line[key] for key in ("name", "rtsp", "sub", "user", "password"))

    def motion(self, seconds=5):
        """Let something move."""
        return self.simulator.post("/motion", camera=self.number, seconds=seconds)

    def fault(self, kind, **parameters):
        """Switch a fault on, or all off with "none"."""
        return self.simulator.post("/fault", camera=self.number, kind=kind, **parameters)

    def state(self):
        """Counters, motion and faults."""
        return self.simulator.state()["cameras"][self.number - 1]

    def through(self, line):
        """The same camera reached through a Line."""
        other = Camera(self.simulator, self.number, {
            "name": self.name, "rtsp": line.replaced(self.rtsp), "sub": None, "user": self.user, "password": self.password})
        return other


class Simulator:
    """A camera-simulator process; options are its command line's, with underscores."""

    def __init__(self, **options):
        command = [os.path.join(repository(), "tools/camera-simulator"), "--port", "0"]
        cache = os.environ.get("GATEHOUSE_CAMERA_CACHE")
        if cache:
            command += ["--cache", cache]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            command += [flag] if value is True else [] if value in (False, None) else [flag, str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 300)  # it may have to render its scenes
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.close()
            raise AssertionError(f"{' '.join(command)} did not become ready")
        self.ready = json.loads(line)
        self.control = self.ready["control"]
        self.cameras = [Camera(self, number + 1, one) for number, one in enumerate(self.ready.get("cameras", [self.ready]))]
        self.camera = self.cameras[0]

    def post(self, path, **parameters):
        """A control request."""
        request = urllib.request.Request(f"{self.control}{path}?{urllib.parse.urlencode(parameters)}", method="POST", data=b"")
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"simulator: {path} {parameters}: {error.read()!r}") from None

    def state(self):
        """The state of all cameras."""
        with urllib.request.urlopen(self.control + "/state", timeout=30) as answer:
            return json.load(answer)

    def heal(self):
        """All faults of all cameras off."""
        self.post("/fault", kind="none")

    def close(self):
        """End it."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Line:
    """A TCP line between the box and a camera: counts connections and refusals, can be cut."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.target = (parts.hostname, parts.port)
        self.connections, self.refusals, self.answered = 0, 0, 0
        self.pairs, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def replaced(self, url):
        """The URL with the line's address in place of the camera's."""
        parts = urllib.parse.urlsplit(url)
        return parts._replace(netloc=f"127.0.0.1:{self.port}").geturl()

    def accept(self):
        """Take connections until closed."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            try:
                far = socket.create_connection(self.target, timeout=5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
            for source, sink, counts in ((near, far, False), (far, near, True)):
                threading.Thread(target=self.pump, args=(source, sink, counts), daemon=True).start()

    def pump(self, source, sink, counts):
        """Carry bytes one way."""
        first = True
        try:
            while data := source.recv(65536):
                if counts:
                    with self.lock:
                        self.answered += first
                        self.refusals += data.count(b"RTSP/1.0 401")
                    first = False
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def cut(self):
        """Break all connections now; new ones may come."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        """End it."""
        self.listener.close()
        self.cut()


class OddCamera:
    """An RTSP server whose only stream is MJPEG."""

    CODE = """
import os, sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
server = GstRtspServer.RTSPServer(); server.set_address("127.0.0.1"); server.set_service("0")
factory = GstRtspServer.RTSPMediaFactory(); factory.set_shared(True)
factory.set_launch("( videotestsrc is-live=true ! "
    "video/x-raw,width=320,height=240,framerate=5/1,format=I420 ! jpegenc ! rtpjpegpay name=pay0 pt=26 )")
server.get_mount_points().add_factory("/main", factory); server.attach(None)
print(server.get_bound_port(), flush=True)
parent = os.getppid()
GLib.timeout_add(500, lambda: os.getppid() == parent or sys.exit(0))
GLib.MainLoop().run()
"""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", self.CODE], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        ready, _, _ = select.select([self.process.stdout], [], [], 30)
        port = self.process.stdout.readline() if ready else b""
        if not port:
            self.close()
            raise AssertionError("the MJPEG camera did not start")
        self.rtsp, self.sub, self.user, self.password, self.name = f"rtsp://127.0.0.1:{int(port)}/main", None, None, None, "odd"

    def close(self):
        """End it."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
