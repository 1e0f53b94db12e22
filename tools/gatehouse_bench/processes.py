"""Processor time and memory of processes, and the processor time of the whole machine."""

import array
import contextlib
import os
import subprocess
import time

from waiting import descendants, stat_fields

TICK = os.sysconf("SC_CLK_TCK")
IDLE, WAITING = 3, 4  # of the counters in /proc/stat
PAGE = os.sysconf("SC_PAGE_SIZE")
PRESENT, FRAME = 1 << 63, (1 << 55) - 1  # of an entry in /proc/PID/pagemap


def run_measured(command, **more):
    """Run a command to its end; its processor seconds with those of its children, and its output."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    with process.stdout:
        output = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {process.returncode}: {output[-2000:]}")
    return usage.ru_utime + usage.ru_stime, output


def family(pid):
    """A process and all below it."""
    return [pid, *descendants(pid)]


def processor_seconds(pid):
    """Processor seconds of a process and all below it, dead children that were waited for included."""
    total = 0
    for one in family(pid):
        fields = stat_fields(one)
        if fields:
            total += sum(int(field) for field in fields[11:15])
    return total / TICK


@contextlib.contextmanager
def stopwatch(*pids):
    """Yields a list that holds, after the body, the cores that each process (with those below it) took meanwhile."""
    cores = []
    began, before = time.monotonic(), [processor_seconds(pid) for pid in pids]
    yield cores
    after, seconds = [processor_seconds(pid) for pid in pids], time.monotonic() - began
    cores += [(late - early) / seconds for early, late in zip(before, after)]


def memory_megabytes(pid, kind="Pss"):
    """Memory of a process and all below it: Pss (pages shared with others by their share), Rss (pages shared within counted twice),
    or Anonymous (what is in no file, so that the kernel cannot take it back)."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith(kind + ":"))
    return total / 1024


def page_frames(pid):
    """The numbers of the memory pages that a process has, whoever else has them too."""
    frames = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for line in maps:
            first, last = (int(end, 16) // PAGE for end in line.split(maxsplit=1)[0].split("-"))
            if first >= 1 << 50:
                continue  # the kernel's own page
            pagemap.seek(first * 8)
            entries = array.array("Q", pagemap.read((last - first) * 8))
            frames.update(entry & FRAME for entry in entries if entry & PRESENT)
    return frames


def distinct_megabytes(pid):
    """Memory of a process and all below it, each page once, wholly theirs even where strangers share it: what they would take alone.

    Only root is told page numbers; others get Pss, which depends on who else runs the same programs and libraries.
    """
    if os.geteuid():
        return memory_megabytes(pid)
    frames = set()
    for one in family(pid):
        with contextlib.suppress(OSError):
            frames |= page_frames(one)
    return len(frames) * PAGE / 1048576


class Machine:
    """The machine's processors since this was made."""

    def __init__(self):
        self.began = self.counters()

    @staticmethod
    def counters():
        """Ticks of the machine: those in which a processor was busy, and all."""
        with open("/proc/stat") as file:
            ticks = [int(field) for field in file.readline().split()[1:9]]
        return sum(ticks) - ticks[IDLE] - ticks[WAITING], sum(ticks)

    @property
    def busy(self):
        """Share of the machine that was busy, 0 to 1."""
        busy, whole = (late - early for early, late in zip(self.began, self.counters()))
        return busy / max(1, whole)

    @property
    def busy_seconds(self):
        """Processor seconds that anybody used."""
        return (self.counters()[0] - self.began[0]) / TICK
