"""One simulated camera: its streams, its motion and its faults."""

import dataclasses
import math
import threading
import time

from . import metadata
from .feeding import AHEAD_NS, AudioTrack, Timeline, VideoTrack, prepare
from .live import LiveClip, LiveVideoTrack
from .rendering import load_clip
from .sound import Sound

_loaded = {}
_loading = threading.Lock()


def clip_for(settings, options):
    """The clip of these settings; cameras with the same settings share one in memory."""
    if options.mode == "live":
        return LiveClip(settings)
    with _loading:
        if settings not in _loaded:
            clip = load_clip(settings, options.cache)
            prepare(clip)
            _loaded[settings] = clip
        return _loaded[settings]


class Motion:
    """When the figure walks. It sets out and disappears at key frames of each stream's grid."""

    def __init__(self):
        self.asked_ns = self.seconds = None
        self.times = 0

    def start(self, seconds, timeline):
        """Walk for some seconds from the next key frame on; while walking, walk on for that long from now."""
        now = time.monotonic_ns() + AHEAD_NS + 20_000_000  # what plays until then is settled
        if self.asked_ns is not None and self.begin_for(now, timeline) is not None:
            self.seconds = max(self.seconds, (now - self.asked_ns) / 1e9 + seconds)
        else:
            self.asked_ns, self.seconds = now, seconds
            self.times += 1

    def span(self, timeline):
        """From when to when the figure is in the picture, or None."""
        if self.asked_ns is None:
            return None
        begin = timeline.start(math.ceil((self.asked_ns - timeline.epoch_ns) / timeline.gop_ns))
        end_index = math.ceil((begin + self.seconds * 1e9 - timeline.epoch_ns - 1000) / timeline.gop_ns)
        return begin, timeline.start(end_index)

    def begin_for(self, time_ns, timeline):
        """When the walk that is on at this time began, or None."""
        span = self.span(timeline)
        return span[0] if span and span[0] - 1000 <= time_ns < span[1] - 1000 else None


class Stream:
    """The main or the sub stream."""

    def __init__(self, camera, name, settings):
        self.camera, self.name, self.settings = camera, name, settings
        self.frames = self.key_frames = self.audio_frames = self.bytes = 0
        self.tracks = []
        self.use(settings)

    def use(self, settings):
        """Play with these settings from the next key frame on."""
        clip = clip_for(settings, self.camera.options)
        timeline = Timeline(self.camera.epoch_ns, clip.gop_ns, round(clip.reorder * clip.frame_ns), settings.marked)
        changed = getattr(self, "clip", clip) is not clip
        self.clip, self.timeline = clip, timeline
        if changed:
            for track in self.tracks:
                track.rejoin = True

    @property
    def launch(self):
        """The pipeline description for the RTSP server."""
        source = "is-live=true format=time block=false max-bytes=50000000 do-timestamp=false"
        codec = self.clip.settings.codec
        if self.camera.options.mode == "live":
            stage = self.clip.encoder
        else:
            stage = f"clocksync sync={str(not self.clip.reorder).lower()} !"
        video = f"appsrc name=video {source} ! {stage} rtp{codec}pay name=pay0 pt=96 config-interval=-1"
        parts = [video]
        if self.camera.sound:
            parts.append(f"appsrc name=audio {source} ! clocksync ! {self.camera.sound.payloader} name=pay1")
        if self.camera.options.metadata and self.name == "main":
            parts.append(f"{metadata.SOURCE} ! {metadata.ELEMENT} name=pay{len(parts)} pt=107")
        return f"( {' '.join(parts)} )"

    def attach(self, media):
        """Feed a media that the server has just built."""
        element = media.get_element()
        kind = LiveVideoTrack if self.camera.options.mode == "live" else VideoTrack
        opening = []
        tracks = [kind(self, element.get_by_name("video"), opening)]
        if self.camera.sound:
            tracks.append(AudioTrack(self, element.get_by_name("audio"), opening))
        self.tracks = tracks
        return tracks

    def count(self, size, delta):
        """Count a frame that was sent."""
        self.frames += 1
        self.bytes += size
        self.key_frames += not delta

    def state(self):
        """Counters for GET /state."""
        watched = any(track.playing and not track.stopped for track in self.tracks)
        return {"size": f"{self.clip.settings.width}x{self.clip.settings.height}", "codec": self.clip.settings.codec,
                "watched": watched, "frames_sent": self.frames, "key_frames_sent": self.key_frames,
                "audio_frames_sent": self.audio_frames, "video_bytes_sent": self.bytes}


class Camera:
    """A camera with its settings and faults. `service` is its RTSP server once it runs."""

    def __init__(self, number, name, options, main, sub, epoch_ns):
        self.number, self.name, self.options, self.epoch_ns = number, name, options, epoch_ns
        self.faults, self.motion, self.service = {}, Motion(), None
        self.lock = threading.RLock()
        self.aliases = [alias.rsplit("=", 1) for alias in options.alias]  # further paths of the streams
        self.sound = None if options.audio == "none" else Sound(options.audio, options.cache)
        self.streams = {"main": Stream(self, "main", main)}
        if sub:
            self.streams["sub"] = Stream(self, "sub", sub)

    def sends(self, kind):
        """Whether "video" or "audio" is sent at the moment."""
        silent = {"video": "audio-only", "audio": "video-only"}[kind]
        return not (silent in self.faults or "hang" in self.faults or "stop" in self.faults)

    def move(self, seconds):
        """Let the figure walk."""
        self.motion.start(seconds, self.streams["main"].timeline)

    def fault(self, kind, **parameters):
        """Switch one fault on, or all off with "none". Raises ValueError for a fault or parameter that is unknown."""
        actions = {"stop": self.stop, "hang": self.hang, "restart": self.restart, "resolution": self.change_size, "codec": self.change_codec,
                   "password": self.change_password, "sparse-keys": self.sparse_keys, "none": self.heal,
                   "audio-only": None, "video-only": None, "backward-timestamps": self.jump, "corrupt": self.corrupt}
        if kind not in actions:
            raise ValueError(f"unknown fault {kind!r}; known: {', '.join(actions)}")
        with self.lock:
            if actions[kind]:
                try:
                    actions[kind](**parameters)
                except TypeError as error:
                    raise ValueError(f"fault {kind}: {error}") from error
            else:
                self.faults.pop({"audio-only": "video-only", "video-only": "audio-only"}[kind], None)
                self.faults[kind] = {}

    def stop(self):
        """Close all sessions and refuse connections."""
        if "hang" in self.faults:
            self.service.release()
            self.faults.pop("hang")
        self.faults["stop"] = {}
        self.service.close()

    def hang(self):
        """Keep connections open, answer nothing, send nothing."""
        if "hang" not in self.faults and "stop" not in self.faults:
            self.faults["hang"] = {}
            self.service.hold()

    def restart(self, seconds=5.0):
        """Stop, and come back after some seconds."""
        self.stop()
        self.faults["stop"] = {"until": time.time() + float(seconds)}
        fault = self.faults["stop"]

        def come_back():
            with self.lock:
                if self.faults.get("stop") is fault:
                    self.faults.pop("stop")
                    self.service.open()

        timer = threading.Timer(float(seconds), come_back)
        timer.daemon = True
        timer.start()

    def change_size(self, size):
        """Change the main stream's picture size within the session."""
        width, height = parse_size(size)
        self.reuse(self.streams["main"], width=width, height=height)
        self.faults["resolution"] = {"size": size}

    def change_codec(self, value):
        """Come back with another codec in the main stream, as when somebody has set the camera so."""
        if value not in ("h264", "h265"):
            raise ValueError(f"there is no codec {value!r}")
        self.service.close()
        self.reuse(self.streams["main"], codec=value)
        self.service.remake(self.streams["main"])
        self.service.open()
        self.faults["codec"] = {"value": value}

    def change_password(self, value):
        """Accept another password instead of the present one."""
        self.service.set_password(value)
        self.faults["password"] = {"value": value}

    def sparse_keys(self, seconds=20.0):
        """Send key frames this rarely."""
        for stream in self.streams.values():
            self.reuse(stream, key_interval=float(seconds))
        self.faults["sparse-keys"] = {"seconds": float(seconds)}

    def jump(self):
        """Let the video's timestamps jump."""
        self.faults["backward-timestamps"] = {"since": time.monotonic_ns()}

    def corrupt(self, share=0.01):
        """Flip bytes in a share of the video packets."""
        self.faults["corrupt"] = {"share": float(share)}

    def heal(self):
        """Switch all faults off."""
        faults, self.faults = self.faults, {}
        if "hang" in faults:
            self.service.release()
        if "stop" in faults:
            self.service.open()
        if "password" in faults:
            self.service.set_password(self.options.password)
        if "codec" in faults:
            self.service.close()
        for stream in self.streams.values():
            if stream.clip.settings != stream.settings:
                stream.use(stream.settings)
        if "codec" in faults:
            self.service.remake(self.streams["main"])
            self.service.open()

    @staticmethod
    def reuse(stream, **changes):
        """Change some of the settings a stream plays with."""
        stream.use(dataclasses.replace(stream.clip.settings, **changes))

    def state(self):
        """The camera's part of GET /state."""
        timeline = self.streams["main"].timeline
        span, now = self.motion.span(timeline), time.monotonic_ns()
        wall = [time.time() + (at - now) / 1e9 for at in span] if span else [None, None]
        mark = timeline.mark_after(now)
        return {"name": self.name, "moving": self.motion.begin_for(now, timeline) is not None,
                "moving_began": wall[0], "moving_ends": wall[1], "motions": self.motion.times,
                "next_sync_mark": None if mark is None else time.time() + (mark - now) / 1e9,
                "clients": self.service.clients, "faults": self.faults,
                "streams": {name: stream.state() for name, stream in self.streams.items()}}


def parse_size(text):
    """"1920x1080" as two even numbers."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()) or int(width) % 2 or int(height) % 2 or min(int(width), int(height)) < 64:
        raise ValueError(f"size {text!r} is not WIDTHxHEIGHT in even numbers of at least 64")
    return int(width), int(height)
