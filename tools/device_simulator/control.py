"""The control server on loopback: what goes on in the devices, events, faults, moves, bursts. Answers JSON."""

import asyncio
import base64
import json
import time

from .web import Response, Site

EVENT_FIELDS = {"region": str, "target": str, "dialect": str, "format": str, "name": str, "description": str, "channel": int, "door": int, "sensitivity": int}


class Control:
    """Serves the control requests; uses the web server of the devices."""

    def __init__(self, world, port):
        self.world, self.bursts = world, []
        self.site = Site(self, self.answer, port)
        self.connections = set()
        self.address = "127.0.0.1"
        self.url = None

    async def open(self):
        """Listen."""
        await self.site.open()
        self.url = f"http://127.0.0.1:{self.site.port}"

    # What Site asks of a device
    active = 0

    def count(self, _request):
        """Nothing is counted here."""
        self.active += 1

    def quirk(self, *_):
        """No faults here."""
        return None

    async def answer(self, request):
        """One request."""
        parameters = dict(request.query)
        try:
            if request.body.strip():
                parameters.update(json.loads(request.body))
            result = await self.request(request.method, request.path, parameters)
            code = 200 if result is not None else 404
            result = {"error": "known: GET /state, GET /bursts, POST /event, /record, /fault, /move, /burst, /reboot, /clock, /disk, /input, /show"} if result is None else result
        except ValueError as error:
            code, result = 400, {"error": str(error)}
        except Exception as error:  # tell the caller, go on
            code, result = 500, {"error": f"{type(error).__name__}: {error}"}
        return Response(code, json.dumps(result, default=str).encode() + b"\n", kind="application/json")

    async def request(self, method, path, parameters):
        """Carry out one request."""
        if method == "GET" and path == "/state":
            if "device" in parameters:
                return self.world.named(parameters["device"]).state()
            discovery = self.world.discovery.counts if self.world.discovery else None
            return {"devices": [device.state() for device in self.world.devices], "discovery": discovery}
        if method == "GET" and path == "/bursts":
            return {"bursts": self.bursts}
        if method != "POST":
            return None
        if path == "/burst":
            return self.burst(float(parameters.get("rate", 100)), float(parameters.get("seconds", 10)), parameters.get("type", "linedetection"))
        actions = {"/event": self.event, "/record": self.record, "/fault": self.fault, "/move": self.move, "/reboot": self.reboot, "/clock": self.clock, "/disk": self.disk,
                   "/input": self.input, "/show": self.show}
        if path not in actions:
            return None
        name = parameters.pop("device", None)
        devices = [self.world.named(name)] if name else self.world.devices
        results = {device.name: await actions[path](device, dict(parameters)) for device in devices}
        return results[devices[0].name] if name else results

    async def event(self, device, parameters):
        """Raise an event on one device."""
        if "events" not in device.parts:
            return {"sent": False, "why": "the device tells no events"}
        kind, state = parameters.pop("type", "VMD"), parameters.pop("state", "active")
        if state not in ("active", "inactive"):
            raise ValueError("state is active or inactive")
        seconds = float(parameters.pop("seconds", 5 if state == "active" else 0))
        repeat = parameters.pop("repeat", None)
        options = {"repeat": None if repeat is None else truth(repeat), "interval": float(parameters.pop("interval", 1)),
                   "force": truth(parameters.pop("force", "0")), "picture": truth(parameters.pop("picture", "0"))}
        unknown = parameters.keys() - EVENT_FIELDS.keys()
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}")
        fields = {key: EVENT_FIELDS[key](value) for key, value in parameters.items()}
        return device.parts["events"].raise_event(kind, state, seconds, **options, **fields)

    async def show(self, device, parameters):
        """Hold something before a device's lens: a JPEG in base64; none takes it away."""
        channel, picture = int(parameters.pop("channel", 1)), parameters.pop("picture", None)
        if picture:
            self.world.media.shown[(device.name, channel)] = base64.b64decode(picture)
        else:
            self.world.media.shown.pop((device.name, channel), None)
        return {"shown": bool(picture)}

    async def record(self, device, parameters):
        """Let a device have recorded an event, whether anybody heard of it or not."""
        return device.parts["recordings"].add(int(parameters.pop("channel", 1)), parameters.pop("type", "motion"), float(parameters.pop("ago", 10)),
                                              float(parameters.pop("seconds", 10)))

    async def fault(self, device, parameters):
        """Switch a fault on or off."""
        await self.world.fault(device, parameters.pop("kind", ""), parameters)
        return {"faults": device.faults}

    async def move(self, device, parameters):
        """Give a device another address."""
        await self.world.move(device, parameters["address"])
        return device.description()

    async def reboot(self, device, parameters):
        """Let a device start anew, as after a power cut."""
        self.world.reboot(device, parameters.get("seconds"))
        return {"away_until": time.time() + float(parameters.get("seconds", self.world.options.reboot_seconds))}

    async def clock(self, device, parameters):
        """Let a device's clock be off by some seconds; settable by the protocols afterwards."""
        device.clock_offset = float(parameters.get("seconds", 0))
        return {"time": device.utc().isoformat()}

    async def disk(self, device, parameters):
        """Set a disk's status: ok, error, unformatted, sleeping, ..."""
        isapi = device.parts.get("isapi")
        storage = isapi.documents.get("ContentMgmt/Storage") if isapi else None
        if storage is None:
            raise ValueError("no disks")
        found = [node for node in storage.find("hddList").children if node.value("id") == str(parameters.get("disk", 1))]
        if not found:
            raise ValueError("no such disk")
        for key in ("status", "freeSpace", "capacity"):
            if key in parameters:
                found[0].put(key, parameters[key])
        return {child.local: child.text for child in found[0].children}

    async def input(self, device, parameters):
        """Set whether a recorder's channel is online."""
        isapi = device.parts.get("isapi")
        statuses = isapi.documents.get("ContentMgmt/InputProxy/channels/status") if isapi else None
        for node in statuses.children if statuses else []:
            if node.value("id") == str(parameters.get("channel", 1)):
                online = truth(parameters.get("online", "1"))
                node.put("online", str(online).lower())
                node.put("chanDetectResult", "connect" if online else "netUnreachable")
                return {"channel": node.value("id"), "online": online}
        raise ValueError("no such input")

    def burst(self, rate, seconds, kind):
        """Begin a burst: numbered events, spread over all devices in turn."""
        if not 0 < rate <= 5000 or not 0 < seconds <= 3600:
            raise ValueError("rate up to 5000, seconds up to 3600")
        devices = [device for device in self.world.devices if "events" in device.parts]
        record = {"id": len(self.bursts) + 1, "rate": rate, "seconds": seconds, "type": kind, "wanted": round(rate * seconds), "sent": 0, "delivered": 0,
                  "began": time.time(), "ended": None, "devices": {device.name: {"sent": 0, "delivered": 0} for device in devices}}
        self.bursts.append(record)

        async def run():
            begin = time.monotonic()
            while record["sent"] < record["wanted"]:
                due = min(record["wanted"], int((time.monotonic() - begin) * rate) + 1)
                for number in range(record["sent"] + 1, due + 1):
                    device = devices[(number - 1) % len(devices)]
                    label = f"burst-{record['id']}-{number:07}"
                    fields = {"region": str(number), "description": label, "burst": label, "target": "human"}
                    result = device.parts["events"].raise_event(kind, "active", 0, force=True, **fields)
                    record["sent"] += 1
                    record["delivered"] += result["delivered_to"] > 0
                    own = record["devices"][device.name]
                    own["sent"] += 1
                    own["delivered"] += result["delivered_to"] > 0
                await asyncio.sleep(0.01)
            record["ended"] = time.time()

        self.world.run(devices[0], run())
        return record


def truth(text):
    """A yes or no."""
    return str(text).lower() in ("1", "true", "yes", "on")
