"""Live view by WebRTC: pictures at once, over losses and over a relay, for those who may and no longer than they may."""

import contextlib
import os
import re
import signal
import subprocess
import time

from case import Case
from client import Problem
from ports import free_port
from waiting import descendants, wait_for
from whep_client import Viewer, without

AFAR = {"X-Forwarded-For": "203.0.113.7"}
SECRET = "Harbour-Lamp-2026"


class WHEPCase(Case):
    """One box and one camera with a key frame every four seconds and G.711 sound."""

    CAMERA = {"size": "640x360", "rate": 15, "bitrate": 500, "key_interval": 4, "sub": "320x180", "audio": "pcma"}
    BOX = {}

    @classmethod
    def setUpClass(cls):
        cls.cameras = cls.class_simulator(**cls.CAMERA)
        cls.made = cls.class_box(**cls.BOX)
        cls.made.claim()
        cls.channel = cls.made.add_camera(cls.cameras.cameras[0])
        cls.made.await_past(1, cls.channel)

    def begin(self, headers=None, **body):
        """Begin a live view."""
        return self.made.call("POST", f"/channels/{self.channel['id']}/live", body, headers=headers or {})

    def watch(self, session=None, **more):
        """Watch it by WebRTC."""
        return self.kept(Viewer(self.made.client, session or self.begin(stream="main"), **more))

    def views(self):
        """Who watches, by identifier."""
        return {one["id"]: one for one in self.made.get("/live")["items"]}

    def sockets(self):
        """Open descriptors of the box that are sockets of datagrams."""
        with open(f"/proc/{self.made.pid}/net/udp") as udp, open(f"/proc/{self.made.pid}/net/udp6") as udp6:
            inodes = {line.split()[9] for line in (*udp.readlines()[1:], *udp6.readlines()[1:])}
        found = 0
        for name in os.listdir(f"/proc/{self.made.pid}/fd"):
            with contextlib.suppress(OSError):
                found += os.readlink(f"/proc/{self.made.pid}/fd/{name}")[8:-1] in inodes
        return found


class Watching(WHEPCase):
    """Pictures and sound."""

    def test_picture_and_sound(self):
        """Pictures and sound are decoded at once, without waiting for the next key frame, and follow the camera's pace."""
        viewer = self.watch()
        self.assertEqual(viewer.status, 201, getattr(viewer, "problem", None))
        viewer.await_pictures(90)
        self.assertLess(viewer.arrivals[0], 2.5)
        self.assertEqual(set(viewer.sizes), {(640, 360)})
        self.assertEqual(viewer.times, sorted(set(viewer.times)))
        # What is seen is live: from the burst at the beginning on, time goes on as the clock does.
        late = viewer.times[60:]
        self.assertAlmostEqual(late[-1] - late[0], (len(late) - 1) / 15, delta=0.3)
        wait_for(lambda: viewer.sounds >= 50, 10, lambda: f"sound; {viewer.sounds} frames came", 0.05)
        mine = self.views()[viewer.session["id"]]
        self.assertEqual((mine["way"], mine["missedPictures"]), ("webrtc", 0))
        self.assertGreater(mine["bytes"], 50_000)

    def test_lost_picture(self):
        """A viewer that has lost the picture gets a key frame from the buffer at once, with what came since."""
        viewer = self.watch(sound=False)
        viewer.await_pictures(40)
        for _ in range(3):
            before, asked = len(viewer.times), time.monotonic() - viewer.began
            viewer.lose_picture()
            # More pictures than the camera makes in that time: those since the key frame come again.
            wait_for(lambda: sum(arrival - asked < 1 for arrival in viewer.arrivals[before:]) > 17 or len(viewer.times) - before > 30, 10,
                     lambda: f"the pictures since the key frame; {len(viewer.times) - before} came", 0.02)
        self.assertEqual(viewer.times, sorted(set(viewer.times)))

    def test_losses(self):
        """With every twentieth packet lost the picture goes on: what is lost comes again, and nothing stands."""
        viewer = self.watch(lose=0.05, sound=False)
        viewer.await_pictures(300, 60)
        self.assertGreater(viewer.lost, 20)
        gaps = [after - before for before, after in zip(viewer.arrivals[30:], viewer.arrivals[31:])]
        self.assertLess(max(gaps), 0.7)

    def test_trickle(self):
        """Candidates that come later are taken; a viewer that says nothing of itself at first is found."""
        offers = []

        def keep(offer):
            offers.append(offer)
            return without(offer, lambda line: line.startswith("a=candidate"))

        viewer = self.watch(before=keep, sound=False)
        fragment = re.search("a=ice-ufrag:.*", offers[0]).group().strip()
        candidates = [line for line in offers[0].split("\r\n") if line.startswith("a=candidate")]
        body = "\r\n".join([fragment, "m=video 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", *candidates, "a=end-of-candidates", ""]).encode()
        path = viewer.location.removeprefix("/api/v1")
        kind = {"Content-Type": "application/trickle-ice-sdpfrag"}
        patch = lambda body, **headers: self.made.client.request("PATCH", path, body, {**kind, **headers}, token=None)
        self.assertEqual(patch(body, **{"If-Match": viewer.tag}).status, 204)
        self.assertEqual(patch(body, **{"If-Match": '"other"'}).problem().status, 412)
        self.assertEqual(patch(b"a=ice-ufrag:other\r\n").problem().slug, "no-restart")
        self.assertEqual(patch(b"junk").problem().status, 400)
        self.assertEqual(self.made.client.request("PATCH", path, b"{}", token=None).problem().status, 415)
        viewer.await_pictures(20)

    def test_camera_restarts(self):
        """The camera goes away and comes back: the same session goes on, and times rise."""
        viewer = self.watch(sound=False)
        viewer.await_pictures(20)
        camera = self.cameras.cameras[0]
        camera.fault("stop")
        self.made.await_state(self.channel, ("refused", "unreachable", "lost"))
        before = len(viewer.times)
        camera.fault("none")
        wait_for(lambda: len(viewer.times) > before + 20, 40, "pictures after the break", 0.05)
        self.assertEqual(viewer.times, sorted(set(viewer.times)))
        self.assertFalse(viewer.is_over)


class GStreamer(WHEPCase):
    """GStreamer's webrtcbin, at a box with all of its addresses: it takes none of loopback."""

    BOX = {"http.address": "0.0.0.0"}

    def test_pictures(self):
        """The pictures are decoded."""
        session = self.begin(stream="main")
        program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "gstreamer_whep.py")
        done = subprocess.run(["/usr/bin/python3", program, self.made.client.base + session["whepUrl"], "60"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(int(done.stdout or 0), 60, done.stderr)


class Permission(WHEPCase):
    """Who may watch, and how long."""

    def test_ends_with_the_view(self):
        """A view that is ended ends the session within five seconds, and its address is gone."""
        viewer = self.watch()
        viewer.await_pictures(10)
        self.made.call("DELETE", f"/live/{viewer.session['id']}")
        wait_for(lambda: viewer.is_over, 5, lambda: f"the end; {viewer.state}", 0.05)
        self.assertEqual(self.made.client.request("DELETE", viewer.location.removeprefix("/api/v1"), token=None).problem().status, 403)

    def test_ends_with_its_time(self):
        """A viewer from afar sees nothing more when his time is over, and his token is good for nothing any more."""
        self.made.call("PATCH", "/system", {"liveLimitMinutes": 1})
        self.addCleanup(self.made.call, "PATCH", "/system", {"liveLimitMinutes": 5})
        viewer = self.watch(self.begin(headers=AFAR, stream="sub"), sound=False)
        viewer.await_pictures(10)
        wait_for(lambda: viewer.is_over, 70, lambda: f"the end; {viewer.state}", 0.2)
        self.assertGreater(time.monotonic() - viewer.began, 55)
        answer = self.made.client.request("POST", viewer.session["whepUrl"].removeprefix("/api/v1"), viewer.offer.encode(), {"Content-Type": "application/sdp"}, token=None)
        self.assertEqual((answer.status, answer.problem().slug), (403, "live-over"))

    def test_ends_with_the_sign_in(self):
        """Whoever is signed out sees nothing more within five seconds."""
        from box import PASSWORD, USER  # pylint: disable=import-outside-toplevel
        other = self.made.call("POST", "/session", {"userName": USER, "password": PASSWORD}, token=None)["token"]
        viewer = self.watch(self.made.call("POST", f"/channels/{self.channel['id']}/live", {}, token=other))
        viewer.await_pictures(10)
        self.made.call("DELETE", "/session", token=other)
        wait_for(lambda: viewer.is_over, 5, lambda: f"the end; {viewer.state}", 0.05)

    def test_leaving(self):
        """DELETE ends the session, the view itself goes on and can be watched again; sockets are closed."""
        session = self.begin(stream="sub")
        viewer = self.watch(session)
        viewer.await_pictures(5)
        self.assertGreater(self.sockets(), 0)
        path = viewer.location.removeprefix("/api/v1")
        self.assertEqual(self.made.client.request("DELETE", path, token=None).status, 200)
        wait_for(lambda: viewer.is_over, 5, lambda: f"the end; {viewer.state}", 0.05)
        wait_for(lambda: self.made.client.request("DELETE", path, token=None).status == 404, 5, "the address to be gone")
        again = self.watch(session)
        again.await_pictures(5)

    def test_one_session_a_view(self):
        """Whoever offers again for the same view gets another session, and the first ends."""
        session = self.begin(stream="main")
        first = self.watch(session, sound=False)
        first.await_pictures(5)
        second = self.watch(session, sound=False)
        wait_for(lambda: first.is_over, 5, lambda: f"the end of the first; {first.state}", 0.05)
        second.await_pictures(5)

    def test_tokens(self):
        """Forged tokens and those of other views get nothing, whichever way they are said."""
        offer = b"v=0\r\n"
        kind = {"Content-Type": "application/sdp"}
        for token in ("", "x", "A" * 43):
            answer = self.made.client.request("POST", f"/live/whep?token={token}", offer, kind, token=None)
            self.assertEqual((token, answer.problem().slug), (token, "live-over"))
            answer = self.made.client.request("POST", "/live/whep", offer, {**kind, "Authorization": f"Bearer {token}"}, token=None)
            self.assertEqual((token, answer.problem().slug), (token, "live-over"))
        viewer = self.watch()
        stranger = self.begin(stream="main")
        place = viewer.location.removeprefix("/api/v1").split("?")[0]
        for token, status in ((stranger["token"], 404), ("x", 403)):
            self.assertEqual(self.made.client.request("DELETE", f"{place}?token={token}", token=None).problem().status, status)
        viewer.await_pictures(5)
        # A sign-in is no permission to watch.
        self.assertEqual(self.made.client.request("POST", "/live/whep", offer, kind).problem().status, 403)

    def test_bearer(self):
        """The token goes by the header as well."""
        session = self.begin(stream="main")
        viewer = self.watch({**session, "whepUrl": "/api/v1/live/whep"}, headers={"Authorization": f"Bearer {session['token']}"})
        self.assertNotIn("token", viewer.location)
        viewer.await_pictures(5)

    def test_bad_offers(self):
        """What is no offer, or offers nothing that the camera sends, is refused with a sentence."""
        session = self.begin(stream="main")
        path = session["whepUrl"].removeprefix("/api/v1")
        post = lambda body, kind="application/sdp": self.made.client.request("POST", path, body, {"Content-Type": kind}, token=None).problem()
        for body in (b"", b"junk", b"\xff\xfe", b"v=0\r\n", b"v=0\r\nm=video 9 X\r\n", b"v=0\r\n" + b"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 100):
            self.assertEqual((body[:20], post(body).status), (body[:20], 400))
        self.assertEqual(post(b"v=0\r\n" + b"a=x\r\n" * 20_000).status, 413)
        self.assertEqual(post(b"{}", "application/json").status, 415)
        refused = self.watch(before=lambda offer: offer.replace("H264/90000", "VP9/90000"))
        self.assertEqual((refused.status, refused.problem.slug), (406, "not-playable"))
        self.assertIn("H.264", refused.problem.detail)

    def test_vanished(self):
        """Whoever goes without a word is noticed, and nothing of him stays open."""
        wait_for(lambda: self.sockets() == 0, 40, lambda: f"nobody else to watch; {self.sockets()} sockets are open", 0.2)
        viewer = self.watch(sound=False)
        viewer.await_pictures(10)
        self.assertGreater(self.sockets(), 0)
        viewer.vanish()
        path = viewer.location.removeprefix("/api/v1")
        wait_for(lambda: self.sockets() == 0, 40, lambda: f"the sockets to be closed; {self.sockets()} are open", 0.5)
        self.assertEqual(self.made.client.request("DELETE", path, token=None).status, 404)

    def test_offers_without_a_viewer(self):
        """Offers that nobody stands behind hold nothing for long, and no more of them than fit."""
        offer = self.watch().offer.encode()
        idle = self.sockets()
        post = lambda: self.made.client.request(
            "POST", self.begin(stream="main")["whepUrl"].removeprefix("/api/v1"), offer, {"Content-Type": "application/sdp"}, token=None).status
        statuses = [post() for _ in range(70)]
        self.assertEqual(sorted(set(statuses)), [201, 503])
        self.assertLessEqual(statuses.count(201), 64)
        wait_for(lambda: self.sockets() <= idle, 40, lambda: f"the sockets to be closed; {self.sockets()} are open, {idle} were before", 0.5)


class Relay(WHEPCase):
    """A way for viewers that cannot reach the box."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.turn = free_port()

    def server(self, *more):
        """A TURN server on this machine."""
        command = ["turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", str(self.turn), "--realm", "gatehouse",
                   "--allow-loopback-peers", "--no-stdout-log", "-l", os.path.join(self.folder(), "turn"), "--simple-log", "--pidfile",
                   os.path.join(self.folder(), "pid"), *more]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        return process

    def by_relay(self):
        """A viewer from afar that hears nothing but the relay."""
        session = self.begin(headers=AFAR, stream="main")
        viewer = wait_for(lambda: self.relayed(session), 20, "the relay's address in the answer", 0.5)
        viewer.await_pictures(30)
        return viewer

    def relayed(self, session):
        """A viewer, or None where the answer names no relay (yet)."""
        viewer = Viewer(self.made.client, session, relayed=True, sound=False)
        if " typ relay" in viewer.answer:
            return self.kept(viewer)
        viewer.close()
        return None

    def test_relay_with_a_password(self):
        """Pictures by a TURN server alone; its password stays in the box."""
        self.server("--user", f"box:{SECRET}", "--lt-cred-mech")
        set_ = self.made.call("PUT", "/relay/ice", {"turnUrl": f"turn:127.0.0.1:{self.turn}", "userName": "box", "credential": SECRET,
                                                    "credentialKind": "password"})
        self.assertEqual((set_["turnUrl"], set_["hasCredential"]), (f"turn:127.0.0.1:{self.turn}?transport=udp", True))
        self.assertNotIn("credential", set_)
        viewer = self.by_relay()
        self.assertNotIn("turn:", viewer.links or "")
        for folder, _, files in os.walk(self.made.state):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(SECRET.encode(), file.read(), name)
        self.assertNotIn(SECRET, self.made.log())
        # Whoever is in the house does without.
        self.assertNotIn(" typ relay", self.watch(sound=False).answer)

    def test_relay_with_a_secret(self):
        """Of a shared secret a name and a password for a while are made; viewers are told those."""
        self.server("--use-auth-secret", "--static-auth-secret", SECRET)
        self.made.call("PUT", "/relay/ice", {"stunUrl": f"stun:127.0.0.1:{self.turn}", "turnUrl": f"turn:127.0.0.1:{self.turn}?transport=udp",
                                             "credential": SECRET, "credentialKind": "secret", "userName": None})
        viewer = self.by_relay()
        self.assertRegex(viewer.links, rf'<turn:127\.0\.0\.1:{self.turn}\?transport=udp>; rel="ice-server"; username="\d+:gatehouse"; credential="[^"]+"')
        self.assertNotIn(SECRET, viewer.links)

    def test_settings(self):
        """What does not fit together is refused."""
        self.made.call("PUT", "/relay/ice", {"stunUrl": None, "turnUrl": None, "userName": None, "credential": None, "credentialKind": "password"})
        for body, field in (({"turnUrl": "turn:example.com"}, "/credential"), ({"turnUrl": "turn:example.com", "credential": "x"}, "/userName"),
                            ({"turnUrl": "stun:example.com"}, "/turnUrl"), ({"stunUrl": "http://example.com"}, "/stunUrl"),
                            ({"stunUrl": "stun:a b"}, "/stunUrl"), ({"stunUrl": "stun:a:0"}, "/stunUrl"), ({"firstPort": 50000}, "/lastPort"),
                            ({"firstPort": 50000, "lastPort": 40000}, "/lastPort"), ({"userName": 'a"b'}, "/userName")):
            with self.assertRaises(Problem) as caught:
                self.made.call("PUT", "/relay/ice", body)
            self.assertEqual((caught.exception.status, field in caught.exception.fields), (422, True), body)
        first = free_port()
        self.made.call("PUT", "/relay/ice", {"firstPort": first, "lastPort": min(65_535, first + 20)})
        viewer = self.watch(sound=False)
        ports = [int(port) for port in re.findall(r"a=candidate:\S+ 1 \S+ \d+ \S+ (\d+)", viewer.answer)]
        self.assertTrue(ports and all(first <= port <= first + 20 for port in ports), ports)
        viewer.await_pictures(5)
        self.made.call("PUT", "/relay/ice", {"firstPort": None, "lastPort": None})


class H265(WHEPCase):
    """A camera of H.265."""

    CAMERA = {"size": "640x360", "rate": 15, "bitrate": 500, "key_interval": 2, "codec": "h265", "sub": "320x180"}

    def test_sub_stream(self):
        """A viewer that does not play H.265 gets the sub stream, which is H.264."""
        viewer = self.watch(sound=False)
        viewer.await_pictures(10)
        self.assertEqual(set(viewer.sizes), {(320, 180)})


class AAC(WHEPCase):
    """A camera of H.264 with AAC, whose sound becomes Opus."""

    CAMERA = {"size": "640x360", "rate": 15, "bitrate": 500, "key_interval": 4, "sub": "320x180", "audio": "aac"}

    def test_sound(self):
        """Sound is heard beside the picture, made by one worker for all viewers; it ends with the last of them, and a killed one is replaced."""
        before = set(descendants(self.made.pid))
        viewers = [self.watch(), self.watch()]
        for viewer in viewers:
            self.assertIn("opus/48000/2", viewer.answer)
            viewer.await_pictures(60)
            self.assertLess(viewer.arrivals[0], 2.5)
            wait_for(lambda viewer=viewer: viewer.sounds >= 100, 10, lambda viewer=viewer: f"sound; {viewer.sounds} frames came", 0.05)
            self.assertGreater(viewer.loudest, 50)  # of 32,767: the camera hears little; silence is 0
        workers = set(descendants(self.made.pid)) - before
        self.assertEqual(len(workers), 1)
        os.kill(next(iter(workers)), signal.SIGKILL)
        pictures, sounds = (getattr(viewers[0], name) for name in ("times", "sounds"))
        seen = len(pictures)
        viewers[0].await_pictures(seen + 30)
        wait_for(lambda: viewers[0].sounds >= sounds + 100, 20, "sound by another worker", 0.05)
        for viewer in viewers:
            viewer.close()
        wait_for(lambda: not set(descendants(self.made.pid)) - before, 60, "the worker to end", 0.5)


class H265Alone(WHEPCase):
    """A camera of H.265 without another stream."""

    CAMERA = {"size": "640x360", "rate": 15, "bitrate": 500, "key_interval": 2, "codec": "h265", "no_sub": True}

    def test_strict(self):
        """A viewer that does not play H.265 and wants nothing else is told so."""
        session = self.begin(stream="main")
        viewer = self.watch({**session, "whepUrl": session["whepUrl"] + "&strict=1"})
        self.assertEqual((viewer.status, viewer.problem.slug), (406, "not-playable"))
        self.assertIn("H.265", viewer.problem.detail)

    def test_converted(self):
        """Otherwise the box converts the stream, as the last way, and nothing of it is left when nobody watches any more."""
        before = set(descendants(self.made.pid))
        viewer = self.watch(sound=False)
        viewer.await_pictures(20)
        self.assertEqual(set(viewer.sizes), {(640, 360)})
        self.assertEqual([one["stream"] for one in self.views().values()], ["converted"])
        workers = set(descendants(self.made.pid)) - before
        self.assertEqual(len(workers), 1)
        viewer.close()
        wait_for(lambda: not workers & set(descendants(self.made.pid)), 60, "the worker to end", 0.5)
