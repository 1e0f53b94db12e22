"""Rendered clips: encodes the still and the moving scene once, keeps them in a cache and loads them as access units."""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass

from .scenes import CROSSING, SYNC_LENGTH, SYNC_PERIOD, Scene

CACHE_VERSION = 1  # raise it when the pictures or encoder settings change


@dataclass(frozen=True)
class VideoSettings:
    """What one rendered video stream depends on."""

    scene: str
    width: int
    height: int
    rate: float
    codec: str
    bitrate: int
    key_interval: float
    b_frames: int

    @property
    def gop_frames(self):
        """Frames from one key frame to the next."""
        return max(1, round(self.key_interval * self.rate))

    @property
    def marked(self):
        """Whether sync marks fit: they sit on key frames, so these have to come more often than the marks."""
        return self.gop_frames / self.rate < SYNC_PERIOD


@dataclass
class Gop:
    """Access units from one key frame up to the next: (bytes, display index), in decoding order."""

    units: list

    def __post_init__(self):
        highest = -1
        self.clean = []  # clean[j]: the first j units are the first j pictures
        for index, (_, display) in enumerate(self.units):
            self.clean.append(highest < index)
            highest = max(highest, display)

    def clean_length(self, room):
        """The longest beginning of at most `room` units that can be shown without the rest."""
        if room >= len(self.units):
            return len(self.units)
        while room > 0 and not self.clean[room]:
            room -= 1
        return room


@dataclass
class Clip:
    """A loaded video: four groups of GOPs with the same parameter sets."""

    settings: VideoSettings
    configuration: bytes  # avcC or hvcC
    groups: dict  # "still", "still-marked", "moving", "moving-marked" -> [Gop]

    def __post_init__(self):
        self.frame_ns = 1e9 / self.settings.rate
        self.gop_ns = self.settings.gop_frames * self.frame_ns
        lags = (index - display for gops in self.groups.values() for gop in gops for index, (_, display) in enumerate(gop.units))
        self.reorder = max(lags)

    def gop(self, moving, index, marked):
        """The GOP to play as number `index` since the scene stands still or moves."""
        name = "moving" if moving else "still"
        if marked and self.groups.get(name + "-marked"):
            name += "-marked"
        gops = self.groups[name]
        return gops[index % len(gops)]


def cache_directory(given=None):
    """The directory for rendered clips."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return given or os.path.join(base, "gatehouse-camera-simulator")


@contextlib.contextmanager
def cached(directory, key):
    """Yield (path, missing): when missing, the caller fills the directory `path`; then it is put in place at once."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    final = os.path.join(directory, digest)
    if os.path.isdir(final):
        yield final, False
        return
    os.makedirs(directory, exist_ok=True)
    with open(final + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(final):
            yield final, False
            return
        for left_over in glob.glob(glob.escape(final) + ".tmp-*"):  # of a simulator that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        temporary = tempfile.mkdtemp(prefix=digest + ".tmp-", dir=directory)
        try:
            yield temporary, True
            with open(os.path.join(temporary, "key.json"), "w") as file:
                json.dump(key, file, indent=1)
            os.rename(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def segments(settings):
    """What is encoded, as (group, frames, first walking time or None, marked)."""
    frames = settings.gop_frames
    seconds = frames / settings.rate
    crossings = max(1, round(CROSSING / seconds))
    plan = [("lead", max(1, round(settings.rate)), None, False)]
    for marked in (False, True) if settings.marked else (False,):
        suffix = "-marked" if marked else ""
        plan += [("still" + suffix, frames, None, marked)] * (1 if marked or not settings.marked else 3)
        plan += [("moving" + suffix, frames, index * seconds, marked) for index in range(crossings)]
    return plan


def encoder_arguments(settings, key_times):
    """ffmpeg's options for the encoder: key frames exactly at the given times."""
    rate = f"{settings.bitrate}k"
    common = ["-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-g", "100000", "-bf", str(settings.b_frames),
              "-force_key_frames", ",".join(f"{max(0, time):.5f}" for time in key_times), "-forced-idr", "1"]
    if settings.codec == "h265":
        parameters = (f"log-level=error:info=0:scenecut=0:open-gop=0:keyint=100000:min-keyint=1:rc-lookahead=10:ref=1:"
                      f"pools=2:frame-threads=1:b-adapt=0:b-pyramid=0:bframes={settings.b_frames}")
        return ["-c:v", "libx265", "-preset", "superfast", *common, "-x265-params", parameters, "-tag:v", "hvc1"]
    parameters = "scenecut=0:open-gop=0:ref=1:b-adapt=0:b-pyramid=none:rc-lookahead=10:sync-lookahead=0:aud=0"
    return ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-threads", "2", *common, "-x264-params", parameters]


def encode(settings, path):
    """Render and encode all segments into one MP4 file."""
    plan = segments(settings)
    starts = [0]
    for _, frames, _, _ in plan[:-1]:
        starts.append(starts[-1] + frames)
    keys = [(start - 0.5) / settings.rate for start in starts]
    command = ["nice", "-n", "10", "ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p",
               "-s", f"{settings.width}x{settings.height}", "-r", f"{settings.rate:g}", "-i", "-",
               "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709",
               *encoder_arguments(settings, keys), path]
    scene = Scene(settings.scene, settings.width, settings.height)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        for _, frames, walking, marked in plan:
            for number in range(frames):
                time = number / settings.rate
                process.stdin.write(scene.frame(None if walking is None else walking + time,
                                                marked and time < SYNC_LENGTH - 1e-6))
        process.stdin.close()
    except BaseException:
        process.kill()
        raise
    finally:
        status = process.wait()
    if status:
        raise RuntimeError(f"ffmpeg could not encode {settings}")


def packet_index(path):
    """[position, size, display rank] of each packet of the video, in decoding order."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,pos,size", "-of", "json", path]
    packets = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packets"]
    ranks = {pts: rank for rank, pts in enumerate(sorted(int(packet["pts"]) for packet in packets))}
    return [[int(packet["pos"]), int(packet["size"]), ranks[int(packet["pts"])]] for packet in packets]


def box_content(data, name):
    """The content of the first MP4 box of this name."""
    at = data.rindex(name)
    return data[at + 4:at - 4 + int.from_bytes(data[at - 4:at], "big")]


def load_clip(settings, directory):
    """The clip from the cache, rendering it first when it is not there."""
    with cached(directory, {"version": CACHE_VERSION, **asdict(settings)}) as (path, missing):
        if missing:
            encode(settings, os.path.join(path, "video.mp4"))
            with open(os.path.join(path, "packets.json"), "w") as file:
                json.dump(packet_index(os.path.join(path, "video.mp4")), file)
        with open(os.path.join(path, "packets.json")) as file:
            packets = json.load(file)
        with open(os.path.join(path, "video.mp4"), "rb") as file:
            data = file.read()
    configuration = box_content(data, b"hvcC" if settings.codec == "h265" else b"avcC")
    groups, first = {}, 0
    for name, frames, _, _ in segments(settings):
        part = packets[first:first + frames]
        units = [(data[position:position + size], rank - first) for position, size, rank in part]
        if sorted(display for _, display in units) != list(range(frames)):
            raise RuntimeError(f"{path}: a group of pictures is not closed")
        groups.setdefault(name, []).append(Gop(units))
        first += frames
    groups.pop("lead")
    return Clip(settings, configuration, groups)
