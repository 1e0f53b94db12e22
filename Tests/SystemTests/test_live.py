"""Live view: the picture is there at once, whoever watches is known, and it ends when it must."""

import http.client
import json
import os
import subprocess
import threading
import time

from box import PASSWORD, USER
from case import Case
from client import Problem
from waiting import wait_for


class Viewer:
    """Fetches a live stream in a thread, as a player does."""

    def __init__(self, client, session, headers=None):
        self.data, self.first, self.over = bytearray(), None, threading.Event()
        self.began = time.monotonic()
        self.connection = client.connect(timeout=60)
        self.connection.request("GET", session["mp4Url"], headers=headers or {})
        self.response = self.connection.getresponse()
        self.status, self.type = self.response.status, self.response.headers.get("Content-Type", "")
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        """Until it ends."""
        try:
            while piece := self.response.read1(1 << 16):
                self.first = self.first or time.monotonic() - self.began
                self.data += piece
        except (OSError, http.client.HTTPException, ValueError, AttributeError):  # the last two when it was closed meanwhile
            pass
        self.over.set()

    def await_bytes(self, count, seconds=20):
        """Wait until so much came."""
        wait_for(lambda: len(self.data) >= count, seconds, lambda: f"{count} bytes; {len(self.data)} came, over: {self.over.is_set()}", 0.02)

    def close(self):
        """Go away without a word."""
        if self.connection.sock:
            self.connection.sock.close()
        self.response.close()
        self.connection.close()


def pictures(data, folder):
    """The times of the pictures in a piece of a live stream that can be decoded, by ffmpeg's own tools."""
    path = os.path.join(folder, "live.mp4")
    with open(path, "wb") as file:
        file.write(data)
    found = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "json", path],
                           capture_output=True, text=True, check=True)
    return [float(frame["pts_time"]) for frame in json.loads(found.stdout)["frames"]], found.stderr


class LiveCase(Case):
    """One box and one camera with a key frame every four seconds and G.711 sound."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=4, sub="320x180", audio="pcma")
        cls.made = cls.class_box()
        cls.made.claim()
        cls.channel = cls.made.add_camera(cls.cameras.cameras[0])
        cls.made.await_past(1, cls.channel)

    def begin(self, **body):
        """Begin a live session."""
        return self.made.call("POST", f"/channels/{self.channel['id']}/live", body)

    def watch(self, session, **more):
        """Fetch its pictures."""
        return self.kept(Viewer(self.made.client, session, **more))


class Live(LiveCase):
    """Watching."""

    def test_picture_at_once(self):
        """A viewer gets a picture that can be decoded without waiting for the next key frame, and then all that follow."""
        viewer = self.watch(self.begin(stream="main"))
        self.assertEqual(viewer.status, 200)
        self.assertRegex(viewer.type, r'^video/mp4; codecs="avc1\.[0-9a-f]{6}(, mp4a\.40\.2)?"$')
        viewer.await_bytes(1)
        wait_for(lambda: len(pictures(viewer.data, self.folder())[0]) >= 30, 20, "thirty pictures", 0.2)
        times, errors = pictures(viewer.data, self.folder())
        self.assertEqual(errors, "")
        self.assertEqual(times, sorted(set(times)))
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 0.5)

    def test_who_watches_is_known(self):
        """The list of those who watch tells person, channel, stream, way and bytes; ending a session ends its pictures."""
        session = self.begin(stream="sub")
        self.assertEqual((session["stream"], session["streams"]), ("sub", ["main", "sub"]))
        self.assertTrue(session["local"])
        self.assertIsNone(session["endsAt"])
        viewer = self.watch(session)
        viewer.await_bytes(1000)
        mine = wait_for(lambda: next((one for one in self.made.get("/live")["items"] if one["id"] == session["id"] and one["bytes"]), None),
                        10, "the session in the list")
        self.assertEqual((mine["way"], mine["channelName"], mine["missedPictures"]), ("mp4", self.channel["name"], 0))
        self.assertNotIn("token", mine)
        self.made.call("DELETE", f"/live/{session['id']}")
        self.assertTrue(viewer.over.wait(5), "the pictures go on")
        self.assertNotIn(session["id"], [one["id"] for one in self.made.get("/live")["items"]])
        again = self.watch(session)
        self.assertEqual(again.status, 403)

    def test_tokens(self):
        """Forged tokens and none get nothing."""
        for token in ("", "x", "A" * 43, "../../etc/passwd"):
            answer = self.made.client.request("GET", f"/live/stream.mp4?token={token}", token=None)
            self.assertEqual((answer.status, answer.problem().slug), (403, "live-over"))

    def test_ends_with_the_sign_in(self):
        """Whoever is signed out sees nothing more within five seconds."""
        other = self.sign_in()
        session = self.made.call("POST", f"/channels/{self.channel['id']}/live", {}, token=other)
        viewer = self.watch(session)
        viewer.await_bytes(1000)
        self.made.call("DELETE", "/session", token=other)
        self.assertTrue(viewer.over.wait(5), "the pictures go on")

    def sign_in(self):
        """Another sign-in of the administrator."""
        return self.made.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]

    def test_far_viewers_have_a_limit(self):
        """Whoever comes through a proxy is not in the house: five minutes, which can be continued."""
        headers = {"X-Forwarded-For": "203.0.113.7"}
        session = self.made.call("POST", f"/channels/{self.channel['id']}/live", {}, headers=headers)
        self.assertFalse(session["local"])
        first = session["endsAt"]
        self.assertIsNotNone(first)
        prolonged = self.made.call("POST", f"/live/{session['id']}/continue")
        self.assertGreaterEqual(prolonged["endsAt"], first)
        self.made.call("DELETE", f"/live/{session['id']}")
        with self.assertRaises(Problem) as caught:
            self.made.call("POST", f"/live/{session['id']}/continue")
        self.assertEqual(caught.exception.status, 404)


class CameraComesBack(LiveCase):
    """The camera goes away while somebody watches."""

    def test_viewer_goes_on(self):
        """The same request shows the camera again after it was away, on one rising time line."""
        viewer = self.watch(self.begin(stream="main"))
        viewer.await_bytes(10_000)
        camera = self.cameras.cameras[0]
        camera.fault("stop")
        self.made.await_state(self.channel, ("refused", "unreachable", "lost"))
        had = len(viewer.data)
        camera.fault("none")
        viewer.await_bytes(had + 50_000, 60)
        self.assertFalse(viewer.over.is_set())
        wait_for(lambda: len(pictures(viewer.data, self.folder())[0]) >= 40, 30, "forty pictures", 0.5)
        times, _ = pictures(viewer.data, self.folder())
        self.assertEqual(times, sorted(set(times)))
