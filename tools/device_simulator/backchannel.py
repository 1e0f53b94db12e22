"""ONVIF's back channel: an RTSP server before the device's own one, which takes sound for a loudspeaker; whoever wants pictures is passed on."""

import asyncio
import re
import secrets
import struct
import types

from .talk import Loudspeaker

FEATURE = "www.onvif.org/ver20/backchannel"
TRACKS = {"PCMU": ("0", "PCMU/8000"), "PCMA": ("8", "PCMA/8000"), "DYNAMIC": ("97", "PCMA/8000"), "AAC": ("104", "mpeg4-generic/16000/1"), "G726": ("110", "G726-32/8000")}
CHANNEL = 4  # another one than is asked for, as some devices give
LIFE = 4  # seconds that a session lives without a request


class BackchannelServer:
    """Takes what is said to one device."""

    def __init__(self, device, gate):
        self.device, self.gate = device, gate
        self.server = self.port = None
        self.writers = set()
        self.loudspeaker = Loudspeaker(device.settings.get("backchannel"))
        self.packets = []  # marked, sequence number, timestamp, payload type, size of the last ones
        self.requests = []

    def state(self):
        """For GET /state."""
        return {**self.loudspeaker.state(), "packets": self.packets[-400:], "requests": self.requests[-100:]}

    async def open(self):
        """Listen, after the first time on the same port."""
        if self.server is None:
            self.server = await asyncio.start_server(self.serve, self.device.address, self.port or 0)
            self.port = self.server.sockets[0].getsockname()[1]

    def close(self):
        """Refuse connections and end those there are."""
        if self.server:
            self.server.close()
            self.server = None
        for writer in list(self.writers):
            writer.transport.abort()

    async def serve(self, reader, writer):
        """One connection: its first request tells what it is for."""
        self.writers.add(writer)
        connection = Talker(self, writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if FEATURE.encode() in head:
                await connection.run(reader, head)
            else:
                await self.pass_on(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            connection.stop()
            self.writers.discard(writer)
            writer.close()

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


class Talker:
    """One client that speaks."""

    def __init__(self, server, writer):
        self.server, self.device, self.writer = server, server.device, writer
        self.peer = writer.get_extra_info("peername")[0]
        self.session, self.is_set_up, self.plays, self.heard = None, False, False, 0

    def stop(self):
        """The loudspeaker is free."""
        if self.session and self.server.loudspeaker.session == self.session:
            self.server.loudspeaker.session = None
        self.session = None

    async def run(self, reader, head):
        """Answer requests and take packets until the client goes, or says nothing for the life of a session."""
        while True:
            if not await self.answer(head.decode().strip().split("\r\n")):
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
        server.loudspeaker.take(payload)
        self.heard += len(payload)
        # A device that sends reports, as they do.
        if self.heard % 8000 < len(payload):
            self.writer.write(b"$" + struct.pack(">BH", CHANNEL + 1, 8) + struct.pack(">BBHI", 0x80, 201, 1, 7))
        ends = self.device.quirk("talk-breaks-off")
        return not ends or self.heard < ends["bytes"]

    async def answer(self, lines):
        """One request; whether the connection goes on."""
        method, uri, _ = lines[0].split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.server.requests.append({"method": method, **{key: headers[key] for key in ("require", "transport", "session") if key in headers}})
        if self.device.has("talk-silent"):
            return True
        request = types.SimpleNamespace(method=method, target=uri, path=uri, peer=self.peer, headers=headers)
        known = {"OPTIONS": self.alive, "GET_PARAMETER": self.alive, "DESCRIBE": self.describe, "SETUP": self.set_up, "PLAY": self.play, "TEARDOWN": self.alive}
        status, more, body = 501, [], b""
        refusal = self.server.gate.check(request) if method != "OPTIONS" else None
        if refusal:
            status, more = 401, refusal.headers
        elif self.device.has("talk-unsupported") and "require" in headers:
            status, more = 551, [("Unsupported", headers["require"])]
        elif method in known:
            status, more, body = known[method](uri, headers)
        lines = [f"RTSP/1.0 {status} {'OK' if status == 200 else 'No'}", f"CSeq: {headers.get('cseq', '')}", *(f"{name}: {value}" for name, value in more)]
        lines += [f"Session: {self.session};timeout={LIFE}"] if self.session else []
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.writer.write("\r\n".join(lines + ["", ""]).encode() + body)
        await self.writer.drain()
        return method != "TEARDOWN"

    def alive(self, _uri, _headers):
        """What is only to be answered."""
        return 200, [("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")], b""

    def describe(self, uri, _headers):
        """The tracks of a stream, with the one back."""
        number, name = TRACKS[self.server.loudspeaker.codec]
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=Media", "t=0 0", "a=control:*", "m=video 0 RTP/AVP 96", "a=control:video", "a=rtpmap:96 H264/90000", "a=recvonly",
                 "m=audio 0 RTP/AVP 0", "a=control:audio", "a=rtpmap:0 PCMU/8000", "a=recvonly"]
        if not self.device.has("talk-no-track"):
            lines += [f"m=audio 0 RTP/AVP {number}", "a=control:back", f"a=rtpmap:{number} {name}", "a=sendonly"]
        return 200, [("Content-Type", "application/sdp"), ("Content-Base", uri + "/")], "\r\n".join(lines + [""]).encode()

    def set_up(self, uri, headers):
        """The one track."""
        if not uri.endswith("/back") or not re.search(r"RTP/AVP/TCP;.*interleaved=", headers.get("transport", "")):
            return 461, [], b""
        if self.server.loudspeaker.session is not None:
            return 453, [], b""
        self.session = secrets.token_hex(8)
        return 200, [("Transport", f"RTP/AVP/TCP;unicast;interleaved={CHANNEL}-{CHANNEL + 1}")], b""

    def play(self, _uri, headers):
        """The loudspeaker is heard from now on."""
        if not self.session or headers.get("session", "").partition(";")[0] != self.session:
            return 454, [], b""
        self.plays = True
        self.server.loudspeaker.begin(self.session)
        return 200, [], b""
