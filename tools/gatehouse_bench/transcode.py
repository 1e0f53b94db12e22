"""The cloud copy against ffmpeg's command line, and how many channels of 2 megapixels keep up."""

import os
import re
import statistics
import subprocess
import tempfile
import time

from .footage import RATE, source
from .processes import Machine, run_measured
from .report import at_least, at_most

FRAME_RATE, BIT_RATE, KEY_SECONDS = 10, 1000, 2  # of the definition "high"; kbit/s
LADDER = {6: 8, 7: 7}  # frames a second by channels; up to five channels have 10, eight and more have 6
# Of each five pictures at 25 a second these are nearest to the tenths; ffmpeg's "round=up" and our dropper both keep them.
KEPT = "not(mod(n,5))+eq(mod(n,5),2)"


def ladder(channels):
    """Frames a second for so many channels."""
    return LADDER.get(channels, FRAME_RATE if channels < 6 else 6)


def commands(program, path, folder):
    """The three ways to the same copy, and their outputs, by name. All run as low as our worker puts itself, so that they fare alike."""
    outputs = {name: os.path.join(folder, f"{name}.mp4") for name in ("ours", "tuned", "veryfast")}
    rate = ["-b:v", f"{BIT_RATE}k", "-maxrate", f"{BIT_RATE}k", "-bufsize", f"{2 * BIT_RATE}k"]
    quiet = ["ffmpeg", "-v", "error", "-y"]
    ways = {
        "ours": [program, "transcode", path, "--definition", "high", "--output", outputs["ours"]],
        # What a person who knows makes of it: a thread for each side; the same pictures, rate, key frames and container as ours.
        "tuned": [*quiet, "-threads", "1", "-i", path, "-an", "-filter_threads", "1", "-vf", f"fps=fps={FRAME_RATE}:round=up",
                  "-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-threads", "1", *rate,
                  "-g", str(4 * FRAME_RATE), "-force_key_frames", f"expr:gte(t,n_forced*{KEY_SECONDS})", "-forced-idr", "1",
                  "-sc_threshold", "0", "-bf", "0", "-movflags", "frag_keyframe+empty_moov+default_base_moof", outputs["tuned"]],
        # As one types it.
        "veryfast": [*quiet, "-i", path, "-an", "-r", str(FRAME_RATE), "-c:v", "libx264", "-preset", "veryfast", *rate,
                     outputs["veryfast"]],
    }
    return outputs, {name: ["nice", "-n", "10", *command] for name, command in ways.items()}


def compare(report, program, path, seconds, rounds, folder):
    """Processor time in interleaved rounds, then the likeness to the source."""
    outputs, ways = commands(program, path, folder)
    spent = {name: [] for name in ways}
    order = list(ways)
    for number in range(rounds):
        for name in order:
            spent[name].append(run_measured(ways[name])[0] / seconds)
        report.say(f"round {number + 1}: " + ", ".join(f"{name} {spent[name][-1]:.4f}" for name in ways) + " cpu-s/s")
        order.reverse()  # nobody is always first
    for peer, limit, told in (("tuned", 1.03, "ffmpeg superfast zerolatency, one thread"), ("veryfast", 1 / 1.7, "ffmpeg veryfast")):
        ratio = statistics.median(ours / theirs for ours, theirs in zip(spent["ours"], spent[peer]))
        report.add(f"transcode.cpu_vs_{peer}", ratio, "ratio", peer=told, peer_value=statistics.median(spent[peer]), peer_unit="cpu-s/s",
                   **at_most(ratio, limit))
    report.note(f"transcode: ours takes {statistics.median(spent['ours']):.4f} cpu-s for a second of footage, worker and command together "
                f"({rounds} rounds of {seconds} s)")
    check_counts(outputs, seconds)
    ours, theirs = ssim(outputs["ours"], path), ssim(outputs["tuned"], path)
    report.add("transcode.ssim_delta", ours - theirs, "ssim", peer="ffmpeg superfast zerolatency, one thread", peer_value=theirs,
               peer_unit="ssim", target=">= -0.002", met=ours - theirs >= -0.002)
    sizes = {name: os.path.getsize(outputs[name]) * 8 / 1000 / seconds for name in outputs}
    report.note(f"transcode: SSIM ours {ours:.4f}, tuned {theirs:.4f}; "
                + ", ".join(f"{name} {size:.0f} kbit/s" for name, size in sizes.items()))


def check_counts(outputs, seconds):
    """Ours and the tuned command must have the same pictures, or nothing is comparable."""
    for name in ("ours", "tuned"):
        command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0",
                   outputs[name]]
        packets = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        keys = sum("K" in packet.rpartition(",")[2] for packet in packets)
        if len(packets) != seconds * FRAME_RATE or keys != seconds // KEY_SECONDS:
            raise AssertionError(f"{name} made {len(packets)} pictures, {keys} of them key, of {seconds} s")


def ssim(path, reference):
    """Mean likeness of a copy's pictures to the source's pictures that it keeps."""
    numbered = f"settb=1/{FRAME_RATE},setpts=N"
    graph = f"[1:v]select='{KEPT}',{numbered}[kept];[0:v]{numbered}[copy];[copy][kept]ssim=shortest=1"
    _, output = run_measured(["ffmpeg", "-v", "info", "-nostats", "-i", path, "-i", reference, "-lavfi", graph, "-f", "null", "-"])
    found = re.search(r"SSIM .*All:([0-9.]+)", output)
    if not found:
        raise AssertionError(f"ffmpeg told no SSIM: {output[-500:]}")
    if float(found.group(1)) < 0.9:
        raise AssertionError(f"SSIM of {path} is {found.group(1)}: other pictures than the source's are compared")
    return float(found.group(1))


def all_at_once(program, path, channels, folder):
    """Transcode so many sources at the same time; seconds until the last is done, our processor seconds and those of others."""
    machine, began = Machine(), time.monotonic()
    processes, ours = [], 0
    try:
        for number in range(channels):
            command = [program, "transcode", path, "--definition", "high", "--frame-rate", str(ladder(channels)),
                       "--output", os.path.join(folder, f"channel-{number}.mp4")]
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
        for process in processes:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            ours += usage.ru_utime + usage.ru_stime
            if process.returncode:
                raise AssertionError(f"one of {channels} transcodes at once ended with {process.returncode}")
        return time.monotonic() - began, ours, max(0.0, machine.busy_seconds - ours)
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                process.wait()


class Trials:
    """Tries with so many channels at once, of footage that lasts some seconds."""

    def __init__(self, report, program, path, seconds, folder):
        self.report, self.program, self.path, self.seconds, self.folder = report, program, path, seconds, folder
        self.cores = len(os.sched_getaffinity(0))
        self.times, self.told = {}, {}

    def keeps_up(self, channels):
        """Whether so many at once are done before as much time has passed as the footage lasts."""
        for _ in range(3):
            took, ours, others = all_at_once(self.program, self.path, channels, self.folder)
            told = f"{channels} at {ladder(channels)} frames/s in {took:.1f} s with {ours:.1f} cpu-s"
            self.report.say(f"{told}; others used {others:.1f} cpu-s meanwhile")
            if took <= self.seconds or others < 0.05 * took * self.cores:
                break
        else:
            # Others held the machine up each time: what is left to go by is the work that it was.
            took = ours / self.cores
            told += f" on a machine that others kept busy, so by the processor time {took:.1f} s"
        self.times[channels], self.told[channels] = took, told
        return took <= self.seconds

    def largest(self, quick):
        """The largest number that keeps up."""
        if not self.keeps_up(8):
            fewer = min(7, int(8 * self.seconds / self.times[8]))
            return next((number for number in range(fewer, 0, -1) if self.keeps_up(number)), 0)
        more = 8 if quick else int(8 * self.seconds / self.times[8])
        return next(number for number in range(more, 7, -1) if number == 8 or self.keeps_up(number))


def count_channels(report, program, path, seconds, quick, folder):
    """The largest number that keeps up, with the tries that led to it."""
    trials = Trials(report, program, path, seconds, folder)
    best = trials.largest(quick)
    report.add("transcode.channels_2mp", best, "channels", **at_least(best, 8))
    report.note(f"transcode.channels_2mp: {seconds} s of footage each, all at once on {trials.cores} cores: "
                + ", ".join(trials.told[number] for number in sorted(trials.told)))


def run(report, program, quick):
    """All of it."""
    seconds = 30
    path = source(seconds, report.say)
    size = os.path.getsize(path) * 8 / 1000 / seconds
    report.say(f"the source: {seconds} s of 1920x1080 at {RATE} frames/s, {size:.0f} kbit/s")
    with tempfile.TemporaryDirectory(prefix="gatehouse-bench-") as folder:
        compare(report, program, path, seconds, 2 if quick else 7, folder)
        count_channels(report, program, path, seconds, quick, folder)
