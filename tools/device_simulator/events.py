"""Events of a device: raised on request, repeated for as long as they last, told to whoever listens."""

import asyncio
import itertools
import time
from dataclasses import dataclass, field

NUMBERS = itertools.count(1)
DESCRIPTIONS = {"VMD": "Motion alarm", "videoloss": "videoloss alarm", "IO": "IO alarm", "shelteralarm": "shelteralarm alarm"}


@dataclass
class Event:
    """One message about an event."""

    type: str
    state: str = "active"
    channel: int = 1
    region: str = "1"
    target: str = ""
    count: int = 1  # ISAPI's activePostCount: how often this event has been told
    picture: bool = False
    first: bool = True  # whether the state changed with this message
    dialect: str = ""
    format: str = ""
    sensitivity: int = 50
    name: str = ""
    description: str = ""
    burst: str = ""
    door: int = 1
    number: int = field(default_factory=lambda: next(NUMBERS))
    raised: float = field(default_factory=time.time)

    @property
    def text(self):
        """What ISAPI calls eventDescription."""
        return self.description or DESCRIPTIONS.get(self.type, f"{self.type} alarm")


class Hub:
    """The events of one device."""

    def __init__(self, device):
        self.device = device
        self.listeners = set()  # functions that take an Event and say whether they passed it on
        self.going = {}  # (type, channel, region) -> task
        self.raised = 0
        self.gate = None  # says why an event is not told, or None

    def state(self):
        """For GET /state."""
        return {"raised": self.raised, "going_on": [list(key) for key in self.going], "listeners": len(self.listeners)}

    def publish(self, event):
        """Tell everybody; to how many it went."""
        self.device.counts["events_sent"] += 1
        delivered = sum(bool(listener(event)) for listener in list(self.listeners))
        self.device.counts["events_delivered"] += delivered
        return delivered

    def raise_event(self, kind, state="active", seconds=0.0, repeat=None, interval=1.0, force=False, **fields):
        """Raise an event. It lasts `seconds`; 0 tells the state once and nothing more. Returns what happened."""
        why = None if force or not self.gate else self.gate(kind, fields.get("channel", 1))
        if why:
            return {"sent": False, "why": why}
        self.raised += 1
        first = Event(kind, state, **fields)
        key = (kind, first.channel, first.region)
        going = self.going.pop(key, None)
        if going:
            going.cancel()
        delivered = self.publish(first)
        quirks = self.device
        if repeat is None:
            repeat = not quirks.has("once")
        if quirks.has("repeats"):
            repeat = True
        if state == "active" and seconds > 0:
            end = not (quirks.has("repeats") or quirks.has("once") or quirks.has("no-inactive"))
            task = asyncio.get_running_loop().create_task(self.last(key, fields, seconds, repeat and not quirks.has("once"), interval, end))
            self.going[key] = task
        return {"sent": True, "number": first.number, "delivered_to": delivered}

    async def last(self, key, fields, seconds, repeat, interval, end):
        """Repeat an event's state until it is over."""
        over, count = time.monotonic() + seconds, 1
        while time.monotonic() < over:
            await asyncio.sleep(max(0.0, min(interval, over - time.monotonic())) if repeat else over - time.monotonic())
            if repeat and time.monotonic() < over:
                count += 1
                self.publish(Event(key[0], "active", **fields, count=count, first=False))
        self.going.pop(key, None)
        if end:
            self.publish(Event(key[0], "inactive", **fields, count=0))

    def stop(self):
        """Let all events end without a word, as when the power goes."""
        for task in self.going.values():
            task.cancel()
        self.going.clear()
