"""Pictures and recordings that devices send, made once with ffmpeg, and the camera-simulator that serves their RTSP."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

# The mark in the corner is shown in the first fifth of each fifth second.
FILM = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=15", "-t", "20", "-vf",
        "drawbox=x=iw-21:y=ih-21:w=21:h=21:color=black:t=fill,drawbox=x=iw-21:y=ih-21:w=21:h=21:color=white:t=fill:enable='lt(mod(n,75),3)'"]
COMMANDS = {
    "picture.jpg": ["-f", "lavfi", "-i", "testsrc2=s=1280x720", "-frames:v", "1", "-q:v", "5"],
    "recording.mp4": ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=15", "-f", "lavfi", "-i", "sine=440:r=16000", "-t", "10", "-c:v", "libx264", "-preset", "veryfast",
                      "-pix_fmt", "yuv420p", "-b:v", "800k", "-g", "30", "-c:a", "aac", "-b:a", "32k", "-movflags", "+faststart"],
    "recording.ps": ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=15", "-f", "lavfi", "-i", "sine=440:r=8000", "-t", "10", "-c:v", "libx264", "-preset", "veryfast",
                     "-pix_fmt", "yuv420p", "-b:v", "800k", "-g", "30", "-c:a", "mp2", "-ar", "48000", "-f", "vob"],
    "replay.h264": [*FILM, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-b:v", "800k", "-bf", "0", "-g", "30", "-keyint_min", "30",
                    "-sc_threshold", "0", "-x264-params", "aud=1:repeat-headers=1", "-f", "h264"],
    "replay.h265": [*FILM, "-c:v", "libx265", "-preset", "superfast", "-pix_fmt", "yuv420p", "-b:v", "800k", "-x265-params",
                    "aud=1:repeat-headers=1:keyint=30:min-keyint=30:scenecut=0:open-gop=0:bframes=0:log-level=error", "-f", "hevc"],
}

DEVICES_OF_ONE = 5


STARTED = []  # every camera-simulator of this process


def end_all():
    """End every camera-simulator, and return when none is left."""
    for process in STARTED:
        process.kill()
    for process in STARTED:
        process.wait()


class Media:
    """The files; each is made when it is first wanted and kept in the cache directory."""

    def __init__(self, codec="h264"):
        self.codec = codec  # of recordings that are played by time
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.directory = os.path.join(base, "gatehouse-device-simulator")
        self.loaded, self.lock = {}, asyncio.Lock()
        self.numbers = itertools.count(1)
        self.shown = {}  # (device, channel; ISAPI calls the first 101) -> the JPEG of what somebody holds before it

    async def file(self, name):
        """The bytes of a file."""
        async with self.lock:
            if name not in self.loaded:
                self.loaded[name] = await asyncio.get_running_loop().run_in_executor(None, self.make, name)
            return self.loaded[name]

    async def film(self):
        """The byte stream that is played by time, round and round."""
        return await self.file(f"replay.{self.codec}")

    def make(self, name):
        """Make a file where the cache lacks it."""
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            os.makedirs(self.directory, exist_ok=True)
            root, ending = os.path.splitext(path)
            part = f"{root}.{os.getpid()}{ending}"
            subprocess.run(["ffmpeg", "-v", "error", "-y", *COMMANDS[name], part], check=True, stdin=subprocess.DEVNULL)
            os.replace(part, path)
        with open(path, "rb") as file:
            return file.read()

    async def picture(self, device, channel):
        """A snapshot: every one differs by a comment that names device, channel and number."""
        data = self.shown.get((device.name, channel // 100 or channel)) or await self.file("picture.jpg")
        comment = f"{device.name} channel {channel} number {next(self.numbers)} at {device.utc().isoformat()}".encode()
        return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]

    async def recording(self, kind):
        """A recording: mp4 or ps."""
        return await self.file("recording.ps" if kind == "ps" else "recording.mp4")


class Cameras:
    """The camera-simulators behind the devices: a camera each, whose streams appear under all paths, on the addresses of a few devices.

    A few, because GStreamer's RTSP server does not bear many sessions that come and go together in one process.
    """

    def __init__(self, options):
        self.options, self.processes, self.controls = options, [], {}

    @property
    def control(self):
        """Whether there are camera-simulators of our own."""
        return bool(self.controls)

    def start(self, devices, port):
        """Start them and wait until they serve."""
        groups = [devices[first:first + DEVICES_OF_ONE] for first in range(0, len(devices), DEVICES_OF_ONE)]
        self.launch(groups[0], port)  # the first draws the scene, which the others then find drawn
        for group in groups[1:]:
            self.launch(group, port, wait=False)
        for group, process in zip(groups[1:], self.processes[1:]):
            self.await_ready(group, process)

    def launch(self, devices, port, wait=True):
        """Start a camera-simulator for some devices."""
        paths = {"/onvif/profile1": "main", "/onvif/profile2": "sub"}
        for number in range(1, max(device.channels for device in devices) + 1):
            paths.update({f"/Streaming/Channels/{number}01": "main", f"/Streaming/Channels/{number}02": "sub",
                          f"/Streaming/channels/{number}01": "main", f"/Streaming/channels/{number}02": "sub",
                          f"/Streaming/tracks/{number}01": "main"})
        tool = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "camera-simulator")
        command = [sys.executable, tool, "--port", str(port), "--address", ",".join(dict.fromkeys(device.address for device in devices)),
                   "--user", devices[0].user, "--password", devices[0].password, "--size", self.options.size, "--rate", "15",
                   "--codec", self.options.codec, "--bitrate", "1500", "--scene", "yard"]
        if any("metadata" in device.settings for device in devices):
            command.append("--metadata")
        for path, stream in paths.items():
            command += ["--alias", f"{path}={stream}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        STARTED.append(process)
        if wait:
            self.await_ready(devices, process)

    def await_ready(self, devices, process):
        """Wait until one serves."""
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("camera-simulator did not start")
        ready = json.loads(line)
        for device in devices:
            self.controls[device.name] = ready["control"]
            device.rtsp_port = urllib.parse.urlsplit(ready["rtsp"]).port
            if (device.user, device.password) != (devices[0].user, devices[0].password):
                self.tell(device, "password", user=device.user, value=device.password)

    def use(self, devices, url):
        """Use a camera-simulator that runs already."""
        for device in devices:
            device.rtsp_port = urllib.parse.urlsplit(url).port or 554

    def tell(self, device, kind, **parameters):
        """Change one device's RTSP endpoint; in a thread, in order."""
        if device.name in self.controls:
            query = urllib.parse.urlencode({"address": device.address, "kind": kind, **parameters})
            request = urllib.request.Request(f"{self.controls[device.name]}/endpoint?{query}", method="POST")
            urllib.request.urlopen(request, timeout=15).read()

    def send_metadata(self, device, document):
        """Send a document in a device's metadata track."""
        body = json.dumps({"document": document}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.controls[device.name]}/metadata", method="POST", data=body), timeout=15).read()

    def tell_soon(self, device, kind, **parameters):
        """As tell, without waiting."""
        threading.Thread(target=self.tell, args=(device, kind), kwargs=parameters, daemon=True).start()
