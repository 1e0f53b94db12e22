"""ONVIF's replay (profile G): an RTSP server of its own that plays what a device has recorded, by time, frame by frame.

Pictures show the sync mark, and the sound beeps, at each fifth second of the device's clock, so that footage tells when it is of.
"""

import asyncio
import datetime
import itertools
import re
import secrets
import struct

from .rtsp import Conversation, Request, RTSPServer

RATE, GOP, LENGTH = 15, 30, 300  # frames a second, between key frames, of the film that is played round and round
MARK_SECONDS, BEEP_SECONDS = 5, 0.2
SOUND_RATE, SOUND_FRAME = 8000, 160
PACKET = 1400
NTP_1900 = 2_208_988_800
VIDEO, AUDIO = 96, 8
FORMATS = {"h264": (f"a=rtpmap:{VIDEO} H264/90000", f"a=fmtp:{VIDEO} packetization-mode=1"), "h265": (f"a=rtpmap:{VIDEO} H265/90000",)}
FEATURE = "onvif-replay"
LIFE = 10  # seconds that a session lives without a request


def a_law(value):
    """One sample of 16 bits as G.711's A-law has it."""
    value, mask = (value >> 3, 0xD5) if value >= 0 else (-(value >> 3) - 1, 0x55)
    segment = max(0, value.bit_length() - 5)
    return ((segment << 4) | ((value >> max(1, segment)) & 0xF)) ^ mask


QUIET = bytes([a_law(0)])
TONE = bytes(a_law(value) for value in (0, 14142, 20000, 14142, 0, -14142, -20000, -14142))  # 1 kHz


def access_units(stream, codec):
    """The access units of a byte stream with delimiters, each as its NAL units."""
    units = []
    for nal in re.split(rb"\x00\x00\x00?\x01", stream)[1:]:
        nal = nal.rstrip(b"\0")
        if nal[0] & 31 == 9 if codec == "h264" else nal[0] >> 1 & 63 == 35:
            units.append([])
        elif units:
            units[-1].append(nal)
    return units


def payloads(nals, codec):
    """The RTP payloads of an access unit (RFC 6184; RFC 7798)."""
    for nal in nals:
        if len(nal) <= PACKET:
            yield nal
            continue
        if codec == "h264":
            head, kind, body = bytes([nal[0] & 0xE0 | 28]), nal[0] & 31, nal[1:]
        else:
            head, kind, body = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 63, nal[2:]
        for at in range(0, len(body), PACKET):
            flags = (0x80 if at == 0 else 0) | (0x40 if at + PACKET >= len(body) else 0)
            yield head + bytes([flags | kind]) + body[at:at + PACKET]


class Sender:
    """One track of a session."""

    def __init__(self, kind, rate, channel):
        self.kind, self.rate, self.channel = kind, rate, channel
        self.source, self.base, self.number = secrets.randbits(32), secrets.randbits(32), secrets.randbits(16)

    def packet(self, moment, payload, marked, stamp=None):
        """One packet between the messages; `stamp` are the flags of the replay extension."""
        head = bytes([0x80 | (0x10 if stamp is not None else 0), (0x80 if marked else 0) | self.kind])
        head += struct.pack(">HII", self.number & 0xFFFF, (self.base + round(moment * self.rate)) & 0xFFFFFFFF, self.source)
        if stamp is not None:
            ntp = round((moment + NTP_1900) * 2**32)
            head += struct.pack(">HHQBBH", 0xABAC, 3, ntp & 0xFFFFFFFFFFFFFFFF, stamp, self.number & 0xFF, 0)
        self.number += 1
        return framed(self.channel, head + payload)

    def goodbye(self):
        """RTCP BYE."""
        return framed(self.channel + 1, struct.pack(">BBHI", 0x80, 201, 1, self.source) + struct.pack(">BBHI", 0x81, 203, 1, self.source))

    def report(self, moment):
        """A sender's report with the time of sending, as devices write that do not think of replay."""
        ntp = round((datetime.datetime.now().timestamp() + NTP_1900) * 2**32)
        return framed(self.channel + 1, struct.pack(">BBHIQIII", 0x80, 200, 6, self.source, ntp, (self.base + round(moment * self.rate)) & 0xFFFFFFFF, 0, 0))


def framed(channel, packet):
    """A packet as it goes over the RTSP connection."""
    return b"$" + struct.pack(">BH", channel, len(packet)) + packet


class ReplayServer(RTSPServer):
    """Plays the recordings of one device."""

    def __init__(self, device, gate, recordings, media):
        super().__init__(device, gate)
        self.recordings, self.media = recordings, media
        self.sessions = 0

    def state(self):
        """For GET /state."""
        return {"requests": self.requests[-100:], "sessions": self.sessions}

    async def converse(self, reader, writer):
        """One connection."""
        player = Player(self, writer)
        try:
            await player.run(reader)
        finally:
            player.stop()

    def spans(self, channel, begin, end):
        """What was recorded between two times (seconds since 1970)."""
        zone = datetime.timezone(self.device.offset())

        def wall(seconds):
            return datetime.datetime.fromtimestamp(seconds, zone).replace(tzinfo=None)

        found = [(piece.begin.replace(tzinfo=zone).timestamp(), piece.end.replace(tzinfo=zone).timestamp())
                 for piece in self.recordings.pieces(channel, wall(begin), wall(end))]
        return sorted((max(first, begin), min(last, end)) for first, last in found)


class Player(Conversation):
    """One client."""

    def __init__(self, server, writer):
        super().__init__(server, writer)
        self.senders, self.task = {}, None
        self.channel = 1
        self.film = None
        self.codec = server.media.codec

    def stop(self):
        """Play no longer."""
        if self.task:
            self.task.cancel()
            self.task = None
        if self.session:
            self.server.sessions -= 1
            self.session = None

    async def run(self, reader):
        """Answer requests until the client goes."""
        while True:
            first = await reader.readexactly(1)
            if first == b"$":
                _, length = struct.unpack(">BH", await reader.readexactly(3))
                await reader.readexactly(length)
                continue
            request = Request(first + await reader.readuntil(b"\r\n\r\n"), self.peer)
            await reader.readexactly(int(request.headers.get("content-length", 0)))
            self.server.requests.append(request.kept("range", "require", "rate-control", "scale", "frames", "session"))
            if not await self.answer(request):
                return

    async def answer(self, request):
        """One request; whether the connection goes on."""
        known = {"OPTIONS": self.options, "DESCRIBE": self.describe, "SETUP": self.set_up, "PLAY": self.play, "PAUSE": self.pause, "GET_PARAMETER": self.options,
                 "TEARDOWN": self.options}
        refusal = self.server.refused(request)
        if refusal:
            answer = 401, refusal, b""
        elif request.method not in known:
            answer = 501, [], b""
        elif request.headers.get("require", FEATURE) != FEATURE:
            answer = 551, [("Unsupported", request.headers["require"])], b""
        else:
            answer = await known[request.method](request)
        await self.reply(request, answer, LIFE)
        if answer[0] == 200 and request.method == "PLAY":
            self.task = asyncio.create_task(self.send(*self.wanted))
        return request.method != "TEARDOWN"

    async def options(self, _request):
        """OPTIONS, and what is only to be answered."""
        return 200, [("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN")], b""

    async def describe(self, request):
        """The tracks of a recording."""
        match = re.search(r"/onvif/recording(\d+)", request.uri)
        if not match or int(match[1]) > self.device.channels:
            return 404, [], b""
        self.channel = int(match[1])
        description = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=Replay", "t=0 0", "a=control:*", "a=range:clock=19700101T000000Z-", f"m=application 0 RTP/AVP 107",
                       "a=control:metadata", "a=rtpmap:107 vnd.onvif.metadata/90000", f"m=video 0 RTP/AVP {VIDEO}", "a=control:video",
                       *FORMATS[self.codec], f"m=audio 0 RTP/AVP {AUDIO}", "a=control:audio"]
        return 200, [("Content-Type", "application/sdp"), ("Content-Base", request.uri + "/")], "\r\n".join(description + [""]).encode()

    async def set_up(self, request):
        """One track; on other channels than were asked for, as some devices do."""
        kind = request.uri.rstrip("/").rpartition("/")[2]
        if kind not in ("video", "audio") or "interleaved=" not in request.headers.get("transport", ""):
            return 461, [], b""
        if self.session is None:
            self.session = secrets.token_hex(8)
            self.server.sessions += 1
        channel = {"video": 10, "audio": 12}[kind]
        self.senders[kind] = Sender(VIDEO, 90_000, channel) if kind == "video" else Sender(AUDIO, SOUND_RATE, channel)
        return 200, [("Transport", f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}")], b""

    async def play(self, request):
        """Begin to play what was asked for; without the feature or a range in UTC, all there is, as to any player."""
        if not self.is_of_session(request) or not self.senders:
            return 454, [], b""
        refused = self.device.quirk("replay-status")
        if refused:
            return refused["status"], [], b""
        if self.film is None:
            self.film = access_units(await self.server.media.film(), self.codec)
        now = self.device.utc().timestamp()
        match = re.fullmatch(r"clock=(\d{8}T\d{6}(?:\.\d+)?Z)-(\d{8}T\d{6}(?:\.\d+)?Z)?", request.headers.get("range", ""))
        replays = request.headers.get("require") == FEATURE
        begin, end = now - 8 * 86400, now
        if match and replays and not self.device.has("replay-ignores-range"):
            begin, end = (seconds(text) if text else now for text in match.groups())
        spans = self.server.spans(self.channel, begin, end)
        if not spans:
            return 457, [], b""
        if self.task:
            self.task.cancel()
        stamped = replays and not self.device.has("replay-unstamped")
        self.wanted = (spans, stamped, request.headers.get("rate-control") == "no", request.headers.get("frames") == "intra")
        answered = datetime.datetime.fromtimestamp(spans[0][0], datetime.timezone.utc)
        return 200, [("Range", f"clock={answered:%Y%m%dT%H%M%S}.{answered.microsecond // 1000:03}Z-")], b""

    async def pause(self, _request):
        """Halt."""
        if self.task:
            self.task.cancel()
            self.task = None
        return 200, [], b""

    async def send(self, spans, stamped, fast, intra):
        """Send what was recorded, from the key frame before it on; then end as the quirk says."""
        loop = asyncio.get_running_loop()
        began, first = loop.time(), spans[0][0]
        most = self.device.quirk("replay-breaks-off")
        for number, (moment, packets) in enumerate(self.frames(spans, stamped, intra)):
            if most and moment - first > most["seconds"]:
                self.writer.close()
                return
            if not fast:
                await asyncio.sleep(max(0, began + moment - first - loop.time()))
            self.writer.write(packets)
            if number % 40 == 20:
                self.writer.write(b"".join(sender.report(moment) for sender in self.senders.values()))
            await self.writer.drain()
        how = (self.device.quirk("replay-end") or {"how": "bye"})["how"]
        if how == "bye":
            self.writer.write(b"".join(sender.goodbye() for sender in self.senders.values()))
        elif how == "close":
            self.writer.close()

    def frames(self, spans, stamped, intra):
        """All frames of all tracks in the order of their times: (time, packets)."""
        for first, last in spans:
            pictures = self.pictures(first, last, stamped, intra, last == spans[-1][1]) if "video" in self.senders else iter(())
            sounds = self.sounds(first, last, stamped) if "audio" in self.senders and not intra else iter(())
            yield from sorted(itertools.chain(pictures, sounds), key=lambda item: item[0])

    def pictures(self, first, last, stamped, intra, is_end):
        """The pictures of a span."""
        sender = self.senders["video"]
        begin, end = int(first * RATE) // GOP * GOP, int(last * RATE)
        terminal = (self.device.quirk("replay-end") or {}).get("how") == "mark"
        for index in range(begin, end):
            is_key = index % GOP == 0
            if intra and not is_key:
                continue
            flags = None if not stamped else (0x80 if is_key else 0) | (0x10 if terminal and is_end and index == end - 1 else 0)
            parts = list(payloads(self.film[index % LENGTH], self.codec))
            yield index / RATE, b"".join(sender.packet(index / RATE, part, at == len(parts) - 1, flags) for at, part in enumerate(parts))

    def sounds(self, first, last, stamped):
        """The sound of a span."""
        sender = self.senders["audio"]
        step = SOUND_FRAME / SOUND_RATE
        for index in range(int(first / step), int(last / step)):
            moment = index * step
            beeps = moment % MARK_SECONDS < BEEP_SECONDS - step / 2
            yield moment, sender.packet(moment, TONE * (SOUND_FRAME // len(TONE)) if beeps else QUIET * SOUND_FRAME, False, 0x80 if stamped else None)


def seconds(text):
    """A time of a range as seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.datetime.strptime(whole, "%Y%m%dT%H%M%S").replace(tzinfo=datetime.timezone.utc).timestamp() + float("0." + (fraction or "0"))
