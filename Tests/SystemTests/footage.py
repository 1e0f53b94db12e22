"""Looking into clips with ffprobe and ffmpeg: what they are, where the sync marks and beeps are, whether they play."""

import datetime
import hashlib
import json
import subprocess

import numpy as np

SOUND_RATE = 16000


def moment(text):
    """Seconds since 1970 of an RFC 3339 time; it must be UTC with milliseconds."""
    parsed = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return parsed.replace(tzinfo=datetime.timezone.utc).timestamp()


def run(*command):
    """A command's output; AssertionError with its error text when it fails."""
    done = subprocess.run(command, capture_output=True, timeout=180)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')[-800:]}")
    return done.stdout


class Footage:
    """A clip's file."""

    def __init__(self, path):
        self.path = path
        document = json.loads(run("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", path))
        self.format, self.streams = document["format"], document["streams"]
        self.video = next((one for one in self.streams if one["codec_type"] == "video"), None)
        self.audio = next((one for one in self.streams if one["codec_type"] == "audio"), None)

    def errors(self):
        """What ffmpeg has to complain about when it decodes everything; empty for a good file."""
        done = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", self.path, "-map", "0", "-f", "null", "-"],
                              capture_output=True, timeout=300)
        return done.stderr.decode(errors="replace").strip()

    def frame_times(self):
        """The presentation times of all pictures, decoded."""
        text = run("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "csv=p=0", self.path)
        return [float(line.split(",")[0]) for line in text.decode().split() if line.split(",")[0]]

    def packet_times(self, kind):
        """The presentation times of all packets of "v" or "a", in the file's order."""
        text = run("ffprobe", "-v", "error", "-select_streams", f"{kind}:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0",
                   self.path)
        return [float(line.split(",")[0]) for line in text.decode().split()]

    def length(self):
        """How long the pictures last: from the first to the last, and one frame more."""
        times = self.frame_times()
        return times[-1] - times[0] + (times[-1] - times[0]) / (len(times) - 1)

    def pictures(self, width=160, height=90):
        """All pictures in grey, small."""
        raw = run("ffmpeg", "-v", "error", "-i", self.path, "-map", "0:v:0", "-fps_mode", "passthrough", "-vf",
                  f"scale={width}:{height}:flags=area,format=gray", "-f", "rawvideo", "-")
        return np.frombuffer(raw, np.uint8).reshape(-1, height, width)

    def marks(self):
        """When sync marks are shown, as (last picture without, first picture with, last picture with) in seconds."""
        width, height = self.video["width"], self.video["height"]
        wide, high = max(4, width * 64 // 1920), max(4, height * 64 // 1080)
        crop = f"crop={wide // 2}:{high // 2}:{width - wide * 3 // 4}:{height - high * 3 // 4}"
        raw = run("ffmpeg", "-v", "error", "-i", self.path, "-map", "0:v:0", "-fps_mode", "passthrough", "-vf",
                  f"{crop},scale=8:8:flags=area,format=gray", "-f", "rawvideo", "-")
        light = np.frombuffer(raw, np.uint8).reshape(-1, 64).mean(1)
        times = self.frame_times()
        if len(times) != len(light):
            raise AssertionError(f"{len(light)} pictures, {len(times)} times")
        found = []
        for index in range(1, len(light)):
            if light[index] > 150 >= light[index - 1]:
                end = index
                while end + 1 < len(light) and light[end + 1] > 150:
                    end += 1
                found.append((times[index - 1], times[index], times[end]))
        return found

    def beeps(self):
        """When beeps of 1 kHz begin, in seconds of the file's own time."""
        raw = run("ffmpeg", "-v", "error", "-copyts", "-i", self.path, "-map", "0:a:0", "-af",
                  f"aresample={SOUND_RATE}:async=1:min_hard_comp=0.01:first_pts=0", "-ac", "1", "-f", "s16le", "-")
        samples = np.frombuffer(raw, "<i2").astype(np.float32) / 32768
        size = SOUND_RATE // 200  # five periods of the tone
        wave = np.exp(-2j * np.pi * 1000 * np.arange(size) / SOUND_RATE)
        step = size // 10
        windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::step]
        power = np.abs(windows @ wave) / size * 2
        found, last = [], -10.0
        for index in np.flatnonzero(power > 0.2):
            at = (index * step + size / 2) / SOUND_RATE  # half of the window is in the tone at half its level
            if at - last > 1:
                found.append(at - size / 2 / SOUND_RATE + size * 0.1 / SOUND_RATE)
            last = at
        return found

    def sha256(self):
        """The file's digest."""
        with open(self.path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()


def is_jpeg(data):
    """Whether the bytes are a JPEG that can be decoded."""
    done = subprocess.run(["ffprobe", "-v", "error", "-f", "jpeg_pipe", "-show_entries", "stream=codec_name,width,height", "-of",
                           "json", "-"], input=data, capture_output=True, timeout=30)
    return data[:2] == b"\xff\xd8" and done.returncode == 0 and b"mjpeg" in done.stdout
