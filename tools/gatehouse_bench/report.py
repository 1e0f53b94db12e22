"""Collects figures and shows them: a table for people, JSON for programs."""

import os
import platform
import sys
from dataclasses import dataclass


@dataclass
class Figure:
    """One line of the table. Where `value` is a ratio, it is ours divided by the peer's, and `peer_value` is the peer's own figure."""

    metric: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    peer_unit: str = ""
    target: str = ""
    met: bool | None = None


def at_most(value, limit, digits=3):
    """Target and verdict of a figure that must not be larger."""
    return {"target": f"<= {limit:.{digits}g}", "met": value <= limit}


def at_least(value, limit):
    """Target and verdict of a figure that must not be smaller."""
    return {"target": f">= {limit:g}", "met": value >= limit}


def machine():
    """What the figures were measured on."""
    model = platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{len(os.sched_getaffinity(0))} cores of {model}, Linux {platform.release()}"


class Report:
    """What was measured so far."""

    def __init__(self, plot=None):
        """`plot` is the file into which the drain after an outage is drawn."""
        self.figures, self.notes, self.failures, self.plot = [], [], [], plot

    def heading(self, name):
        """Begin a measurement."""
        print(f"== {name}", file=sys.stderr, flush=True)

    def say(self, text):
        """Tell how it goes."""
        print(f"   {text}", file=sys.stderr, flush=True)

    def note(self, text):
        """Something to know about the figures; below the table."""
        self.say(text)
        self.notes.append(text)

    def add(self, metric, value, unit, **more):
        """Add a figure; see `Figure`."""
        figure = Figure(metric, value, unit, **more)
        self.figures.append(figure)
        self.say(f"{metric} = {shown(value)} {unit}")

    def failed(self, name, error):
        """A measurement that could not be made."""
        self.failures.append(name)
        self.note(f"{name} could not be measured: {error}")

    @property
    def json(self):
        """The figures for programs."""
        return [{"metric": one.metric, "value": round(one.value, 5), "unit": one.unit, "peer": one.peer,
                 "peerValue": None if one.peer_value is None else round(one.peer_value, 5)} for one in self.figures]

    def table(self):
        """The figures for people."""
        rows = [("metric", "value", "unit", "peer", "peer's value", "target", "met")]
        for one in self.figures:
            peer_value = "" if one.peer_value is None else f"{shown(one.peer_value)} {one.peer_unit}".strip()
            met = "" if one.met is None else "yes" if one.met else "NO"
            rows.append((one.metric, shown(one.value), one.unit, one.peer or "", peer_value, one.target, met))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = []
        for row in rows:
            cells = (cell.rjust(width) if column == 1 else cell.ljust(width) for column, (cell, width) in enumerate(zip(row, widths)))
            lines.append("  ".join(cells).rstrip())
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([f"Measured on {machine()}", "", *lines, *([""] if self.notes else []), *(f"- {note}" for note in self.notes)])


def shown(value):
    """A number with as many digits as tell something."""
    return str(value) if isinstance(value, int) else f"{value:.1f}" if abs(value) >= 10 else f"{value:.4f}"
