"""Feeds access units and sound frames from memory into the RTSP server's pipelines, each at its due time."""

import heapq
import itertools
import random
import threading
import time
import traceback

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402,F401  (GstApp gives appsrc its methods)

from .scenes import SYNC_PERIOD  # noqa: E402

POLL_NS = 5_000_000
AHEAD_NS = 200_000_000  # units are handed over up to this early, several at a time; the pipeline paces them
LATE_NS = 2_000_000_000  # a track further behind than this starts anew at a key frame
JUMP_NS = 3_000_000_000  # how far RTP timestamps jump back
JUMP_EVERY_NS = 10_000_000_000  # they jump back once in this time, and forward again half-way
PACKET = 1400


class Timeline:
    """The grid of key frames of one stream, and the sync marks on it. All times are monotonic nanoseconds."""

    def __init__(self, epoch_ns, gop_ns, lag_ns, marked):
        self.epoch_ns, self.gop_ns, self.lag_ns, self.with_marks = epoch_ns, gop_ns, lag_ns, marked
        self.period_ns = SYNC_PERIOD * 1e9

    def index(self, time_ns):
        """The number of the GOP at this time; a time just before a boundary counts as the boundary."""
        return int((time_ns + 1_000_000 - self.epoch_ns) // self.gop_ns)

    def start(self, index):
        """When this GOP starts."""
        return self.epoch_ns + round(index * self.gop_ns)

    def marked(self, index):
        """Whether this GOP is the first since another sync period began."""
        return self.with_marks and self.periods(index) != self.periods(index - 1)

    def periods(self, index):
        """How many sync periods have begun when this GOP starts."""
        return int((index * self.gop_ns + 1000) // self.period_ns)

    def mark_after(self, time_ns):
        """When the first sync mark at or after this time is shown, or None."""
        if not self.with_marks:
            return None
        period = int((time_ns - self.lag_ns - self.gop_ns - self.epoch_ns) // self.period_ns)
        while True:
            index = -int(-(period * self.period_ns - 1000) // self.gop_ns)
            shown = self.start(index) + self.lag_ns
            if shown >= time_ns:
                return shown
            period += 1


class Feeder(threading.Thread):
    """One thread that resumes all tracks of the process when they are due."""

    def __init__(self):
        super().__init__(name="feeder", daemon=True)
        self.condition = threading.Condition()
        self.due = []
        self.numbers = itertools.count()

    def add(self, track):
        """Take up a track."""
        with self.condition:
            heapq.heappush(self.due, (time.monotonic_ns(), next(self.numbers), track))
            self.condition.notify()

    def run(self):
        while True:
            with self.condition:
                wait_ns = self.due[0][0] - time.monotonic_ns() if self.due else None
                if wait_ns is None or wait_ns > 0:
                    self.condition.wait(None if wait_ns is None else wait_ns / 1e9)
                    continue
                track = heapq.heappop(self.due)[2]
            try:
                due = next(track.steps, None)
            except Exception:  # one broken track must not stop the others
                traceback.print_exc()
                due = None
            if due is not None and not track.stopped:
                with self.condition:
                    heapq.heappush(self.due, (due, next(self.numbers), track))


class Track:
    """One appsrc of one running pipeline. `steps` yields the times at which it wants to be resumed."""

    def __init__(self, stream, source, opening):
        self.stream, self.camera, self.source = stream, stream.camera, source
        self.opening_times = opening  # shared by the tracks of a pipeline: its first units have the same time
        self.handed_ns = 0
        self.playing = self.stopped = self.rejoin = False
        self.base_ns = self.began_ns = None
        self.steps = self.run()

    def wait_for_clients(self):
        """Give the server one unit to describe the stream by, then wait until a client plays it."""
        while self.source.get_parent().get_state(0)[1] != Gst.State.PLAYING or not self.source.get_base_time():
            yield time.monotonic_ns() + POLL_NS
        self.base_ns = self.source.get_base_time()
        if not self.opening_times:
            self.opening_times.append(time.monotonic_ns())
        self.push(self.first_unit(), self.opening_times[0], False)
        while not self.playing:
            yield time.monotonic_ns() + POLL_NS
        self.began_ns = time.monotonic_ns()

    def until(self, due, ahead):
        """Wait until this unit is to be handed over; may be called for some units in advance."""
        if due > self.handed_ns or not ahead:
            yield due
            self.handed_ns = due + ahead

    def push(self, data, pts_ns, delta, dts_ns=None, duration_ns=None):
        """Hand one unit to the pipeline."""
        buffer = data.copy_region(Gst.BufferCopyFlags.MEMORY, 0, data.get_size()) if isinstance(data, Gst.Buffer) else wrap(data)
        buffer.pts = max(0, int(pts_ns) - self.base_ns)
        if dts_ns is not None:
            buffer.dts = max(0, int(dts_ns) - self.base_ns)
        if duration_ns:
            buffer.duration = int(duration_ns)
        if delta:
            buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
        self.source.push_buffer(buffer)

    def join(self):
        """Another client came: go on with a key frame."""
        if self.began_ns is not None and time.monotonic_ns() - self.began_ns > 500_000_000:
            self.rejoin = True


class VideoTrack(Track):
    """Plays the GOPs of a clip, one after the other."""

    def __init__(self, stream, source, opening):
        super().__init__(stream, source, opening)
        self.clip = self.opening = None
        self.silent = False
        self.use_clip(stream.clip)

    def use_clip(self, clip):
        """Go on with this clip."""
        if clip is not self.clip:
            self.clip = clip
            self.source.set_caps(Gst.Caps.from_string(video_caps(clip)))

    def first_unit(self):
        """A key frame; an empty unit when there is to be no video, so that the server can describe the stream all the same."""
        if self.camera.sends("video"):
            self.opening = self.choose(time.monotonic_ns(), False)
            return self.opening.units[0][0]
        return empty_unit(self.clip.settings.codec)

    def ahead(self):
        """How far in advance to hand units over: not at all where the pipeline cannot pace by their times."""
        return 0 if self.clip.reorder or "backward-timestamps" in self.camera.faults else AHEAD_NS

    def choose(self, cursor, on_grid):
        """The GOP to play from now on: still or moving, with the sync mark or without."""
        timeline = self.stream.timeline
        index = timeline.index(cursor)
        began = self.camera.motion.begin_for(timeline.start(index), timeline)
        step = index if began is None else round((timeline.start(index) - began) / timeline.gop_ns)
        return self.clip.gop(began is not None, step, on_grid and timeline.marked(index))

    def run(self):
        for due in self.wait_for_clients():
            yield due
        cursor, skip = time.monotonic_ns(), 0
        if self.opening:  # its key frame was sent already
            cursor, skip = max(self.opening_times[0], cursor - round(self.clip.frame_ns)), 1
        while True:
            timeline = self.stream.timeline
            if not self.opening:
                self.use_clip(self.stream.clip)
            frame_ns = self.clip.frame_ns
            if time.monotonic_ns() - cursor > LATE_NS:
                cursor = time.monotonic_ns()
            index = timeline.index(cursor)
            end = timeline.start(index + 1)
            gop = self.opening or self.choose(cursor, abs(cursor - timeline.start(index)) < 1_000_000)
            room = gop.clean_length(round((end - cursor) / frame_ns))
            lag = round(self.clip.reorder * frame_ns)
            self.opening, self.rejoin = None, False
            for number in range(skip, room):
                due = cursor + round(number * frame_ns)
                yield from self.until(due, self.ahead())
                if (self.rejoin and number and gop.clean[number]) or time.monotonic_ns() - due > LATE_NS:
                    end = due
                    break
                data, display = gop.units[number]
                self.send(data, cursor + round(display * frame_ns) + lag, due, number > 0)
            cursor, skip = end, 0
            if not room:
                yield end

    def send(self, data, pts_ns, dts_ns, delta):
        """Send one access unit, with the faults that are on."""
        if not (self.playing and self.camera.sends("video")):
            self.rejoin = self.silent = True
            return
        if delta and self.rejoin and self.silent:
            return  # wait for the key frame that the loop is about to begin
        self.silent = False
        if "backward-timestamps" in self.camera.faults:
            into = (dts_ns - self.camera.faults["backward-timestamps"]["since"]) % JUMP_EVERY_NS
            if into > JUMP_EVERY_NS // 2 and dts_ns - self.base_ns > 2 * JUMP_NS:
                pts_ns, dts_ns = pts_ns - JUMP_NS, dts_ns - JUMP_NS
        if "corrupt" in self.camera.faults:
            data = corrupted(data, self.camera.faults["corrupt"]["share"])
        self.push(data, pts_ns, delta, dts_ns, self.clip.frame_ns)
        self.stream.count(data.get_size() if isinstance(data, Gst.Buffer) else len(data), delta)


class AudioTrack(Track):
    """Plays the hum, and the beep when the video shows its sync mark."""

    def __init__(self, stream, source, opening):
        super().__init__(stream, source, opening)
        self.sound = stream.camera.sound
        source.set_caps(Gst.Caps.from_string(self.sound.caps))

    def first_unit(self):
        """One quiet frame."""
        return self.sound.quiet[0]

    def run(self):
        for due in self.wait_for_clients():
            yield due
        start, number, frame_ns = time.monotonic_ns(), 0, self.sound.frame_ns
        while True:
            due = start + round(number * frame_ns)
            yield from self.until(due, AHEAD_NS)
            if time.monotonic_ns() - due > LATE_NS:
                start, number = time.monotonic_ns(), 0
                continue
            if self.playing and self.camera.sends("audio"):
                mark = self.stream.timeline.mark_after(due - 5 * frame_ns)
                data = self.sound.frame(number, None if mark is None or mark > due + 2 * frame_ns else mark - due)
                self.push(wrap(data), due, False, None, frame_ns)
                self.stream.audio_frames += 1
            number += 1


def wrap(data):
    """A buffer around bytes, without a copy."""
    return Gst.Buffer.new_wrapped_bytes(GLib.Bytes.new(data))


def prepare(clip):
    """Turn the access units of a clip into buffers once."""
    for gops in clip.groups.values():
        for gop in gops:
            gop.units = [(wrap(data), display) for data, display in gop.units]


def video_caps(clip):
    """The GStreamer caps of a clip's access units."""
    settings = clip.settings
    kind = "video/x-h265,stream-format=hvc1" if settings.codec == "h265" else "video/x-h264,stream-format=avc"
    return (f"{kind},alignment=au,width={settings.width},height={settings.height},"
            f"framerate={round(settings.rate * 1000)}/1000,codec_data=(buffer){clip.configuration.hex()}")


def empty_unit(codec):
    """An access unit without a picture: only an SEI message with one byte of filler."""
    unit = bytes([0x4E, 0x01, 3, 1, 0xFF, 0x80]) if codec == "h265" else bytes([0x06, 3, 1, 0xFF, 0x80])
    return len(unit).to_bytes(4, "big") + unit


def corrupted(buffer, share):
    """The access unit with some bytes flipped in about this share of the packets it will be sent in."""
    data = bytearray(buffer.extract_dup(0, buffer.get_size()))
    at = 0
    while at + 4 < len(data):
        end = at + 4 + int.from_bytes(data[at:at + 4], "big")
        for packet in range(at + 8, end, PACKET):
            if random.random() < share:
                for _ in range(4):
                    data[random.randrange(packet, min(packet + PACKET, end))] ^= random.randrange(1, 256)
        at = end
    return bytes(data)
