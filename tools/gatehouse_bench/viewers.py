"""Many viewers of one live stream over TLS, in few processes: they read, and look at nothing but whole boxes of MP4."""

import json
import multiprocessing
import selectors
import socket
import ssl
import struct
import time
import urllib.parse

PIECE = 1 << 18


class Viewer:
    """One connection that fetches a live stream."""

    def __init__(self, base, path):
        parts = urllib.parse.urlsplit(base)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection((parts.hostname, parts.port), timeout=30)
        self.socket = context.wrap_socket(plain) if parts.scheme == "https" else plain
        self.bytes = 0
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())

    def fileno(self):
        """For selectors."""
        return self.socket.fileno()

    def read(self, buffer):
        """Take what is there; False at the end."""
        while True:
            try:
                count = self.socket.recv_into(buffer)
            except (ssl.SSLWantReadError, BlockingIOError):
                return True
            if not count:
                return False
            self.bytes += count
            if getattr(self.socket, "pending", lambda: 0)() == 0:
                return True


def crowd(base, paths, ready, stop, results):
    """Fetch all `paths` until told to stop; the bytes of each."""
    viewers = [Viewer(base, path) for path in paths]
    selector = selectors.DefaultSelector()
    for viewer in viewers:
        viewer.socket.setblocking(False)
        selector.register(viewer, selectors.EVENT_READ, viewer)
    ready.release()
    buffer = memoryview(bytearray(PIECE))
    while not stop.is_set():
        for key, _ in selector.select(0.2):
            if not key.data.read(buffer):
                selector.unregister(key.data)
    results.put([viewer.bytes for viewer in viewers])


class Crowd:
    """Viewers in processes of their own; they leave with the body."""

    def __init__(self, base, paths, processes=2):
        self.context = multiprocessing.get_context("fork")
        self.ready, self.stop, self.results = self.context.Semaphore(0), self.context.Event(), self.context.Queue()
        self.processes = [self.context.Process(target=crowd, args=(base, paths[part::processes], self.ready, self.stop, self.results), daemon=True)
                          for part in range(min(processes, len(paths)))]

    def __enter__(self):
        for process in self.processes:
            process.start()
        for _ in self.processes:
            if not self.ready.acquire(timeout=60):
                raise AssertionError("the viewers did not connect")
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.bytes = [count for _ in self.processes for count in self.results.get(timeout=30)]
        for process in self.processes:
            process.join(10)


def first_picture(client, channel, stream):
    """Seconds from the wish to watch to the last byte of the first picture."""
    began = time.monotonic()
    connection = client.connect(timeout=60)
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    connection.request("POST", f"/api/v1/channels/{channel['id']}/live", json.dumps({"stream": stream}), headers)
    session = json.loads(connection.getresponse().read())
    connection.request("GET", session["mp4Url"])
    response = connection.getresponse()
    if response.status != 200:
        raise AssertionError(f"live view: {response.status} {response.read()[:300]!r}")
    while True:  # one box after the other, until the first with media
        size, kind = struct.unpack(">I4s", read(response, 8))
        read(response, size - 8)
        if kind == b"mdat":
            break
    seconds = time.monotonic() - began
    connection.close()
    client.call("DELETE", f"/live/{session['id']}")
    return seconds


def read(response, count):
    """Exactly so many bytes."""
    data = b""
    while len(data) < count:
        piece = response.read(count - len(data))
        if not piece:
            raise AssertionError("the live view ended")
        data += piece
    return data
