"""HTTP/1.1 as devices serve it, on asyncio: keep-alive, streaming answers, and the faults that concern any answer."""

import asyncio
import contextlib
import os
import urllib.parse

REASONS = {200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 413: "Payload Too Large", 500: "Internal Server Error", 503: "Service Unavailable"}
MOST_HEAD, MOST_BODY = 65536, 512_000_000
IDLE_SECONDS = 60
BOMB = ('<?xml version="1.0"?>\n<!DOCTYPE bomb [<!ENTITY a0 "bomb">'
        + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11)) + "]>\n<bomb>&a10;</bomb>\n").encode()


class Request:
    """One request."""

    def __init__(self, device, method, target, headers, body, peer, secure):
        self.device, self.method, self.target, self.headers, self.body, self.peer = device, method, target, headers, body, peer
        self.secure = secure
        parts = urllib.parse.urlsplit(target)
        self.path = urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.host = headers.get("host", "")


class Response:
    """One answer: a body, or a function that writes it to a Stream."""

    def __init__(self, status=200, body=b"", kind="application/xml; charset=\"UTF-8\"", headers=None, stream=None, chunked=True):
        self.status, self.body, self.kind, self.headers = status, body, kind, list((headers or {}).items())
        self.stream, self.chunked = stream, chunked
        self.hostile = True  # whether hostile faults may replace it
        self.after = None  # what to do once it is sent
        self.raw = None  # a coroutine function that reads what comes on the connection afterwards


class Stream:
    """The body of an answer that goes on."""

    def __init__(self, writer, chunked):
        self.writer, self.chunked = writer, chunked

    async def write(self, data):
        """Send some bytes; slow readers are cut off."""
        if self.chunked:
            data = f"{len(data):x}\r\n".encode() + data + b"\r\n"
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), 60)

    async def end(self):
        """Send the end of the body."""
        if self.chunked:
            self.writer.write(b"0\r\n\r\n")
            await self.writer.drain()


class Site:
    """The web server of one device on one address; `answer` is a coroutine function from Request to Response."""

    def __init__(self, device, answer, port, certificate=None, secure_port=None):
        self.device, self.answer = device, answer
        self.port, self.secure_port, self.certificate = port, secure_port, certificate
        self.servers = []

    async def open(self):
        """Listen."""
        if self.servers:
            return
        listen = [(self.port, None)] + ([(self.secure_port, self.certificate)] if self.certificate else [])
        for port, context in listen:
            async def serve(reader, writer, secure=context is not None):
                await self.serve(reader, writer, secure)
            self.servers.append(await asyncio.start_server(serve, self.device.address, port, ssl=context, limit=MOST_HEAD, backlog=64))
        self.port = self.servers[0].sockets[0].getsockname()[1]

    def close(self):
        """Stop listening and drop all connections."""
        for server in self.servers:
            server.close()
        self.servers = []
        for writer in list(self.device.connections):
            with contextlib.suppress(Exception):
                writer.transport.abort()

    async def serve(self, reader, writer, secure):
        """One connection."""
        self.device.connections.add(writer)
        try:
            while await self.exchange(reader, writer, secure):
                pass
        except (OSError, EOFError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            pass
        finally:
            self.device.connections.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()

    async def exchange(self, reader, writer, secure):
        """One request and its answer; whether the connection stays open."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_SECONDS)
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        headers = {}
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await read_body(reader, headers)
        peer = (writer.get_extra_info("peername") or ("?",))[0]
        request = Request(self.device, method, target, headers, body, peer, secure)
        keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
        self.device.count(request)
        try:
            if self.device.quirk("hang", request.path) is not None:
                await asyncio.sleep(86400)
            response = await self.answer(request)
            if self.device.quirk("hang", request.path) is not None:
                await asyncio.sleep(86400)
            keep = await self.send(request, response, writer, keep)
        finally:
            self.device.active -= 1
        if response.after:
            response.after()
        if response.raw:
            await response.raw(reader)
            return False
        return keep

    async def send(self, request, response, writer, keep):
        """Send an answer, or what a fault makes of it."""
        if response.hostile and await hostile(self.device, request, response, writer):
            return False
        headers = [("Content-Type", response.kind)] if response.body or response.stream else []
        headers += response.headers
        if response.stream:
            chunked = response.chunked
            headers.append(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close"))
            writer.write(head_of(response.status, headers))
            stream = Stream(writer, chunked)
            await response.stream(stream)
            await stream.end()
            return chunked and keep
        headers += [("Content-Length", str(len(response.body))), ("Connection", "keep-alive" if keep else "close")]
        writer.write(head_of(response.status, headers) + (b"" if request.method == "HEAD" else response.body))
        await asyncio.wait_for(writer.drain(), 60)
        return keep


async def read_body(reader, headers):
    """The body of a request."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts, total = [], 0
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            total += size
            if total > MOST_BODY:
                raise ValueError("too large")
            if not size:
                while (await reader.readline()).strip():
                    pass
                return b"".join(parts)
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
    size = int(headers.get("content-length") or 0)
    if not 0 <= size <= MOST_BODY:
        raise ValueError("too large")
    return await reader.readexactly(size) if size else b""


def head_of(status, headers):
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}", "Server: device"] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def hostile_document(device, path):
    """The XML that a hostile fault puts in place of any other, or None."""
    if device.quirk("entity-bomb", path) is not None:
        return BOMB
    fault = device.quirk("doctype", path)
    if fault is not None:
        return (f'<?xml version="1.0"?>\n<!DOCTYPE d [<!ENTITY outside SYSTEM "{fault["url"]}">]>\n'
                f"<DeviceInfo><deviceName>&outside;</deviceName></DeviceInfo>\n").encode()
    return None


async def hostile(device, request, response, writer):
    """Send what a hostile fault makes of an answer; whether one did. Answers 401 stay, unless the fault says unauthenticated=1."""
    def on(name):
        fault = device.quirk(name, request.path)
        return fault if fault is not None and (response.status != 401 or fault.get("unauthenticated")) else None

    xml = ("Content-Type", "application/xml")
    for name in ("entity-bomb", "doctype"):
        if on(name) is not None:
            text = hostile_document(device, request.path)
            writer.write(head_of(200, [xml, ("Content-Length", str(len(text)))]) + text)
    if on("garbage") is not None:
        writer.write(os.urandom(4096))
    elif on("redirect-elsewhere") is not None:
        to = on("redirect-elsewhere")["to"] + request.target
        writer.write(head_of(302, [("Location", to), ("Content-Length", "0")]))
    elif on("huge-body") is not None:
        size = on("huge-body")["bytes"]
        writer.write(head_of(200, [xml, ("Content-Length", str(size))]) + b"<DeviceInfo><deviceName>")
        for _ in range(size // 65536 + 1):
            writer.write(b"a" * 65536)
            await writer.drain()
    elif on("endless-body") is not None:
        writer.write(head_of(200, [xml, ("Connection", "close")]) + b"<DeviceInfo>")
        while True:
            writer.write(b"<deviceName>endless</deviceName>\n" * 1000)
            await writer.drain()
            await asyncio.sleep(0.005)
    elif on("slow-drip") is not None:
        whole = head_of(200, [xml, ("Content-Length", str(len(response.body)))]) + response.body
        for at in range(len(whole)):
            writer.write(whole[at:at + 1])
            await writer.drain()
            await asyncio.sleep(on("slow-drip")["seconds"] if on("slow-drip") else 0)
    elif on("lying-length") is not None:
        size = max(0, len(response.body) + on("lying-length")["difference"])
        writer.write(head_of(response.status, [("Content-Type", response.kind), ("Content-Length", str(size)), ("Connection", "close")]) + response.body)
    elif on("entity-bomb") is None and on("doctype") is None:
        return False
    await writer.drain()
    return True
