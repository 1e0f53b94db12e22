"""The head of a PTZ camera, moved by ISAPI or ONVIF."""

import asyncio
import time

PAN_SPEED, TILT_SPEED, ZOOM_SPEED = 0.5, 0.35, 0.5  # of the range -1 to 1 (zoom: 0 to 1) in a second at full speed
FIRST_PRESETS = {1: "Gate", 2: "Yard"}


class Head:
    """Position, movement, presets. Pan and tilt go from -1 to 1, zoom from 0 to 1."""

    def __init__(self):
        self.at = [0.0, 0.0, 0.0]
        self.speed = [0.0, 0.0, 0.0]
        self.since = time.monotonic()
        self.presets = {number: (name, (0.2 * number, -0.1 * number, 0.1 * number)) for number, name in FIRST_PRESETS.items()}
        self.patrols = {1: "Round"}
        self.patrol = None
        self.auxiliary = {}  # name -> on
        self.focus = 0.0
        self.last_start = self.last_stop = None
        self.starts = self.stops = 0
        self.last_command = None
        self.stopping = None

    def state(self):
        """For GET /state."""
        self.settle()
        return {"position": [round(value, 4) for value in self.at], "speed": self.speed, "moving": self.moving, "last_start": self.last_start,
                "last_stop": self.last_stop, "starts": self.starts, "stops": self.stops, "presets": {key: name for key, (name, _) in self.presets.items()},
                "patrol": self.patrol, "auxiliary": self.auxiliary, "focus_speed": self.focus, "last_command": self.last_command}

    @property
    def moving(self):
        """Whether the head moves."""
        return any(self.speed) or bool(self.focus)

    def settle(self):
        """Go to where the movement has led by now."""
        now = time.monotonic()
        passed, self.since = now - self.since, now
        for axis, (rate, low) in enumerate(((PAN_SPEED, -1), (TILT_SPEED, -1), (ZOOM_SPEED, 0))):
            self.at[axis] = min(1.0, max(low, self.at[axis] + self.speed[axis] * rate * passed))

    def move(self, pan=None, tilt=None, zoom=None, focus=None, seconds=None):
        """Move at these speeds (-1 to 1; None: as before); all 0 stops. After `seconds` the head stops by itself."""
        self.settle()
        was = self.moving
        given = (pan, tilt, zoom)
        self.speed = [min(1.0, max(-1.0, value)) if value is not None else old for value, old in zip(given, self.speed)]
        if focus is not None:
            self.focus = min(1.0, max(-1.0, focus))
        if self.stopping:
            self.stopping.cancel()
            self.stopping = None
        if self.moving:
            self.patrol = None
            self.last_start = time.time()
            self.starts += 1
            if seconds:
                self.stopping = asyncio.get_running_loop().call_later(seconds, self.move, 0, 0, 0, 0)
        else:
            self.last_stop = time.time()
            self.stops += was

    def go(self, position):
        """Go somewhere at once."""
        self.move(0, 0, 0)
        self.at = [float(value) if value is not None else old for value, old in zip(position, self.at)]
        self.last_start = self.last_stop = time.time()

    def set_preset(self, number, name):
        """Keep where the head is as a preset."""
        self.settle()
        if number is None:
            number = next(n for n in range(1, 301) if n not in self.presets)
        self.presets[number] = (name or f"Preset {number}", tuple(self.at))
        return number

    def go_preset(self, number):
        """Go to a preset; whether there is one."""
        if number not in self.presets:
            return False
        self.go(self.presets[number][1])
        self.last_command = f"preset {number}"
        return True
