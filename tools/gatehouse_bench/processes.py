"""Processor time and memory of processes, and the processor time of the whole machine."""

import contextlib
import os
import subprocess
import time

from waiting import descendants, stat_fields

TICK = os.sysconf("SC_CLK_TCK")
IDLE, WAITING = 3, 4  # of the counters in /proc/stat


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
    """Memory of a process and all below it: Pss (shared pages by their share), Rss or Private."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError), open(f"/proc/{one}/smaps_rollup") as file:
            for line in file:
                total += int(line.split()[1]) if line.startswith(kind + ("_" if kind == "Private" else ":")) else 0
    return total / 1024


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
