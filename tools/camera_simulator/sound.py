"""Sound of the simulated camera: a quiet hum and a 1 kHz beep, encoded once and played frame by frame from memory."""

import os
import subprocess

import numpy as np

from .rendering import cached
from .scenes import SYNC_LENGTH

SOUND_VERSION = 1
RATES = {"aac": 16000, "pcma": 8000, "pcmu": 8000}
AAC_FRAME = 1024
PCM_FRAME = 320
PHASES = 16  # AAC beeps are kept at this many positions within a frame
QUIET_FRAMES = 64
BLOCK_FRAMES = 24  # AAC frames encoded for each position; the beep starts in number BEEP_AT
BEEP_AT = 8
BEEP_BEFORE, BEEP_AFTER = 1, 4  # frames around the beep's first that belong to it


def hum(samples, rate):
    """A quiet 100 Hz hum with noise, periodic in a tenth of a second so that it can be cut anywhere."""
    random = np.random.default_rng(7)
    time = np.arange(samples) / rate
    return 0.0015 * np.sin(2 * np.pi * 100 * time) + random.normal(0, 0.0008, samples)


def beep(rate):
    """100 ms of 1 kHz."""
    return 0.5 * np.sin(2 * np.pi * 1000 * np.arange(round(SYNC_LENGTH * rate)) / rate)


def encode(samples, rate, arguments):
    """Encode samples with ffmpeg; the encoded bytes."""
    raw = np.clip(samples * 32767, -32768, 32767).astype("<i2").tobytes()
    command = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "-", *arguments, "-"]
    return subprocess.run(command, input=raw, stdout=subprocess.PIPE, check=True).stdout


def adts_frames(data):
    """The raw AAC frames of an ADTS stream."""
    frames, at = [], 0
    while at + 7 <= len(data):
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        frames.append(data[at + (7 if data[at + 1] & 1 else 9):at + length])
        at += length
    return frames


class Sound:
    """One encoded sound: tells which bytes to send for a frame, given when the nearest beep starts."""

    def __init__(self, codec, directory):
        self.codec, self.rate = codec, RATES[codec]
        self.frame_samples = AAC_FRAME if codec == "aac" else PCM_FRAME
        self.frame_ns = self.frame_samples * 1e9 / self.rate
        with cached(directory, {"version": SOUND_VERSION, "sound": codec}) as (path, missing):
            if missing:
                with open(os.path.join(path, "sound"), "wb") as file:
                    file.write(self.render())
            with open(os.path.join(path, "sound"), "rb") as file:
                self.load(file.read())

    @property
    def caps(self):
        """The GStreamer caps of the frames."""
        if self.codec == "aac":
            configuration = 2 << 11 | 8 << 7 | 1 << 3  # AAC-LC, 16 kHz, mono
            return (f"audio/mpeg,mpegversion=4,stream-format=raw,framed=true,channels=1,rate={self.rate},"
                    f"codec_data=(buffer){configuration:04x}")
        return f"audio/x-{'alaw' if self.codec == 'pcma' else 'mulaw'},rate={self.rate},channels=1"

    @property
    def payloader(self):
        """The RTP payloader for the frames."""
        return {"aac": "rtpmp4gpay pt=97", "pcma": "rtppcmapay pt=8", "pcmu": "rtppcmupay pt=0"}[self.codec]

    def render(self):
        """Encode the hum and the beeps."""
        tone = beep(self.rate)
        if self.codec != "aac":
            samples = np.concatenate([hum(PCM_FRAME * QUIET_FRAMES, self.rate), tone])
            name = {"pcma": "alaw", "pcmu": "mulaw"}[self.codec]
            return encode(samples, self.rate, ["-c:a", "pcm_" + name, "-f", name])
        samples = hum(AAC_FRAME * (QUIET_FRAMES + 2 + BLOCK_FRAMES * PHASES), self.rate)
        for phase in range(PHASES):
            start = AAC_FRAME * (QUIET_FRAMES + 1 + BLOCK_FRAMES * phase + BEEP_AT) + phase * AAC_FRAME // PHASES
            samples[start:start + len(tone)] += tone
        return encode(samples, self.rate, ["-c:a", "aac", "-b:a", "48k", "-f", "adts"])

    def load(self, data):
        """Split the encoded sound into quiet frames and beeps."""
        if self.codec == "aac":
            # Packet n sounds as input frame n - 1 (the encoder's priming), so the first packet is left out.
            frames = adts_frames(data)[1:]
            self.quiet = frames[1:QUIET_FRAMES]
            blocks = [QUIET_FRAMES + 1 + BLOCK_FRAMES * phase + BEEP_AT for phase in range(PHASES)]
            self.beeps = [frames[at - BEEP_BEFORE:at + BEEP_AFTER] for at in blocks]
        else:
            self.quiet = [data[at:at + PCM_FRAME] for at in range(0, PCM_FRAME * QUIET_FRAMES, PCM_FRAME)]
            self.beeps = data[PCM_FRAME * QUIET_FRAMES:]

    def frame(self, number, beep_offset_ns):
        """The bytes of frame `number`; the nearest beep starts that many nanoseconds after the frame's start (or None)."""
        plain = self.quiet[number % len(self.quiet)]
        if beep_offset_ns is None:
            return plain
        offset = round(beep_offset_ns * self.rate / 1e9)
        if self.codec == "aac":
            steps = (offset * PHASES + AAC_FRAME // 2) // AAC_FRAME
            distance, phase = -(steps // PHASES), steps % PHASES
            if -BEEP_BEFORE <= distance < BEEP_AFTER:
                return self.beeps[phase][distance + BEEP_BEFORE]
            return plain
        start, end = max(0, offset), min(PCM_FRAME, offset + len(self.beeps))
        if start >= end:
            return plain
        return plain[:start] + self.beeps[start - offset:end - offset] + plain[end:]
