"""ISAPI's alertStream: events as parts of an answer that never ends, with the framings found in the field."""

import asyncio
import json
import time
from xml.sax.saxutils import escape

from .events import Event
from .web import Response, hostile_document

WITH_REGION = ("linedetection", "fielddetection", "regionEntrance", "regionExiting")
NAMESPACES = {"psia-namespace": "urn:psialliance-org", "isapi-namespace": "http://www.isapi.org/ver20/XMLSchema",
              "ver10-namespace": "http://www.hikvision.com/ver10/XMLSchema"}
MOST_WAITING = 4000


def namespace(device):
    """The namespace of a device's events."""
    return next((value for name, value in NAMESPACES.items() if device.has(name)), "http://www.hikvision.com/ver20/XMLSchema")


def region_entry(device, event):
    """The region that saw something."""
    region = "" if device.has("empty-region") else event.region
    corners = [(424, 642), (161, 610)] if event.type == "linedetection" else [(118, 327), (999, 326), (999, 626), (0, 630)]
    listed = "".join(f"<RegionCoordinates>\n<positionX>{x}</positionX>\n<positionY>{y}</positionY>\n</RegionCoordinates>\n" for x, y in corners)
    target = f"<detectionTarget>{escape(event.target)}</detectionTarget>\n" if event.target else ""
    rect = "<TargetRect>\n<X>0.312000</X>\n<Y>0.401000</Y>\n<width>0.104000</width>\n<height>0.226000</height>\n</TargetRect>\n" if event.target else ""
    return (f"<DetectionRegionList>\n<DetectionRegionEntry>\n<regionID>{escape(region)}</regionID>\n<sensitivityLevel>{event.sensitivity}</sensitivityLevel>\n"
            f"<RegionCoordinatesList>\n{listed}</RegionCoordinatesList>\n{target}{rect}</DetectionRegionEntry>\n</DetectionRegionList>\n")


def alert(device, event, channel=None):
    """One EventNotificationAlert."""
    channel = channel or event.channel
    protocol = "protocolType" if device.has("protocol-type") else "protocol"
    number = f"<dynChannelID>{channel}</dynChannelID>\n" if device.has("dynamic-channel") else f"<channelID>{channel}</channelID>\n"
    own = ""
    if event.type in WITH_REGION and event.state == "active":
        own += region_entry(device, event)
    elif event.type == "IO":
        own += f"<inputIOPortID>{escape(event.region or '1')}</inputIOPortID>\n"
    elif event.type in ("diskfull", "diskerror"):
        own += f"<hddList>\n<hdd>\n<id>{escape(event.region or '1')}</id>\n</hdd>\n</hddList>\n"
    elif event.type == "AccessControllerEvent":
        values = access_values(device, event)
        own += "<AccessControllerEvent>\n" + "".join(f"<{key}>{escape(str(value))}</{key}>\n" for key, value in values.items()) + "</AccessControllerEvent>\n"
    elif event.target:
        own += f"<targetType>{escape(event.target)}</targetType>\n"
    if event.burst:
        own += f"<UUID>{event.burst}</UUID>\n"
    if event.picture and device.has("picture-by-url"):
        own += f"<bkgUrl>{device.base}/picture/Streaming/tracks/{channel}03/?name=event{event.number}&amp;size=20000</bkgUrl>\n"
    elif event.picture:
        own += "<detectionPictureTransType>binary</detectionPictureTransType>\n<detectionPicturesNumber>1</detectionPicturesNumber>\n"
    name = event.name or f"{device.name} {channel:02}"
    moment = device.stamp()
    extension = ""
    if device.has("psia-namespace"):
        extension = (f'<Extensions version="1.0" xmlns="urn:psialliance-org">\n<serialNumber xmlns="urn:selfextension:psiaext-ver10-xsd">{device.serial}'
                     f"</serialNumber>\n</Extensions>\n")
    return (f'<EventNotificationAlert version="2.0" xmlns="{namespace(device)}">\n<ipAddress>{device.address}</ipAddress>\n'
            f"<portNo>{device.http}</portNo>\n<{protocol}>HTTP</{protocol}>\n<macAddress>{device.mac}</macAddress>\n{number}"
            f"<dateTime>{moment}</dateTime>\n<activePostCount>{event.count}</activePostCount>\n<eventType>{escape(event.type)}</eventType>\n"
            f"<eventState>{event.state}</eventState>\n<eventDescription>{escape(event.text)}</eventDescription>\n{own}"
            f"<channelName>{escape(name)}</channelName>\n{extension}</EventNotificationAlert>\n")


def access_values(device, event):
    """What an access event says."""
    return {"deviceName": device.name, "majorEventType": 5, "subEventType": 75, "name": event.name or "visitor", "cardNo": "1000001",
            "cardReaderNo": 1, "doorNo": event.door, "employeeNoString": "1", "serialNo": event.number, "currentVerifyMode": "cardOrFace",
            "attendanceStatus": "undefined", "picturesNumber": int(event.picture)}


def access_json(device, event):
    """An access event as JSON."""
    return json.dumps({"ipAddress": device.address, "portNo": device.http, "protocol": "HTTP", "macAddress": device.mac, "channelID": event.channel,
                       "dateTime": device.stamp(), "activePostCount": event.count, "eventType": event.type, "eventState": event.state,
                       "eventDescription": "Access Controller Event", "AccessControllerEvent": access_values(device, event)}, indent=1).encode()


class AlertStreams:
    """The alertStreams of one device."""

    def __init__(self, device, hub, picture):
        self.device, self.hub, self.picture = device, hub, picture
        self.open = {}  # number -> since when
        self.most_open = self.number = self.overflowed = self.refused = 0
        self.ended = asyncio.Event()

    def state(self):
        """For GET /state."""
        return {"open": len(self.open), "most_open": self.most_open, "opened": self.number, "overflowed": self.overflowed, "refused": self.refused}

    def end_all(self):
        """End all streams, as a device does that goes down."""
        self.ended.set()
        self.ended = asyncio.Event()

    def answer(self):
        """The answer to GET alertStream, or None when there are too many."""
        limit = self.device.quirk("too-many-sessions")
        if limit is not None and len(self.open) >= limit["most"]:
            self.refused += 1
            return None
        chunked = not self.device.has("not-chunked-close")
        name = "hikboundary" if self.device.has("hikboundary") else "boundary"
        kind = "application/xml" if self.device.has("no-boundary") else f"multipart/mixed; boundary={name}"
        response = Response(200, kind=kind, headers={"MIME-Version": "1.0"}, stream=self.run, chunked=chunked)
        response.hostile = any(self.device.has(fault) for fault in ("redirect-elsewhere", "garbage"))
        return response

    async def run(self, stream):
        """Write one stream until the client or the device ends it."""
        self.number += 1
        number, queue, ended = self.number, asyncio.Queue(MOST_WAITING), self.ended
        self.open[number] = time.time()
        self.most_open = max(self.most_open, len(self.open))
        self.device.counts["alert_streams_opened"] += 1

        def take(event):
            if queue.full():
                self.overflowed += 1
                return False
            queue.put_nowait(event)
            return True

        self.hub.listeners.add(take)
        framing = Framing(self.device, stream, self.picture)
        down = asyncio.ensure_future(ended.wait())
        try:
            await self.feed(framing, queue, down)
            # What was counted as told is told, also in the moment of an orderly end.
            self.hub.listeners.discard(take)
            while not down.done() and not queue.empty():
                await framing.event(queue.get_nowait())
            await framing.finish()
        finally:
            down.cancel()
            self.hub.listeners.discard(take)
            self.open.pop(number, None)

    async def feed(self, framing, queue, down):
        """Write events as they come and heartbeats between them."""
        began, told, beat = time.monotonic(), 0, time.monotonic() - self.device.options.heartbeat + 0.2
        while not down.done():
            now = time.monotonic()
            close = self.device.quirk("close-after-40s")
            until = beat + self.device.options.heartbeat if not self.device.has("no-heartbeat") else now + 3600
            if close:
                until = min(until, began + close["seconds"])
                if now >= began + close["seconds"]:
                    return
            getting = asyncio.ensure_future(queue.get())
            await asyncio.wait({getting, down}, timeout=min(max(0.0, until - now), 1.0), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                await framing.event(getting.result())
                told += 1
                ending = self.device.quirk("not-chunked-close")
                if ending and told >= ending["events"]:
                    return
                continue
            getting.cancel()
            if time.monotonic() >= beat + self.device.options.heartbeat and not self.device.has("no-heartbeat"):
                beat = time.monotonic()
                await framing.event(Event("videoloss", "inactive", count=0))


class Framing:
    """How events become bytes."""

    def __init__(self, device, stream, picture):
        self.device, self.stream, self.picture = device, stream, picture
        self.name = "MIME_boundary" if device.has("wrong-boundary") else "hikboundary" if device.has("hikboundary") else "boundary"
        self.bare = device.has("no-boundary")

    async def event(self, event):
        """Write all parts of one event."""
        channels = [1, 2] if self.device.has("two-channels") and event.count else [event.channel]
        for channel in channels:
            access = event.type == "AccessControllerEvent"
            if access and event.format != "xml":
                await self.part("application/json; charset=\"UTF-8\"", access_json(self.device, event))
            if not access or event.format in ("xml", "both"):
                text = alert(self.device, event, channel).encode()
                if self.device.has("not-utf8"):
                    text = text.replace(b"<channelName>", b"<channelName>\xc7\xb0\xc3\xc5\xff ")
                text = hostile_document(self.device, "/ISAPI/Event/notification/alertStream") or text
                await self.part('application/xml; charset="UTF-8"', text)
        if event.picture and not self.device.has("picture-by-url") and not self.bare:
            await self.part("image/jpeg", await self.picture(event.channel))

    async def part(self, kind, content):
        """Write one part."""
        if self.bare:
            await self.stream.write(content)
            return
        device = self.device
        start = f"--{self.name}\r\n" * (2 if device.has("doubled-boundary") else 1)
        size = len(content)
        if device.has("lying-length"):
            size = max(0, size + device.quirk("lying-length")["difference"])
        huge = device.quirk("huge-body")
        if huge:
            size = huge["bytes"]
        length = "" if device.has("no-content-length") else f"Content-Length: {size}\r\n"
        if kind == "image/jpeg":
            length = 'Content-Disposition: form-data; name="picture"; filename="picture.jpg"\r\n' + length
        head = f"{start}Content-Type: {kind}\r\n{length}\r\n".encode()
        if huge or device.has("endless-body"):
            await self.flood(head, size if huge else None)
        elif device.has("slow-drip"):
            whole = head + content + b"\r\n"
            for at in range(len(whole)):
                await self.stream.write(whole[at:at + 1])
                await asyncio.sleep(device.faults.get("slow-drip", {}).get("seconds", 0))
        else:
            await self.stream.write(head + content + b"\r\n")

    async def flood(self, head, size):
        """Write a part of so many bytes, or one without end."""
        await self.stream.write(head + b"<EventNotificationAlert>")
        sent = 24
        while size is None or sent < size:
            await self.stream.write(b"x" * 65536 if size is None or size - sent > 65536 else b"x" * (size - sent))
            sent += 65536
            if size is None:
                await asyncio.sleep(0.005)
        await self.stream.write(b"\r\n")

    async def finish(self):
        """Write the final boundary."""
        if not self.bare and not self.device.has("no-final-boundary"):
            await self.stream.write(f"--{self.name}--\r\n".encode())
