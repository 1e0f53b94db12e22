"""From the start of the process to the first answer of the API, over TLS, with a state that is there already."""

import http.client
import statistics
import time

from client import Client
from ports import free_port

from .boxes import box
from .report import at_most


def first_answer(made, client, limit=30):
    """Start the box; seconds until it has answered."""
    made.launch()
    began = made.launched
    while time.monotonic() - began < limit:
        try:
            if client.request("GET", "/setup", timeout=5).status == 200:
                return time.monotonic() - began
        except (OSError, http.client.HTTPException):
            time.sleep(0.002)
        if not made.is_running():
            raise AssertionError(f"the box ended at its start: {made.log_end()}")
    raise AssertionError(f"the box gave no answer within {limit} s: {made.log_end()}")


def run(report, program, quick):
    """The median of some starts."""
    port, times, said = free_port(), [], []
    with box(http__port=port) as made:
        for _ in range(3 if quick else 7):
            made.stop()
            times.append(first_answer(made, Client(f"https://127.0.0.1:{port}")))
            made.await_ready()
            said.append(made.ready_seconds)
    report.say("starts: " + ", ".join(f"{seconds:.3f}" for seconds in times))
    median = statistics.median(times)
    report.add("start.seconds", median, "s", **at_most(median, 1))
    report.note(f"start: {len(times)} starts on a claimed state, {min(times):.3f} to {max(times):.3f} s, the files in the page cache")
