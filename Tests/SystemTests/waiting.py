"""Waiting for conditions with a deadline, and looking after processes. No test sleeps and hopes."""

import os
import time


def wait_for(condition, seconds, what, every=0.1):
    """The first true value of `condition()`; AssertionError that names `what` (text or function) after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            name = what() if callable(what) else what
            raise AssertionError(f"waited {seconds} s in vain for {name}; the last look gave {shorten(value)}")
        time.sleep(every)


def holds_for(condition, seconds, what, every=0.1):
    """Assert that `condition()` stays true for so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if not value:
            raise AssertionError(f"{what() if callable(what) else what} did not hold for {seconds} s")
        time.sleep(every)


def shorten(value, length=600):
    """The value as text of bounded length."""
    text = repr(value)
    return text if len(text) <= length else text[:length] + "…"


def descendants(pid):
    """The processes below `pid`, in no particular order."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_fields(int(name))
            if fields and fields[0] != "Z":
                children.setdefault(int(fields[1]), []).append(int(name))
    found, to_look = [], [pid]
    while to_look:
        below = children.get(to_look.pop(), [])
        found += below
        to_look += below
    return found


def stat_fields(pid):
    """The fields of /proc/PID/stat from the state on, or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def is_alive(pid):
    """Whether the process runs (a zombie does not)."""
    fields = stat_fields(pid)
    return bool(fields) and fields[0] != "Z"


def resident_megabytes(pid):
    """The process's resident memory."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    raise AssertionError(f"process {pid} has no memory; it has ended")


def command_line(pid):
    """The process's command line, for messages."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "(ended)"
