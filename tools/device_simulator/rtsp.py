"""What a device's RTSP servers share: connections that can be ended, requests that are read, checked and answered."""

import asyncio


class Request:
    """One request; what the gate looks at, too."""

    def __init__(self, head, peer):
        lines = head.decode().strip().split("\r\n")
        self.method, self.uri, _ = lines[0].split(" ")
        self.headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self.target = self.path = self.uri
        self.peer = peer

    def kept(self, *names):
        """What is told of it by GET /state."""
        return {"method": self.method, **{name: self.headers[name] for name in names if name in self.headers}}


class RTSPServer:
    """Listens at the device's address, and ends its connections when it closes."""

    def __init__(self, device, gate):
        self.device, self.gate = device, gate
        self.server = self.port = None
        self.writers = set()
        self.requests = []  # what was asked, for GET /state

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
        """One connection."""
        self.writers.add(writer)
        try:
            await self.converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def refused(self, request):
        """The headers of a 401, or None for who may come in."""
        refusal = self.gate.check(request) if request.method != "OPTIONS" else None
        return refusal.headers if refusal else None


class Conversation:
    """One client and its session."""

    def __init__(self, server, writer):
        self.server, self.device, self.writer = server, server.device, writer
        self.peer = writer.get_extra_info("peername")[0]
        self.session = None

    async def reply(self, request, answer, life):
        """Write an answer (status, headers, body), with the session there is."""
        status, headers, body = answer
        lines = [f"RTSP/1.0 {status} {'OK' if status == 200 else 'No'}", f"CSeq: {request.headers.get('cseq', '')}"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [f"Session: {self.session};timeout={life}"] if self.session else []
        lines += [f"Content-Length: {len(body)}"] if body else []
        self.writer.write("\r\n".join(lines + ["", ""]).encode() + body)
        await self.writer.drain()

    def is_of_session(self, request):
        """Whether a request names the session that was set up."""
        return self.session is not None and request.headers.get("session", "").partition(";")[0] == self.session
