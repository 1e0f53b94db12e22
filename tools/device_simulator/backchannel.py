"""ONVIF's back channel: an RTSP server before the device's own one, which takes sound for a loudspeaker; whoever wants pictures is passed on."""

import asyncio
import re
import secrets
import struct

from .rtsp import Conversation, Request, RTSPServer
from .talk import Loudspeaker

FEATURE = "www.onvif.org/ver20/backchannel"
TRACKS = {"PCMU": ("0", "PCMU/8000"), "PCMA": ("8", "PCMA/8000"), "DYNAMIC": ("97", "PCMA/8000"), "AAC": ("104", "mpeg4-generic/16000/1"), "G726": ("110", "G726-32/8000")}
CHANNEL = 4  # another one than is asked for, as some devices give
LIFE = 4  # seconds that a session lives without a request


class BackchannelServer(RTSPServer):
    """Takes what is said to one device."""

    def __init__(self, device, gate):
        super().__init__(device, gate)
        self.loudspeaker = Loudspeaker(device.settings.get("backchannel"))
        self.packets, self.packet_count = [], 0  # marked, sequence number, timestamp, payload type, size of the last ones

    def state(self):
        """For GET /state."""
        return {**self.loudspeaker.state(), "packets": self.packets[-400:], "packetCount": self.packet_count, "requests": self.requests[-100:]}

    async def converse(self, reader, writer):
        """A connection's first request tells what it is for."""
        head = await reader.readuntil(b"\r\n\r\n")
        if FEATURE.encode() not in head:
            return await self.pass_on(head, reader, writer)
        talker = Talker(self, writer)
        try:
            await talker.run(reader, head)
        finally:
            talker.stop()

    async def pass_on(self, head, reader, writer):
        """Be a line to the server of pictures."""
        behind, before = await asyncio.open_connection(self.device.address, self.device.rtsp_port)
        self.writers.add(before)
        before.write(head)

        async def carry(source, drain):
            while data := await source.read(65536):
                drain.write(data)
                await drain.drain()

        tasks = [asyncio.create_task(carry(reader, before)), asyncio.create_task(carry(behind, writer))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.writers.discard(before)
            before.close()


class Talker(Conversation):
    """One client that speaks."""

    def __init__(self, server, writer):
        super().__init__(server, writer)
        self.plays, self.heard = False, 0

    def stop(self):
        """The loudspeaker is free."""
        if self.session and self.server.loudspeaker.session == self.session:
            self.server.loudspeaker.session = None
        self.session = None

    async def run(self, reader, head):
        """Answer requests and take packets until the client goes, or says nothing for the life of a session."""
        while True:
            if not await self.answer(Request(head, self.peer)):
                return
            head = None
            asked = asyncio.get_running_loop().time()
            while head is None:
                left = asked + LIFE - asyncio.get_running_loop().time() if self.session else 60
                first = await asyncio.wait_for(reader.readexactly(1), max(left, 0.01))
                if first != b"$":
                    head = first + await reader.readuntil(b"\r\n\r\n")
                    continue
                channel, length = struct.unpack(">BH", await reader.readexactly(3))
                packet = await reader.readexactly(length)
                if channel == CHANNEL and self.plays and not self.hear(packet):
                    return

    def hear(self, packet):
        """Take a packet's sound down; whether the device goes on."""
        flags, kind, number, timestamp, _ = struct.unpack(">BBHII", packet[:12])
        payload, server = packet[12:], self.server
        if flags != 0x80 or str(kind & 127) != TRACKS[server.loudspeaker.codec][0]:
            return True
        server.packets.append((kind >> 7, number, timestamp, kind & 127, len(payload)))
        del server.packets[:-1000]
        server.packet_count += 1
        server.loudspeaker.take(payload)
        self.heard += len(payload)
        # A device that sends reports, as they do.
        if self.heard % 8000 < len(payload):
            self.writer.write(b"$" + struct.pack(">BH", CHANNEL + 1, 8) + struct.pack(">BBHI", 0x80, 201, 1, 7))
        ends = self.device.quirk("talk-breaks-off")
        return not ends or self.heard < ends["bytes"]

    async def answer(self, request):
        """One request; whether the connection goes on."""
        self.server.requests.append(request.kept("require", "transport", "session"))
        if self.device.has("talk-silent"):
            return True
        known = {"OPTIONS": self.alive, "GET_PARAMETER": self.alive, "DESCRIBE": self.describe, "SETUP": self.set_up, "PLAY": self.play, "TEARDOWN": self.alive}
        refusal = self.server.refused(request)
        if refusal:
            answer = 401, refusal, b""
        elif self.device.has("talk-unsupported") and "require" in request.headers:
            answer = 551, [("Unsupported", request.headers["require"])], b""
        else:
            answer = known.get(request.method, self.unknown)(request)
        await self.reply(request, answer, LIFE)
        return request.method != "TEARDOWN"

    def unknown(self, _request):
        """What no device does."""
        return 501, [], b""

    def alive(self, _request):
        """What is only to be answered."""
        return 200, [("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")], b""

    def describe(self, request):
        """The tracks of a stream, with the one back."""
        number, name = TRACKS[self.server.loudspeaker.codec]
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=Media", "t=0 0", "a=control:*", "m=video 0 RTP/AVP 96", "a=control:video", "a=rtpmap:96 H264/90000", "a=recvonly",
                 "m=audio 0 RTP/AVP 0", "a=control:audio", "a=rtpmap:0 PCMU/8000", "a=recvonly"]
        if not self.device.has("talk-no-track"):
            lines += [f"m=audio 0 RTP/AVP {number}", "a=control:back", f"a=rtpmap:{number} {name}", "a=sendonly"]
        return 200, [("Content-Type", "application/sdp"), ("Content-Base", request.uri + "/")], "\r\n".join(lines + [""]).encode()

    def set_up(self, request):
        """The one track."""
        if not request.uri.endswith("/back") or not re.search(r"RTP/AVP/TCP;.*interleaved=", request.headers.get("transport", "")):
            return 461, [], b""
        if self.server.loudspeaker.session is not None:
            return 453, [], b""
        self.session = secrets.token_hex(8)
        return 200, [("Transport", f"RTP/AVP/TCP;unicast;interleaved={CHANNEL}-{CHANNEL + 1}")], b""

    def play(self, request):
        """The loudspeaker is heard from now on."""
        if not self.is_of_session(request):
            return 454, [], b""
        self.plays = True
        self.server.loudspeaker.begin(self.session)
        return 200, [], b""
