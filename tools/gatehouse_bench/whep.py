"""What the box adds to a picture's way to a viewer by WebRTC, seen by one who watches the camera as well."""

import re
import statistics
import threading
import time

from rtsp_client import RTSPClient
from waiting import wait_for
from whep_client import Viewer

NEAR = 1  # second
AT_A_TIME = 250  # pictures: an Ear reports nothing, and who is silent for 20 s has gone
TAIL = 48  # bytes at the end of a picture, which are the same by every way


class Tap:
    """Notes when each picture's last packet comes from the camera itself."""

    def __init__(self, camera):
        self.seen = []
        self.client = RTSPClient(camera.rtsp)
        described = self.client.ask("DESCRIBE", Accept="application/sdp")
        video = described.body[described.body.index("m=video"):]
        control = re.search(r"a=control:(\S+)", video).group(1)
        base = described["Content-Base"] or camera.rtsp + "/"
        made = self.client.ask("SETUP", control if control.startswith("rtsp:") else base + control, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
        self.client.session = made["Session"].partition(";")[0]
        self.client.ask("PLAY", base, Range="npt=now-")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Until it is closed."""
        try:
            while True:
                channel, packet = self.client.packet()
                if channel == 0 and packet[1] & 0x80:
                    self.seen.append((packet[-TAIL:], time.monotonic()))
        except (OSError, EOFError):
            pass

    def close(self):
        """No more."""
        self.client.close()


class Ear(Viewer):
    """A viewer that decodes nothing: it notes when each picture's last packet comes."""

    def lossy(self):
        self.seen = []
        for transceiver in self.peer.getTransceivers():
            async def note(packet, arrival_time_ms):  # pylint: disable=unused-argument
                if packet.marker:
                    self.seen.append((packet.payload[-TAIL:], time.monotonic()))
            transceiver.receiver._handle_rtp_packet = note


def added_latencies(made, channel, camera, pictures):
    """Seconds between the camera's packet and the viewer's, of so many pictures."""
    session = made.call("POST", f"/channels/{channel['id']}/live", {"stream": "main"})
    viewer = Ear(made.client, session, lose=1, sound=False)
    tap = Tap(camera)
    try:
        def both():
            moments = {}
            for tail, moment in list(viewer.seen):
                moments.setdefault(tail, []).append(moment)
            # The scene begins anew now and then: the same picture is one that comes about the same time.
            near = [[moment - seen for moment in moments.get(tail, ()) if abs(moment - seen) < NEAR] for tail, seen in list(tap.seen)]
            return [found[0] for found in near if len(found) == 1]
        wait_for(lambda: len(both()) >= pictures, 60 + pictures, lambda: f"{pictures} pictures by both ways; {len(both())} came", 0.5)
        return both()
    finally:
        tap.close()
        viewer.close()
        made.call("DELETE", f"/live/{session['id']}")


def added_latency(made, channel, camera, pictures):
    """Median and 95th percentile, in milliseconds."""
    found = []
    while len(found) < pictures:
        found += added_latencies(made, channel, camera, AT_A_TIME)
    found.sort()
    return statistics.median(found) * 1000, found[int(len(found) * 0.95)] * 1000
