"""Viewers that come and go by every way, a camera that goes away meanwhile, and many range requests: nothing of it stays in the box."""

import contextlib
import os
import random
import time

from case import Case
from ports import free_port
from rtsp_client import RTSPClient
from waiting import resident_megabytes, wait_for
from whep_client import Viewer

SECONDS = int(os.environ.get("GATEHOUSE_FLAP_SECONDS", "12"))
RANGES = int(os.environ.get("GATEHOUSE_RANGES", "300"))
SEED = int(os.environ.get("GATEHOUSE_SEED", "0")) or random.randrange(1, 1 << 30)
ROUNDS = 3
SECRET = "Flapping-Door-2026"


class Flapping(Case):
    """One box with one camera."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=1, sub="320x180", audio="pcma")
        cls.made = cls.class_box(**{"recording.seconds-before": 1, "recording.seconds": 4})
        cls.made.claim()
        cls.channel = cls.made.add_camera(cls.cameras.camera)
        cls.made.await_past(1, cls.channel)
        cls.port = free_port()
        on = cls.made.call("PUT", "/relay/rtsp", {"enabled": True, "port": cls.port, "password": SECRET})
        assert on["state"]["code"] == "ready", on

    def figures(self):
        """Megabytes, threads and descriptors of the box, once nobody watches any more."""
        wait_for(lambda: not self.made.get("/live")["items"], 90, "everybody to be gone", 0.3)
        pid = self.made.pid
        return resident_megabytes(pid), len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))

    def begin(self, dice):
        """A live view of one of the streams."""
        return self.made.call("POST", f"/channels/{self.channel['id']}/live", {"stream": dice.choice(("main", "sub"))})

    def over_http(self, dice):
        """Some of a stream or a playlist, then away without a word; or the view is ended under the viewer."""
        session = self.begin(dice)
        connection = self.made.client.connect(timeout=30)
        connection.request("GET", session[dice.choice(("mp4Url", "hlsUrl", "mjpegUrl"))])
        with contextlib.suppress(OSError):
            answer = connection.getresponse()
            if answer.status == 200:
                answer.read1(dice.randrange(1, 60_000))
        if dice.random() < 0.5:
            self.made.call("DELETE", f"/live/{session['id']}")
        connection.close()
        if session["id"] in (one["id"] for one in self.made.get("/live")["items"]):
            self.made.call("DELETE", f"/live/{session['id']}")

    def by_webrtc(self, dice):
        """A session that is left, or only begun."""
        viewer = Viewer(self.made.client, self.begin(dice))
        try:
            if viewer.status == 201 and dice.random() < 0.7:
                viewer.await_pictures(dice.randrange(1, 8), 40)
        finally:
            viewer.close()
        self.made.call("DELETE", f"/live/{viewer.session['id']}")

    def by_rtsp(self, dice):
        """A reader that leaves at any of its steps."""
        client = RTSPClient(f"rtsp://127.0.0.1:{self.port}/{self.channel['id']}/main", "viewer", SECRET)
        try:
            if dice.random() < 0.3:
                client.ask("DESCRIBE", Accept="application/sdp")
            else:
                client.play()
                client.times(dice.randrange(1, 20))
        finally:
            client.close()

    def flap(self, dice):
        """One coming and going."""
        ways = (self.over_http, self.over_http, self.over_http, self.by_rtsp, self.by_rtsp, self.by_webrtc)
        way = dice.choice(ways)
        try:
            way(dice)
        except (AssertionError, OSError, EOFError):
            # While the camera is away nobody gets a picture.
            if not self.away:
                raise

    def test_nothing_stays(self):
        """After all the coming and going the box has the memory, threads and descriptors that it had."""
        dice, figures, count = random.Random(SEED), [], 0
        self.away = False
        for _ in range(ROUNDS):
            until = time.monotonic() + SECONDS / ROUNDS
            while time.monotonic() < until:
                self.flap(dice)
                count += 1
            # The camera is away for a while, whoever watches.
            self.away = True
            self.cameras.camera.fault("stop")
            self.made.await_state(self.channel, ("refused", "unreachable", "lost", "silent"))
            self.flap(dice)
            self.cameras.camera.fault("none")
            self.made.await_past(1, self.channel)
            self.away = False
            figures.append(self.figures())
        early, late = figures[0], figures[-1]
        print(f"seed {SEED}: {count} views in {SECONDS} s: resident {early[0]:.0f} MB after a third, {late[0]:.0f} MB at the end; "
              f"threads {early[1]}, {late[1]}; files {early[2]}, {late[2]}", flush=True)
        self.assertLess(late[0], early[0] * 1.1 + 6, f"memory grows: {[round(figure[0]) for figure in figures]}")
        self.assertLessEqual(late[1], early[1] + 4, "threads are left")
        self.assertLessEqual(late[2], early[2] + 6, "files are left open")

    test_nothing_stays.limit = 240 + SECONDS * 2

    def test_ranges(self):
        """Any range of a clip is what the whole has there, and asking for many leaves nothing behind."""
        box, dice = self.made, random.Random(SEED)
        box.link(self.channel, "high")
        clip = box.await_stored(box.trigger(self.channel))
        path = f"/clips/{clip['id']}/video"
        whole = box.client.request("GET", path).body
        early = None
        for number in range(RANGES):
            first, last = sorted(dice.randrange(len(whole)) for _ in range(2))
            answer = box.client.request("GET", path, headers={"Range": f"bytes={first}-{last}"})
            self.assertEqual((answer.status, answer.body), (206, whole[first:last + 1]), (first, last))
            if number == RANGES // 5:
                early = self.figures()
        late = self.figures()
        print(f"{RANGES} ranges: resident {early[0]:.0f} MB after a fifth, {late[0]:.0f} MB at the end; files {early[2]}, {late[2]}", flush=True)
        self.assertLess(late[0], early[0] * 1.1 + 6)
        self.assertLessEqual(late[2], early[2] + 6)

    test_ranges.limit = 120 + RANGES // 10
