"""Live mode: pictures with a right clock, drawn and encoded while they are sent. Costs much CPU; meant for demonstrations."""

import datetime
import time

from gi.repository import Gst

from .feeding import LATE_NS, Track, wrap
from .scenes import SYNC_LENGTH, Scene


class LiveClip:
    """Stands where a rendered clip stands in replay mode."""

    reorder = 0

    def __init__(self, settings):
        self.settings = settings
        self.frame_ns = 1e9 / settings.rate
        self.gop_ns = settings.gop_frames * self.frame_ns
        self.scene = Scene(settings.scene, settings.width, settings.height)

    @property
    def encoder(self):
        """The pipeline's encoding part."""
        settings = self.settings
        name = "x265enc" if settings.codec == "h265" else "x264enc aud=false threads=1"
        return (f"{name} name=encoder speed-preset=superfast tune=zerolatency bitrate={settings.bitrate} "
                f"key-int-max={settings.gop_frames} ! {settings.codec}parse ! video/x-{settings.codec},"
                f"stream-format={'hvc1' if settings.codec == 'h265' else 'avc'},alignment=au !")


class LiveVideoTrack(Track):
    """Draws frames and hands them to the encoder."""

    def __init__(self, stream, source, opening):
        super().__init__(stream, source, opening)
        self.clip = None
        self.use_clip(stream.clip)

    def use_clip(self, clip):
        """Go on with this clip's size and key interval."""
        if clip is not self.clip:
            settings, self.clip = clip.settings, clip
            self.source.set_caps(Gst.Caps.from_string(
                f"video/x-raw,format=I420,width={settings.width},height={settings.height},"
                f"framerate={round(settings.rate * 1000)}/1000,colorimetry=bt709"))
            self.source.get_parent().get_by_name("encoder").set_property("key-int-max", settings.gop_frames)

    def first_unit(self):
        """One frame without anything on it."""
        return self.clip.scene.frame()

    def run(self):
        for due in self.wait_for_clients():
            yield due
        number = None
        while True:
            self.use_clip(self.stream.clip)
            frame_ns, epoch = self.clip.frame_ns, self.camera.epoch_ns
            if number is None or time.monotonic_ns() - epoch - number * frame_ns > LATE_NS:
                number = int((time.monotonic_ns() - epoch) / frame_ns) + 1
            due = epoch + round(number * frame_ns)
            yield due
            if self.playing and self.camera.sends("video"):
                self.send(due)
            number += 1

    def send(self, due):
        """Draw and send the frame that is due."""
        timeline, settings = self.stream.timeline, self.clip.settings
        began = self.camera.motion.begin_for(due, timeline)
        mark = timeline.mark_after(due - SYNC_LENGTH * 1e9 + 1_000_000)
        wall = datetime.datetime.fromtimestamp(time.time() + (due - time.monotonic_ns()) / 1e9)
        clock = wall.strftime("%Y-%m-%d %H:%M:%S.") + f"{wall.microsecond // 1000:03}"
        picture = self.clip.scene.frame(None if began is None else (due - began) / 1e9, mark is not None and mark <= due + 1_000_000, clock)
        if self.rejoin:
            self.rejoin = False
            structure = Gst.Structure.new_from_string("GstForceKeyUnit, all-headers=(boolean)true")
            self.source.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_DOWNSTREAM, structure))
        self.push(wrap(picture), due, False, None, self.clip.frame_ns)
        self.stream.count(0, settings.gop_frames > 1)
