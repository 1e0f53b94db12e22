"""One small H.264 stream over RTSP under every address and path, without sign-in: for tests with many devices, where pictures do not matter."""

import asyncio
import base64
import re
import struct
import subprocess
import threading

RATE, CLOCK = 10, 90000
RENDER = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=s=320x240:r={RATE}", "-t", "1", "-c:v", "libx264", "-preset", "ultrafast",
          "-tune", "zerolatency", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", str(RATE), "-b:v", "200k",
          "-x264-params", "slices=1:aud=1:repeat-headers=1", "-f", "h264", "-"]


def pictures():
    """A second of pictures: lists of NAL units."""
    found = []
    for unit in re.split(b"\0\0\0?\1", subprocess.run(RENDER, check=True, stdout=subprocess.PIPE, timeout=60).stdout)[1:]:
        if unit[0] & 31 == 9:  # an access unit delimiter begins each picture
            found.append([])
        else:
            found[-1].append(unit)
    return found


class Streams:
    """The server; `port` is the same on all addresses of this machine (of its network namespace)."""

    def __init__(self, port=0):
        self.pictures = pictures()
        sets = [unit for unit in self.pictures[0] if unit[0] & 31 in (7, 8)]
        sprop = ",".join(base64.b64encode(unit).decode() for unit in sets)
        self.description = (
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=test\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;profile-level-id={sets[0][1:4].hex()};sprop-parameter-sets={sprop}\r\na=control:track1\r\n")
        self.loop, ready = asyncio.new_event_loop(), threading.Event()

        async def open_server():
            self.server = await asyncio.start_server(self.serve, "0.0.0.0", port)
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            asyncio.set_event_loop(self.loop)
            self.loop.create_task(open_server())
            self.loop.run_forever()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(30)
        self.url = f"rtsp://127.0.0.1:{self.port}/"

    async def serve(self, reader, writer):
        """One connection."""
        sending = None
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                while head[:1] == b"$":  # an RTCP report before the request
                    head = head[4 + int.from_bytes(head[2:4], "big"):]
                    if b"\r\n\r\n" not in head:
                        head += await reader.readuntil(b"\r\n\r\n")
                text = head.decode(errors="replace")
                method, number = text.split(" ")[0], re.search(r"(?i)cseq: *(\d+)", text).group(1)
                extra, body = "Session: 1;timeout=60\r\n", ""
                if method == "DESCRIBE":
                    extra, body = f"Content-Type: application/sdp\r\nContent-Length: {len(self.description)}\r\n", self.description
                elif method == "OPTIONS":
                    extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN\r\n"
                elif method == "SETUP":
                    extra += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00000001\r\n"
                writer.write(f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{extra}\r\n{body}".encode())
                if method == "PLAY" and not sending:
                    sending = asyncio.ensure_future(self.send(writer))
                if method == "TEARDOWN":
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, AttributeError):
            pass
        finally:
            if sending:
                sending.cancel()
            writer.close()

    async def send(self, writer):
        """Send pictures at their pace, each NAL unit as one packet."""
        sequence, began, number = 0, self.loop.time(), 0
        try:
            while True:
                picture = self.pictures[number % len(self.pictures)]
                for index, unit in enumerate(picture):
                    last = index + 1 == len(picture)
                    packet = struct.pack(">BBHII", 0x80, 96 | last << 7, sequence & 0xFFFF, number * CLOCK // RATE & 0xFFFFFFFF, 1) + unit
                    writer.write(b"$\0" + struct.pack(">H", len(packet)) + packet)
                    sequence += 1
                await writer.drain()
                number += 1
                await asyncio.sleep(max(0, began + number / RATE - self.loop.time()))
        except (OSError, asyncio.CancelledError):
            pass

    def close(self):
        """End it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
