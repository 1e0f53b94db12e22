"""Live view: the picture is there at once, whoever watches is known, and it ends when it must."""

import contextlib
import http.client
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from box import PASSWORD, USER
from case import Case
from client import Problem
from footage import is_jpeg, moment
from waiting import wait_for


class Viewer:
    """Fetches a live stream in a thread, as a player does."""

    def __init__(self, client, session, headers=None):
        self.data, self.first, self.over = bytearray(), None, threading.Event()
        self.began = time.monotonic()
        self.connection = client.connect(timeout=60)
        self.connection.request("GET", session["mp4Url"], headers=headers or {})
        self.socket = self.connection.sock
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
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def whole_boxes(data):
    """A live stream up to the end of its last whole box; what comes may end anywhere."""
    data, end = bytes(data), 0
    while end + 8 <= len(data):
        size = int.from_bytes(data[end:end + 4], "big")
        if size < 8:
            raise AssertionError(f"a box of {size} bytes at {end}")
        if end + size > len(data):
            break
        end += size
    return data[:end]


def pictures(data, folder):
    """The times of the pictures in a piece of a live stream that can be decoded, by ffmpeg's own tools."""
    path = os.path.join(folder, "live.mp4")
    with open(path, "wb") as file:
        file.write(whole_boxes(data))
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
        self.assertEqual((session["stream"], session["streams"]), ("sub", ["main", "sub", "converted"]))
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
        for way in ("stream.mp4", "stream.mjpeg", "hls/index.m3u8", "hls/segment-1.m4s"):
            for token in ("", "x", "A" * 43, "../../etc/passwd"):
                answer = self.made.client.request("GET", f"/live/{way}?token={token}", token=None)
                self.assertEqual((way, answer.status, answer.problem().slug), (way, 403, "live-over"))

    def test_what_began_at_the_site_stays_there(self):
        """A view from within the house has no limit: its token is nothing to whoever comes through a proxy or the router."""
        token = self.begin(stream="main")["mp4Url"].partition("token=")[2]
        for way in ("stream.mp4", "stream.mjpeg", "hls/index.m3u8"):
            answer = self.made.client.request("GET", f"/live/{way}?token={token}", token=None, headers={"X-Forwarded-For": "203.0.113.7"})
            self.assertEqual((way, answer.status, answer.problem().slug), (way, 403, "live-over"))
        answer = self.made.client.request("POST", f"/live/whep?token={token}", b"v=0\r\n", {"Content-Type": "application/sdp", "X-Forwarded-For": "203.0.113.7"},
                                          token=None)
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
        self.assertEqual(round(moment(session["endsAt"]) - moment(session["startedAt"])), 300)
        self.made.call("PATCH", "/system", {"liveLimitMinutes": 60})
        prolonged = self.made.call("POST", f"/live/{session['id']}/continue")
        self.assertGreater(moment(prolonged["endsAt"]) - moment(session["endsAt"]), 3000)
        self.made.call("PATCH", "/system", {"liveLimitMinutes": None})
        self.assertIsNone(self.made.call("POST", f"/live/{session['id']}/continue")["endsAt"])
        self.made.call("PATCH", "/system", {"liveLimitMinutes": 5})
        # A site's own limit wins.
        site = self.made.get("/sites")["items"][0]["id"]
        for minutes, seconds in ((30, 1800), (0, None), (None, 300)):
            self.made.call("PATCH", f"/sites/{site}", {"liveLimitMinutes": minutes})
            one = self.made.call("POST", f"/channels/{self.channel['id']}/live", {}, headers=headers)
            self.assertEqual(one["endsAt"] and round(moment(one["endsAt"]) - moment(one["startedAt"])), seconds)
            self.made.call("DELETE", f"/live/{one['id']}")
        self.made.call("DELETE", f"/live/{session['id']}")
        with self.assertRaises(Problem) as caught:
            self.made.call("POST", f"/live/{session['id']}/continue")
        self.assertEqual(caught.exception.status, 404)


class SubStream(LiveCase):
    """A sub stream that nobody needs is closed."""

    def test_opened_when_wanted(self):
        """It is closed a while after the last who wanted it, opened for a viewer, and what it sends stays known."""
        clients = lambda: self.cameras.state()["cameras"][0]["clients"]  # noqa: E731
        wait_for(lambda: clients() == 1, 60, lambda: f"the sub stream to be closed; {clients()} streams are open", 0.2)
        self.assertEqual([one["role"] for one in self.made.channel(self.channel)["streams"]], ["main", "sub"])
        self.assertEqual(self.made.channel(self.channel)["state"]["code"], "ok")
        viewer = self.watch(self.begin(stream="sub"))
        viewer.await_bytes(20_000)
        self.assertEqual(clients(), 2)
        viewer.close()
        wait_for(lambda: clients() == 1, 90, lambda: f"the sub stream to be closed again; {clients()} streams are open", 0.2)


class OldClients(LiveCase):
    """Those that show pictures, one after another, and nothing else."""

    @classmethod
    def setUpClass(cls):
        """A camera whose next key frame is far away."""
        cls.cameras = cls.class_simulator(size="640x360", rate=15, bitrate=500, key_interval=60, no_sub=True)
        cls.made = cls.class_box()
        cls.made.claim()
        cls.channel = cls.made.add_camera(cls.cameras.cameras[0], sub=False)
        cls.made.await_past(1, cls.channel)

    def test_the_last_key_frame_at_once(self):
        """Pictures by MJPEG begin with the last key frame, not with the next one, a minute later."""
        viewer = self.watch({"mp4Url": self.begin()["mjpegUrl"]})
        self.assertRegex(viewer.type, "^multipart/x-mixed-replace; ?boundary=")
        boundary = b"--" + viewer.type.partition("boundary=")[2].strip('"').encode()

        def first():
            head, _, body = bytes(viewer.data).partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            return (head, body[:int(length[1])]) if length and len(body) >= int(length[1]) else None
        head, picture = wait_for(first, 20, lambda: f"a whole picture; {len(viewer.data)} bytes came", 0.05)
        self.assertIn(boundary, head)
        self.assertIn(b"image/jpeg", head.lower())
        self.assertTrue(is_jpeg(picture))
        self.assertFalse(viewer.over.is_set())


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


class CameraIsChanged(LiveCase):
    """Somebody sets the camera otherwise while it is watched."""

    def setUp(self):
        self.addCleanup(self.as_before)

    def as_before(self):
        """The camera is set as it was, and the box has noticed."""
        self.cameras.heal()
        is_back = lambda: [(one["codec"], one["width"]) for one in self.made.channel(self.channel)["streams"]][:1] == [("h264", 640)]  # noqa: E731
        wait_for(is_back, 30, lambda: f"the camera as it was: {self.made.channel(self.channel)['streams']}", 0.2)

    def widths(self, viewer):
        """The widths of the pictures that came, in their order."""
        path = os.path.join(self.folder(), "live.mp4")
        with open(path, "wb") as file:
            file.write(whole_boxes(viewer.data))
        found = subprocess.run(["ffprobe", "-v", "quiet", "-select_streams", "v", "-show_entries", "frame=width", "-of", "csv=p=0", path],
                               capture_output=True, text=True, check=True)
        return [width for width, _ in itertools.groupby(found.stdout.split())]

    def test_another_size(self):
        """The same request goes on with pictures of the new size."""
        viewer = self.watch(self.begin(stream="main"))
        viewer.await_bytes(10_000)
        self.cameras.cameras[0].fault("resolution", size="480x270")
        wait_for(lambda: self.widths(viewer) == ["640", "480"], 30, lambda: f"pictures of both sizes, not {self.widths(viewer)}", 0.5)
        self.assertFalse(viewer.over.is_set(), "the pictures ended")

    def test_another_codec(self):
        """The request ends, for a player cannot go on with it; the next one begins with what there is now."""
        viewer = self.watch(self.begin(stream="main"))
        viewer.await_bytes(10_000)
        self.assertIn("avc1", viewer.type)
        self.cameras.cameras[0].fault("codec", value="h265")
        self.assertTrue(viewer.over.wait(30), "the pictures go on")
        again = self.watch(self.begin(stream="main"))
        self.assertIn("hvc1", again.type)
        again.await_bytes(10_000)


class VLC(LiveCase):
    """VLC, which does not run as root."""

    def test_plays(self):
        """It plays the live MP4 over HTTP."""
        if not shutil.which("cvlc"):
            self.skipTest("needs Debian's vlc-bin and vlc-plugin-base")
        folder = self.folder()
        os.chmod(folder, 0o777)
        path = os.path.join(folder, "seen.ts")
        command = ["cvlc", "-v", "--no-audio", self.made.client.base + self.begin(stream="main")["mp4Url"],
                   "--sout", f"#std{{access=file,mux=ts,dst={path}}}", "--run-time=6", "vlc://quit"]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
        found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "HOME": folder})
        self.assertEqual(found.returncode, 0, found.stderr)
        seen = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-count_packets", "-show_entries", "stream=codec_name,nb_read_packets",
                               "-of", "csv=p=0", path], capture_output=True, text=True, check=True).stdout.split(",")
        self.assertEqual(seen[0], "h264", found.stderr)
        self.assertGreater(int(seen[1].split()[0]), 45)


class Converted(Case):
    """Cameras of H.265, and viewers who play H.264 alone."""

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(cameras=2, size="640x360", rate=15, bitrate=500, key_interval=2, codec="h265", no_sub=True, audio="pcma")
        cls.made = cls.class_box()
        cls.made.claim()
        cls.channels = [cls.made.add_camera(camera) for camera in cls.cameras.cameras]
        cls.made.await_past(1, cls.channels[0])

    def begin(self, channel):
        """A live view of the converted stream."""
        return self.made.call("POST", f"/channels/{channel['id']}/live", {"stream": "converted"})

    def test_last_way(self):
        """The stream comes as H.264 with sound, on over the camera's absence; more than the box has power for is refused with the reason."""
        session = self.begin(self.channels[0])
        self.assertEqual((session["stream"], session["streams"]), ("converted", ["main", "converted"]))
        viewer = self.kept(Viewer(self.made.client, session))
        self.assertEqual(viewer.status, 200)
        self.assertIn("avc1", viewer.type)
        viewer.await_bytes(200_000)
        with self.assertRaises(Problem) as caught:
            self.made.client.call("GET", self.begin(self.channels[1])["mp4Url"].removeprefix("/api/v1"))
        self.assertEqual((caught.exception.status, caught.exception.slug), (503, "no-picture"))
        self.assertIn("converts", caught.exception.detail)
        camera = self.cameras.cameras[0]
        camera.fault("stop")
        self.made.await_state(self.channels[0], ("refused", "unreachable", "lost"))
        camera.fault("none")
        viewer.await_bytes(len(viewer.data) + 200_000, 60)
        data = bytes(viewer.data)
        times, complaints = pictures(data, self.folder())
        self.assertEqual(complaints, "")
        self.assertGreater(len(times), 60)
        self.assertEqual(times, sorted(times))
        found = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", "-"], input=data,
                               capture_output=True, check=True)
        self.assertEqual(sorted(found.stdout.decode().split()), ["aac", "h264"])
