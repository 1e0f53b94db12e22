"""What is looked at where a release runs: each look gives a line of figures, or raises."""

import functools
import http.client
import http.server
import json
import os
import re
import shutil
import statistics
import subprocess
import threading
import time

from box import DEFAULTS, PASSWORD, USER, yaml
from client import Client, Problem
from ports import free_port
from waiting import wait_for

READY = re.compile(r"^Gatehouse is ready: \S+(?: set-up code: (\S+))?$", re.MULTILINE)
ROLES = ("root", "targets", "snapshot", "timestamp")
# A release looks once a minute how it does, and none of it can be told otherwise: as many good looks are awaited, of fifteen.
GOOD_LOOKS = 2
SECONDS = 8  # of the clip


def spoken(*words, **more):
    """What a command here prints; an error with its end when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout[-300:]} {done.stderr[-900:]}")
    return done.stdout


def make_clip(folder):
    """A clip of a camera that is none."""
    path = os.path.join(folder, "camera.mp4")
    spoken("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=25:duration={SECONDS}", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "50", "-movflags", "+faststart", path)
    return path


class Vendor:
    """Who makes releases, on this machine, and serves them: the Debian package's own, twice."""

    def __init__(self, program, folder, repository, programs):
        self.program, self.folder = program, folder
        self.ports = [free_port() for _ in range(4)]
        spoken(os.path.join(repository, "Firmware", "build-deb"), "--fast", "--programs", programs, "--architecture", "arm64", "--output", self.at("package"),
               env={**os.environ, "GATEHOUSE": program})
        package, = [name for name in os.listdir(self.at("package")) if re.fullmatch(r"gatehouse_.*_arm64\.deb", name)]
        spoken("dpkg-deb", "-x", self.at("package", package), self.at("installed"))
        self.installed = self.at("installed", "usr", "lib", "gatehouse")
        for role in ROLES:
            self.release("keygen", self.at(role))
        self.repository = self.at("releases")
        self.release("root", self.repository, *[word for role in ROLES for word in (f"--{role}", self.at(f"{role}.pub"))])
        self.release("sign", self.repository, "--key", self.at("root"))
        self.offer("1.0.0")
        handler = functools.partial(Quiet, directory=self.repository)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def at(self, *names):
        """A place in its folder."""
        return os.path.join(self.folder, *names)

    def release(self, *words):
        """What `gatehouse release` says."""
        return spoken(self.program, "release", *words)

    def offer(self, version):
        """Build, sign and publish a release: the package's, and its number."""
        files = self.at(f"files-{version}")
        shutil.copytree(os.path.join(self.installed, "release"), files, dirs_exist_ok=True)
        with open(os.path.join(files, "number"), "w") as file:
            file.write(version)
        self.release("build", self.repository, files, "--version", version, "--architecture", "arm64")
        shutil.rmtree(files)
        self.release("sign", self.repository, "--key", self.at("targets"))
        self.release("publish", self.repository, "--key", self.at("snapshot"), "--key", self.at("timestamp"))

    def install(self, folder):
        """The first release of a box."""
        self.release("install", self.repository, "gatehouse/arm64/1.0.0.json", folder, "--root", os.path.join(self.repository, "metadata", "1.root.json"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, *_):
        """Nothing is logged."""


class Box:
    """A box in a place: `words` begin it, before `serve`."""

    def __init__(self, place, words, folder, port, **settings):
        self.place, self.words = place, words
        os.makedirs(folder, exist_ok=True)
        self.log_path, self.configuration = os.path.join(folder, "log.txt"), os.path.join(folder, "gatehouse.yaml")
        own = place.own(folder)
        settings = {**DEFAULTS, "state": f"{own}/state", "storage.folder": f"{own}/store", "http.address": place.address, "http.port": port, **settings}
        with open(self.configuration, "w") as file:
            file.write(yaml(settings))
        place.run("mkdir", "-p", f"{own}/state")
        self.client = Client(f"http://127.0.0.1:{port}", timeout=60)

    def log(self):
        """What it said."""
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def start(self, environment=None, seconds=180):
        """Begin it; seconds until the API's first answer."""
        began = time.monotonic()
        self.end = self.place.begin([*self.words, "serve", "--config", self.configuration], self.log_path, environment or {})

        def look():
            try:
                return self.client.request("GET", "/setup", timeout=20).status == 200
            except (OSError, http.client.HTTPException):
                return False
        wait_for(look, seconds, lambda: f"an answer of the API; the log ends: {self.log()[-1500:]}", every=0.01)
        return time.monotonic() - began

    def claim(self):
        """Make the first administrator."""
        code = wait_for(lambda: READY.search(self.log()), 60, "the ready line").group(1)
        self.client.token = self.client.call("POST", "/setup/claim", {
            "setupCode": code, "userName": USER, "password": PASSWORD, "siteName": "Test house", "timeZone": "Europe/Berlin"})["token"]

    def firmware(self):
        """As the API has it; None while the box is away."""
        try:
            return self.client.get("/firmware")
        except (Problem, OSError, http.client.HTTPException):
            return None


class Looks:
    """The looks at one place."""

    def __init__(self, place, vendor, clip, programs, whole_trial):
        self.place, self.vendor, self.clip, self.whole_trial = place, vendor, clip, whole_trial
        self.program = os.path.join(place.kept(programs), "gatehouse")
        self.folder = vendor.at(re.sub(r"\W+", "-", place.name))
        os.makedirs(self.folder)
        self.box = None

    def version(self):
        """It starts at all."""
        began = time.monotonic()
        status, told = self.place.run(self.program, "--version")
        assert status == 0, (status, told[-600:])
        return f"{told.strip().splitlines()[-1]}, {time.monotonic() - began:.2f} s"

    def ffmpeg(self):
        """Which FFmpeg it stands on: that of the root's packages, which the package depends on."""
        status, told = self.place.run("ffmpeg", "-version")
        assert status == 0, (status, told[-600:])
        release = re.search(r"ffmpeg version (\S+)", told).group(1)
        library = re.sub(r"\s+", "", re.search(r"libavcodec +(\d+\. *\d+\. *\d+)", told).group(1))
        return f"FFmpeg {release}, libavcodec {library}"

    def start(self):
        """From the start of the process to the first answer; the first of them makes its state."""
        self.box = Box(self.place, [self.program], os.path.join(self.folder, "plain"), self.vendor.ports[0])
        times = []
        for _ in range(3):
            times.append(self.box.start())
            if not self.box.client.token:
                self.box.claim()
            if len(times) < 3:
                status = self.box.end()
                assert status == 0, f"it ended with {status}: {self.box.log()[-1500:]}"
        return f"first answer after {statistics.median(times):.2f} s (the first start {times[0]:.2f} s, then {', '.join(f'{seconds:.2f}' for seconds in times[1:])})"

    def encoders(self):
        """What the box found of encoders by trying them, and which of them it therefore uses."""
        proofs = wait_for(lambda: self.box.client.get("/system")["encoders"], 300, "the encoders' trial", every=0.5)
        self.box.end()
        hardware = [proof for proof in proofs if proof["kind"] == "hardware"]
        assert hardware and not any(proof["proven"] for proof in hardware), proofs
        software = [proof["proven"] for proof in proofs if proof["name"] == "libx264"]
        assert software == [self.place.has_workers], proofs
        return "; ".join(f"{proof['name']}: {'proven' if proof['proven'] else 'not used'}: {proof['reason']}" for proof in proofs)

    def transcode(self):
        """The cloud copy of a clip."""
        copy = os.path.join(self.folder, "copy.mp4")
        began = time.monotonic()
        status, told = self.place.run(self.program, "transcode", self.clip, "--definition", "standard", "--output", copy, timeout=600)
        if not self.place.has_workers:
            assert status == 1 and "seccomp" in told, (status, told[-600:])
            return f"refused, as it must be without walls around the worker: {told.strip().splitlines()[-1]}"
        seconds = time.monotonic() - began
        assert status == 0, (status, told[-900:])
        stream = json.loads(spoken("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries", "stream=codec_name,width,height,nb_read_frames,duration", "-of", "json", copy))["streams"][0]
        assert stream["codec_name"] == "h264" and abs(int(stream["nb_read_frames"]) - 10 * SECONDS) <= 2 and abs(float(stream["duration"]) - SECONDS) < 0.5, stream
        return f"{told.strip().splitlines()[-1].split(': ', 1)[1]}; {seconds:.1f} s; ffprobe reads {stream['nb_read_frames']} pictures"

    def upgrade(self):
        """From release 1.0.0 to 1.1.0: found, fetched, begun with, on trial, good at its first looks; with `whole_trial`, confirmed."""
        vendor, place, folder = self.vendor, self.place, os.path.join(self.folder, "field")
        releases = f"{place.own(folder)}/releases"
        first = os.path.join(folder, "first")
        os.makedirs(folder)
        vendor.install(first)
        status, told = place.run("sh", "-c", f"mkdir -p {place.own(folder)} && cp -a {first} {releases}")
        assert status == 0, told
        shutil.rmtree(first)
        box = Box(place, [os.path.join(vendor.installed, "gatehouse-launcher"), releases, "start"], folder, vendor.ports[1],
                  **{"firmware.source": f"http://{place.host}:{vendor.server.server_port}"})
        box.start()
        try:
            box.claim()
            assert box.firmware()["version"] == "1.0.0", box.firmware()
            if not os.path.exists(vendor.at("offered")):
                vendor.offer("1.1.0")
                open(vendor.at("offered"), "w").close()
            found = wait_for(lambda: box.client.call("POST", "/firmware/check")["available"], 60, "the release", every=1)
            assert found["version"] == "1.1.0", found
            began = time.monotonic()
            box.client.call("POST", "/firmware/upgrade", {"version": "1.1.0"})

            def at(*phases):
                firmware = box.firmware()
                return firmware and firmware["version"] == "1.1.0" and firmware["phase"] in phases and firmware
            wait_for(lambda: at("trial", "idle"), 300, lambda: f"1.1.0: {box.firmware()}; {box.log()[-2500:]}", every=0.5)
            trial = time.monotonic() - began
            if self.whole_trial:
                wait_for(lambda: at("idle"), 1200, lambda: f"the end of the trial: {box.firmware()}; {box.log()[-2500:]}", every=2)
            else:
                wait_for(lambda: ((at("trial") or {}).get("progress") or {"done": 0})["done"] >= GOOD_LOOKS, 60 * (GOOD_LOOKS + 2), lambda: f"good looks: {box.firmware()}", every=1)
            last = box.client.get("/firmware/history")["items"][0]
            assert (last["from"], last["to"], last["state"]) == ("1.0.0", "1.1.0", "confirmed" if self.whole_trial else "running"), last
        finally:
            box.end()
        return (f"1.0.0 to 1.1.0, {found['missingBytes'] / 1e6:.1f} of {found['bytes'] / 1e6:.1f} MB fetched, on trial after {trial:.1f} s, "
                f"{'confirmed' if self.whole_trial else f'good at its first {GOOD_LOOKS} looks'}")


def of(place, vendor, clip, native, whole_trial):
    """Names and looks, in their order."""
    if place.is_native:
        looks = Looks(place, vendor, clip, native, whole_trial)
        return [("it starts", looks.version), ("start", looks.start), ("encoders", looks.encoders), ("clip", looks.transcode)]
    looks = Looks(place, vendor, clip, os.path.join(vendor.installed, "release", "bin"), whole_trial)
    return [("it starts", looks.version), ("its FFmpeg", looks.ffmpeg), ("start", looks.start), ("encoders", looks.encoders), ("clip", looks.transcode), ("upgrade", looks.upgrade)]
