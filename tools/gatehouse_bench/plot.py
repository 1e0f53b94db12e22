"""Draws an outage and its drain as SVG: what waits, what goes up beside its bound, and how long new clips take, over time."""

import csv
import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 800, 400
LEFT, RIGHT, TOP, BOTTOM, BETWEEN = 64, 16, 30, 42, 34
STYLE = """
svg { --paper: #ffffff; --ink: #1f2328; --faint: #656d76; --grid: #d8dee4; --away: #f0e4e4; --waits: #2563c9; --sent: #1a7f37; --live: #b35900 }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9aa4af; --grid: #30363d; --away: #3a2326; --waits: #6ea8fe; --sent: #56d364; --live: #f0a050 } }
text { font: 12px system-ui, sans-serif; fill: var(--faint) } .title { fill: var(--ink); font-weight: 600 }
.paper { fill: var(--paper) } .away { fill: var(--away) } .grid { stroke: var(--grid); stroke-width: 1 } .axis { stroke: var(--faint); stroke-width: 1 }
.line { fill: none; stroke-width: 1.75; stroke-linejoin: round } .area { fill: var(--waits); opacity: .18 } .waits { stroke: var(--waits) }
.sent { stroke: var(--sent) } .cap { stroke: var(--ink); stroke-dasharray: 6 4; stroke-width: 1.25 } .mark { stroke: var(--ink); stroke-dasharray: 2 3 }
.live { fill: var(--live) } .key-away { stroke: var(--away); stroke-width: 10 }
"""
TIMES = ((3600, "hours", 2 * 3600), (60, "minutes", 300), (1, "seconds", 0))  # seconds of the unit, its name, from which length on
BYTES = ((1e9, "GB", 1e9), (1e6, "MB", 1e6), (1e3, "KB", 0))
RATES = ((1e6, "Mbit/s", 2e6), (1e3, "kbit/s", 0))
PLAIN = ((1, "s", 0),)


@dataclass(frozen=True)
class Row:
    """A moment since the outage began: what waits, what goes up, the bound (None: none), how long a new clip took (None: there was none)."""

    seconds: float
    backlog_bytes: float
    bits_per_second: float
    cap: float | None = None
    live_seconds: float | None = None


class Axis:
    """Values on a span of pixels, with round steps in a readable unit."""

    def __init__(self, most, units, start, end, steps):
        self.scale, self.unit = next((scale, name) for scale, name, least in units if most >= least)
        self.start, self.end = start, end
        most = max(most, 1e-9) / self.scale
        self.step = round_step(most / steps, (1, 2, 3, 6, 12, 24) if self.unit == "hours" else (1, 2, 5, 10))
        self.most = most
        self.room = most if units is TIMES else self.step * math.ceil(most * 1.0001 / self.step)

    def at(self, value):
        """The pixel of a value."""
        return self.start + (self.end - self.start) * value / self.scale / self.room

    def ticks(self):
        """Pixels and texts of the steps."""
        for number in range(int(self.room / self.step + 1e-6) + 1):
            yield self.at(number * self.step * self.scale), f"{number * self.step:g}"


def round_step(least, choices):
    """The smallest round number that is not below."""
    if choices[-1] == 24:
        return next((choice for choice in choices if choice >= least), 24 * math.ceil(least / 24))
    power = 10 ** math.floor(math.log10(least))
    return next(choice * power for choice in choices if choice * power >= least * 0.9999)


def outages(rows):
    """The spans in which something waited and nothing went."""
    spans, began = [], None
    for row in rows:
        if row.backlog_bytes > 0 and row.bits_per_second <= 0:
            began = row.seconds if began is None else began
        elif began is not None:
            spans.append((began, row.seconds))
            began = None
    longest = rows[-1].seconds
    return [(first, last) for first, last in spans if last - first > longest / 50]


class Panel:
    """One of the diagrams that stand above one another."""

    def __init__(self, time, top, bottom, most, units, title, steps):
        self.time, self.top, self.bottom = time, top, bottom
        self.axis, self.title = Axis(most, units, bottom, top, steps), title

    def frame(self, spans):
        """What lies behind the values: outages, grid, title."""
        for first, last in spans:
            left, right = self.time.at(first), self.time.at(last)
            yield f'<rect class="away" x="{left:.1f}" y="{self.top}" width="{right - left:.1f}" height="{self.bottom - self.top:.1f}"/>'
        for y, text in self.axis.ticks():
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
        for x, _ in self.time.ticks():
            yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{self.bottom:.1f}" y2="{self.bottom + 4:.1f}"/>'
        yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.bottom:.1f}" y2="{self.bottom:.1f}"/>'
        yield f'<text class="title" x="{LEFT}" y="{self.top - 8:.1f}">{escape(self.title)} [{self.axis.unit}]</text>'

    def path(self, points, style, close=False):
        """Values as a line, or as the area below it."""
        drawn = [f"{self.time.at(x):.1f},{self.axis.at(y):.1f}" for x, y in points]
        if close:
            drawn = [f"{self.time.at(points[0][0]):.1f},{self.bottom:.1f}", *drawn, f"{self.time.at(points[-1][0]):.1f},{self.bottom:.1f}"]
        return f'<path class="{style}" d="M{" L".join(drawn)}"/>' if points else ""

    def legend(self, *entries):
        """What the lines mean, at the right above the panel."""
        x = WIDTH - RIGHT
        for style, text in reversed(entries):
            x -= 7 * len(text)
            yield f'<text x="{x}" y="{self.top - 8:.1f}">{escape(text)}</text>'
            yield f'<line class="line {style}" x1="{x - 28}" x2="{x - 6}" y1="{self.top - 12:.1f}" y2="{self.top - 12:.1f}"/>'
            x -= 44


def draw(rows, path, marks=(), since="the outage began"):
    """Write the plot of `rows` (`Row`) to a file; `marks` are moments (seconds) with a text each, `since` says what the time counts from."""
    drawn = [*panels(sorted(rows, key=lambda row: row.seconds), marks, since)]
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">\n'
                   f"<title>An outage and its drain</title>\n<style>{STYLE}</style>\n"
                   f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>\n' + "\n".join(drawn) + "\n</svg>\n")


def panels(rows, marks, since):
    """All that is drawn."""
    time, spans = Axis(rows[-1].seconds, TIMES, LEFT, WIDTH - RIGHT, 14), outages(rows)
    live = [(row.seconds, row.live_seconds) for row in rows if row.live_seconds is not None]
    count = 3 if live else 2
    height = (HEIGHT - TOP - BOTTOM - BETWEEN * (count - 1)) / count
    places = [(TOP + number * (height + BETWEEN), TOP + number * (height + BETWEEN) + height) for number in range(count)]
    steps = 4 if count == 2 else 2
    waits = Panel(time, *places[0], max(row.backlog_bytes for row in rows), BYTES, "Waits on the box", steps)
    sent = Panel(time, *places[1], max(max(row.bits_per_second, row.cap or 0) for row in rows), RATES, "Goes up", steps)
    yield from waits.frame(spans)
    backlog = [(row.seconds, row.backlog_bytes) for row in rows]
    yield waits.path(backlog, "area", close=True)
    yield waits.path(backlog, "line waits")
    yield from waits.legend(*([("key-away", "nothing goes up")] if spans else []))
    yield from sent.frame(spans)
    yield sent.path([(row.seconds, row.bits_per_second) for row in rows], "line sent")
    yield sent.path([(row.seconds, row.cap) for row in rows if row.cap is not None], "line cap")
    yield from sent.legend(("sent", "sent"), *([("cap", "the bound that is set")] if any(row.cap is not None for row in rows) else []))
    if live:
        yield from live_panel(Panel(time, *places[2], max(seconds for _, seconds in live), PLAIN, "A new clip is in the store after", steps), live, spans)
    yield from below(time, marks, places, since)


def live_panel(panel, live, spans):
    """How long new clips took, a dot each."""
    yield from panel.frame(spans)
    for x, y in live:
        yield f'<circle class="live" cx="{panel.time.at(x):.1f}" cy="{panel.axis.at(y):.1f}" r="2"/>'


def below(time, marks, places, since):
    """The common axis, and the marks."""
    bottom = places[-1][1]
    for x, text in time.ticks():
        yield f'<text x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{text}</text>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 34:.1f}" text-anchor="middle">{time.unit} since {escape(since)}</text>'
    for seconds, text in marks:
        x = time.at(seconds)
        anchor = "end" if x > WIDTH * 2 / 3 else "start"
        for top, end in places:
            yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{end:.1f}"/>'
        yield f'<text x="{x + (-5 if anchor == "end" else 5):.1f}" y="{places[0][0] + 12:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def read(path):
    """The rows of a CSV: hour, backlog_bytes, bits_per_second, cap_bits_per_second, live_seconds; the last two may be empty."""
    def number(text):
        return float(text) if text and text.strip() else None
    with open(path, newline="") as file:
        return [Row(float(line["hour"]) * 3600, float(line["backlog_bytes"]), float(line["bits_per_second"]),
                    number(line.get("cap_bits_per_second")), number(line.get("live_seconds"))) for line in csv.DictReader(file)]
